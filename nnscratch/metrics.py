"""How good the answers are: accuracy, the confusion matrix, and what follows from it per digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]


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


def accuracy(labels: Integers, predicted: Integers) -> float:
    """Return the share of right answers, 0–1, for two (N,) arrays with N > 0.

    >>> accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]))
    0.75
    """
    return float(np.mean(labels == predicted))


def confusion_matrix(labels: Integers, predicted: Integers, classes: int = 10) -> NDArray[np.int64]:
    """Count which digit was taken for which: rows true, columns predicted.

    Args:
        labels, predicted: (N,) integers 0 … classes − 1.

    Returns:
        (classes, classes) counts that sum to N; the diagonal holds the right answers.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    pairs = labels.astype(np.int64) * classes + predicted
    counts = np.bincount(pairs, minlength=classes * classes)
    return counts.reshape(classes, classes)


def per_class(confusion: NDArray[np.int64]) -> list[DigitScore]:
    """Read precision, recall and F1 of each digit off a confusion matrix (rows true).

    >>> per_class(np.array([[1, 1], [0, 2]]))[1]
    DigitScore(digit=1, precision=0.6666666666666666, recall=1.0, f1=0.8, support=2)
    """
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
