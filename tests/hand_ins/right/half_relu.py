"""ReLU as half of Z and its absolute value, and take_along_axis."""

import numpy as np


class ReLU:
    def forward(self, Z):
        self.slope = (np.sign(Z) + 1) // 2
        return (Z + np.abs(Z)) / 2

    def backward(self, dLdA):
        return np.multiply(self.slope, dLdA)


class SoftmaxCrossEntropy:
    def forward(self, Z, labels):
        self.labels = np.asarray(labels).reshape(-1, 1)
        Z = Z - Z.max(1)[:, None]
        self.P = np.exp(Z) / np.exp(Z).sum(1)[:, None]
        picked = np.take_along_axis(Z, self.labels, axis=1)
        return np.array((np.log(np.exp(Z).sum(1)) - picked[:, 0]).mean())

    def backward(self):
        G = np.array(self.P)
        np.put_along_axis(G, self.labels, np.take_along_axis(G, self.labels, 1) - 1, 1)
        return np.divide(G, len(G))
