"""The likely reason for wrong numbers: which known error gives exactly these, in every batch.

Each error is a formula, computed beside the student's on the same random arrays. An error is named
only if its formula, or the formula times a factor such as −1 or 1/N, gives the same numbers in all
batches, and fails where theirs failed. Where none does, the numbers are described.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from nnscratch.lab.grading.known_errors import (
    ANCHORS,
    DROPPED,
    FACTOR,
    FLAT_BIAS,
    MATHS,
    SIGN,
    TWICE,
    WRONG_MEAN,
    WRONG_NUMBERS,
    WRONG_SHAPE,
    Error,
)
from nnscratch.lab.grading.linear_errors import LINEAR_ERRORS, LINEAR_TRUTH
from nnscratch.lab.grading.trials import Failure, Outcome, alike, unwarned
from nnscratch.lab.grading.unit_errors import UNIT_ERRORS, UNIT_TRUTH
from nnscratch.products import Floats

KNOWN = LINEAR_ERRORS | UNIT_ERRORS
TRUE = LINEAR_TRUTH | UNIT_TRUTH


@dataclass(frozen=True)
class Diagnosis:
    """Why numbers are wrong.

    Attributes:
        names: of the errors, the one that says most first.
        sentence: what the numbers show.
        read_on: a heading of `docs/maths.md`.
    """

    names: tuple[str, ...]
    sentence: str
    read_on: str

    def __str__(self) -> str:
        return f"{' AND '.join(self.names)}: {self.sentence}"


class Case(Protocol):
    """Arrays of one shape, as `trials.py` has them: N samples, `width` outputs."""

    @property
    def N(self) -> int:
        """The number of samples."""

    @property
    def width(self) -> int:
        """The number of outputs."""


FACTORS: tuple[tuple[tuple[str, ...], str, Callable[[Case], float]], ...] = (
    ((SIGN,), "the sign is turned round", lambda c: -1),
    ((TWICE,), "divided by N once too often", lambda c: 1 / c.N),
    ((TWICE, SIGN), "divided by N once too often, and the sign turned round", lambda c: -1 / c.N),
    ((DROPPED,), "N times too large", lambda c: c.N),
    ((DROPPED, SIGN), "N times too large, and the sign turned round", lambda c: -c.N),
    ((TWICE,), "divided by N² too often", lambda c: 1 / c.N**2),
    ((WRONG_MEAN,), "divided by the number of outputs", lambda c: 1 / c.width),
    ((WRONG_MEAN, SIGN), "divided by the outputs, sign turned round", lambda c: -1 / c.width),
    ((WRONG_MEAN,), "divided by N and by the number of outputs", lambda c: 1 / c.width / c.N),
    ((WRONG_MEAN,), "a sum divided by the number of outputs", lambda c: c.N / c.width),
    ((FACTOR,), "twice too large", lambda c: 2),
    ((FACTOR,), "half of what it should be", lambda c: 0.5),
)
NAMES = {name for errors in KNOWN.values() for error in errors for name in error.names}
NAMES |= {name for names, _, _ in FACTORS for name in names}


def diagnose(quantity: str, found: Sequence[tuple[Case, Outcome]]) -> Diagnosis | None:
    """Name the error that gives these outcomes in all cases; None if none is known to.

    Args:
        quantity: a key of KNOWN.
        found: the outcomes. Those of which nothing is known, Failure(), are passed over.
    """
    found = [pair for pair in found if not (isinstance(pair[1], Failure) and not pair[1].error)]
    given = [pair for pair in found if not isinstance(pair[1], Failure)]
    if len(given) < len(found):
        return _named(quantity, found) or _named(quantity, given)
    return _named(quantity, found)


def shown(quantity: str) -> str:
    """Return what a quantity is called in its class."""
    name, _, layer = quantity.partition("_")
    if layer and name in ("dLdW", "dLdb"):
        return f"{name} of {'hidden' if layer == 'h' else 'output'}"
    return {"dLdZ_o": "dLdZ", "L": "loss"}.get(quantity, quantity)


def _named(quantity: str, found: Sequence[tuple[Case, Outcome]]) -> Diagnosis | None:
    errors = KNOWN[quantity]
    right = Error((), shown(quantity), TRUE[quantity])
    for error in errors:
        if _fits(error.formula, lambda c: 1.0, found):
            return Diagnosis(error.names, error.sentence, MATHS + _anchor(error, quantity))
    if _fits(right.formula, lambda c: 1.0, found):
        return None  # the numbers are right: of two errors none that cancel each other out
    for error, (names, says, factor) in itertools.product([right, *errors], FACTORS):
        if _fits(error.formula, factor, found):
            every = tuple(dict.fromkeys((*error.names, *names)))
            joint = ": " if error is right else "; "
            return Diagnosis(every, error.sentence + joint + says, MATHS + _anchor(error, quantity))
    return None


def _anchor(error: Error, quantity: str) -> str:
    return error.read_on or ANCHORS[quantity]


def _fits(
    formula: Callable[[Any], Any],
    factor: Callable[[Case], float],
    found: Sequence[tuple[Case, Outcome]],
) -> bool:
    some = False
    for case, seen in found:
        try:
            with unwarned():
                value = np.asarray(formula(case), np.float64) * factor(case)
        except ValueError:  # the shapes do not go together: so it has to be with theirs
            if not isinstance(seen, Failure):
                return False
            continue
        if isinstance(seen, Failure) or not _same(seen, value):
            return False
        some = True
    return some


def _same(seen: Outcome, value: Floats) -> bool:
    """Compare numbers; axes of length 1 do not count, and one number may fill an array."""
    if isinstance(seen, Failure):
        return False
    seen, value = seen.squeeze(), value.squeeze()
    if value.ndim == 0 and seen.size:
        value = np.broadcast_to(value, seen.shape)
    return alike(seen, value)


def with_shape(
    quantity: str, diagnosis: Diagnosis, found: Sequence[tuple[Case, Outcome, Floats]]
) -> Diagnosis:
    """Add to a diagnosis of the numbers that their shape is wrong too, where it is in all cases."""
    given = [(seen, right) for _, seen, right in found if not isinstance(seen, Failure)]
    if not all(s.shape != r.shape and s.squeeze().shape == r.squeeze().shape for s, r in given):
        return diagnosis
    seen, right = given[0]
    name = FLAT_BIAS if quantity == "dLdb" and seen.ndim == 1 else WRONG_SHAPE
    if diagnosis.names == (name,):
        return diagnosis
    says = f"{diagnosis.sentence}; and {seen.shape}, where {right.shape} belongs"
    return replace(diagnosis, names=(*diagnosis.names, name), sentence=says)


def described(quantity: str, found: Sequence[tuple[Case, Outcome, Floats]]) -> Diagnosis:
    """Say what the numbers show where no error is known that gives them.

    Args:
        found: case, outcome and what it should be, for all cases that gave numbers.
    """
    read_on = MATHS + ANCHORS[quantity]
    given = [(case, seen, right) for case, seen, right in found if not isinstance(seen, Failure)]
    for _, seen, right in given:
        if seen.shape != right.shape:
            says = f"{shown(quantity)}: {seen.shape}, where {right.shape} belongs"
            same = seen.squeeze().shape == right.squeeze().shape
            if same and all(alike(s.ravel(), r.ravel()) for _, s, r in given):
                says += "; the numbers are right"
            flat = quantity == "dLdb" and seen.ndim == 1
            return Diagnosis((FLAT_BIAS if flat else WRONG_SHAPE,), says, read_on)
    wrong = [(case, seen, right) for case, seen, right in given if not alike(seen, right)]
    if any(not np.isfinite(seen).all() for _, seen, _ in wrong):
        return Diagnosis(
            (WRONG_NUMBERS,), f"{shown(quantity)}: not all of them are finite", read_on
        )
    case, seen, right = wrong[0]
    off = np.abs(seen - right)
    says = (
        f"{shown(quantity)}: {np.sum(off > 1e-5)} of {off.size} differ in a batch of {case.N}, "
        f"by up to {off.max():.3g}"
    )
    if off.size == 1:
        is_, should = _told_apart(seen.item(), right.item())
        says = f"{shown(quantity)}: {is_} in a batch of {case.N}, where {should} belongs"
    if wrong and all(case.N > 1 for case, _, _ in wrong) and any(c.N == 1 for c, _, _ in given):
        says += "; right in a batch of one"
    return Diagnosis((WRONG_NUMBERS,), f"{says}; no known error gives these numbers", read_on)


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with as many digits, from four on, as it takes to tell them apart."""
    return next(
        (
            texts
            for d in range(4, 17)
            if (texts := (f"{one:.{d}g}", f"{other:.{d}g}"))[0] != texts[1]
        ),
        (repr(one), repr(other)),
    )
