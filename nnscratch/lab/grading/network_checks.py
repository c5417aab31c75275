"""The checks of a student's `Network`, in the order of `checks.CHECKS`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscratch.core import CLASSES, IN_FEATURES, Integers, Network
from nnscratch.lab.grading.diagnoses import NAMES, Diagnosis
from nnscratch.lab.grading.known_errors import MATHS, WRONG_SHAPE
from nnscratch.lab.grading.trials import (
    Failure,
    Outcome,
    alike,
    attempt,
    kept,
    lend,
    numbers,
    parameters,
)
from nnscratch.lab.grading.verdicts import NOT_CHECKED, PASSED, Report, Trial, Verdict, changed
from nnscratch.products import Floats

HIDDEN = 6
SIZES = (5, 6, 1)
PLACES = {"W_h": ("hidden", "W"), "b_h": ("hidden", "b"),
          "W_o": ("output", "W"), "b_o": ("output", "b")}  # fmt: skip
ZERO_START = "both layers start with zeros, and would never learn if nobody set their weights"
START = MATHS + "why-the-weights-do-not-start-at-zero"


@dataclass(frozen=True)
class NetworkCase:
    """A (N, 784) and labels (N,), and the network of ours whose weights are lent to theirs."""

    A: Floats
    labels: Integers
    ours: Network

    @property
    def N(self) -> int:
        """The number of samples."""
        return len(self.A)

    @property
    def width(self) -> int:
        """K, the number of classes."""
        return CLASSES

    def gradient(self, name: str, slope: Callable[[Floats], Floats] | None = None) -> Floats:
        """Return one of the four gradients; with `slope`, another derivative of ReLU."""
        ours = self.ours
        ours.loss(ours.forward(self.A), self.labels)
        ours.backward()
        if slope is None or name.endswith("_o"):
            return ours.gradients[name].copy()
        dLdA_h = ours.softmax_cross_entropy.backward() @ ours.output.W
        dLdZ_h = dLdA_h * slope(ours.Z_h)
        right: Floats = dLdZ_h.T @ self.A if name == "W_h" else dLdZ_h.sum(0)[:, None]
        return right


def network_cases() -> list[NetworkCase]:
    """Return batches of several sizes, and a network in float64 whose biases are not zero."""
    rng = np.random.default_rng(23)
    ours = Network(HIDDEN, rng=rng, dtype=np.float64)
    ours.theta = ours.theta + 0.1 * rng.standard_normal(ours.theta.shape)
    return [
        NetworkCase(rng.random((N, IN_FEATURES)), rng.integers(0, CLASSES, N), ours) for N in SIZES
    ]


def make(cls: type) -> Any:
    """Return a network of theirs of HIDDEN units, with a generator where it takes one."""
    rng = np.random.default_rng(0)
    takes = parameters(cls)
    return attempt(lambda: cls(HIDDEN, rng=rng) if "rng" in takes else cls(HIDDEN))


def _lent(network: Any, ours: Network) -> Any:
    for name, (layer, attribute) in PLACES.items():
        lend(getattr(network, layer), attribute, ours.parameters[name])


def check_network(cls: type, report: Report) -> Iterator[Verdict]:
    """Yield the verdict on each check of `Network`."""
    network = make(cls)
    cases = network_cases()
    start = dict(zip(PLACES, _kept(network).values(), strict=True))
    misfit = None if isinstance(network, Failure) else _misfit(start, cases[0].ours, report)
    lent = network if isinstance(network, Failure) else attempt(_lent, network, cases[0].ours)
    if isinstance(lent, Failure):
        yield report.raised(lent, MATHS + "notation")
        yield report.not_checked("there is no network to run")
        yield report.not_checked("there is no network to run")
        return
    runs = [_run(network, case) for case in cases]
    verdicts = {
        name: report.judge(name, _trials(name, cases, runs))
        for name in ("Z_o", "L", *(f"dLd{name}" for name in ("W_o", "b_o", "W_h", "b_h")))
    }
    if misfit and verdicts["Z_o"].passed:
        verdicts["Z_o"] = report.failed(misfit)
    wrong_outputs = not verdicts["Z_o"].passed and not misfit
    zero = all(_is_zero(start[name]) for name in ("W_h", "W_o"))
    if verdicts["Z_o"].passed and zero:
        verdicts["Z_o"] = Verdict(True, ZERO_START, START)
    gradients = [v for name, v in verdicts.items() if name.startswith("dLd") and not v.passed]
    first = next((v for v in gradients if not v.reason.startswith(NOT_CHECKED)), None)
    whole = first or (gradients[0] if gradients else PASSED)
    if wrong_outputs and not whole.passed:
        whole = report.not_checked("forward already gives other outputs than it should")
    touched = {name: None for run in runs for name in run["touched"]}
    if whole.passed and touched:
        whole = report.failed(changed(touched))
    for verdict in (verdicts["Z_o"], verdicts["L"], whole):
        if not verdict.passed and report.broken and not _is_named(verdict):
            parts = " and ".join(kind for kind in report.broken if kind != "Network")
            verdict = report.not_checked(f"the errors of {parts} may be all there is")
        yield verdict


def _is_named(verdict: Verdict) -> bool:
    """Tell whether a known error gives just these numbers, whatever is wrong in the parts."""
    return set(verdict.reason.partition(":")[0].split(" AND ")) <= NAMES


def _is_zero(W: Outcome) -> bool:
    return not isinstance(W, Failure) and not W.any()


def _misfit(start: dict[str, Outcome], ours: Network, report: Report) -> Diagnosis | None:
    """Find W or b of a shape that Network(HIDDEN) does not have; what Linear is blamed for is not.

    The numbers would not show it: our own weights take their place before anything runs.
    """
    for name, (layer, attribute) in PLACES.items():
        found, right = start[name], ours.parameters[name].shape
        if isinstance(found, Failure) or found.shape == right:
            continue
        if "Linear" not in report.broken or found.size != ours.parameters[name].size:
            says = f"{layer}.{attribute}: {found.shape} in Network({HIDDEN}), where {right} belongs"
            return Diagnosis((WRONG_SHAPE,), says, MATHS + "notation")
    return None


def _kept(network: Any) -> dict[str, Outcome]:
    """Return W and b of both layers as they are now."""
    return {
        f"{attribute} of {layer}": numbers(
            attempt(operator.attrgetter(f"{layer}.{attribute}"), network)
        )
        for layer, attribute in PLACES.values()
    }


def _run(network: Any, case: NetworkCase) -> dict[str, Any]:
    """Run a network forward and backward; gives the outcomes by quantity."""
    attempt(_lent, network, case.ours)
    A, labels = case.A.copy(), case.labels.copy()
    before = {"A": A.copy(), "labels": labels.copy(), **_kept(network)}
    Z_o = attempt(lambda: network.forward(A))
    found = {"Z_o": numbers(Z_o), "L": Failure()}
    if not isinstance(found["Z_o"], Failure):
        found["L"] = numbers(attempt(lambda: network.loss(Z_o, labels)))
    done = Failure() if isinstance(found["L"], Failure) else attempt(lambda: network.backward())
    for name, (layer, attribute) in PLACES.items():
        value = kept(attempt(getattr, network, layer), f"dLd{attribute}", done)
        found[f"dLd{name}"] = done if isinstance(done, Failure) else value
    after = {"A": A, "labels": labels, **_kept(network)}
    touched = [
        name
        for name, old in before.items()
        if not isinstance(old, Failure) and not alike(after[name], old, 0)
    ]
    return found | {"touched": touched}


def _trials(name: str, cases: list[NetworkCase], runs: list[dict[str, Any]]) -> list[Trial]:
    return [
        (case, run[name], _right(name, case, run)) for case, run in zip(cases, runs, strict=True)
    ]


def _right(name: str, case: NetworkCase, run: dict[str, Any]) -> Floats:
    """Return what a quantity should be; the loss is that of whatever their forward gave."""
    Z_o = case.ours.forward(case.A)
    if name == "Z_o":
        return Z_o
    if name == "L":
        theirs = run["Z_o"]
        fits = not isinstance(theirs, Failure) and theirs.shape == Z_o.shape
        return np.asarray(case.ours.loss(theirs if fits else Z_o, case.labels))
    return case.gradient(name.removeprefix("dLd"))
