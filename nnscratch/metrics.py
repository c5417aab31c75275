"""How good the answers are: loss, accuracy, the confusion matrix, and each digit's share in it;
and whether they are as often right as they are sure to be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nnscratch.arrays import Images, Labels, as_images, as_labels
from nnscratch.core import Integers, Network, SoftmaxCrossEntropy, log_softmax
from nnscratch.errors import ArrayError, DivergenceError
from nnscratch.pictures.framing import deskew
from nnscratch.products import Floats, scale_pixels
from nnscratch.showing import report_html

PIECE = 1000  # pictures at a time, so that memory stays small; the last piece may be shorter
BINS = 10


class HasNetwork(Protocol):
    """Anything with a network."""

    @property
    def network(self) -> Network:
        """The network."""


@dataclass(frozen=True)
class DigitScore:
    """How well one digit is recognised: three fractions 0–1 and a count.

    Attributes:
        precision: of all pictures called this digit, the share that are. 0 if none was.
        recall: of all pictures of this digit, the share that was called so. 0 if there is none.
        f1: the harmonic mean of the two. 0 if both are.
        support: how many pictures of this digit there are.
    """

    digit: int
    precision: float
    recall: float
    f1: float
    support: int


def accuracy(labels: Any, predicted: Any) -> float:
    """Return the share of right answers, 0–1, for two (N,) arrays of integers with N > 0.

    Raises:
        ArrayError: they are not so, or differ in length.

    >>> accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]))
    0.75
    """
    return float(np.mean(np.equal(*_pairs(labels, predicted))))


def confusion_matrix(labels: Any, predicted: Any, classes: int = 10) -> NDArray[np.int64]:
    """Count which digit was taken for which: rows true, columns predicted.

    Args:
        labels, predicted: (N,) integers 0 … classes − 1.

    Returns:
        (classes, classes) counts that sum to N; the diagonal holds the right answers.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    true, called = _pairs(labels, predicted)
    if min(true.min(), called.min()) < 0 or max(true.max(), called.max()) >= classes:
        raise ArrayError(f"labels should be 0 to {classes - 1}")
    counts = np.bincount(true * classes + called, minlength=classes * classes)
    return counts.reshape(classes, classes)


def _pairs(labels: Any, predicted: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return both as int64, if there are as many of the one as of the other, and any at all."""
    first, second = np.asarray(labels), np.asarray(predicted)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ArrayError(
            f"labels and predictions should be (n,), and are {first.shape} and {second.shape}"
        )
    if first.dtype.kind not in "iu" or second.dtype.kind not in "iu":
        raise ArrayError(f"labels should be integers, and are {first.dtype} and {second.dtype}")
    return first.astype(np.int64), second.astype(np.int64)


def per_class(confusion: NDArray[np.int64]) -> list[DigitScore]:
    """Read precision, recall and F1 of each digit off a confusion matrix (rows true).

    Raises:
        ArrayError: it is not a square of counts.

    >>> per_class(np.array([[1, 1], [0, 2]]))[1]
    DigitScore(digit=1, precision=0.6666666666666666, recall=1.0, f1=0.8, support=2)
    """
    if confusion.ndim != 2 or len(set(confusion.shape)) != 1 or confusion.dtype.kind not in "iu":
        raise ArrayError(
            f"a confusion matrix should be (K, K) counts, and is {confusion.shape} "
            f"{confusion.dtype}"
        )
    right, called, support = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    return [
        DigitScore(
            digit=digit,
            precision=_share(right[digit], called[digit]),
            recall=_share(right[digit], support[digit]),
            f1=_share(2 * right[digit], called[digit] + support[digit]),
            support=int(support[digit]),
        )
        for digit in range(len(confusion))
    ]


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0


@dataclass(frozen=True)
class Bin:
    """The answers whose probability lies in one tenth of 0–1.

    Attributes:
        low, high: the tenth; a probability of exactly `low` belongs to it, and 1 to the last.
        count: how many answers.
        probability: their mean probability; None where there is no answer.
        accuracy: the share of them that is right; None where there is no answer.
    """

    low: float
    high: float
    count: int
    probability: float | None
    accuracy: float | None


def reliability(probability: Any, right: Any) -> list[Bin]:
    """Sort answers by their probability into ten bins, and see how many of each are right.

    Args:
        probability: (n,) of each answer, 0–1.
        right: (n,) bool.

    >>> reliability(np.array([0.95, 0.85, 0.99]), np.array([True, False, True]))[9].count
    2
    """
    sure, hit = np.asarray(probability, np.float64), np.asarray(right, bool)
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = []
    for place in range(BINS):
        mine = places == place
        count = int(mine.sum())
        mean = (float(sure[mine].mean()), float(hit[mine].mean())) if count else (None, None)
        bins.append(Bin(place / BINS, (place + 1) / BINS, count, *mean))
    return bins


def calibration_error(bins: list[Bin]) -> float:
    """Return the expected calibration error, 0–1: how far bins lie off, on average over answers.

        ECE = Σ_b n_b/n · |accuracy_b − probability_b|

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".

    >>> calibration_error([Bin(0.8, 0.9, 4, 0.85, 0.75)])
    0.1
    """
    off = sum(
        b.count * abs(b.accuracy - b.probability)
        for b in bins
        if b.accuracy is not None and b.probability is not None
    )
    return round(off / sum(b.count for b in bins), 12)


@dataclass(frozen=True)
class Report:
    """How a network does on a set of pictures.

    Attributes:
        loss: mean nats per sample, of the outputs as they are: at a temperature of 1, as training
            counts it.
        accuracy: 0–1.
        confusion: (10, 10) counts, rows true, columns predicted.
        per_class: precision, recall, F1 and support of each digit.
        labels, predicted: (n,) the true label and the network's.
        probability: (n,) what the model gave the label it predicted, 0–1, at its temperature.
    """

    loss: float
    accuracy: float
    confusion: NDArray[np.int64]
    per_class: list[DigitScore]
    labels: Integers
    predicted: NDArray[np.intp]
    probability: Floats

    def __repr__(self) -> str:
        return f"Report(accuracy={self.accuracy:.4f}, loss={self.loss:.4f}, n={len(self.labels)})"

    def _repr_html_(self) -> str:
        right, count = int(self.confusion.trace()), len(self.labels)
        headline = f"{self.accuracy:.2%} recognised ({right:,} of {count:,}), loss {self.loss:.4f}"
        return report_html(headline, self.confusion, [vars(score) for score in self.per_class])

    @property
    def reliability(self) -> list[Bin]:
        """Return, for each tenth of probability, how many answers it has and how many are right."""
        return reliability(self.probability, self.labels == self.predicted)

    @property
    def calibration_error(self) -> float:
        """Return the expected calibration error, 0–1."""
        return calibration_error(self.reliability)

    def mistakes(self, count: int) -> NDArray[np.intp]:
        """Return the indices of at most `count` mistakes, the most confident first."""
        wrong = np.flatnonzero(self.labels != self.predicted)
        return wrong[np.argsort(-self.probability[wrong], kind="stable")][:count]


def evaluate(
    network: Network | HasNetwork, images: Any, labels: Any, *, deskewed: bool | None = None
) -> Report:
    """Measure a network on pictures and their labels.

    Args:
        network: or what has one, such as a Model, whose temperature counts, or a TrainingState.
        images: (n, 28, 28) or (n, 784), uint8 0–255 or float 0–1, ink bright; n > 0.
        labels: (n,) integers 0 … 9.
        deskewed: shear the pictures upright first; None does what the network was trained with.

    Raises:
        ArrayError: pictures or labels are not so, or differ in number.
        DivergenceError: the weights are so large that the loss is not a finite number.
    """
    temperature = float(getattr(network, "temperature", 1.0))
    if not isinstance(network, Network):
        network = network.network
    pictures = as_images(images)
    answers = as_labels(labels, len(pictures))
    if deskewed is None:
        deskewed = network.deskewed
    loss, A_o = _loss_and_probabilities(network, pictures, answers, deskewed, temperature)
    predicted = A_o.argmax(axis=1)
    confusion = confusion_matrix(answers, predicted)
    return Report(
        loss=loss,
        accuracy=accuracy(answers, predicted),
        confusion=confusion,
        per_class=per_class(confusion),
        labels=answers,
        predicted=predicted,
        probability=A_o.max(axis=1),
    )


def _loss_and_probabilities(
    network: Network, images: Images, labels: Labels, deskewed: bool, temperature: float
) -> tuple[float, Floats]:
    """Return the mean loss, nats per sample, and A_o (n, 10), computed piece by piece."""
    measure, total, probabilities = SoftmaxCrossEntropy(), 0.0, []
    with np.errstate(over="ignore", invalid="ignore"):  # the loss tells, and is looked at
        for start in range(0, len(images), PIECE):
            piece = slice(start, start + PIECE)
            pictures = deskew(images[piece]) if deskewed else images[piece]
            A = scale_pixels(pictures, network.theta.dtype)
            Z_o = network.forward(A)
            total += measure.forward(Z_o, labels[piece]) * len(A)
            log_A = measure.log_A if temperature == 1 else log_softmax(Z_o / temperature)
            probabilities.append(np.exp(log_A))
    if not math.isfinite(total):
        raise DivergenceError(
            "the weights are so large that the loss is not a finite number",
            next_step="train again with a smaller rate, for example --lr 0.01",
        )
    return total / len(images), np.concatenate(probabilities)
