"""A dataclass."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Linear:
    in_features: int
    out_features: int
    debug: bool = False
    W: np.ndarray = field(init=False)
    b: np.ndarray = field(init=False)
    dLdW: np.ndarray | None = field(init=False, default=None)
    dLdb: np.ndarray | None = field(init=False, default=None)
    dLdA: np.ndarray | None = field(init=False, default=None)

    def __post_init__(self):
        self.W = np.zeros((self.out_features, self.in_features))
        self.b = np.zeros((self.out_features, 1))

    def forward(self, A):
        self.A = A
        return A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.sum(axis=0, keepdims=True).T
        dLdA = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
