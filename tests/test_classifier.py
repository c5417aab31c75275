"""The classifier: scikit-learn's manners around what the command line does, to the bit."""

import copy
import inspect
import io
import json
import os
import pickle
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError as TheirNotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.utils.validation import check_is_fitted

from conftest import ROOT
from nnscratch import DigitClassifier
from nnscratch.config import TrainConfig, as_dict
from nnscratch.data.synthetic import draw_digits
from nnscratch.errors import (
    ArrayError,
    ConfigError,
    ModelFileError,
    NoDigitError,
    NotFittedError,
    OutputError,
)
from nnscratch.model_file import load_model
from nnscratch.pictures.framing import deskew
from nnscratch.products import scale_pixels

SMALL = {"epochs": 2, "validation_size": 100, "batch_size": 16, "hidden_size": 8}
THREE = ROOT / "data" / "samples" / "three.png"


@pytest.fixture
def fitted(own_dataset):
    return DigitClassifier(**SMALL).fit(own_dataset.train_images, own_dataset.train_labels)


# ---------------------------------------------------------------------------------------- settings


def test_its_arguments_are_the_settings_with_their_defaults_and_types():
    arguments = inspect.signature(DigitClassifier).parameters.values()
    said = [(each.name, each.annotation, each.default) for each in arguments]
    assert said == [(field.name, field.type, field.default) for field in fields(TrainConfig)]
    assert {each.kind for each in arguments} == {inspect.Parameter.KEYWORD_ONLY}


def test_settings_are_kept_as_they_are_given_and_looked_at_by_fit(own_dataset):
    rate = "fast"
    digits = DigitClassifier(learning_rate=rate)
    assert digits.get_params()["learning_rate"] is rate
    assert digits.get_params() == as_dict(TrainConfig()) | {"learning_rate": rate}
    with pytest.raises(ConfigError, match="learning_rate must be a finite number above 0"):
        digits.fit(own_dataset.train_images, own_dataset.train_labels)


def test_settings_are_changed_by_name():
    digits = DigitClassifier()
    assert digits.set_params(epochs=3, deskew=True) is digits
    assert digits.get_params() == as_dict(TrainConfig(epochs=3, deskew=True))


def test_a_setting_of_no_known_name_is_a_value_error_and_changes_nothing():
    digits = DigitClassifier()
    with pytest.raises(ValueError, match="there is no setting called 'learning_rat'"):
        digits.set_params(epochs=3, learning_rat=0.1)
    assert digits.get_params() == as_dict(TrainConfig())


@pytest.mark.parametrize("given", [{}, {"epochs": 3, "teacher": "pretrained"}, {"deskew": True}])
def test_its_repr_is_what_makes_another_like_it(given):
    text = repr(DigitClassifier(**given))
    assert text == f"DigitClassifier({', '.join(f'{key}={given[key]!r}' for key in given)})"
    assert eval(text).get_params() == DigitClassifier(**given).get_params()


# ---------------------------------------------------------------------------------------- learning


def options(settings):
    names = {"validation_size": "validation", "hidden_size": "hidden", "learning_rate": "lr"}
    for key, value in settings.items():
        flag = f"--{names.get(key, key).replace('_', '-')}"
        yield from [flag] if value is True else [flag, value]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.001, "schedule": "cosine"},
        {"augment": True, "deskew": True, "seed": 3},
        {"teacher": "pretrained"},
        pytest.param({"refuse": True}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_it_learns_to_the_bit_what_the_command_line_learns_with_one_thread_as_that_has(
    more, run, tmp_path, own_data
):
    settings = SMALL | more
    code = (
        "from nnscratch import DigitClassifier, load_dataset\n"
        f"data = load_dataset({str(own_data)!r})\n"
        f"digits = DigitClassifier(**{settings!r})\n"
        "assert digits.fit(data.train_images, data.train_labels) is digits\n"
        "digits.save('python.npz')\n"
        "print(digits.score(data.test_images, data.test_labels))"
    )
    score = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    ).stdout  # fmt: skip
    done = run("train", *options(settings), "--json", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert float(score) == json.loads(done.stdout.splitlines()[-1])["test_accuracy"]
    ours, theirs = (load_model(tmp_path / name) for name in ("python.npz", "model.npz"))
    assert np.array_equal(ours.network.theta, theirs.network.theta)
    assert ours.history == theirs.history
    assert ours.temperature == theirs.temperature
    pictures = draw_digits(np.arange(10), np.random.default_rng(0))
    assert np.array_equal(ours.strangeness(pictures), theirs.strangeness(pictures))


@pytest.mark.mnist
def test_its_accuracy_on_mnist_is_the_command_lines(run, mnist, mnist_dir):
    digits = DigitClassifier(epochs=1).fit(mnist.train_images, mnist.train_labels)
    done = run("train", "--epochs", 1, "--json", data_dir=mnist_dir)
    accuracy = json.loads(done.stdout.splitlines()[-1])["test_accuracy"]
    assert digits.score(mnist.test_images, mnist.test_labels) == accuracy


def test_what_it_has_learned_is_in_attributes_that_end_in_an_underscore(fitted):
    assert fitted.network_ is fitted.model_.network
    assert fitted.network_.hidden.W.shape == (8, 784)
    assert [result.epoch for result in fitted.history_] == [1, 2]
    assert fitted.history_[1].validation_accuracy > 0.3
    assert fitted.classes_.tolist() == list(range(10))
    assert fitted.n_features_in_ == 784
    assert (fitted.model_.dataset, fitted.model_.test) == ("arrays", None)


def test_nothing_is_learned_before_fit(tmp_path):
    digits, images = DigitClassifier(), np.zeros((1, 784))
    for ask in (
        lambda: digits.predict(images),
        lambda: digits.predict(THREE),
        lambda: digits.predict_proba(images),
        lambda: digits.score(images, [0]),
        lambda: digits.save(tmp_path / "model.npz"),
    ):
        with pytest.raises(NotFittedError, match=r"call fit\(images, labels\) first"):
            ask()
    assert list(tmp_path.iterdir()) == []
    assert not [name for name in vars(digits) if name.endswith("_")]


def test_fit_begins_afresh_and_one_that_fails_takes_nothing_away(fitted, own_dataset):
    before = fitted.network_.theta.copy()
    fitted.fit(own_dataset.train_images, own_dataset.train_labels)
    assert np.array_equal(fitted.network_.theta, before)
    with pytest.raises(ArrayError):
        fitted.fit(own_dataset.train_images, own_dataset.train_labels[1:])
    assert np.array_equal(fitted.network_.theta, before)


@pytest.mark.parametrize("form", ["floats", "flat", "lists"])
def test_pictures_of_every_form_are_learned_alike(form, fitted, own_dataset):
    forms = {
        "floats": lambda images: (images / 255).astype(np.float32),
        "flat": lambda images: images.reshape(-1, 784),
        "lists": lambda images: images.tolist(),
    }
    images = forms[form](own_dataset.train_images)
    again = DigitClassifier(**SMALL).fit(images, own_dataset.train_labels.tolist())
    assert np.array_equal(again.network_.theta, fitted.network_.theta)
    tests = forms[form](own_dataset.test_images)
    assert np.array_equal(again.predict(tests), fitted.predict(own_dataset.test_images))


PICTURES, LABELS = np.zeros((200, 28, 28), np.uint8), np.zeros(200, int)
WRONG = {
    "floats above 1": (PICTURES + 255.0, LABELS, "between 0 and 1, and lie between 255 and 255"),
    "NaN": (PICTURES * np.nan, LABELS, "pictures hold NaN"),
    "another shape": (PICTURES[:, :8, :8], LABELS, r"and are \(200, 8, 8\)"),
    "one picture": (PICTURES[0], 3, r"images\[np.newaxis\]"),
    "no picture": (PICTURES[:0], LABELS[:0], "there are no pictures"),
    "texts": (PICTURES.astype(str), LABELS, "should be numbers, and are texts"),
    "objects": (PICTURES.astype(object), LABELS, "should be uint8 or float, and are object"),
    "paths": (["a.png", "b.png"], LABELS[:2], "files are read one at a time"),
    "fewer labels": (PICTURES, LABELS[1:], "there are 200 pictures, but 199 labels"),
    "a label of 10": (PICTURES, LABELS + 10, "labels should be 0 to 9, and go from 10 to 10"),
    "labels of text": (PICTURES, LABELS.astype(str), "labels should be integers, and are <U"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_a_value_error_that_says_what_was_found(case, fitted):
    images, labels, said = WRONG[case]
    for method in (fitted.fit, fitted.score):
        with pytest.raises(ValueError, match=said) as caught:
            method(images, labels)
        assert isinstance(caught.value, ArrayError)
    if "label" not in case:
        for method in (fitted.predict, fitted.predict_proba):
            with pytest.raises(ArrayError, match=said):
                method(images)


# ----------------------------------------------------------------------------------------- answers


def test_it_answers_as_its_model_does(fitted, own_dataset):
    images = own_dataset.test_images
    assert np.array_equal(fitted.predict(images), fitted.model_.predict(images))
    probabilities = fitted.predict_proba(images)
    assert probabilities.shape == (400, 10)
    assert np.array_equal(probabilities.argmax(axis=1), fitted.predict(images))
    right = fitted.predict(images) == own_dataset.test_labels
    assert fitted.score(images, own_dataset.test_labels) == right.mean()


def test_it_deskews_by_itself(own_dataset):
    digits = DigitClassifier(**SMALL, deskew=True)
    digits.fit(own_dataset.train_images, own_dataset.train_labels)
    images = own_dataset.test_images
    upright = digits.network_.predict(scale_pixels(deskew(images)))
    assert np.array_equal(digits.predict(images), upright)
    assert not np.array_equal(digits.network_.predict(scale_pixels(images)), upright)


@pytest.mark.parametrize("form", ["path", "text", "open file", "in memory", "opened by Pillow"])
def test_one_picture_in_a_file_is_answered_with_one_digit(form):
    forms = {
        "path": lambda: THREE,
        "text": lambda: str(THREE),
        "open file": lambda: THREE.open("rb"),
        "in memory": lambda: io.BytesIO(THREE.read_bytes()),
        "opened by Pillow": lambda: Image.open(THREE),
    }
    digits = DigitClassifier.load("pretrained")
    opened = forms[form]()
    try:
        answer = digits.predict(opened)
        if hasattr(opened, "seek"):
            opened.seek(0)
        assert digits.predict_proba(opened).argmax() == 3
    finally:
        if hasattr(opened, "close"):
            opened.close()
    assert type(answer) is int
    assert answer == 3


def test_one_picture_has_the_probabilities_that_the_command_line_says(run):
    said = json.loads(run("predict", THREE, "--json").stdout)
    assert DigitClassifier.load("pretrained").predict_proba(THREE).tolist() == said["probabilities"]


def test_a_picture_without_a_digit_is_refused_by_name(tmp_path):
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    with pytest.raises(NoDigitError) as caught:
        DigitClassifier.load("pretrained").predict(tmp_path / "blank.png")
    assert caught.value.where == str(tmp_path / "blank.png")
    assert "--" not in caught.value.next_step
    assert "model_.read(file, invert=True)" in caught.value.next_step


# ------------------------------------------------------------------------------------------- files


def test_it_is_saved_and_loaded_whole(fitted, tmp_path, own_dataset):
    assert fitted.save(tmp_path / "model.npz") is None
    loaded = DigitClassifier.load(str(tmp_path / "model.npz"))
    assert loaded.get_params() == fitted.get_params()
    assert np.array_equal(loaded.network_.theta, fitted.network_.theta)
    without_times = [{**vars(result), "seconds": None} for result in fitted.history_]
    assert [vars(result) for result in loaded.history_] == without_times
    images = own_dataset.test_images
    assert np.array_equal(loaded.predict_proba(images), fitted.predict_proba(images))


def test_an_earlier_model_is_kept_and_what_is_no_model_is_not_overwritten(fitted, tmp_path):
    path, notes = tmp_path / "model.npz", tmp_path / "notes.txt"
    fitted.save(path)
    first = path.read_bytes()
    assert fitted.save(path) == tmp_path / "model.previous.npz"
    assert (tmp_path / "model.previous.npz").read_bytes() == path.read_bytes() == first
    notes.write_text("mine")
    with pytest.raises(OutputError):
        fitted.save(notes)
    assert notes.read_text() == "mine"
    with pytest.raises(ModelFileError):
        DigitClassifier.load(notes)


@pytest.mark.slow
def test_the_command_line_says_what_a_model_of_arrays_is_measured_on(
    fitted, run, tmp_path, own_data, own_dataset
):
    fitted.save(tmp_path / "model.npz")
    for split in ("test", "train"):
        done = run("evaluate", "model.npz", "--split", split, "--json", data_dir=own_data)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["dataset"] == "custom"
        assert (
            "model.npz learned from arrays, which no folder holds; it is measured on custom"
            in (report["notes"])
        )
    images, labels = own_dataset.train_images, own_dataset.train_labels
    assert report["accuracy"] == fitted.score(images, labels)
    compared = run("compare", "model.npz", "pretrained", data_dir=own_data)
    assert compared.returncode == 0, compared.stderr


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_answers_alike(copied, fitted, own_dataset):
    images = own_dataset.test_images
    assert np.array_equal(copied(fitted).predict(images), fitted.predict(images))


# ------------------------------------------------------------------------------------ scikit-learn


@pytest.fixture(scope="module")
def two_thousand(mnist):
    return mnist.train_images[:2000].reshape(2000, 784), mnist.train_labels[:2000]


def test_a_clone_has_the_settings_and_has_learned_nothing(fitted):
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    check_is_fitted(fitted)
    with pytest.raises(TheirNotFittedError):
        check_is_fitted(copied)


def test_scikit_learn_takes_it_for_a_classifier():
    assert is_classifier(DigitClassifier())


@pytest.mark.mnist
def test_it_is_cross_validated(two_thousand):
    digits = DigitClassifier(epochs=3, validation_size=100)
    scores = cross_val_score(digits, *two_thousand, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.6


@pytest.mark.mnist
def test_its_settings_are_searched_in_a_grid(two_thousand):
    digits = DigitClassifier(epochs=3, validation_size=100)
    search = GridSearchCV(digits, {"learning_rate": [0.0001, 0.1], "hidden_size": [5, 20]}, cv=3)
    search.fit(*two_thousand)
    assert search.best_params_ == {"learning_rate": 0.1, "hidden_size": 20}
    again = DigitClassifier(epochs=3, validation_size=100, **search.best_params_)
    again.fit(*two_thousand)
    assert np.array_equal(search.best_estimator_.network_.theta, again.network_.theta)
    with pytest.raises(ValueError, match="there is no setting called 'learning_rat'"):
        GridSearchCV(digits, {"learning_rat": [0.1]}, cv=3).fit(*two_thousand)


@pytest.mark.mnist
def test_it_stands_at_the_end_of_a_pipeline(two_thousand):
    images, labels = two_thousand
    digits = DigitClassifier(epochs=3, validation_size=100)
    line = make_pipeline(MinMaxScaler(clip=True), digits)
    assert line.fit(images[:1500], labels[:1500]).score(images[1500:], labels[1500:]) > 0.6
    alone = make_pipeline(MinMaxScaler(), digits).fit(images[:1500], labels[:1500])
    with pytest.raises(ArrayError, match=r"MinMaxScaler\(clip=True\)"):  # white where none was
        alone.predict(images[1500:])
    black_and_white = make_pipeline(FunctionTransformer(lambda it: it > 127), digits)
    black_and_white.fit(images[:1500], labels[:1500])
    assert black_and_white.score(images[1500:], labels[1500:]) > 0.6
    line.set_params(digitclassifier__epochs=1)
    assert len(line.fit(images, labels)[-1].history_) == 1


# ----------------------------------------------------------------------------------- what it loads


def said_by(code, **kwargs):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, **kwargs
    )


LEARN = (
    "import sys, numpy as np, nnscratch; "
    "images, labels = np.eye(40, 784), np.arange(40) % 10; "
    "digits = nnscratch.DigitClassifier(epochs=2, batch_size=8, validation_size=10); "
)


def test_learning_and_answering_arrays_load_neither_scikit_learn_nor_rich_nor_pillow():
    done = said_by(f"{LEARN} digits.fit(images, labels).predict(images); print(*sys.modules)")
    assert not {"sklearn", "rich", "PIL", "typer"} & set(done.stdout.split())
    assert done.stderr == ""


def test_with_progress_it_says_how_every_epoch_went():
    done = said_by(f"{LEARN} digits.fit(images, labels, progress=True)")
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["epoch", "1/2", "2/2"]
    assert done.stdout == ""
