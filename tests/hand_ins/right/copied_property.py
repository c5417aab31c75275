"""A property that gives a copy, so that only assigning changes W."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features):
        self.columns = [np.zeros(out_features) for _ in range(in_features)]
        self.b = np.zeros((out_features, 1))

    @property
    def W(self):
        return np.column_stack(self.columns)

    @W.setter
    def W(self, value):
        self.columns = list(np.array(value).T)

    def forward(self, A):
        self.A = A
        return sum(np.outer(a, w) for a, w in zip(A.T, self.columns, strict=True)) + self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ np.ones((len(dLdZ), 1))
        return dLdZ @ self.W
