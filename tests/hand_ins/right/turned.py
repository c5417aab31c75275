"""W kept turned round, behind a property with a setter."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self._WT = np.zeros((in_features, out_features))
        self._b = np.zeros(out_features)
        self.debug = debug

    @property
    def W(self):
        return self._WT.T

    @W.setter
    def W(self, value):
        self._WT = np.array(value).T

    @property
    def b(self):
        return self._b[:, None]

    @b.setter
    def b(self, value):
        self._b = np.array(value).reshape(-1)

    @property
    def dLdW(self):
        return self._dWT.T

    @property
    def dLdb(self):
        return self._db[:, None]

    def forward(self, A):
        self._A = A
        return A @ self._WT + self._b

    def backward(self, dLdZ):
        self._dWT = self._A.T @ dLdZ
        self._db = dLdZ.sum(0)
        dLdA = dLdZ @ self._WT.T
        if self.debug:
            self.dLdA = dLdA
        return dLdA
