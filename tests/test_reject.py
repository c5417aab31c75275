"""The eleventh answer: its equation, its gradient, and that it learns."""

import numpy as np
import pytest

from conftest import some_digits
from nnscratch.core import log_softmax
from nnscratch.pictures.framing import deskew
from nnscratch.products import scale_pixels
from nnscratch.reject import NO_DIGIT, Rejector


@pytest.fixture
def pages(rng):
    """Two kinds of page that nothing could confuse: ink above (a digit), ink below (none)."""
    A = np.zeros((64, 28, 28), np.float32)
    A[:32, :14], A[32:, 14:] = rng.random((2, 32, 14, 28), np.float32)
    return A.reshape(64, -1), np.repeat([3, NO_DIGIT], 32)


def test_log_odds_are_those_of_softmax(pages, rng):
    rejector = Rejector(8, rng=rng)
    P = np.exp(log_softmax(rejector.forward(pages[0]).astype(np.float64)))
    expected = np.log(P[:, NO_DIGIT] / P[:, :NO_DIGIT].sum(axis=1))
    assert np.allclose(rejector.log_odds(pages[0]), expected, atol=1e-5)


def test_strangeness_is_above_0_just_where_the_log_odds_pass_the_threshold(rng):
    rejector, (digits, _) = Rejector(8, rng=rng), some_digits(64, 1)
    odds = rejector.judge(digits)
    rejector.threshold = float(np.median(odds))
    strange = rejector.strangeness(digits)
    assert np.array_equal(strange > 0, odds > np.float32(rejector.threshold))
    assert 0 < (strange > 0).sum() < len(strange)


def test_the_judgement_is_the_mean_over_five_places_of_the_upright_picture(rng):
    rejector, (digits, _) = Rejector(8, rng=rng), some_digits(30, 2)
    upright = np.pad(deskew(digits), ((0, 0), (1, 1), (1, 1)))
    places = [
        upright[:, d : d + 28, a : a + 28] for d, a in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    ]
    expected = np.mean([rejector.log_odds(scale_pixels(place)) for place in places], axis=0)
    assert rejector.judge(digits) == pytest.approx(expected, abs=1e-4)


def test_a_step_follows_the_slope_of_the_loss(pages, rng):
    rejector = Rejector(8, rng=rng)
    A, labels = pages
    before = {name: block.copy() for name, block in rejector.parameters.items()}
    rate = 1e-2
    first = rejector.step(A, labels, rate)
    moved = {name: rejector.parameters[name] - block for name, block in before.items()}
    falls = sum(float((change.astype(np.float64) ** 2).sum()) for change in moved.values()) / rate
    second = rejector.softmax_cross_entropy.forward(rejector.forward(A), labels)
    assert first - second == pytest.approx(falls, rel=0.2)


def test_it_learns_to_tell_what_is_no_digit(pages, rng):
    rejector = Rejector(8, rng=rng)
    for _ in range(60):
        rejector.step(*pages, 0.05)
    odds = rejector.log_odds(pages[0])
    assert odds[:32].max() < 0 < odds[32:].min()
