"""The known errors of `ReLU`, `SoftmaxCrossEntropy` and `Network`, each with its formula.

A formula takes a `trials.UnitCase`, a `trials.LossCase` or a `network_checks.NetworkCase`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnscratch.core import log_softmax
from nnscratch.lab.grading.known_errors import (
    DROPPED,
    NO_MASK,
    NOT_SET,
    SIGN,
    UPSIDE_DOWN,
    WRONG_MEAN,
    WRONG_SOFTMAX,
    Error,
)
from nnscratch.lab.grading.trials import LossCase
from nnscratch.products import Floats

# ----------------------------------------------------------------------------------------- ReLU

_ONE_NUMBER = "ONE NUMBER FOR THE BATCH"
_UNITS = [
    Error((UPSIDE_DOWN,), "A: what is negative is let through", lambda c: np.minimum(c.Z, 0)),
    Error(("NO RELU",), "A: Z as it was, the negative numbers too", lambda c: c.Z),
    Error(("ABSOLUTE VALUE",), "A: negative numbers become positive, not 0", lambda c: abs(c.Z)),
    Error(("DERIVATIVE IN PLACE OF RELU",), "A: nothing but 0 and 1", lambda c: c.Z > 0),
    Error(("SIGMOID",), "A: between 0 and 1, a sigmoid", lambda c: 1 / (1 + np.exp(-c.Z))),
    Error(
        ("LEAKY RELU",),
        "A: negative numbers are made smaller, not 0",
        lambda c: np.where(c.Z > 0, c.Z, 0.01 * c.Z),
    ),
    Error(
        (_ONE_NUMBER,),
        "A: one number for the whole batch, the largest",
        lambda c: max(c.Z.max(), 0),
    ),
]
_NO_SLOPE = "MULTIPLIED BY A OR Z"
_SLOPES = [
    Error(
        (UPSIDE_DOWN,),
        "dLdZ: let through just where Z is negative, and stopped where it is positive",
        lambda c: c.D * (c.Z < 0),
    ),
    Error(
        (NO_MASK,),
        "dLdZ: dLdA is let through everywhere: nothing stops it, or a condition that every A "
        "meets, since A is never negative; what counts is where Z was positive",
        lambda c: c.D,
    ),
    Error(
        ("RELU'S DERIVATIVE TAKEN AT dLdA",),
        "dLdZ: decided by the sign of dLdA, not of Z",
        lambda c: c.D * (c.D > 0),
    ),
    Error(("dLdA FORGOTTEN",), "dLdZ: only 0 and 1, whatever dLdA is", lambda c: c.Z > 0),
    Error(
        (_NO_SLOPE,),
        "dLdZ: dLdA times A, where the slope is 0 or 1",
        lambda c: c.D * np.maximum(c.Z, 0),
    ),
    Error((_NO_SLOPE,), "dLdZ: dLdA times Z, where the slope is 0 or 1", lambda c: c.D * c.Z),
    Error(
        ("LEAKY RELU",),
        "dLdZ: where Z is negative, a hundredth passes",
        lambda c: c.D * np.where(c.Z > 0, 1, 0.01),
    ),
    Error((NOT_SET,), "dLdZ: zero everywhere", lambda c: np.zeros_like(c.D)),
]

# ------------------------------------------------------------------------ softmax, cross-entropy


def _softmax_along(Z: Floats, largest: int | None, total: int | None) -> Floats:
    """Return log softmax with the largest and the sum taken along axes of one's choice."""
    shifted = Z - Z.max(axis=largest, keepdims=True)
    log_A: Floats = shifted - np.log(np.exp(shifted).sum(axis=total, keepdims=True))
    return log_A


_WRONG_SOFTMAXES: tuple[tuple[str, int | None, int | None], ...] = (
    ("probabilities add up to 1 over the samples, not over the classes of one sample", 0, 0),
    ("probabilities are divided by sums over the samples, not over the classes", 1, 0),
    ("the probabilities of the whole batch together add up to 1", None, None),
    ("probabilities are divided by a sum over the whole batch", 1, None),
    ("probabilities are divided by a sum over the whole batch", 0, None),
    ("what is subtracted before exp is the largest over the samples, not over the classes", 0, 1),
)


def _of_labels(log_A: Floats, c: LossCase) -> Floats:
    return -log_A[np.arange(c.N), c.labels]


def _Y(c: LossCase) -> Floats:
    Y: Floats = np.eye(c.width)[c.labels]
    return Y


def _loss_along(largest: int | None, total: int | None) -> Callable[[LossCase], Any]:
    return lambda c: _of_labels(_softmax_along(c.Z, largest, total), c).mean()


def _slope_along(largest: int | None, total: int | None) -> Callable[[LossCase], Any]:
    return lambda c: (np.exp(_softmax_along(c.Z, largest, total)) - _Y(c)) / c.N


def _one_lower(c: LossCase) -> LossCase:
    return replace(c, labels=(c.labels - 1) % c.width)


def _binary(A: Floats, Y: Floats) -> Any:
    return -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum() / len(A)


def _with_sigmoid(A: Floats, Y: Floats) -> Floats:
    return (A - Y) * A * (1 - A)


_SHIFTED = "LABELS SHIFTED BY ONE"
_LOG = "LOGARITHM FORGOTTEN"
_LOSSES = [
    *(
        Error(
            (WRONG_SOFTMAX,),
            f"loss: {says}",
            _loss_along(*axes),
        )
        for says, *axes in _WRONG_SOFTMAXES
    ),
    Error(
        (WRONG_MEAN,),
        "loss: divided by N·K, a mean over every entry of Y ⊙ log A, not over samples",
        lambda c: _of_labels(log_softmax(c.Z), c).mean() / c.width,
    ),
    Error(
        (WRONG_MEAN,),
        "loss: divided by the number of classes, not of samples",
        lambda c: _of_labels(log_softmax(c.Z), c).sum() / c.width,
    ),
    Error(
        (DROPPED,),
        "loss: a sum over the samples, N times the mean",
        lambda c: _of_labels(log_softmax(c.Z), c).sum(),
    ),
    Error(
        ("NO MEAN TAKEN",),
        "loss: one number for each sample, not their mean",
        lambda c: _of_labels(log_softmax(c.Z), c),
    ),
    Error(
        (_LOG,),
        "loss: minus the probability itself",
        lambda c: -np.exp(-_of_labels(log_softmax(c.Z), c)).mean(),
    ),
    Error(
        (_LOG,),
        "loss: 1 − probability, on average",
        lambda c: 1 - np.exp(-_of_labels(log_softmax(c.Z), c)).mean(),
    ),
    Error(
        ("WRONG LOGARITHM",),
        "loss: in bits, by the logarithm to base 2, where nats are wanted",
        lambda c: _of_labels(log_softmax(c.Z), c).mean() / np.log(2),
    ),
    Error(
        ("WRONG LOGARITHM",),
        "loss: by the logarithm to base 10, where nats are wanted",
        lambda c: _of_labels(log_softmax(c.Z), c).mean() / np.log(10),
    ),
    Error(
        ("SOFTMAX FORGOTTEN",),
        "loss: minus Z at the label, without the logarithm of the sum",
        lambda c: _of_labels(c.Z, c).mean(),
    ),
    Error(
        ("SQUARED ERROR",),
        "loss: the squared distance from Y, not the cross-entropy",
        lambda c: ((np.exp(log_softmax(c.Z)) - _Y(c)) ** 2).sum() / c.N,
    ),
    Error(
        ("BINARY CROSS-ENTROPY",),
        "loss: the other classes count too, each with − log (1 − A)",
        lambda c: _binary(np.exp(log_softmax(c.Z)), _Y(c)),
    ),
    Error(
        ("LABELS FORGOTTEN",),
        "loss: − log of the largest probability of each sample, whatever its label",
        lambda c: -log_softmax(c.Z).max(axis=1).mean(),
    ),
    Error(
        (_SHIFTED,),
        "loss: that of the class before the label, as if labels began with 1",
        lambda c: _of_labels(log_softmax(c.Z), _one_lower(c)).mean(),
    ),
    Error(
        ("ALL CLASSES COUNTED",),
        "loss: − log A of every class, not of the true one",
        lambda c: -log_softmax(c.Z).sum() / c.N,
    ),
]
_LOSS_SLOPES = [
    *(
        Error(
            (WRONG_SOFTMAX,),
            f"dLdZ: {says}",
            _slope_along(*axes),
        )
        for says, *axes in _WRONG_SOFTMAXES
    ),
    Error(
        (DROPPED,),
        "dLdZ: N times too large, the slope of a sum and not of a mean",
        lambda c: np.exp(log_softmax(c.Z)) - _Y(c),
    ),
    Error(
        (WRONG_MEAN,),
        "dLdZ: divided by the number of classes, not of samples",
        lambda c: (np.exp(log_softmax(c.Z)) - _Y(c)) / c.width,
    ),
    Error(
        (WRONG_MEAN,),
        "dLdZ: divided by N·K, the number of entries, not by that of samples",
        lambda c: (np.exp(log_softmax(c.Z)) - _Y(c)) / c.width / c.N,
    ),
    Error(
        ("LABELS FORGOTTEN",),
        "dLdZ: the probabilities over N, whatever the labels",
        lambda c: np.exp(log_softmax(c.Z)) / c.N,
    ),
    Error(
        ("1 SUBTRACTED EVERYWHERE",),
        "dLdZ: 1 is taken off every class, not off the true one",
        lambda c: (np.exp(log_softmax(c.Z)) - 1) / c.N,
    ),
    Error(
        (SIGN,),
        "dLdZ: Y is added, not subtracted",
        lambda c: (np.exp(log_softmax(c.Z)) + _Y(c)) / c.N,
    ),
    Error(
        ("SOFTMAX FORGOTTEN",),
        "dLdZ: Z in place of the probabilities",
        lambda c: (c.Z - _Y(c)) / c.N,
    ),
    Error(
        (_SHIFTED,),
        "dLdZ: 1 is taken off the class before the label, as if labels began with 1",
        lambda c: (np.exp(log_softmax(c.Z)) - _Y(_one_lower(c))) / c.N,
    ),
    Error(
        ("DERIVATIVE OF A SIGMOID",),
        "dLdZ: A·(1 − A) is multiplied in, though A − Y is the whole derivative",
        lambda c: _with_sigmoid(np.exp(log_softmax(c.Z)), _Y(c)) / c.N,
    ),
    Error(
        ("LOGARITHM LEFT IN",),
        "dLdZ: the logarithms of the probabilities in their place",
        lambda c: (log_softmax(c.Z) - _Y(c)) / c.N,
    ),
    Error((NOT_SET,), "dLdZ: zero everywhere", lambda c: np.zeros_like(c.Z)),
]

# ------------------------------------------------------------------------------- a whole network


def _through(name: str, slope: Callable[[Floats], Floats]) -> Callable[[Any], Any]:
    return lambda c: c.gradient(name, slope)


def _network(name: str) -> list[Error]:
    """Return the errors of one gradient of a network: those of ReLU on the way back."""
    slopes: list[tuple[str, str, Callable[[Floats], Floats]]] = [
        (NO_MASK, "ReLU lets everything through on the way back", lambda Z: np.ones_like(Z)),
        (UPSIDE_DOWN, "ReLU lets through where Z is negative", lambda Z: (Z < 0) * 1.0),
    ]
    return [
        Error((error,), f"dLd{name[0]} of hidden: {says}", _through(name, slope))
        for error, says, slope in slopes
    ]


def _linear_network(c: Any) -> Floats:
    ours = c.ours
    Z_o: Floats = (c.A @ ours.hidden.W.T + ours.hidden.b.T) @ ours.output.W.T + ours.output.b.T
    return Z_o


_OUTPUTS = [
    Error(("RELU FORGOTTEN",), "Z_o: two linear layers with nothing between", _linear_network),
    Error(
        ("SOFTMAX TWICE",),
        "Z_o: probabilities, of which the loss takes softmax once more",
        lambda c: np.exp(log_softmax(c.ours.forward(c.A))),
    ),
    Error(
        ("SOFTMAX TWICE",),
        "Z_o: logarithms of probabilities, not the outputs themselves",
        lambda c: log_softmax(c.ours.forward(c.A)),
    ),
    Error(
        ("RELU AT THE OUTPUT",),
        "Z_o: nothing is negative, as if ReLU had been applied to it",
        lambda c: np.maximum(c.ours.forward(c.A), 0),
    ),
]

UNIT_ERRORS: dict[str, list[Error]] = {
    "A": _UNITS,
    "dLdZ": _SLOPES,
    "loss": _LOSSES,
    "dLdZ_o": _LOSS_SLOPES,
    "Z_o": _OUTPUTS,
    "L": [],
    "dLdW_o": [],
    "dLdb_o": [],
    "dLdW_h": _network("W_h"),
    "dLdb_h": _network("b_h"),
}
UNIT_TRUTH: dict[str, Callable[[Any], Any]] = {
    "A": lambda c: np.maximum(c.Z, 0),
    "dLdZ": lambda c: c.D * (c.Z > 0),
    "loss": lambda c: _of_labels(log_softmax(c.Z), c).mean(),
    "dLdZ_o": lambda c: (np.exp(log_softmax(c.Z)) - _Y(c)) / c.N,
    "Z_o": lambda c: c.ours.forward(c.A),
    "L": lambda c: c.ours.loss(c.ours.forward(c.A), c.labels),
    "dLdW_o": lambda c: c.gradient("W_o"),
    "dLdb_o": lambda c: c.gradient("b_o"),
    "dLdW_h": lambda c: c.gradient("W_h"),
    "dLdb_h": lambda c: c.gradient("b_h"),
}
