"""The gradient check: it passes what is right, finds what is wrong, and minds the kink."""

import json

import numpy as np
import pytest

from nnscratch.core import Network, ReLU
from nnscratch.errors import NNScratchError
from nnscratch.gradcheck import (
    STEP,
    away_from_the_kink,
    check_gradients,
    draw_samples,
)

BLOCKS = ["W_h", "b_h", "W_o", "b_o"]


def setting(rng, hidden_size=10):
    network = Network(hidden_size, rng=rng, dtype=np.float64)
    draw = lambda n: (rng.random((n, 784)), rng.integers(0, 10, n))  # noqa: E731
    return network, *draw_samples(network, draw)


def test_the_gradients_agree_to_a_billionth(rng):
    network, A, labels = setting(rng)
    before = network.theta.copy()
    blocks = check_gradients(network, A, labels, rng=rng)
    assert [block.name for block in blocks] == BLOCKS
    assert max(block.relative_error for block in blocks) < 1e-8
    assert np.array_equal(network.theta, before)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_planted_error_of_one_percent_is_found_and_only_there(rng, name):
    network, A, labels = setting(rng)
    blocks = check_gradients(network, A, labels, rng=rng, planted_error=name)
    assert [block.name for block in blocks if not block.passed] == [name]


def test_small_blocks_are_checked_in_full_and_large_ones_along_directions(rng):
    network, A, labels = setting(rng)
    compared = {
        b.name: (b.compared, b.along_directions)
        for b in check_gradients(network, A, labels, rng=rng)
    }
    assert compared["b_h"] == (10, False)
    assert compared["W_o"] == (100, False)
    assert compared["W_h"] == (50, True)


def test_no_step_of_the_check_crosses_the_kink(rng):
    network, A, _ = setting(rng, 50)
    assert away_from_the_kink(network, A).all()
    signs = np.sign(network.hidden.forward(A))
    for _ in range(20):
        direction = rng.standard_normal(network.hidden.W.shape)
        direction /= np.linalg.norm(direction)
        for sign in (STEP, -STEP):
            network.hidden.W += sign * direction
            assert np.array_equal(np.sign(network.hidden.forward(A)), signs)
            network.hidden.W -= sign * direction


def test_samples_at_the_kink_are_drawn_again(rng):
    network = Network(10, rng=rng, dtype=np.float64)
    draws = []

    def draw(n):
        draws.append(n)
        A = rng.random((n, 784))
        A[::2] = 0  # Z_h is exactly 0 there, since b_h is 0
        return A, rng.integers(0, 10, n)

    A, labels = draw_samples(network, draw)
    assert len(draws) == 2
    assert len(A) == len(labels) == 32
    assert A.any(axis=1).all()


def test_at_the_kink_itself_the_convention_is_0_and_a_difference_would_say_one_half():
    relu, Z = ReLU(), np.zeros((1, 1))
    relu.forward(Z)
    assert relu.backward(np.ones((1, 1))) == 0
    difference = (ReLU().forward(Z + STEP) - ReLU().forward(Z - STEP)) / (2 * STEP)
    assert difference == pytest.approx(0.5)


def test_a_network_of_zeros_cannot_be_checked_and_says_why(rng):
    network = Network(rng=rng, dtype=np.float64)
    network.theta[:] = 0
    with pytest.raises(NNScratchError, match="kink"):
        draw_samples(network, lambda n: (rng.random((n, 784)), rng.integers(0, 10, n)))


def test_the_command_passes_without_data_and_downloads_nothing(run, tmp_path):
    done = run("gradcheck")
    assert done.returncode == 0, done.stderr
    assert "All gradients agree." in done.stdout
    assert "random" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", BLOCKS)
def test_the_command_finds_the_block_that_was_broken(run, own_data, name):
    done = run("gradcheck", "--break", name, "--json", data_dir=own_data)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert not answer["passed"]
    assert [block["block"] for block in answer["blocks"] if not block["passed"]] == [name]


def test_the_command_checks_a_trained_model_on_the_pictures_of_the_folder(run, own_data):
    run("train", "--epochs", 1, "--validation", 200, "--hidden", 30, data_dir=own_data)
    done = run("gradcheck", "--model", "model.npz", data_dir=own_data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "custom" in done.stdout
    assert "30×784" in done.stdout
