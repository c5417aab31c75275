"""Type hints and docstrings everywhere, and the future."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


class Linear:
    """A layer."""

    W: Array
    b: Array

    def __init__(self, in_features: int, out_features: int, debug: bool = False) -> None:
        self.W: Array = np.zeros((out_features, in_features), dtype=np.float64)
        self.b: Array = np.zeros((out_features, 1), dtype=np.float64)
        self.debug: bool = debug

    def forward(self, A: Array) -> Array:
        """Go on."""
        self.A: Array = A
        self.N: int = len(A)
        Z: Array = A @ self.W.T + np.ones((self.N, 1)) @ self.b.T
        return Z

    def backward(self, dLdZ: Array) -> Array:
        """Go back."""
        self.dLdW: Array = dLdZ.T @ self.A
        self.dLdb: Array = dLdZ.T @ np.ones((self.N, 1))
        dLdA: Array = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
