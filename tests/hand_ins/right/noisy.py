"""Prints, warns and asserts shapes as it goes."""

import warnings

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        print("forward", np.shape(A))
        warnings.warn("still learning", stacklevel=1)
        assert np.ndim(A) == 2
        assert np.shape(A)[1] == self.W.shape[1]
        self.A = A
        return A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        print("backward", dLdZ.shape)
        assert len(dLdZ) == len(self.A)
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ np.ones((len(dLdZ), 1))
        assert self.dLdW.shape == self.W.shape
        assert self.dLdb.shape == self.b.shape
        dLdA = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
