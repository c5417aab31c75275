"""Write the layers of a neural network yourself.

    A  --Linear-->  Z_h  --ReLU-->  A_h  --Linear-->  Z_o  --softmax-->  A_o
    (N, 784)        (N, H)          (N, H)            (N, 10)            (N, 10)

A batch holds N samples, one a row. dLdZ is the derivative of the loss L with respect to Z, and has
the shape of Z; so for every name that begins with dLd.

Replace each `raise NotImplementedError` by a body of your own. In between, see how far you are:

    nnscratch grade linear.py

A class that you delete from this file costs no points. When all is right, it learns to read:

    nnscratch train --layers linear.py
"""

import numpy as np


class Linear:
    """A fully connected layer: Z = A·Wᵀ + 1·bᵀ.

    W is (C_out, C_in) and b is (C_out, 1). C_in is the number of features that go in, C_out of
    those that come out; 1 is a column of N ones, so that every sample gets the same b.
    """

    def __init__(self, in_features, out_features, debug=False):
        """Begin with W and b of zeros, in self.W and self.b, and keep debug for later.

        in_features is C_in, out_features is C_out.
        """
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        """Return Z, (N, C_out), for a batch A, (N, C_in).

            Z = A·Wᵀ + 1·bᵀ

        Keep whatever `backward` will need. A itself must not change.
        """
        self.A = np.asarray(A)
        self.N = len(self.A)
        Z = self.A @ self.W.T + np.ones((self.N, 1)) @ self.b.T
        return Z

    def backward(self, dLdZ):
        """Keep dLdW and dLdb in self, and return dLdA, for dLdZ, (N, C_out), of the last batch.

            dLdA = dLdZ·W       (N, C_in)
            dLdW = dLdZᵀ·A      (C_out, C_in), as W
            dLdb = dLdZᵀ·1      (C_out, 1), as b

        The mean over the batch is in dLdZ already: nothing is divided by N here. If debug is true,
        keep dLdA in self.dLdA too; otherwise keep it nowhere.
        """
        dLdZ = np.asarray(dLdZ)
        dLdA = dLdZ @ self.W
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ np.ones((self.N, 1))
        if self.debug:
            self.dLdA = dLdA
        return dLdA


class ReLU:
    """The activation between the layers: what is negative becomes 0."""

    def forward(self, Z):
        """Return A, of the shape of Z, element by element.

        A = max(Z, 0)
        """
        self.Z = np.asarray(Z)
        return np.maximum(self.Z, 0)

    def backward(self, dLdA):
        """Return dLdZ, of the shape of dLdA, for the Z of the last `forward`.

        dLdZ = dLdA where Z > 0, and 0 elsewhere (at Z = 0 too)
        """
        return np.asarray(dLdA) * (self.Z > 0)


class SoftmaxCrossEntropy:
    """Softmax and the loss in one, since together their derivative is a difference."""

    def forward(self, Z, labels):
        """Return the mean loss L, one number, for Z, (N, K), and the true labels, (N,).

            A_ij = exp(Z_ij) / Σ_k exp(Z_ik)        each row sums to 1
            L = −(1/N) Σ_i log A_i,label(i)

        A label is an integer from 0 to K − 1. exp(1000) is infinite: subtract from each row of Z
        its largest value first, which changes no A. And the logarithm of an A that is rounded to 0
        is infinite: simplify log A before you compute it, so that no A is needed for L.
        """
        Z = np.asarray(Z)
        self.N, K = Z.shape
        exp_Z = np.exp(Z - Z.max(axis=1, keepdims=True))
        self.A = exp_Z / exp_Z.sum(axis=1, keepdims=True)
        self.Y = np.eye(K)[labels]
        log_A = Z - Z.max(axis=1, keepdims=True) - np.log(exp_Z.sum(axis=1, keepdims=True))
        return -(self.Y * log_A).sum() / self.N

    def backward(self):
        """Return dLdZ, (N, K), for the Z and the labels of the last `forward`.

        dLdZ = (A − Y) / N      Y_ij is 1 where j is the label of sample i, else 0
        """
        return (self.A - self.Y) / self.N


# If you like: the whole network. Without this class, nnscratch puts yours together itself; so
# delete it, from here to the end, unless you write it.


class Network:
    """784 inputs, hidden_size units with ReLU, 10 outputs with softmax."""

    def __init__(self, hidden_size=10):
        """Make self.hidden and self.output, each a Linear, and whatever else is needed.

        The layers may start at zero: their weights are set from outside before they learn.
        """
        self.hidden = Linear(784, hidden_size)
        self.relu = ReLU()
        self.output = Linear(hidden_size, 10)
        self.softmax_cross_entropy = SoftmaxCrossEntropy()

    def forward(self, A):
        """Return Z_o, (N, 10), what the output layer says before softmax, for A, (N, 784)."""
        A_h = self.relu.forward(self.hidden.forward(A))
        return self.output.forward(A_h)

    def loss(self, Z_o, labels):
        """Return the mean cross-entropy, one number, of Z_o, (N, 10), and the labels, (N,)."""
        return self.softmax_cross_entropy.forward(Z_o, labels)

    def backward(self):
        """Go back from the loss to the first layer, so that both layers have dLdW and dLdb."""
        dLdA_h = self.output.backward(self.softmax_cross_entropy.backward())
        self.hidden.backward(self.relu.backward(dLdA_h))
