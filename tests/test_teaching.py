"""A teacher: its softened answers take the place of the labels, and are repeatable."""

import json
from dataclasses import replace

import numpy as np
import pytest

from conftest import some_digits
from nnscratch import runs
from nnscratch.config import TrainConfig
from nnscratch.errors import ConfigError, ModelFileError
from nnscratch.model_file import BUNDLED_MODEL, load_model
from nnscratch.teaching import SHARE, TEMPERATURE, soft_targets
from nnscratch.training import TrainingState, fit

CONFIG = TrainConfig(epochs=3, validation_size=200, batch_size=50, teacher="pretrained")


@pytest.fixture(scope="module")
def teacher():
    return load_model("pretrained")


@pytest.fixture(scope="module")
def other_teacher(own_dataset, tmp_path_factory):
    """The file of a model that is not the bundled one."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.npz"
    runs.train(runs.start(replace(CONFIG, teacher="none", deskew=True)), own_dataset, path)
    return path


def taught(dataset, config, teacher):
    state = TrainingState.start(config)
    images, labels = dataset.train_images, dataset.train_labels
    return state, list(fit(state, images, labels, config, teacher=teacher))


def interrupted(dataset, config, output):
    kept = []

    def interrupt(_result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.train(runs.start(config), dataset, output, on_epoch=interrupt, on_kept=kept.append)
    return kept[0]


# ------------------------------------------------------------------------------ what a teacher says


def test_what_a_teacher_says_is_its_softmax_at_a_temperature(teacher):
    images, labels = some_digits(300, 5)
    Y = (soft_targets(teacher, images, labels) - (1 - SHARE) * np.eye(10)[labels]) / SHARE
    # What it says is already at its own temperature, and that is not the lesson's.
    powers = teacher.predict_proba(images).astype(float) ** (teacher.temperature / TEMPERATURE)
    np.testing.assert_allclose(Y, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(Y.sum(axis=1), 1, atol=1e-6)
    assert (Y.argmax(axis=1) == labels).mean() > 0.9
    assert soft_targets(teacher, images, labels).dtype == np.float32


def test_its_answer_to_a_picture_does_not_depend_on_the_thread(teacher):
    from nnscratch.cores import second_core

    images, labels = some_digits(700, 6)
    alone = soft_targets(teacher, images, labels)
    with second_core() as second:
        assert np.array_equal(soft_targets(teacher, images, labels), alone)
        there = second.submit(soft_targets, teacher, images, labels)
        assert np.array_equal(there.result(), alone)


def test_the_labels_have_the_rest_of_Y_and_those_held_out_stay_alone(own_dataset, teacher):
    images, labels = some_digits(20, 5)
    said = soft_targets(teacher, images, labels) - soft_targets(teacher, images, (labels + 1) % 10)
    expected = (1 - SHARE) * (np.eye(10)[labels] - np.eye(10)[(labels + 1) % 10])
    np.testing.assert_allclose(said, expected, atol=1e-6)
    shifted = replace(own_dataset, train_labels=(own_dataset.train_labels + 1) % 10)
    config = replace(CONFIG, epochs=10)
    assert taught(own_dataset, config, teacher)[1][-1].validation_accuracy > 0.6
    assert taught(shifted, config, teacher)[1][-1].validation_accuracy < 0.3


def test_a_variant_is_shown_to_the_teacher_and_not_the_picture_it_was_made_of(own_dataset, teacher):
    config = replace(CONFIG, augment=True, epochs=1, learning_rate=1e-30)
    _, (varied,) = taught(own_dataset, config, teacher)
    _, (plain,) = taught(own_dataset, replace(config, augment=False), teacher)
    assert varied.train_loss != plain.train_loss


@pytest.mark.parametrize(("named", "given"), [("none", True), ("pretrained", False)])
def test_settings_that_name_a_teacher_and_the_teacher_go_together(
    own_dataset, teacher, named, given
):
    with pytest.raises(ConfigError, match="teacher is") as caught:
        taught(own_dataset, replace(CONFIG, teacher=named), teacher if given else None)
    assert caught.value.key == "teacher"


# --------------------------------------------------------------------------------------------- runs


def test_a_run_with_a_teacher_repeats_and_goes_on_to_the_last_bit(own_dataset, tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    runs.train(runs.start(CONFIG), own_dataset, first)
    kept = interrupted(own_dataset, CONFIG, second)
    assert kept.teacher is None
    runs.train(runs.resume(kept.path), own_dataset, second)
    assert first.read_bytes() == second.read_bytes()
    assert load_model(first).config.teacher == "pretrained"


def test_a_teacher_in_a_file_is_recorded_by_its_hash_wherever_it_lies(
    own_dataset, other_teacher, tmp_path
):
    moved = tmp_path / "elsewhere.npz"
    moved.write_bytes(other_teacher.read_bytes())
    models = []
    for path in (other_teacher, moved):
        runs.train(runs.start(replace(CONFIG, teacher=str(path))), own_dataset, tmp_path / "m.npz")
        models.append((tmp_path / "m.npz").read_bytes())
    assert models[0] == models[1]
    assert b"elsewhere" not in models[1].replace(b"\0", b"")
    model = load_model(tmp_path / "m.npz")
    assert model.config.teacher == model.teacher_sha256 != ""


def test_a_run_is_resumed_with_the_teacher_that_it_had_and_no_other(
    own_dataset, other_teacher, tmp_path
):
    config, output = replace(CONFIG, teacher=str(other_teacher)), tmp_path / "m.npz"
    runs.train(runs.start(config), own_dataset, output)
    whole = output.read_bytes()
    kept = interrupted(own_dataset, config, output)
    assert kept.teacher == str(other_teacher)
    with pytest.raises(ModelFileError, match="has a teacher") as caught:
        runs.resume(kept.path)
    assert "--teacher" in caught.value.next_step
    with pytest.raises(ModelFileError, match="not the teacher") as caught:
        runs.resume(kept.path, "pretrained")
    assert load_model(kept.path).teacher_sha256 in caught.value.next_step
    runs.train(runs.resume(kept.path, str(other_teacher)), own_dataset, output)
    assert output.read_bytes() == whole


def test_a_run_of_the_bundled_teacher_takes_its_file_by_any_name(own_dataset, tmp_path):
    kept = interrupted(own_dataset, CONFIG, tmp_path / "m.npz")
    assert runs.resume(kept.path, str(BUNDLED_MODEL)).teacher is not None


def test_a_run_without_a_teacher_is_not_given_one(own_dataset, tmp_path):
    kept = interrupted(own_dataset, replace(CONFIG, teacher="none"), tmp_path / "m.npz")
    assert runs.resume(kept.path, "none").teacher is None
    with pytest.raises(ConfigError, match="must be none"):
        runs.resume(kept.path, "pretrained")


# --------------------------------------------------------------------------------- the command line


@pytest.mark.slow
def test_the_command_trains_with_a_teacher_and_evaluate_says_with_which(run, own_data):
    options = "--epochs 1 --validation 200".split()
    done = run("train", *options, "--teacher", "pretrained", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    said = run("evaluate", "model.npz", data_dir=own_data).stdout
    assert "--teacher pretrained" in said
    done = run("train", *options, "--teacher", "./model.npz", "--json", data_dir=own_data)
    last = json.loads(done.stdout.splitlines()[-1])
    assert len(last["settings"]["teacher"]) == 64


@pytest.mark.slow
def test_a_resumed_run_without_a_teacher_refuses_the_option(own_dataset, run, own_data, tmp_path):
    kept = interrupted(own_dataset, replace(CONFIG, teacher="none"), tmp_path / "m.npz")
    done = run("train", "--resume", kept.path, "--teacher", "pretrained", data_dir=own_data)
    assert done.returncode == 2
    assert "--teacher" in done.stderr
    assert "must be none" in done.stderr
    done = run("train", "--resume", kept.path, "--teacher", "none", data_dir=own_data)
    assert done.returncode == 0, done.stderr


def test_a_teacher_that_is_not_there_is_an_error_before_any_work(run, own_data, tmp_path):
    done = run("train", "--teacher", "gone.npz", data_dir=own_data)
    assert done.returncode == 1
    assert "gone.npz" in done.stderr
    assert "there is no such model" in done.stderr
    assert list(tmp_path.iterdir()) == []
