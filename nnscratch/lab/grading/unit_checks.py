"""The checks of a student's `ReLU` and `SoftmaxCrossEntropy`, in the order of `checks.CHECKS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnscratch.core import CLASSES
from nnscratch.lab.grading.diagnoses import TRUE, Diagnosis
from nnscratch.lab.grading.known_errors import MATHS, OVERFLOW
from nnscratch.lab.grading.trials import (
    Failure,
    LossCase,
    UnitCase,
    alike,
    attempt,
    loss_cases,
    numbers,
    unit_cases,
)
from nnscratch.lab.grading.verdicts import PASSED, Report, Verdict

BATCHES = MATHS + "one-batch-after-another"
STABLE = MATHS + "softmax-and-cross-entropy"
Run = dict[str, Any]  # the outcomes by quantity, and `touched`


def run_relu(cls: type, case: UnitCase, unit: Any = None) -> Run:
    """Run a ReLU of theirs, a new one if none is given, forward and backward once."""
    unit = attempt(cls) if unit is None else unit
    if isinstance(unit, Failure):
        return {"A": unit, "dLdZ": unit, "touched": []}
    Z, D = case.Z.copy(), case.D.copy()
    run: Run = {"A": numbers(attempt(lambda: unit.forward(Z)))}
    touched = [] if alike(Z, case.Z, 0) else ["Z"]
    Z[...] = case.Z  # so that forward alone is blamed for it
    run["dLdZ"] = run["A"] if isinstance(run["A"], Failure) else _backward(unit, D)
    return run | {"touched": touched + ([] if alike(D, case.D, 0) else ["dLdA"])}


def _backward(unit: Any, *arguments: Any) -> Any:
    return numbers(attempt(lambda: unit.backward(*arguments)))


def run_loss(cls: type, case: LossCase, unit: Any = None) -> Run:
    """Run a SoftmaxCrossEntropy of theirs, a new one if none is given, there and back."""
    unit = attempt(cls) if unit is None else unit
    if isinstance(unit, Failure):
        return {"loss": unit, "dLdZ_o": unit, "touched": []}
    Z, labels = case.Z.copy(), case.labels.copy()
    loss = numbers(attempt(lambda: unit.forward(Z, labels)))
    found = loss if isinstance(loss, Failure) else _backward(unit)
    touched = [name for name, old, new in (("Z", case.Z, Z), ("labels", case.labels, labels))
               if not alike(new, old, 0)]  # fmt: skip
    return {"loss": loss, "dLdZ_o": found, "touched": touched}


def check_relu(cls: type, report: Report) -> Iterator[Verdict]:
    """Yield the verdict on each check of `ReLU`."""
    runs = [(case, run_relu(cls, case)) for case in unit_cases()]
    yield from _judged("ReLU", runs, ("A", "dLdZ"), report)
    yield _used_again(cls, "ReLU", run_relu, unit_cases(), report)


def check_loss(cls: type, report: Report) -> Iterator[Verdict]:
    """Yield the verdict on each check of `SoftmaxCrossEntropy`."""
    runs = [(case, run_loss(cls, case)) for case in loss_cases()]
    loss, backward = _judged("SoftmaxCrossEntropy", runs, ("loss", "dLdZ_o"), report)
    yield loss
    yield _large(cls, runs, loss.passed, report)
    yield backward
    yield _used_again(cls, "SoftmaxCrossEntropy", run_loss, loss_cases(), report)


def _judged(
    kind: str, runs: list[tuple[Any, Run]], quantities: tuple[str, str], report: Report
) -> list[Verdict]:
    """Judge what forward gives, and then what backward gives."""
    verdicts: list[Verdict] = []
    for quantity in quantities:
        failures = [run[quantities[0]] for _, run in runs]
        if verdicts and all(isinstance(found, Failure) for found in failures):
            verdicts.append(report.not_checked(f"forward of {kind} raised an error"))
            break
        trials = [(c, run[quantity], np.asarray(TRUE[quantity](c), float)) for c, run in runs]
        verdicts.append(report.judge(quantity, trials))
    if not all(verdict.passed for verdict in verdicts):
        report.broken[kind] = None
    return verdicts


def _large(cls: type, runs: list[tuple[Any, Run]], right: bool, report: Report) -> Verdict:
    """Judge outputs whose exponential is too large for a float: ±1000."""
    if any(isinstance(run[name], Failure) for _, run in runs for name in ("loss", "dLdZ_o")):
        return report.not_checked("SoftmaxCrossEntropy raised an error before")
    Z = np.zeros((2, CLASSES))
    Z[0, 0], Z[0, 2], Z[1, 1:3] = 1000, -1000, 1000
    sure = LossCase(Z, np.array([0, 1]))
    cases = [sure, replace(sure, Z=sure.Z - 2000), replace(sure, labels=np.array([2, 0]))]
    for case in cases:
        run = run_loss(cls, case)
        for name in ("loss", "dLdZ_o"):
            if isinstance(run[name], Failure):
                return report.raised(run[name], STABLE)
            if not np.isfinite(run[name]).all():
                report.broken["SoftmaxCrossEntropy"] = None
                says = f"{name}: not finite for outputs of 1000, though the true value is"
                return report.failed(Diagnosis((OVERFLOW,), says, STABLE))
        if right and case is sure and not alike(run["loss"], TRUE["loss"](sure), 1e-4):
            says = "loss: far off for outputs of 1000, where one class is certain"
            return report.failed(Diagnosis((OVERFLOW,), says, STABLE))
    return PASSED


def _used_again(
    cls: type,
    kind: str,
    run_once: Callable[..., Run],
    cases: list[Any],
    report: Report,
) -> Verdict:
    """Judge whether a unit that was used gives what a new one gives, and leaves its input alone."""
    cases = [*cases, replace(cases[-1], Z=-cases[-1].Z), cases[0]]
    fresh = [run_once(cls, case) for case in cases]
    names = [name for name in fresh[0] if name != "touched"]
    if any(isinstance(run[name], Failure) for run in fresh for name in names):
        return report.not_checked(f"{kind} raised an error before")
    for run in fresh:
        if run["touched"]:
            report.broken[kind] = None
            says = f"{' and '.join(run['touched'])}: not what it was before forward and backward"
            return report.failed(Diagnosis(("CHANGED IN PLACE",), says, BATCHES))
    unit = attempt(cls)
    for case, wanted in zip(cases, fresh, strict=True):
        run = run_once(cls, case, unit)
        for name in names:
            if isinstance(run[name], Failure):
                return report.raised(run[name], BATCHES)
            if not alike(run[name], wanted[name]):
                report.broken[kind] = None
                says = f"{name}: the second batch gives other numbers than in a new {kind}"
                return report.failed(Diagnosis(("LEFT OVER",), says, BATCHES))
    return PASSED
