"""The exercise that `nnscratch grade --template` writes: four classes, their bodies to be filled.

Each method says what it is to compute, with the equation and the shapes of the layer document, and
raises NotImplementedError until somebody has written it.
"""

from __future__ import annotations

import os
from pathlib import Path

from nnscratch.errors import OutputError
from nnscratch.files import cannot_write, write_atomically

TEMPLATE = '''\
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
        raise NotImplementedError

    def forward(self, A):
        """Return Z, (N, C_out), for a batch A, (N, C_in).

            Z = A·Wᵀ + 1·bᵀ

        Keep whatever `backward` will need. A itself must not change.
        """
        raise NotImplementedError

    def backward(self, dLdZ):
        """Keep dLdW and dLdb in self, and return dLdA, for dLdZ, (N, C_out), of the last batch.

            dLdA = dLdZ·W       (N, C_in)
            dLdW = dLdZᵀ·A      (C_out, C_in), as W
            dLdb = dLdZᵀ·1      (C_out, 1), as b

        The mean over the batch is in dLdZ already: nothing is divided by N here. If debug is true,
        keep dLdA in self.dLdA too; otherwise keep it nowhere.
        """
        raise NotImplementedError


class ReLU:
    """The activation between the layers: what is negative becomes 0."""

    def forward(self, Z):
        """Return A, of the shape of Z, element by element.

            A = max(Z, 0)
        """
        raise NotImplementedError

    def backward(self, dLdA):
        """Return dLdZ, of the shape of dLdA, for the Z of the last `forward`.

            dLdZ = dLdA where Z > 0, and 0 elsewhere (at Z = 0 too)
        """
        raise NotImplementedError


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
        raise NotImplementedError

    def backward(self):
        """Return dLdZ, (N, K), for the Z and the labels of the last `forward`.

            dLdZ = (A − Y) / N      Y_ij is 1 where j is the label of sample i, else 0
        """
        raise NotImplementedError


# If you like: the whole network. Without this class, nnscratch puts yours together itself; so
# delete it, from here to the end, unless you write it.


class Network:
    """784 inputs, hidden_size units with ReLU, 10 outputs with softmax."""

    def __init__(self, hidden_size=10):
        """Make self.hidden and self.output, each a Linear, and whatever else is needed.

        The layers may start at zero: their weights are set from outside before they learn.
        """
        raise NotImplementedError

    def forward(self, A):
        """Return Z_o, (N, 10), what the output layer says before softmax, for A, (N, 784)."""
        raise NotImplementedError

    def loss(self, Z_o, labels):
        """Return the mean cross-entropy, one number, of Z_o, (N, 10), and the labels, (N,)."""
        raise NotImplementedError

    def backward(self):
        """Go back from the loss to the first layer, so that both layers have dLdW and dLdb."""
        raise NotImplementedError
'''


def write_template(path: Path) -> None:
    """Write the exercise to a file that is not there yet.

    Raises:
        OutputError: something of that name is there, or it cannot be written.
    """
    if os.path.lexists(path):
        raise OutputError(
            "the exercise would replace what is there",
            where=str(path),
            next_step="choose another name; the file was left as it is",
        )
    try:
        write_atomically(path, TEMPLATE.encode())
    except OSError as error:
        raise cannot_write(path, "the exercise", error) from error
