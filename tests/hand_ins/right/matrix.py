"""The matrix class of old."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = np.matrix(A)
        return self.A * np.matrix(self.W).T + np.matrix(self.b).T

    def backward(self, dLdZ):
        G = np.matrix(dLdZ)
        self.dLdW = G.T * self.A
        self.dLdb = G.T * np.matrix(np.ones((len(G), 1)))
        dLdA = G * np.matrix(self.W)
        if self.debug:
            self.dLdA = dLdA
        return dLdA
