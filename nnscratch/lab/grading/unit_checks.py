"""The checks of a student's `ReLU` and `SoftmaxCrossEntropy`, in the order of `checks.CHECKS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnscratch.core import CLASSES
from nnscratch.lab.grading.diagnoses import TRUE, Diagnosis, shown
from nnscratch.lab.grading.known_errors import ANCHORS, LOG_OF_ZERO, MATHS, OVERFLOW
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
from nnscratch.lab.grading.verdicts import BATCHES, PASSED, Report, Verdict, changed

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
    quantities = ("A", "dLdZ")
    for name, verdict in zip(quantities, _judged("ReLU", runs, quantities, report), strict=True):
        yield _at_edges(cls, name, report) if verdict.passed else verdict
    cases = unit_cases()
    other = replace(cases[-1], Z=-cases[-1].Z)
    yield _used_again(cls, "ReLU", run_relu, [*cases, other, cases[0]], report)


def _at_edges(cls: type, quantity: str, report: Report) -> Verdict:
    """Judge a quantity of ReLU where Z is exactly 0, and where it is large."""
    Z = np.array([[0.0, 20, -20, 1000], [0.5, 0, -1000, 0]])
    case = UnitCase(Z, np.array([[2.0, 3, 4, -5], [6, -7, 8, 9]]))
    found, right = run_relu(cls, case)[quantity], TRUE[quantity](case)
    if isinstance(found, Failure):
        return report.raised(found, MATHS + ANCHORS[quantity], quantity)
    if alike(found, right):
        return PASSED
    report.broken["ReLU"] = None
    name, says = "CUT OFF", f"{quantity}: wrong where Z is 20 or 1000, and right where it is small"
    if found.shape == right.shape and alike(found[Z != 0], right[Z != 0]):
        name, says = "WRONG AT ZERO", f"{quantity}: wrong where Z is exactly 0, right elsewhere"
        if quantity == "dLdZ":
            says = "dLdZ: where Z is exactly 0, something of dLdA gets through"
    return report.failed(Diagnosis((name,), says, MATHS + ANCHORS[quantity]))


def check_loss(cls: type, report: Report) -> Iterator[Verdict]:
    """Yield the verdict on each check of `SoftmaxCrossEntropy`."""
    runs = [(case, run_loss(cls, case)) for case in loss_cases()]
    loss, backward = _judged("SoftmaxCrossEntropy", runs, ("loss", "dLdZ_o"), report)
    yield loss
    yield _large(cls, runs, (loss.passed, backward.passed), report)
    yield backward
    cases = loss_cases()
    other = replace(cases[-1], Z=-cases[-1].Z, labels=(cases[-1].labels + 1) % CLASSES)
    yield _used_again(cls, "SoftmaxCrossEntropy", run_loss, [*cases, other, cases[0]], report)


def _judged(
    kind: str, runs: list[tuple[Any, Run]], quantities: tuple[str, str], report: Report
) -> list[Verdict]:
    """Judge what forward gives, and then what backward gives."""
    verdicts: list[Verdict] = []
    for quantity in quantities:
        failures = [run[quantities[0]] for _, run in runs]
        if verdicts and all(isinstance(found, Failure) for found in failures):
            verdicts.append(report.not_checked(f"forward of {kind} gives no numbers"))
            break
        trials = [(c, run[quantity], np.asarray(TRUE[quantity](c), float)) for c, run in runs]
        verdicts.append(report.judge(quantity, trials))
    if not all(verdict.passed for verdict in verdicts):
        report.broken[kind] = None
    return verdicts


def large_cases() -> list[LossCase]:
    """Return outputs of ±1000; in the last, rows of very different size."""
    Z = np.zeros((2, CLASSES))
    Z[0, 0], Z[0, 2], Z[1, 1:3] = 1000, -1000, 1000
    sure = LossCase(Z, np.array([0, 1]))
    case = loss_cases()[0]
    mixed = replace(case, Z=case.Z + np.array([[1000.0], [0], [-1000], [50], [0]]))
    return [sure, replace(sure, Z=Z - 2000), replace(sure, labels=np.array([2, 0])), mixed]


def _large(
    cls: type, runs: list[tuple[Any, Run]], right: tuple[bool, bool], report: Report
) -> Verdict:
    """Judge outputs of ±1000: whether there are numbers, and which.

    Args:
        right: whether the loss, and dLdZ, are what they should be for small outputs.
    """
    names = ("loss", "dLdZ_o")
    if any(isinstance(run[name], Failure) for _, run in runs for name in names):
        return report.not_checked("SoftmaxCrossEntropy gives no numbers, as above")
    cases = large_cases()
    found = [run_loss(cls, case) for case in cases]
    for name in names:
        for run in found:
            if isinstance(run[name], Failure):
                return report.raised(run[name], STABLE, name)
    finite = {name: [bool(np.isfinite(run[name]).all()) for run in found] for name in names}
    wrong = {
        name: [run[name] for case, run in zip(cases, found, strict=True)
               if was_right and not alike(run[name], np.asarray(TRUE[name](case)), 1e-4)]
        for name, was_right in zip(names, right, strict=True)
    }  # fmt: skip
    if all(all(each) for each in finite.values()) and not any(wrong.values()):
        return PASSED
    report.broken["SoftmaxCrossEntropy"] = None
    return report.failed(Diagnosis(*_why_large(finite, wrong), STABLE))


def _why_large(
    finite: dict[str, list[bool]], wrong: dict[str, list[Any]]
) -> tuple[tuple[str], str]:
    """Return the name of what goes wrong for large outputs, and what the numbers show."""
    rows = "rows of very different size in one batch"
    if all(all(each[:-1]) for each in finite.values()) and not finite["dLdZ_o"][-1]:
        return ("LARGEST OF THE WHOLE BATCH",), (
            f"dLdZ: not finite for {rows}, though each row alone is right"
        )
    if not all(finite["loss"]) and all(finite["dLdZ_o"]):
        return (LOG_OF_ZERO,), (
            "loss: infinite for outputs of 1000, though no exponential is too large: "
            "a probability is so small that it is rounded to 0 before its logarithm is taken"
        )
    for name, each in finite.items():
        if not all(each):
            says = f"{shown(name)}: not finite for outputs of 1000, though the true value is"
            return (OVERFLOW,), says
    if wrong["dLdZ_o"]:
        return ("OUTPUTS CUT OFF",), (
            "dLdZ: outputs of 1000 and of 1001 count as the same, as if cut off before exp"
        )
    return ("LOSS CUT OFF",), (
        f"loss: never above {np.max(wrong['loss']):.4g} for outputs of 1000, where it is up to "
        "1500: what keeps a logarithm from 0 also keeps the loss from its true value"
    )


def _used_again(
    cls: type,
    kind: str,
    run_once: Callable[..., Run],
    cases: list[Any],
    report: Report,
) -> Verdict:
    """Judge whether a unit that was used gives what a new one gives, and leaves its input alone."""
    fresh = [run_once(cls, case) for case in cases]
    names = [name for name in fresh[0] if name != "touched"]
    if any(isinstance(run[name], Failure) for run in fresh for name in names):
        return report.not_checked(f"{kind} gives no numbers, as above")
    for run in fresh:
        if run["touched"]:
            report.broken[kind] = None
            return report.failed(changed(run["touched"]))
    unit = attempt(cls)
    for case, wanted in zip(cases, fresh, strict=True):
        run = run_once(cls, case, unit)
        for name in names:
            if isinstance(run[name], Failure):
                return report.raised(run[name], BATCHES, name)
            if not alike(run[name], wanted[name]):
                report.broken[kind] = None
                says = f"{shown(name)}: the second batch gives other numbers than in a new {kind}"
                return report.failed(Diagnosis(("LEFT OVER",), says, BATCHES))
    return PASSED
