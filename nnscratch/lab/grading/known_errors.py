"""What an error that is known by its numbers consists of, and what the errors are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SCALAR_BIAS = "SCALAR BIAS GRADIENT"
TRANSPOSED = "TRANSPOSED PRODUCT"
NO_BIAS = "FORGOTTEN BIAS"
DROPPED = "1/N DROPPED"
TWICE = "1/N TWICE"
SIGN = "WRONG SIGN"
ADDED_UP = "GRADIENTS ADDED UP OVER BATCHES"
UPSIDE_DOWN = "RELU UPSIDE DOWN"
AT_A = "RELU'S DERIVATIVE TAKEN AT A"
NO_MASK = f"{AT_A}, OR NO MASK"
WRONG_SOFTMAX = "SOFTMAX ALONG THE WRONG AXIS"
OVERFLOW = "OVERFLOW"
LOG_OF_ZERO = "LOGARITHM OF ZERO"
WRONG_MEAN = "MEAN OVER THE WRONG AXIS"
FLAT_BIAS = "b BROADCASTS BY ACCIDENT"
WRONG_SUM = "SUM OVER THE WRONG AXIS"
ONE_SAMPLE = "ONE SAMPLE ONLY"
FACTOR = "WRONG FACTOR"
NOT_SET = "NOTHING RETURNED OR STORED"
WRONG_SHAPE = "WRONG SHAPE"
WRONG_NUMBERS = "WRONG NUMBERS"

MATHS = "docs/maths.md#"
ANCHORS = {
    "Z": "a-linear-layer",
    "dLdW": "back-through-a-linear-layer",
    "dLdb": "back-through-a-linear-layer",
    "dLdA": "back-through-a-linear-layer",
    "A": "relu",
    "dLdZ": "back-through-relu",
    "loss": "softmax-and-cross-entropy",
    "dLdZ_o": "from-the-loss-to-z",
    "Z_o": "forward",
    "L": "softmax-and-cross-entropy",
    "dLdW_o": "back-through-a-linear-layer",
    "dLdb_o": "back-through-a-linear-layer",
    "dLdW_h": "back-through-relu",
    "dLdb_h": "back-through-relu",
}


@dataclass(frozen=True)
class Error:
    """A known error: its name, what the numbers show, and the formula that gives them."""

    names: tuple[str, ...]
    sentence: str
    formula: Callable[[Any], Any]
    read_on: str = ""
