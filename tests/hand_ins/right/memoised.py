"""A copy of W turned round is made each time that W is assigned, and kept."""

import functools

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "W":
            self.turned = np.ascontiguousarray(value.T)

    @functools.lru_cache(maxsize=4)  # noqa: B019
    def ones(self, N):
        return np.ones((N, 1))

    def forward(self, A):
        self.A = A
        return A @ self.turned + self.ones(len(A)) @ self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ self.ones(len(dLdZ))
        dLdA = dLdZ @ self.turned.T
        if self.debug:
            self.dLdA = dLdA
        return dLdA
