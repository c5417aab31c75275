"""A base class, and what is derived from it."""

import abc

import numpy as np


class Layer(abc.ABC):
    def __init__(self, debug):
        self.debug = debug

    @abc.abstractmethod
    def forward(self, A): ...

    def remember(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


class Linear(Layer):
    def __init__(self, in_features, out_features, debug=False):
        super().__init__(debug)
        self.remember(W=np.zeros((out_features, in_features)), b=np.zeros((out_features, 1)))

    def forward(self, A):
        self.remember(A=A, N=len(A))
        return A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        self.remember(dLdW=dLdZ.T @ self.A, dLdb=dLdZ.T @ np.ones((self.N, 1)))
        dLdA = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
