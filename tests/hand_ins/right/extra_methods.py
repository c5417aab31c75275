"""More methods than were asked for."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def __repr__(self):
        return f"Linear{self.W.shape[::-1]}"

    def __call__(self, A):
        return self.forward(A)

    @staticmethod
    def ones(N):
        return np.ones((N, 1))

    def zero_grad(self):
        self.dLdW = np.zeros_like(self.W)
        self.dLdb = np.zeros_like(self.b)

    def step(self, rate):
        self.W -= rate * self.dLdW
        self.b -= rate * self.dLdb

    def forward(self, A):
        self.A = A
        return A @ self.W.T + self.ones(len(A)) @ self.b.T

    def backward(self, dLdZ):
        self.zero_grad()
        self.dLdW += dLdZ.T @ self.A
        self.dLdb += dLdZ.T @ self.ones(len(dLdZ))
        dLdA = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
