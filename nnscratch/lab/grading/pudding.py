"""The proof of the pudding: do a student's layers learn digits as well as ours do?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscratch.core import Network
from nnscratch.errors import HandInError
from nnscratch.handin import OwnNetwork
from nnscratch.lab.grading.trials import unwarned
from nnscratch.lab.grading.verdicts import Report, Verdict
from nnscratch.products import scale_pixels

SECONDS = 3.0  # for their training
MOST_PICTURES = 20_000
TEST_PICTURES = 1_000
BATCH = 32
LEARNING_RATE = 0.1
HIDDEN = 10
TOLERANCE = 0.01  # of accuracy
READ_ON = "docs/maths.md#gradient-descent"


@dataclass(frozen=True)
class Learned:
    """How well a network learned.

    Attributes:
        accuracy: of the pictures that it did not learn from, as a fraction.
        pictures: how many it learned from.
        seconds: how long it learned.
        diverged: whether the loss was no longer a finite number.
    """

    accuracy: float
    pictures: int
    seconds: float
    diverged: bool = False

    def __str__(self) -> str:
        if self.diverged:
            return "a loss that is no number"
        return f"{self.accuracy:.1%}"


def learn(
    network: Network, images: Any, labels: Any, test_images: Any, test_labels: Any,
    most: int = MOST_PICTURES, limit_seconds: float = float("inf"),
) -> Learned:  # fmt: skip
    """Train a network by plain gradient descent, for one pass over the pictures at most.

    Args:
        network: changed in place.
        images, labels: (n, 28, 28) uint8 and (n,), taken in their order.
        test_images, test_labels: what it is measured by, with our own arithmetic.
        most: how many pictures at most, whole batches.
        limit_seconds: no batch begins after so long.
    """
    started = time.monotonic()
    done = 0
    diverged = False
    most = min(most, len(images)) // BATCH * BATCH
    while done < most and not diverged and (not done or time.monotonic() - started < limit_seconds):
        A = scale_pixels(images[done : done + BATCH])
        answers = labels[done : done + BATCH].astype(np.intp)
        diverged = not np.isfinite(network.loss(network.forward(A), answers))
        network.backward()
        network.theta -= LEARNING_RATE * network.dLdtheta
        done += BATCH
    seconds = time.monotonic() - started
    ours = Network(HIDDEN, rng=np.random.default_rng(0))
    ours.theta = network.theta
    right = ours.predict(scale_pixels(test_images)) == test_labels
    return Learned(float(np.mean(right)), done, seconds, diverged)


def check_pudding(
    classes: Mapping[str, type],
    images: Any,
    labels: Any,
    test_images: Any,
    test_labels: Any,
    report: Report,
) -> Verdict:
    """Judge whether their layers learn what ours learn from the same pictures.

    Both start from the same weights and see the same batches of 32, as many as theirs get through
    in SECONDS. The accuracies are those of pictures that neither has seen.
    """
    held = test_images[:TEST_PICTURES], test_labels[:TEST_PICTURES]
    ours = Network(HIDDEN, rng=np.random.default_rng(0))
    try:
        with unwarned():
            own = OwnNetwork(classes, HIDDEN, rng=np.random.default_rng(0))
            theirs = learn(own, images, labels, *held, limit_seconds=SECONDS)
    except HandInError as error:
        if report.told:
            return report.not_checked(f"the layers do not learn: {error.what}")
        return Verdict(False, error.what, READ_ON)
    beside = learn(ours, images, labels, *held, most=theirs.pictures)
    says = (
        f"{theirs} after {theirs.pictures:,} pictures in {theirs.seconds:.1f} s; "
        f"ours {beside.accuracy:.1%} in {beside.seconds:.1f} s"
    )
    if not theirs.diverged and theirs.accuracy > beside.accuracy - TOLERANCE - 1e-9:
        return Verdict(True, says)
    if report.told:
        return Verdict(False, f"LEARNS WORSE: {says}; the errors above are the likely cause")
    return Verdict(False, f"LEARNS WORSE: {says}", READ_ON)
