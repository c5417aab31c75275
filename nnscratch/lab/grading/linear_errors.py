"""The known errors of `Linear`: for each the formula that somebody computes who made it.

A formula takes a `trials.LinearCase`. `diagnoses.py` looks for the one that gives a student's
numbers in all cases.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnscratch.lab.grading.known_errors import (
    FACTOR,
    FLAT_BIAS,
    NO_BIAS,
    NOT_SET,
    ONE_SAMPLE,
    SCALAR_BIAS,
    SIGN,
    TRANSPOSED,
    TWICE,
    WRONG_MEAN,
    WRONG_SUM,
    Error,
)
from nnscratch.lab.grading.trials import LinearCase
from nnscratch.products import Floats

# ------------------------------------------------------------------------------- Z of Linear

_ON_ITS_SIDE = "lies on its side, a sample a column"
_PRODUCTS: tuple[tuple[str, str, Callable[[LinearCase], Floats]], ...] = (
    ("", "", lambda c: c.A @ c.W.T),
    (TRANSPOSED, "A·W in place of A·Wᵀ, possible only where C_in = C_out", lambda c: c.A @ c.W),
    (TRANSPOSED, _ON_ITS_SIDE, lambda c: c.W @ c.A.T),
    (TRANSPOSED, "W·A, possible only where C_in = N", lambda c: c.W @ c.A),
    (TRANSPOSED, "Aᵀ·W, possible only where N = C_out", lambda c: c.A.T @ c.W),
    (TRANSPOSED, "Aᵀ·Wᵀ, possible only where N = C_in", lambda c: c.A.T @ c.W.T),
    (TRANSPOSED, "Wᵀ·A, possible only where N = C_out", lambda c: c.W.T @ c.A),
    (SIGN, "A·Wᵀ with its sign turned round", lambda c: -(c.A @ c.W.T)),
    (TWICE, "A·Wᵀ divided by N: a layer takes no mean", lambda c: c.A @ c.W.T / c.N),
    (
        "ELEMENT BY ELEMENT",
        "A and W multiplied element by element, possible only where their shapes are equal",
        lambda c: c.A * c.W,
    ),
    ("WEIGHTS FORGOTTEN", "the weights do not matter", lambda c: np.zeros((c.N, c.width))),
)
_BIASES: tuple[tuple[str, str, Callable[[LinearCase], Any]], ...] = (
    ("", "", lambda c: c.b.T),
    (NO_BIAS, "the same as with all biases zero", lambda c: 0.0),
    (
        FLAT_BIAS,
        "b is added down the samples, not across the outputs, and elsewhere does not fit",
        lambda c: c.b,
    ),
    (SIGN, "the bias is subtracted", lambda c: -c.b.T),
    (SCALAR_BIAS, "all biases added up, for every output the same", lambda c: c.b.sum()),
    (WRONG_MEAN, "the mean of the biases for every output", lambda c: c.b.mean()),
    ("ONE BIAS FOR ALL OUTPUTS", "the first bias for every output", lambda c: c.b[0]),
    (FACTOR, "the bias counts N times", lambda c: c.N * c.b.T),
    (FACTOR, "the bias counts twice", lambda c: 2 * c.b.T),
)


def _sum(P: Callable[[LinearCase], Floats], B: Callable[[LinearCase], Any]) -> Callable[..., Any]:
    return lambda c: P(c) + B(c)


def _linear_forward() -> list[Error]:
    errors = []
    for (product_name, product_says, P), (bias_name, bias_says, B) in itertools.product(
        _PRODUCTS, _BIASES
    ):
        names = tuple(dict.fromkeys(name for name in (product_name, bias_name) if name))
        says = "; ".join(says for says in (product_says, bias_says) if says)
        if product_says == _ON_ITS_SIDE and bias_name == FLAT_BIAS:  # b has its right place there
            names, says = (product_name,), product_says
        if names:
            errors.append(Error(names, f"Z: {says}", _sum(P, B)))
    errors += [
        Error((NO_BIAS,), "Z: A·Wᵀ times the bias", lambda c: (c.A @ c.W.T) * c.b.T),
        Error(
            ("ACTIVATION IN THE LAYER",),
            "Z: nothing is negative, as if ReLU had been applied already",
            lambda c: np.maximum(c.A @ c.W.T + c.b.T, 0),
        ),
        Error(
            ("CUT TO WHOLE NUMBERS",),
            "Z: what stands behind the decimal point is gone",
            lambda c: np.trunc(c.A @ c.W.T + c.b.T),
        ),
    ]
    return errors


# ----------------------------------------------------------------------------- dLdW, dLdb, dLdA


def _turned(quantity: str, products: Sequence[tuple[str, Callable[..., Any]]]) -> list[Error]:
    return [Error((TRANSPOSED,), f"{quantity}: {wrong}", formula) for wrong, formula in products]


_WEIGHTS = [
    *_turned(
        "dLdW",
        [
            ("the gradient turned round, in the shape of Wᵀ", lambda c: c.A.T @ c.G),
            ("from a product that fits only where C_in = N", lambda c: c.G @ c.A),
            ("from a product that fits only where C_in = C_out", lambda c: c.G @ c.A.T),
            ("from a product that fits only where C_in = C_out", lambda c: c.A @ c.G.T),
            ("from a product that fits only where N = C_out", lambda c: c.A @ c.G),
            ("from a product that fits only where C_in = N", lambda c: c.G.T @ c.A.T),
            ("from a product that fits only where N = C_out", lambda c: c.A.T @ c.G.T),
        ],
    ),
    Error(
        (ONE_SAMPLE,), "dLdW: as if the batch were its last sample", lambda c: c.G[-1:].T @ c.A[-1:]
    ),
    Error(
        (ONE_SAMPLE,), "dLdW: as if the batch were its first sample", lambda c: c.G[:1].T @ c.A[:1]
    ),
    Error(
        ("PLAIN SUM",),
        "dLdW: inputs and dLdZ are summed before they are multiplied",
        lambda c: c.G.sum(0)[:, None] * c.A.sum(0),
    ),
    Error(
        (WRONG_MEAN,),
        "dLdW: from the means of dLdZ and A over the batch",
        lambda c: c.G.mean(0)[:, None] * c.A.mean(0),
    ),
    Error((NOT_SET,), "dLdW: still zero after backward", lambda c: np.zeros_like(c.W)),
    Error(("W IN PLACE OF ITS GRADIENT",), "dLdW: W itself", lambda c: c.W),
    Error(
        ("WEIGHTS IN THE GRADIENT",),
        "dLdW: W is added to it",
        lambda c: c.G.T @ c.A + c.W,
    ),
]
_BIAS = [
    Error(
        (SCALAR_BIAS,),
        "dLdb: one number for all outputs: a sum over everything instead of over samples",
        lambda c: c.G.sum(),
    ),
    Error(
        (SCALAR_BIAS, WRONG_MEAN),
        "dLdb: one number for all outputs: the mean of everything",
        lambda c: c.G.mean(),
    ),
    Error(
        (WRONG_MEAN,),
        "dLdb: one number for each sample, a mean over the outputs",
        lambda c: c.G.mean(1),
    ),
    Error(
        (WRONG_SUM,),
        "dLdb: one number for each sample: a sum over outputs instead of over samples",
        lambda c: c.G.sum(1),
    ),
    Error((WRONG_SUM,), "dLdb: not summed over the samples at all", lambda c: c.G),
    Error((WRONG_SUM,), "dLdb: not summed over the samples at all", lambda c: c.G.T),
    Error((ONE_SAMPLE,), "dLdb: dLdZ of the last sample alone", lambda c: c.G[-1]),
    Error((ONE_SAMPLE,), "dLdb: dLdZ of the first sample alone", lambda c: c.G[0]),
    Error((NOT_SET,), "dLdb: still zero after backward", lambda c: np.zeros_like(c.b)),
    Error(("b IN PLACE OF ITS GRADIENT",), "dLdb: b itself", lambda c: c.b),
    Error((FACTOR,), "dLdb: 1 for every output, or N", lambda c: np.ones_like(c.b)),
]
_RETURN = "why-backward-returns-dlda-and-not-dldz"
_INPUT = [
    *_turned(
        "dLdA",
        [
            ("from a product that fits only where C_in = C_out", lambda c: c.G @ c.W.T),
            ("the gradient turned round, a sample a column", lambda c: c.W.T @ c.G.T),
            ("from a product that fits only where N = C_in", lambda c: c.W @ c.G),
            ("from a product that fits only where N = C_out", lambda c: c.W.T @ c.G),
            ("from a product that fits only where C_in = C_out", lambda c: c.W @ c.G.T),
            ("from a product that fits only where N = C_out", lambda c: c.G.T @ c.W),
            ("from a product that fits only where N = C_in", lambda c: c.G.T @ c.W.T),
        ],
    ),
    Error(("dLdZ RETURNED",), "backward returns dLdZ, which it was given", lambda c: c.G, _RETURN),
    Error(("dLdW RETURNED",), "backward returns dLdW", lambda c: c.G.T @ c.A, _RETURN),
    Error(("dLdb RETURNED",), "backward returns dLdb", lambda c: c.G.sum(0)[:, None], _RETURN),
    Error(("A RETURNED",), "backward returns A", lambda c: c.A, _RETURN),
    Error(("Z RETURNED",), "backward returns Z", lambda c: c.A @ c.W.T + c.b.T, _RETURN),
    Error(("W RETURNED",), "backward returns W", lambda c: c.W, _RETURN),
    Error((WRONG_SUM,), "dLdA: summed over the samples", lambda c: (c.G @ c.W).sum(0), _RETURN),
    Error((NOT_SET,), "dLdA: zero everywhere", lambda c: np.zeros_like(c.A), _RETURN),
]

LINEAR_ERRORS = {"Z": _linear_forward(), "dLdW": _WEIGHTS, "dLdb": _BIAS, "dLdA": _INPUT}
LINEAR_TRUTH: dict[str, Callable[[Any], Any]] = {
    "Z": lambda c: c.A @ c.W.T + c.b.T,
    "dLdW": lambda c: c.G.T @ c.A,
    "dLdb": lambda c: c.G.sum(0)[:, None],
    "dLdA": lambda c: c.G @ c.W,
}
