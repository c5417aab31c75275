"""tensordot, and numbers from another namespace."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = A
        return np.tensordot(A, self.W, axes=(1, 1)) + np.squeeze(self.b, 1)

    def backward(self, dLdZ):
        self.dLdW = np.tensordot(dLdZ, self.A, axes=(0, 0))
        self.dLdb = np.expand_dims(np.tensordot(dLdZ, np.ones(len(dLdZ)), axes=(0, 0)), 1)
        dLdA = np.tensordot(dLdZ, self.W, axes=1)
        if self.debug:
            self.dLdA = dLdA
        return dLdA
