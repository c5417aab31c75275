"""Verdicts on the checks of one hand-in, so worded that one error is told once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnscratch.handin import in_their_words
from nnscratch.lab.grading.diagnoses import Diagnosis, described, diagnose, shown, with_shape
from nnscratch.lab.grading.known_errors import ANCHORS, MATHS, NOT_SET
from nnscratch.lab.grading.trials import Failure, Nothing, Outcome, alike, similar
from nnscratch.products import Floats

NOT_CHECKED = "not checked"
NOT_WRITTEN = "not written yet"
Trial = tuple[Any, Outcome, Floats]  # case, what came of it, what should have


@dataclass(frozen=True)
class Verdict:
    """Whether a check passed, why not, and where to read on."""

    passed: bool
    reason: str = ""
    read_on: str = ""


PASSED = Verdict(True)
BATCHES = MATHS + "one-batch-after-another"


def changed(names: Iterable[str]) -> Diagnosis:
    """Say which arrays are no longer what they were before both passes."""
    names = list(names)
    were = "were" if len(names) > 1 else "was"
    says = f"{' and '.join(names)}: not what {'they' if names[1:] else 'it'} {were} before forward"
    return Diagnosis(("CHANGED IN PLACE",), f"{says} and backward", BATCHES)


def missing(quantity: str, near: str = "") -> str:
    """Say that a quantity is not there: not returned, or not kept under its name."""
    name = shown(quantity) or "one of the numbers"
    method = {
        "Z": "forward", "A": "forward", "loss": "forward", "Z_o": "forward", "L": "loss",
        "dLdA": "backward", "dLdZ": "backward", "dLdZ_o": "backward",
    }.get(quantity)  # fmt: skip
    if method:
        return f"{name}: {method} returns nothing (is there no return?)"
    return f"{name}: there is none after backward" + (f", but there is a {near}" if near else "")


def _words(error: BaseException, path: Path) -> str:
    """Say an error in their words; or, where our own access failed, what their class has not."""
    words = in_their_words(error, path)
    if ", line " in words:
        return words
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        near = similar(error.name, error.obj)
        kind = type(error.obj).__name__
        there = f", but there is a {near}" if near else ""
        return f"NO {error.name}: {kind} has none{there}"
    if isinstance(error, TypeError) and "positional argument" in words:
        return f"{words}: does its def begin with self?"
    return words


@dataclass
class Report:
    """What has been said of a hand-in so far.

    Attributes:
        path: of its file.
        told: the names of the errors found, and the words of those raised.
        broken: the classes that failed a check.
    """

    path: Path
    told: dict[str, None] = field(default_factory=dict)
    broken: dict[str, None] = field(default_factory=dict)

    def failed(self, diagnosis: Diagnosis) -> Verdict:
        """Say a diagnosis in full the first time, and afterwards refer to it."""
        new = [name for name in diagnosis.names if name not in self.told]
        self.told |= dict.fromkeys(diagnosis.names)
        if new:
            return Verdict(False, str(diagnosis), diagnosis.read_on)
        quantity = diagnosis.sentence.partition(":")[0]
        return Verdict(
            False, f"{' AND '.join(diagnosis.names)}: {quantity}, as above", diagnosis.read_on
        )

    def raised(self, failure: Failure, read_on: str = "", quantity: str = "") -> Verdict:
        """Say what their code raised, in full the first time; or that it gave nothing.

        Args:
            quantity: what was wanted, a key of `diagnoses.KNOWN`.
        """
        error = failure.error or Nothing()
        if isinstance(error, Nothing):
            return self.failed(Diagnosis((NOT_SET,), missing(quantity, str(error)), read_on))
        words = _words(error, self.path)
        if words in self.told and not words.startswith(NOT_WRITTEN):
            return self.not_checked(words)
        self.told[words] = None
        return Verdict(False, words, read_on)

    def not_checked(self, why: str) -> Verdict:
        """Say that a check could not be made."""
        return Verdict(False, f"{NOT_CHECKED}: {why}")

    def judge(self, quantity: str, trials: Sequence[Trial], *, excused: bool = False) -> Verdict:
        """Judge one quantity in all cases.

        Args:
            quantity: a key of `diagnoses.KNOWN`.
            trials: a case, the outcome and what it should have been.
            excused: another quantity is wrong and explains what was raised here.
        """
        read_on = MATHS + ANCHORS[quantity]
        errors = [t[1] for t in trials if isinstance(t[1], Failure) and t[1].error]
        given = [t for t in trials if not isinstance(t[1], Failure)]
        if all(alike(found, right) for _, found, right in given):
            if given and (excused or not errors):
                return PASSED
            if not errors:
                return self.not_checked(f"no {shown(quantity)} could be computed")
            return self.raised(errors[0], read_on, quantity)
        diagnosis = diagnose(quantity, [(case, found) for case, found, _ in trials])
        if diagnosis:
            return self.failed(with_shape(quantity, diagnosis, trials))
        return self.failed(described(quantity, trials))
