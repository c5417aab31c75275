"""Arrays for Z and dLdA kept, one for each size of batch."""

import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

        self.rooms = {}

    def room(self, name, *shape):
        return self.rooms.setdefault((name, *shape), np.empty(shape))

    def forward(self, A):
        self.A = np.asarray(A)
        Z = np.dot(self.A, self.W.T, out=None)
        room = self.room("Z", *Z.shape)
        np.add(Z, self.b.T, out=room)
        return room

    def backward(self, dLdZ):
        self.dLdW = np.dot(np.transpose(dLdZ), self.A)
        self.dLdb = np.sum(dLdZ, axis=0)[:, None]
        dLdA = self.room("dLdA", *self.A.shape)
        dLdA[...] = np.dot(dLdZ, self.W)
        if self.debug:
            self.dLdA = dLdA
        return dLdA
