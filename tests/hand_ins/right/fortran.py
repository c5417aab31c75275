"""Everything in Fortran order."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features), order="F")
        self.b = np.zeros((out_features, 1), order="F")
        self.debug = debug

    def forward(self, A):
        self.A = np.asfortranarray(A)
        return np.asfortranarray(self.A @ self.W.T + self.b.T)

    def backward(self, dLdZ):
        self.dLdW = np.asfortranarray(dLdZ.T @ self.A)
        self.dLdb = np.asfortranarray(dLdZ.sum(0, keepdims=True).T)
        dLdA = np.asfortranarray(dLdZ @ self.W)
        if self.debug:
            self.dLdA = dLdA
        return dLdA
