"""ReLU by sign and clip, softmax by logaddexp."""

import numpy as np


class ReLU:
    def forward(self, Z):
        self.Z = Z
        return Z.clip(min=0)

    def backward(self, dLdA):
        return np.heaviside(self.Z, 0) * dLdA


class SoftmaxCrossEntropy:
    def forward(self, Z, labels):
        self.log_P = Z - np.logaddexp.reduce(Z, axis=1)[:, None]
        self.Y = labels[:, None] == np.arange(Z.shape[1])
        return np.mean(-self.log_P[self.Y])

    def backward(self):
        return (np.exp(self.log_P) - self.Y) / np.size(self.Y, 0)
