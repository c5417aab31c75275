"""What is learned when the weights are final: when to refuse a picture, and how sure to be.

Neither changes a weight of the network that answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnscratch.arrays import Images, Labels
from nnscratch.augment import Variation, augment
from nnscratch.config import TrainConfig
from nnscratch.core import Network, SoftmaxCrossEntropy
from nnscratch.data.negatives import make_negatives
from nnscratch.data.synthetic import draw_digits, draw_elsewhere
from nnscratch.pictures.framing import deskew
from nnscratch.products import Floats, scale_pixels
from nnscratch.reject import NO_DIGIT, UNITS, Rejector
from nnscratch.training import hold_out

# The rejector's recipe, chosen on held-out pictures by benchmarks/no_digit.py.
NEGATIVES_PER_PICTURE = 1.5  # fewer, and shapes of few pictures are learned by heart
DRAWN_PER_PICTURE = 0.1  # digits by the pen, so that the pen itself does not look strange
EPOCHS = 40
LATER_CYCLES, LATER_CYCLE = 2, 0.4  # how many, and their share of the first one's epochs
LETTERS_LATER = 4  # times as many as of every other kind
BATCH = 32
LEARNING_RATE = 0.2
VARIATION = Variation(stroke=0.3)
REFUSED_SHARE = 0.004  # of digits: some are hardly legible
VARIANTS = 4  # of each held-out picture, to fit the temperature on
PIECE = 1000
STREAM = 16  # keeps the generator apart from those of the run itself


@dataclass(frozen=True)
class Calibration:
    """What was learned: how sure to be, and when to refuse."""

    temperature: float
    rejector: Rejector


def calibrate(
    network: Network,
    images: Images,
    labels: Labels,
    config: TrainConfig,
    *,
    drawn: int = 0,
    epochs: int = EPOCHS,
    on_samples: Callable[[int], None] = lambda count: None,
) -> Calibration:
    """Fit a temperature to a trained network, and train a rejector beside it.

    Args:
        images, labels: the training set, as the network had it; the same are held out. Where
            none were, thresholds are set on what was learned.
        drawn: how many pictures at the end are drawn; the threshold and the temperature are set on
            the others.
        epochs: of the rejector's first cycle.
        on_samples: called after every batch with the number of samples done.
    """
    learned, held = hold_out(len(images), config)
    written = len(images) - drawn
    held = held[held < written] if (held < written).any() else learned[learned < written]
    rng = np.random.default_rng([config.seed, STREAM])
    rejector = fit_rejector(
        images[learned], labels[learned], rng, epochs=epochs, on_samples=on_samples
    )
    set_threshold(rejector, images[held], images[:written])
    seen, answers = images[held], labels[held]
    if config.augment:
        variants = [augment(seen, rng) for _ in range(VARIANTS)]
        seen, answers = np.concatenate([seen, *variants]), np.tile(answers, VARIANTS + 1)
    return Calibration(fit_temperature(_outputs(network, seen), answers), rejector)


def samples_to_learn(count: int, epochs: int = EPOCHS) -> int:
    """Return how many samples `fit_rejector` learns from, over all epochs, for `count` pictures."""
    pictures = count + round(DRAWN_PER_PICTURE * count) + round(NEGATIVES_PER_PICTURE * count)
    return pictures * (epochs + LATER_CYCLES * _later_epochs(epochs))


def _later_epochs(epochs: int) -> int:
    return max(1, round(epochs * LATER_CYCLE))


def fit_rejector(
    images: Images,
    labels: Labels,
    rng: np.random.Generator,
    *,
    units: int = UNITS,
    epochs: int = EPOCHS,
    on_samples: Callable[[int], None] = lambda count: None,
) -> Rejector:
    """Train a rejector on digits, digits by the pen, and pictures that are made to be none.

    Plain gradient descent on new variants every epoch. The rate falls to 0 along half a cosine, and
    then twice more from half as high, on other negatives with more letters among them: warm
    restarts (Loshchilov and Hutter 2017, arXiv:1608.03983).

    Args:
        images, labels: (n, 28, 28) uint8 and (n,) 0 … 9; the pictures are made of them.
    """
    drawn, drawn_labels = _drawn(round(DRAWN_PER_PICTURE * len(images)), rng)
    digits, answers = np.concatenate([images, drawn]), np.concatenate([labels, drawn_labels])
    count = round(NEGATIVES_PER_PICTURE * len(images))
    negatives, _ = make_negatives(images, labels, count, rng)
    rejector = Rejector(units, rng=rng)
    _learn(rejector, digits, answers, negatives, epochs, LEARNING_RATE, rng, on_samples)
    again = _later_epochs(epochs)
    for _ in range(LATER_CYCLES):
        negatives, _ = make_negatives(images, labels, count, rng, letters=LETTERS_LATER)
        _learn(rejector, digits, answers, negatives, again, LEARNING_RATE / 2, rng, on_samples)
    return rejector


def _learn(
    rejector: Rejector,
    digits: Images,
    labels: Labels,
    negatives: Images,
    epochs: int,
    learning_rate: float,
    rng: np.random.Generator,
    on_samples: Callable[[int], None],
) -> None:
    """Train for one cycle of the rate."""
    none = np.full(len(negatives), NO_DIGIT, np.uint8)
    pictures = deskew(np.concatenate([digits, negatives]))
    answers = np.concatenate([labels, none]).astype(np.intp)
    done, total = 0, epochs * len(pictures)
    for _ in range(epochs):
        order = rng.permutation(len(pictures))
        for start in range(0, len(order), BATCH * 64):
            chosen = order[start : start + BATCH * 64]
            variants = augment(pictures[chosen], rng, VARIATION)
            for first in range(0, len(chosen), BATCH):
                batch = slice(first, first + BATCH)
                rate = learning_rate / 2 * (1 + math.cos(math.pi * done / total))
                rejector.step(scale_pixels(variants[batch]), answers[chosen[batch]], rate)
                done += len(chosen[batch])
                on_samples(len(chosen[batch]))


def _drawn(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Draw digits by the pen, half of them as the built-in ones and half as elsewhere."""
    elsewhere, labels = draw_elsewhere(count // 2, rng)
    own = (np.arange(count - count // 2) % 10).astype(np.uint8)
    return np.concatenate([draw_digits(own, rng), elsewhere]), np.concatenate([own, labels])


def set_threshold(rejector: Rejector, *groups: Images) -> None:
    """Set the threshold so that of no group of digits more than REFUSED_SHARE would be refused.

    Of few pictures that are held out, so small a share is a matter of chance; all that were learned
    tell it better, unless they were learned by heart. So both are asked.

    Args:
        groups: (n, 28, 28) each.
    """
    odds = [np.quantile(rejector.judge(digits), 1 - REFUSED_SHARE) for digits in groups]
    rejector.threshold = float(max(odds))


def fit_temperature(Z_o: Floats, labels: NDArray[np.integer]) -> float:
    """Return the temperature T for which softmax(Z_o / T) has the least cross-entropy.

    Found by golden section on log T between 1/8 and 8, where the loss has one minimum.

    Args:
        Z_o: (n, 10) what a network says of pictures that it has not learned.
        labels: (n,) 0 … 9.

    Source: Guo et al. 2017, "On calibration of modern neural networks", arXiv:1706.04599.
    """
    measure, Z, answers = SoftmaxCrossEntropy(), Z_o.astype(np.float64), labels.astype(np.intp)

    def loss(log_T: float) -> float:
        return measure.forward(Z / math.exp(log_T), answers)

    low, high = -math.log(8), math.log(8)
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return round(math.exp((low + high) / 2), 4)


def _outputs(network: Network, images: Images) -> Floats:
    """Return Z_o, (n, 10), piece by piece."""
    outputs = []
    for start in range(0, len(images), PIECE):
        piece = images[start : start + PIECE]
        A = scale_pixels(deskew(piece) if network.deskewed else piece, network.theta.dtype)
        outputs.append(network.forward(A))
    return np.concatenate(outputs)
