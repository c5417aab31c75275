"""Pictures and labels as callers have them: brought into one form, or refused with what was found.

Through this door pass `fit`, `evaluate` and a model's `predict`; that all of them use it is tested
here too.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from nnscratch.arrays import as_images, as_labels
from nnscratch.config import TrainConfig
from nnscratch.errors import ArrayError
from nnscratch.metrics import evaluate
from nnscratch.model import Model
from nnscratch.training import TrainingState, fit

CONFIG = TrainConfig(epochs=1, validation_size=10, batch_size=8)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (50, 28, 28), np.uint8)


@pytest.fixture
def labels(rng):
    return rng.integers(0, 10, 50).astype(np.uint8)


# -------------------------------------------------------------------------------------- pictures


FORMS = {
    "as they are": lambda images: images,
    "flat": lambda images: images.reshape(-1, 784),
    "float32": lambda images: (images / 255).astype(np.float32),
    "float64": lambda images: images / 255,
    "float16": lambda images: (images / 255).astype(np.float16),
    "flat floats": lambda images: images.reshape(-1, 784) / 255,
    "int64": lambda images: images.astype(np.int64),
    "uint16": lambda images: images.astype(np.uint16),
    "lists": lambda images: images.tolist(),
    "lists of floats": lambda images: (images / 255).tolist(),
    "another order": lambda images: np.asfortranarray(images),
}


@pytest.mark.parametrize("form", FORMS)
def test_pictures_of_every_form_are_the_same_grey_levels(form, images):
    levels = as_images(FORMS[form](images))
    assert levels.dtype == np.uint8
    assert np.array_equal(levels, images)


def test_floats_are_rounded_to_the_nearest_level():
    image = np.zeros((1, 784))
    image[0, :3] = 0.4 / 255, 0.6 / 255, 254.6 / 255
    assert as_images(image).reshape(-1)[:3].tolist() == [0, 1, 255]


WRONG_PICTURES = {
    "one picture alone": (np.zeros((28, 28)), r"\(n, 28, 28\) or \(n, 784\), and are \(28, 28\)"),
    "another size": (np.zeros((3, 27, 28)), r"\(3, 27, 28\)"),
    "another length": (np.zeros((3, 783)), r"\(3, 783\)"),
    "a number": (7, r"and are of type int$"),
    "nothing": (None, r"and are of type NoneType$"),
    "a generator": ((row for row in [[0] * 784]), r"of type generator; a list can be made of it"),
    "a sparse array": (
        scipy.sparse.eye(3, 784, format="csr"),
        r"of type csr_matrix; .* toarray\(\)",
    ),
    "a fourth axis": (np.zeros((3, 28, 28, 1)), r"\(3, 28, 28, 1\)"),
    "none": (np.zeros((0, 28, 28)), "there are no pictures"),
    "ragged": ([[1, 2], [3]], "pictures do not make an array"),
    "floats 0 to 255": (np.full((1, 784), 255.0), "float64 pictures should lie between 0 and 1,"),
    "just above 1": (np.full((1, 784), np.float32(1.01)), "float32 pictures .* and 1.01$|between"),
    "floats below 0": (np.full((1, 784), -0.5), "between -0.5 and -0.5"),
    "one NaN": (
        np.where(np.arange(784) == 5, np.nan, 0.5)[None],
        "pictures hold NaN, in 1 of 784 pixels$",
    ),
    "infinite": (np.full((1, 784), np.inf), "inf"),
    "integers above 255": (np.full((1, 784), 256), "int64 pictures should lie between 0 and 255"),
    "integers below 0": (np.full((1, 784), -1), "between -1 and -1"),
    "integers 0 and 1": (
        np.eye(2, 784, dtype="u1"),
        r"only 0 and 1; .* images \* 255, or images.as",
    ),
    "complex numbers": (np.ones((1, 784), complex), "uint8 or float, and are complex128"),
    "texts": (np.full((1, 784), "x"), "numbers, and are texts"),
    "text objects": (np.full((1, 784), "x", object), "numbers, and are texts"),
    "paths": ([Path("a.png")], "numbers, and are paths; files are read one at a time"),
    "one masked": (np.ma.masked_equal(np.eye(2, 784), 1), "some of the pictures are masked"),
    "rows, one masked": (list(np.ma.masked_equal(np.eye(2, 784), 1)), "pictures are masked"),
}


@pytest.mark.parametrize("case", WRONG_PICTURES)
def test_pictures_that_do_not_fit_are_refused_with_what_was_found(case):
    pictures, said = WRONG_PICTURES[case]
    with pytest.raises(ArrayError, match=said):
        as_images(pictures)


def test_a_wrong_scale_is_told_with_what_is_expected():
    with pytest.raises(ArrayError) as caught:
        as_images(np.full((1, 784), 255.0))
    assert "divided by 255" in caught.value.next_step


# ---------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint64, list])
def test_labels_of_any_integers_are_the_same_labels(dtype):
    labels = [0, 9, 4] if dtype is list else np.array([0, 9, 4], dtype)
    checked = as_labels(labels, 3)
    assert checked.dtype == np.uint8
    assert checked.tolist() == [0, 9, 4]


WRONG_LABELS = {
    "a label of 10": ([3, 10, 0], "0 to 9, and go from 0 to 10"),
    "a label below 0": ([3, -1, 0], "0 to 9, and go from -1 to 3"),
    "only labels below 0": ([-1, -1, -2], "go from -2 to -1"),
    "256, which is 0 in a byte": ([256, 256, 256], "go from 256 to 256"),
    "too many": ([1, 2, 3, 4], "3 pictures, but 4 labels"),
    "too few": ([1, 2], "3 pictures, but 2 labels"),
    "none": ([], "3 pictures, but 0 labels"),
    "one-hot rows": (np.eye(10)[:3], r"one a picture, and are \(3, 10\)"),
    "a column": ([[1], [2], [3]], r"\(3, 1\)"),
    "a number": (3, r"and are of type int$"),
    "a dict": ({0: 3}, r"and are of type dict$"),
    "floats": ([1.0, 2.0, 3.0], "integers, and are float64; whole numbers in another form"),
    "floats between": ([1.5, 2.0, 3.0], "integers, and are float64, some of them not whole$"),
    "NaN": ([np.nan, 2.0, 3.0], "integers, and are float64, some of them NaN$"),
    "None": ([None, 2, 3], "integers, and are object, some of them NaN$"),
    "words": (["one", "two", "three"], "integers, and are <U5$"),
    "one masked": (np.ma.masked_equal([1, 2, 3], 2), "some of the labels are masked"),
    "true and false": ([True, False, True], "integers, and are bool"),
    "texts": (["1", "2", "3"], "integers"),
    "ragged": ([[1], [2, 3], [4]], "labels do not make an array"),
}


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_labels_that_do_not_fit_are_refused_with_what_was_found(case):
    labels, said = WRONG_LABELS[case]
    with pytest.raises(ArrayError, match=said):
        as_labels(labels, 3)


def test_what_a_scaler_rounds_past_the_ends_is_still_black_and_white():
    image = np.zeros((1, 784))
    image[0, :2] = np.nextafter(1, 2), -1e-17
    assert as_images(image).ravel()[:3].tolist() == [255, 0, 0]
    for wrong in (1.00001, -0.00001):
        with pytest.raises(ArrayError, match="should lie between 0 and 1"):
            as_images(np.full((1, 784), wrong))


def test_one_picture_is_refused_with_how_to_give_it():
    for picture in (np.zeros((28, 28), np.uint8), np.zeros(784)):
        with pytest.raises(
            ArrayError, match=r"one picture is an array of one: images\[np.newaxis\]"
        ):
            as_images(picture)


def test_labels_in_another_form_are_refused_with_how_to_give_them():
    texts = np.array(["3", "1"], object)  # as fetch_openml has them
    with pytest.raises(ArrayError, match=r"and are object; .* np.asarray\(labels, int\)"):
        as_labels(texts, 2)
    assert as_labels(np.asarray(texts, int), 2).tolist() == [3, 1]


class Tensor:
    """What NumPy cannot reach, and says so as PyTorch's tensors do."""

    def __init__(self, reason):
        self.reason = reason

    def __array__(self, *_, **__):
        raise self.reason


@pytest.mark.parametrize(
    "reason",
    [
        TypeError("can't convert cuda:0 device type tensor to numpy"),
        RuntimeError("Can't call numpy() on Tensor that requires grad"),
    ],
    ids=["on another device", "with a gradient"],
)
def test_what_will_not_become_an_array_is_refused_with_its_own_reason(reason):
    with pytest.raises(ArrayError, match=re.escape(f"pictures do not make an array: {reason}")):
        as_images(Tensor(reason))
    with pytest.raises(ArrayError, match=re.escape(f"labels do not make an array: {reason}")):
        as_labels(Tensor(reason), 3)


def test_true_and_false_are_black_and_white():
    picture = np.eye(28, dtype=bool)[np.newaxis]
    assert np.array_equal(as_images(picture), np.where(picture, 255, 0))


def test_integers_that_are_all_0_are_black():
    assert not as_images(np.zeros((2, 784), int)).any()


def test_of_a_masked_array_that_masks_nothing_the_values_are_taken(images, labels):
    assert np.array_equal(as_images(np.ma.array(images, mask=False)), images)
    assert np.array_equal(as_labels(np.ma.array(labels, mask=False), 50), labels)


def test_what_left_0_to_1_on_its_way_is_refused_with_the_scaler_that_stays_there():
    with pytest.raises(ArrayError, match=r"MinMaxScaler\(clip=True\)"):
        as_images(np.full((1, 784), 255.0))
    with pytest.raises(ArrayError) as caught:
        as_images(np.full((1, 784), 256))
    assert "Scaler" not in str(caught.value)


# -------------------------------------------------------------------------------- every public face


def trained(images, labels):
    state = TrainingState.start(CONFIG)
    return [result.train_loss for result in fit(state, images, labels, CONFIG)]


def measured(images, labels):
    report = evaluate(TrainingState.start(CONFIG).network, images, labels)
    return [report.loss, report.accuracy]


def scored(images, labels):
    return Model(TrainingState.start(CONFIG).network, CONFIG, "custom").score(images, labels)


@pytest.mark.parametrize("face", [trained, measured, scored])
@pytest.mark.parametrize("form", FORMS)
def test_training_and_measuring_give_the_same_for_every_form(face, form, images, labels):
    assert face(FORMS[form](images), labels.tolist()) == face(images, labels)


@pytest.mark.parametrize("face", [trained, measured, scored])
def test_training_and_measuring_refuse_what_does_not_fit(face, images, labels):
    with pytest.raises(ArrayError):
        face(images.astype(float), labels)
    for wrong in (labels[:-1], np.append(labels, 1), np.where(labels == 0, 10, labels)):
        with pytest.raises(ArrayError):
            face(images, wrong)
    with pytest.raises(ArrayError):
        face(images, labels.astype(int) - 1)


def test_fit_refuses_at_once_and_not_at_the_first_epoch(images, labels):
    with pytest.raises(ArrayError):
        fit(TrainingState.start(CONFIG), images, labels[:-1], CONFIG)


def test_an_array_error_is_the_value_error_that_others_expect():
    with pytest.raises(ValueError, match="labels"):
        as_labels([10], 1)
