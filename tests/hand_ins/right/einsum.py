"""Products written as sums over named indices."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = np.asarray(A)
        return np.einsum("ni,oi->no", self.A, self.W) + self.b[:, 0]

    def backward(self, dLdZ):
        self.dLdW = np.einsum("no,ni->oi", dLdZ, self.A)
        self.dLdb = np.einsum("no->o", dLdZ)[:, None]
        dLdA = np.einsum("no,oi->ni", dLdZ, self.W)
        if self.debug:
            self.dLdA = dLdA
        return dLdA
