"""What is checked of a hand-in, for how many points, and the likely reason where it fails.

Every class is tried on small arrays of several shapes; last, the student's layers learn MNIST in
place of ours. Whatever their code raises is a failed check, told in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnscratch.lab.grading.linear_checks import check_linear
from nnscratch.lab.grading.network_checks import check_network
from nnscratch.lab.grading.pudding import check_pudding
from nnscratch.lab.grading.unit_checks import check_loss, check_relu
from nnscratch.lab.grading.verdicts import Report, Verdict

CHECKS: dict[str, tuple[tuple[str, int], ...]] = {
    "Linear": (
        ("Linear: shapes, and zeros at the start", 2),
        ("Linear: forward, an example by hand", 2),
        ("Linear: forward, batches of one and many", 2),
        ("Linear: dLdW", 3),
        ("Linear: dLdb", 3),
        ("Linear: dLdA, returned, and kept only with debug", 3),
        ("Linear: nothing left over from the batch before", 2),
        ("Linear: inputs and weights left as they were", 1),
        ("Linear: float32, integers and lists", 1),
    ),
    "ReLU": (
        ("ReLU: forward", 1),
        ("ReLU: backward", 2),
        ("ReLU: nothing left over, nothing changed in place", 1),
    ),
    "SoftmaxCrossEntropy": (
        ("SoftmaxCrossEntropy: the loss", 2),
        ("SoftmaxCrossEntropy: outputs of 1000", 1),
        ("SoftmaxCrossEntropy: backward", 2),
        ("SoftmaxCrossEntropy: nothing left over, nothing changed in place", 1),
    ),
    "Network": (
        ("Network: forward", 1),
        ("Network: the loss", 1),
        ("Network: the four gradients", 2),
    ),
}
PUDDING = ("Learning digits, beside our own layers", 1)
CHECKERS: dict[str, Callable[[type, Report], Iterator[Verdict]]] = {
    "Linear": check_linear,
    "ReLU": check_relu,
    "SoftmaxCrossEntropy": check_loss,
    "Network": check_network,
}


@dataclass(frozen=True)
class Check:
    """One check of a hand-in.

    Attributes:
        name: what is checked.
        passed: whether all its points were given.
        points, out_of: whole numbers.
        reason: why it failed, `NAME OF THE ERROR: what the numbers show`; for a check that passed,
            a remark or nothing.
        read_on: a page and heading of the documents, or nothing.
    """

    name: str
    passed: bool
    points: int
    out_of: int
    reason: str = ""
    read_on: str = ""


def plan(classes: Mapping[str, type]) -> list[tuple[str, int]]:
    """Return the name and the points of every check, in order, for the classes of a hand-in.

    >>> sum(points for _, points in plan({"Linear": object}))
    20
    """
    checks = [check for kind, some in CHECKS.items() if kind in classes for check in some]
    return [*checks, PUDDING]


def examine(
    classes: Mapping[str, type],
    images: Any,
    labels: Any,
    test_images: Any,
    test_labels: Any,
    *,
    path: Path,
) -> Iterator[Check]:
    """Check the classes of a hand-in, yielding each check of `plan` as it is done.

    Args:
        classes: by name, as `read_classes` gives them; those missing are ours.
        images, labels: (n, 28, 28) uint8 and (n,), to learn from.
        test_images, test_labels: what the learning is measured by; held out of the training set.
        path: of the file, for the line numbers.
    """
    report = Report(path)
    checks = iter(plan(classes))
    for kind in CHECKS:
        if kind in classes:
            for verdict in CHECKERS[kind](classes[kind], report):
                yield _check(next(checks), verdict)
    verdict = check_pudding(classes, images, labels, test_images, test_labels, report)
    yield _check(next(checks), verdict)


def _check(planned: tuple[str, int], verdict: Verdict) -> Check:
    name, out_of = planned
    points = out_of if verdict.passed else 0
    return Check(name, verdict.passed, points, out_of, verdict.reason, verdict.read_on)
