"""The bias added by np.add.outer, one output at a time."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = A
        columns = [np.add.outer(A @ w, beta)[:, 0] for w, beta in zip(self.W, self.b, strict=True)]
        return np.column_stack(columns)

    def backward(self, dLdZ):
        self.dLdW = np.multiply.outer(dLdZ, self.A).diagonal(axis1=0, axis2=2).sum(axis=2)
        self.dLdb = np.add.reduce(dLdZ)[:, np.newaxis]
        dLdA = dLdZ @ self.W
        if self.debug:
            self.dLdA = dLdA
        return dLdA
