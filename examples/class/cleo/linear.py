"""Cleo's layers."""

import numpy as np


class Linear:
    """A fully connected layer."""

    def __init__(self, in_features, out_features, debug=False):
        """Start with zeros."""
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        """Return Z."""
        self.A = np.array(A, dtype=float)
        self.N = len(self.A)
        return self.A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        """Store dLdW and dLdb, and return dLdA."""
        dLdZ = np.array(dLdZ, dtype=float)
        dLdA = dLdZ @ self.W
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = np.sum(dLdZ)
        if self.debug:
            self.dLdA = dLdA
        return dLdA


class ReLU:
    """The activation."""

    def forward(self, Z):
        """Return A."""
        self.Z = np.array(Z, dtype=float)
        return np.maximum(self.Z, 0)

    def backward(self, dLdA):
        """Return dLdZ."""
        return np.array(dLdA, dtype=float) * (self.Z < 0)
