"""backward is made anew in every forward."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        def backward(dLdZ):
            self.dLdW = dLdZ.T @ A
            self.dLdb = dLdZ.T @ np.ones((len(A), 1))
            dLdA = dLdZ @ self.W
            if self.debug:
                self.dLdA = dLdA
            return dLdA

        self.backward = backward
        return A @ self.W.T + self.b.T
