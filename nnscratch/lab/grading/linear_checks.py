"""The checks of a student's `Linear`, in the order of `checks.CHECKS`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nnscratch.lab.grading.diagnoses import TRUE, Diagnosis
from nnscratch.lab.grading.known_errors import ADDED_UP, FLAT_BIAS, MATHS, WRONG_SHAPE
from nnscratch.lab.grading.trials import (
    Failure,
    Form,
    LinearCase,
    Nothing,
    alike,
    attempt,
    build,
    eighths,
    form_of,
    gathered,
    linear_cases,
    numbers,
    parameters,
    run_linear,
)
from nnscratch.lab.grading.verdicts import BATCHES, PASSED, Report, Trial, Verdict, changed

QUANTITIES = ("Z", "dLdW", "dLdb", "dLdA")
GRADIENTS = ("dLdW", "dLdb", "dLdA")
SHAPES = MATHS + "notation"
RETURN = MATHS + "why-backward-returns-dlda-and-not-dldz"
# One layer of 2 inputs and 3 outputs, and a batch of 2, as in the layer document's example.
BY_HAND = LinearCase(
    A=np.array([[1.0, 2.0], [3.0, 4.0]]),
    W=np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    b=np.array([[1.0], [2.0], [3.0]]),
    G=np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]),
)


def check_linear(cls: type, report: Report) -> Iterator[Verdict]:
    """Yield the verdict on each check of `Linear`."""
    layer = attempt(cls, 4, 3)
    if isinstance(layer, Failure):
        report.broken["Linear"] = None
        yield report.raised(layer, SHAPES)
        for _ in range(8):
            yield report.not_checked("no Linear(4, 3) could be made")
        return
    checks = LinearChecks(cls, report)
    for verdict in (
        checks.start(layer),
        checks.by_hand(),
        checks.forward(),
        checks.gradient("dLdW"),
        checks.gradient("dLdb"),
        checks.returned(),
        checks.leftovers(),
        checks.untouched(),
        checks.kinds(),
    ):
        if not verdict.passed:
            report.broken["Linear"] = None
        yield verdict


@dataclass
class LinearChecks:
    """What is found out about one `Linear`: a new layer is run in every case, once."""

    cls: type
    report: Report

    @cached_property
    def form(self) -> Form:
        """How the class keeps W and b."""
        return form_of(self.cls)

    @cached_property
    def runs(self) -> list[tuple[LinearCase, dict[str, Any]]]:
        """Each case, and what came of it."""
        return [(case, run_linear(self.cls, case, self.form)) for case in linear_cases()]

    def right(self, quantity: str, case: LinearCase, found: Any) -> Any:
        """Return what a quantity should be, in their own shapes of W and b."""
        value = np.asarray(TRUE[quantity](case), np.float64)
        if quantity == "dLdW":
            return self.form.W(value)
        if quantity == "dLdb" and not isinstance(found, Failure):
            own = self.form.b(value)
            return own if found.shape == own.shape else value
        return value

    def trials(self, quantity: str) -> list[Trial]:
        """Return case, outcome and what it should be, for all cases."""
        return [
            (case, run[quantity], self.right(quantity, case, run[quantity]))
            for case, run in self.runs
        ]

    def wrong(self, quantity: str) -> bool:
        """Tell whether some of the numbers are wrong; errors that were raised do not count."""
        given = [t for t in self.trials(quantity) if not isinstance(t[1], Failure)]
        return any(not alike(found, right) for _, found, right in given)

    def start(self, layer: Any) -> Verdict:
        """Judge W and b of a new layer."""
        shapes = {"W": (3, 4), "b": (3, 1)}
        for name, shape in shapes.items():
            value = numbers(attempt(getattr, layer, name))
            if isinstance(value, Failure):
                says = f"{name}: a new layer has none"
                return self.report.failed(Diagnosis((f"NO {name}",), says, SHAPES))
            if value.shape != shape:
                says = f"{name}: {value.shape} in Linear(4, 3), where {shape} belongs"
                flat = name == "b" and value.shape == (3,)
                if flat:
                    says += "; with a gradient of (3, 1) it spreads out to (3, 3)"
                error = FLAT_BIAS if flat else WRONG_SHAPE
                return self.report.failed(Diagnosis((error,), says, SHAPES))
            if value.any():
                says = f"{name}: a new layer does not start with zeros"
                read_on = MATHS + "why-the-weights-do-not-start-at-zero"
                return self.report.failed(Diagnosis(("NO ZERO START",), says, read_on))
        return PASSED

    def by_hand(self) -> Verdict:
        """Judge Z of an example, and that each bias moves one column of Z, and by as much."""
        run = run_linear(self.cls, BY_HAND, self.form)
        if isinstance(run["Z"], Failure) or not alike(run["Z"], TRUE["Z"](BY_HAND)):
            return self.report.judge(
                "Z", [(BY_HAND, run["Z"], TRUE["Z"](BY_HAND)), *self.trials("Z")]
            )
        cases = [replace(BY_HAND, b=BY_HAND.b + step[:, None]) for step in np.eye(3)]
        found = [run_linear(self.cls, case, self.form)["Z"] for case in cases]
        trials = [(c, Z, TRUE["Z"](c)) for c, Z in zip(cases, found, strict=True)]
        return self.report.judge("Z", trials)

    def forward(self) -> Verdict:
        """Judge Z for batches of several sizes."""
        return self.report.judge("Z", self.trials("Z"))

    def gradient(self, quantity: str) -> Verdict:
        """Judge one of the gradients for batches of several sizes."""
        others = [name for name in GRADIENTS if name != quantity]
        trials = self.trials(quantity)
        if all(isinstance(run["Z"], Failure) for _, run in self.runs):
            return self.report.not_checked("forward gives no Z in any batch")
        return self.report.judge(quantity, trials, excused=any(map(self.wrong, others)))

    def returned(self) -> Verdict:
        """Judge dLdA, and whether it is kept where it should be."""
        verdict = self.gradient("dLdA")
        if not verdict.passed or "debug" not in parameters(self.cls):
            return verdict
        case = next(case for case, run in self.runs if not isinstance(run["dLdA"], Failure))
        for debug in (True, False):
            run = run_linear(self.cls, case, self.form, debug=debug)
            if isinstance(run["layer"], Failure):
                return self.report.raised(run["layer"], RETURN)
            kept = numbers(attempt(getattr, run["layer"], "dLdA"))
            if alike(kept, run["dLdA"]) != debug:
                says = "with debug=True there is no such attribute after backward, or another array"
                if not debug:
                    says = "kept as an attribute without debug as well"
                name = "dLdA NOT KEPT" if debug else "dLdA KEPT ALWAYS"
                return self.report.failed(Diagnosis((name,), f"dLdA: {says}", RETURN))
        return PASSED

    def sound(self) -> LinearCase | None:
        """Return a case in which nothing was raised, if there is one.

        What is never there, in no case, is told once; the rest can be checked without it.
        """
        there = [name for name in QUANTITIES if not all(map(_is_missing, self.of(name)))]
        if "Z" not in there or len(there) == 1:
            return None
        for case, run in self.runs:
            if not any(isinstance(run[name], Failure) for name in there):
                return case
        return None

    def of(self, quantity: str) -> list[Any]:
        """Return the outcomes of a quantity in all cases."""
        return [run[quantity] for _, run in self.runs]

    def leftovers(self) -> Verdict:
        """Judge whether a layer that was used gives what a new one gives, and two do not mix."""
        case = self.sound()
        if case is None:
            return self.report.not_checked("there is no batch in which all could be computed")
        rng = np.random.default_rng(22)
        square = case.width == case.N
        sizes = [case.N, case.N if square else 2, case.N, case.N]
        cases = [
            replace(case, A=eighths(rng, N, case.A.shape[1]), G=eighths(rng, N, case.width))
            for N in sizes
        ]
        fresh = [run_linear(self.cls, each, self.form) for each in cases]
        layer = attempt(lambda: build(self.cls, case, self.form))
        for number, each in enumerate(cases):
            used: dict[str, Any] = {"Z": numbers(attempt(lambda: layer.forward(each.A.copy())))}  # noqa: B023
            used |= gathered(layer, attempt(lambda: layer.backward(each.G.copy())))  # noqa: B023
            for name in QUANTITIES:
                if isinstance(fresh[number][name], Failure) or alike(
                    used[name], fresh[number][name]
                ):
                    continue
                if isinstance(used[name], Failure):
                    return self.report.raised(used[name], BATCHES, name)
                return self._left_over(name, used[name], [run[name] for run in fresh[: number + 1]])
        return self._apart(case)

    def _left_over(self, name: str, used: Any, fresh: list[Any]) -> Verdict:
        same = [run for run in fresh if not isinstance(run, Failure) and run.shape == used.shape]
        earlier = fresh[:-1]
        if len(same) > 1 and alike(used, np.sum(same, axis=0)):
            says = f"{name}: after the second batch it is the sum of both batches' gradients"
            return self.report.failed(Diagnosis((ADDED_UP,), says, BATCHES))
        error, says = "LEFT OVER", "the second batch gives other numbers than in a new layer"
        if any(alike(used, run) for run in earlier):
            error, says = "FIRST BATCH KEPT", "the second batch gives what the first one gave"
        return self.report.failed(Diagnosis((error,), f"{name}: {says}", BATCHES))

    def _apart(self, case: LinearCase) -> Verdict:
        other = replace(case, A=-case.A, W=case.W[::-1] + 1, b=case.b + 1)
        fresh = run_linear(self.cls, case, self.form)
        layers = attempt(lambda: [build(self.cls, each, self.form) for each in (case, other)])
        if isinstance(layers, Failure):
            return self.report.raised(layers, BATCHES)
        found = {"Z": numbers(attempt(lambda: layers[0].forward(case.A.copy())))}
        attempt(lambda: layers[1].forward(other.A.copy()))
        found |= gathered(layers[0], attempt(lambda: layers[0].backward(case.G.copy())))
        for name in QUANTITIES:
            if not isinstance(fresh[name], Failure) and not alike(found[name], fresh[name]):
                says = f"{name}: a second layer changes what the first one gives"
                return self.report.failed(Diagnosis(("SHARED BETWEEN LAYERS",), says, BATCHES))
        return PASSED

    def untouched(self) -> Verdict:
        """Judge whether A, dLdZ, W and b are after both passes what they were before."""
        if all(isinstance(run["Z"], Failure) for _, run in self.runs):
            return self.report.not_checked("forward gives no Z in any batch")
        touched = {name: None for _, run in self.runs for name in run["touched"]}
        if touched:
            return self.report.failed(changed(touched))
        return PASSED

    def kinds(self) -> Verdict:
        """Judge float32 and integers; lists may be refused, but not misunderstood."""
        case = self.sound()
        if case is None:
            return self.report.not_checked("there is no batch in which all could be computed")
        whole = replace(case, A=case.A * 8, G=case.G * 8)
        for dtype, name in ((np.float32, "float32"), (np.int64, "integers")):
            wanted = run_linear(self.cls, whole, self.form)
            found = run_linear(self.cls, whole, self.form, dtype)
            for quantity in QUANTITIES:
                if isinstance(wanted[quantity], Failure) or alike(
                    found[quantity], wanted[quantity], 1e-4
                ):
                    continue
                if isinstance(found[quantity], Failure):
                    return self.report.raised(found[quantity], SHAPES, quantity)
                says = f"{quantity}: other numbers from {name} than from the same ones in float64"
                error = "CUT TO WHOLE NUMBERS" if dtype is np.int64 else "WRONG IN FLOAT32"
                return self.report.failed(Diagnosis((error,), says, SHAPES))
        return self._lists(case)

    def _lists(self, case: LinearCase) -> Verdict:
        wanted = run_linear(self.cls, case, self.form)
        layer = attempt(lambda: build(self.cls, case, self.form))
        Z = attempt(lambda: layer.forward(case.A.tolist()))
        refused = isinstance(Z, Failure)
        if not refused:
            returned = attempt(lambda: layer.backward(case.G.tolist()))
            refused = isinstance(returned, Failure)
            found = {"Z": numbers(Z)} | ({} if refused else gathered(layer, returned))
            for name, value in found.items():
                if not isinstance(wanted[name], Failure) and not alike(value, wanted[name], 1e-4):
                    says = f"{name}: other numbers from lists than from arrays"
                    return self.report.failed(Diagnosis(("LISTS MISREAD",), says, SHAPES))
        note = "lists are refused, which costs nothing: arrays are what was asked for"
        return Verdict(True, note if refused else "")


def _is_missing(found: Any) -> bool:
    return isinstance(found, Failure) and isinstance(found.error, Nothing)
