"""Weights and biases as views of one vector, and a view of W turned round."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        size = in_features * out_features
        self.theta = np.zeros(size + out_features)
        self.W = self.theta[:size].reshape(out_features, in_features)
        self.b = self.theta[size:].reshape(out_features, 1)
        self.slopes = np.zeros_like(self.theta)
        self.dLdW = self.slopes[:size].reshape(self.W.shape)
        self.dLdb = self.slopes[size:].reshape(self.b.shape)
        self.turned = self.W.T
        self.debug = debug

    def forward(self, A):
        self.A = A
        return A @ self.turned + self.b.T

    def backward(self, dLdZ):
        self.dLdW[...] = dLdZ.T @ self.A
        self.dLdb[:, 0] = dLdZ.sum(0)
        dLdA = dLdZ @ self.turned.T
        if self.debug:
            self.dLdA = dLdA
        return dLdA
