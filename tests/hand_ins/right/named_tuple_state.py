"""State in a named tuple, made new in every pass; a class made by type()."""

import collections

import numpy as np

State = collections.namedtuple("State", "A Z")


def make(self, in_features, out_features, debug=False):
    self.W, self.b = np.zeros((out_features, in_features)), np.zeros((out_features, 1))
    self.debug, self.state = debug, None


def forward(self, A):
    self.state = State(A, A @ self.W.T + self.b.T)
    return self.state.Z


def backward(self, dLdZ):
    self.dLdW, self.dLdb = dLdZ.T @ self.state.A, dLdZ.sum(0)[None].T
    dLdA = dLdZ @ self.W
    if self.debug:
        self.dLdA = dLdA
    return dLdA


Linear = type("Linear", (), {"__init__": make, "forward": forward, "backward": backward})
