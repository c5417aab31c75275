"""The built-in digits: always the same, framed like MNIST's, and good enough to learn from."""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from nnscratch.config import TrainConfig
from nnscratch.data import obtain_dataset
from nnscratch.data.elsewhere import ELSEWHERE
from nnscratch.data.skeletons import SKELETONS
from nnscratch.data.synthetic import (
    _stroke_matrix,
    added_digits,
    draw_digits,
    draw_elsewhere,
    synthetic_digits,
)
from nnscratch.metrics import evaluate
from nnscratch.pictures.framing import centre_of_mass
from nnscratch.training import TrainingState, fit


@pytest.fixture(scope="module")
def digits():
    rng = np.random.default_rng(3)
    labels = np.arange(3000, dtype=np.uint8) % 10
    return draw_digits(labels, rng), labels


@pytest.fixture(scope="module")
def whole_set():
    return synthetic_digits()


def test_the_same_seed_draws_the_same_digits(digits):
    again = draw_digits(digits[1], np.random.default_rng(3))
    assert np.array_equal(again, digits[0])
    assert not np.array_equal(draw_digits(digits[1], np.random.default_rng(4)), digits[0])


def test_no_two_digits_are_the_same(digits):
    assert len(np.unique(digits[0].reshape(len(digits[0]), -1), axis=0)) == len(digits[0])


def test_they_are_framed_as_mnists_are(digits):
    images, _ = digits
    spans = [images.any(axis=axis) for axis in (2, 1)]
    longest = np.maximum(*(28 - span.argmax(1) - span[:, ::-1].argmax(1) for span in spans))
    assert (longest <= 20).all()
    assert (longest == 20).mean() > 0.9
    centres = centre_of_mass(images)
    assert np.abs(centres - 14).max() <= 0.55


def test_ink_and_grey_levels_are_near_mnists(digits):
    images, _ = digits
    share = (images > 0).mean(axis=(1, 2))
    assert images.mean() / 255 == pytest.approx(0.1307, abs=0.02)
    assert share.min() > 0.03
    assert share.max() < 0.5
    assert images.max(axis=(1, 2)).min() > 150
    assert images[:, 0].max() == 0


def test_every_digit_has_several_ways_to_be_written():
    ways = np.bincount([skeleton.digit for skeleton in SKELETONS])
    assert ways.min() >= 2
    assert len(ways) == 10


def test_a_curve_passes_through_its_control_points():
    for skeleton in SKELETONS:
        control, matrix, last = _stroke_matrix(skeleton)
        assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)
        assert last.sum() == len(skeleton.strokes)
        curve = matrix @ control
        gaps = np.linalg.norm(curve[:, None] - control[None], axis=2).min(axis=0)
        assert gaps.max() < 0.05


@pytest.mark.slow
def test_the_set_has_mnists_shape_and_as_many_of_each_digit(whole_set):
    images, labels, test_images, test_labels = whole_set
    assert images.shape == (60000, 28, 28)
    assert test_images.shape == (10000, 28, 28)
    assert np.bincount(labels).tolist() == [6000] * 10
    assert np.bincount(test_labels).tolist() == [1000] * 10


@pytest.fixture
def no_folder_named(tmp_path, monkeypatch):
    """An empty place to work in, with no data folder named; gives the default one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNSCRATCH_DATA_DIR", raising=False)
    return tmp_path / "data"


@pytest.mark.slow
def test_a_second_run_loads_what_the_first_has_kept(whole_set, no_folder_named):
    drawn, notes = [], []
    obtain = partial(obtain_dataset, on_drawn=drawn.append, on_note=notes.append)
    first = obtain(None, "synthetic")
    assert sum(drawn) == 70000
    second = obtain(None, "synthetic")
    by_name = obtain(no_folder_named, "synthetic")
    assert sum(drawn) == 70000
    assert notes == []
    assert first.name == second.name == by_name.name == "synthetic"
    assert first.sha256 == second.sha256 == by_name.sha256
    assert np.array_equal(second.train_images, whole_set[0])
    damaged = no_folder_named / "synthetic" / "t10k-labels-idx1-ubyte"
    damaged.write_bytes(b"")
    third = obtain(None, "synthetic")
    assert sum(drawn) == 140000
    assert third.sha256 == first.sha256


@pytest.mark.slow
def test_nothing_drawn_is_kept_in_a_folder_that_the_user_named(tmp_path):
    named = tmp_path / "named"
    named.mkdir()
    assert obtain_dataset(named, "synthetic").name == "synthetic"
    assert list(named.iterdir()) == []


@pytest.mark.slow
def test_all_platforms_of_this_kind_draw_the_same(whole_set):
    code = (
        "import hashlib, nnscratch.data.synthetic as s;"
        "print(hashlib.sha256(s.synthetic_digits()[2].tobytes()).hexdigest())"
    )
    other = subprocess.check_output(
        [sys.executable, "-c", code], text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    )
    assert other.strip() == hashlib.sha256(whole_set[2].tobytes()).hexdigest()


# ----------------------------------------------------------------------- where there is no network

NO_NETWORK = ["unshare", "--net"]


def namespaces_work() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not namespaces_work(), reason="network namespaces are not to be had here")
@pytest.mark.slow
def test_without_a_network_auto_trains_on_the_built_in_digits_and_says_so(tmp_path):
    command = [*NO_NETWORK, sys.executable, "-m", "nnscratch", "train", "--epochs", "1"]
    env = {key: value for key, value in os.environ.items() if key != "NNSCRATCH_DATA_DIR"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "synthetic test pictures" in done.stdout
    assert done.stderr.count("Note:") == 1
    assert "nnscratch download" in done.stderr
    assert "--data-dir" in done.stderr
    evaluated = subprocess.run(
        [*NO_NETWORK, sys.executable, "-m", "nnscratch", "evaluate", "model.npz"],
        cwd=tmp_path, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert "synthetic" in evaluated.stdout
    assert "--dataset mnist" in evaluated.stdout.splitlines()[-1]
    refused = subprocess.run(
        [*command, "--dataset", "mnist"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert "no mirror can be reached" in refused.stderr
    assert "--dataset synthetic" in refused.stderr


@pytest.mark.mnist
@pytest.mark.slow
def test_what_is_learned_from_them_serves_on_mnist(whole_set, mnist):
    config = TrainConfig()
    state = TrainingState.start(config)
    for _ in fit(state, *whole_set[:2], config):
        pass
    assert evaluate(state.network, mnist.test_images, mnist.test_labels).accuracy > 0.85


# -------------------------------------------------------------------------------------- other hands


def test_every_digit_has_hands_from_elsewhere_whose_strokes_stay_in_the_box():
    assert {skeleton.digit for skeleton in ELSEWHERE} == set(range(10))
    for skeleton in ELSEWHERE:
        control, _, _ = _stroke_matrix(skeleton)
        assert 0 <= control.min() <= control.max() <= 1


def test_digits_from_elsewhere_are_as_many_of_each_and_fill_the_box():
    images, labels = draw_elsewhere(200, np.random.default_rng(2))
    again, _ = draw_elsewhere(200, np.random.default_rng(2))
    assert np.array_equal(images, again)
    assert np.bincount(labels).tolist() == [20] * 10
    assert np.abs(centre_of_mass(images) - 14).max() <= 0.51
    assert (images.max(axis=(1, 2)) > 150).all()


def test_most_ones_from_elsewhere_have_a_flag():
    images, labels = draw_elsewhere(1000, np.random.default_rng(4))
    widths = images[labels == 1].any(axis=1).sum(axis=1)
    assert np.mean(widths > 7) > 0.7


def test_what_is_added_to_mnist_is_always_the_same():
    (images, labels), (again, others) = added_digits(), added_digits()
    assert images.shape == (12_000, 28, 28)
    assert np.array_equal(images, again)
    assert np.array_equal(labels, others)
    assert np.bincount(labels).tolist() == [1200] * 10
