"""No attributes but those that were announced."""

import numpy as np


class Linear:
    __slots__ = ("A", "N", "W", "b", "dLdA", "dLdW", "dLdb", "debug")

    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A, self.N = A, len(A)
        return A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ np.ones((self.N, 1))
        dLdA = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
