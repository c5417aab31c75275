"""Verdicts on the checks of one hand-in, so worded that one error is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnscratch.handin import in_their_words
from nnscratch.lab.grading.diagnoses import Diagnosis, described, diagnose
from nnscratch.lab.grading.known_errors import ANCHORS, MATHS, NOT_SET
from nnscratch.lab.grading.trials import Failure, Nothing, Outcome, alike
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

    def raised(self, failure: Failure, read_on: str = "") -> Verdict:
        """Say what their code raised, in full the first time."""
        error = failure.error or Nothing()
        words = in_their_words(error, self.path)
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
                return self.not_checked(f"no {quantity} could be computed")
            if isinstance(errors[0].error, Nothing):
                says = f"{quantity}: there is none after backward"
                return self.failed(Diagnosis((NOT_SET,), says, read_on))
            return self.raised(errors[0], read_on)
        diagnosis = diagnose(quantity, [(case, found) for case, found, _ in trials])
        return self.failed(diagnosis or described(quantity, trials))
