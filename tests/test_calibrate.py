"""What is learned when the weights are final: a temperature, a threshold, what is no digit."""

import numpy as np
import pytest

from conftest import some_digits
from nnscratch.calibrate import (
    REFUSED_SHARE,
    calibrate,
    fit_rejector,
    fit_temperature,
    set_threshold,
)
from nnscratch.config import TrainConfig
from nnscratch.core import log_softmax
from nnscratch.data.negatives import make_negatives
from nnscratch.reject import Rejector
from nnscratch.training import TrainingState, hold_out


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature, rng):
    Z = 4 * rng.standard_normal((20_000, 10))
    P = np.exp(log_softmax(Z / temperature))
    labels = (P.cumsum(axis=1) < rng.random((len(P), 1))).sum(axis=1).clip(0, 9)
    assert fit_temperature(Z, labels) == pytest.approx(temperature, rel=0.05)


def test_the_threshold_lets_all_but_a_small_share_of_digits_pass(rng):
    rejector, (digits, _) = Rejector(8, rng=rng), some_digits(2000, 3)
    set_threshold(rejector, digits)
    refused = (rejector.strangeness(digits) > 0).mean()
    assert refused == pytest.approx(REFUSED_SHARE, abs=0.001)


@pytest.mark.slow
def test_a_rejector_soon_tells_most_pictures_that_are_no_digit(rng):
    digits, labels = some_digits(2000, 1)
    rejector = fit_rejector(digits, labels, rng, units=48, epochs=4)
    held, held_labels = some_digits(1000, 2)
    none, _ = make_negatives(held, held_labels, 550, np.random.default_rng(9))
    odds = [rejector.judge(images) for images in (held, none)]
    threshold = np.quantile(odds[0], 0.95)
    assert (odds[1] > threshold).mean() > 0.5


@pytest.mark.slow
def test_calibrating_changes_no_weight_and_repeats_with_the_seed():
    config = TrainConfig(validation_size=100, augment=True)
    network = TrainingState.start(config).network
    before, seen = network.theta.copy(), []
    first = calibrate(network, *some_digits(600, 4), config, epochs=1, on_samples=seen.append)
    second = calibrate(network, *some_digits(600, 4), config, epochs=1)
    assert np.array_equal(network.theta, before)
    assert first.temperature == second.temperature
    for name, block in first.rejector.parameters.items():
        assert np.array_equal(block, second.rejector.parameters[name])
    assert sum(seen) > 500  # digits, drawn digits and what is none, once


def test_without_held_out_pictures_thresholds_are_set_on_what_was_learned():
    config = TrainConfig(validation_size=0)
    learned = calibrate(TrainingState.start(config).network, *some_digits(500, 4), config, epochs=1)
    assert np.isfinite(learned.rejector.threshold)
    assert 0.1 < learned.temperature < 8.1


def test_the_threshold_is_set_on_pictures_that_were_not_drawn_held_out_or_learned():
    config = TrainConfig(validation_size=200)
    images, labels = some_digits(600, 4)
    network = TrainingState.start(config).network
    learned = calibrate(network, images, labels, config, drawn=200, epochs=1)
    _, held = hold_out(600, config)
    groups = images[held[held < 400]], images[:400]
    odds = [np.quantile(learned.rejector.judge(group), 1 - REFUSED_SHARE) for group in groups]
    assert learned.rejector.threshold == pytest.approx(max(odds))
