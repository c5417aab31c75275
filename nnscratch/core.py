"""The network on the blackboard: 784 inputs → 10 hidden ReLU units → 10 softmax outputs.

    A  ──W_h, b_h──▶  Z_h  ──ReLU──▶  A_h  ──W_o, b_o──▶  Z_o  ──softmax──▶  A_o
    (N, 784)          (N, H)          (N, H)              (N, 10)            (N, 10)

Every equation of the two documents that `docs/maths.md` introduces stands here once, forward and
backward side by side. The names are theirs: N samples in a batch, C_in and C_out features in and
out of a layer, H hidden units, K = 10 classes; `dLdZ` is the derivative of the loss L with respect
to Z, and has the shape of Z. A batch holds one sample a *row*.

Z is computed as (W·Aᵀ + b)ᵀ, which is the layer document's A·Wᵀ + 1·bᵀ, but leaves the samples
lying along memory, so that NumPy finds a maximum over ten classes three times as fast. All
parameters lie in one vector θ, so that a step of gradient descent is one subtraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnscratch.products import Floats, fitting, identity, join, kept, ones, product

Integers = NDArray[np.integer[Any]]

IN_FEATURES = 28 * 28
CLASSES = 10


class Linear:
    """A fully connected layer: Z = A·Wᵀ + 1·bᵀ.

    Args:
        in_features: C_in, number of input features.
        out_features: C_out, number of output features.
        debug: keep `dLdA` as an attribute after each backward pass, to be looked at.
        dtype: of `W` and `b`.

    Attributes:
        W: (C_out, C_in) weights, zero at first.
        b: (C_out, 1) biases, zero at first.
        A: (N, C_in) the input of the last forward pass; N is its batch size.
        dLdW, dLdb: how the loss changes with W and b; same shapes. Set by `backward`.

    Any real array may be assigned to these four; it is copied into place.
    Source: the layer document, Table 1; derivation in `docs/maths.md`.
    """

    W, b, dLdW, dLdb = kept("W"), kept("b"), kept("dLdW"), kept("dLdb")

    def __init__(
        self, in_features: int, out_features: int, debug: bool = False, dtype: DTypeLike = float
    ) -> None:
        self.W = np.zeros((out_features, in_features), dtype)
        self.b = np.zeros((out_features, 1), dtype)
        self.dLdW, self.dLdb = np.zeros_like(self.W), np.zeros_like(self.b)
        self.debug = debug

    def forward(self, A: Floats) -> Floats:
        """Return Z = A·Wᵀ + 1·bᵀ, (N, C_out), for A of shape (N, C_in).

        >>> layer = Linear(2, 1)
        >>> layer.W, layer.b = [[3, 4]], [[5]]
        >>> layer.forward(np.array([[1.0, 2.0]]))
        array([[16.]])
        """
        self.A, self.N = A, len(A)
        Z = product(self.W, A.T)
        Z += self.b
        return Z.T

    def backward(self, dLdZ: Floats) -> Floats:
        """Store dLdW and dLdb, and return dLdA, (N, C_in), for the layer before.

            dLdA = dLdZ·W

        Args:
            dLdZ: (N, C_out). The mean over the batch is already in it, so no 1/N stands here.
        """
        self.store_gradients(dLdZ)
        dLdA = product(self.W.T, dLdZ.T).T
        if self.debug:
            self.dLdA = dLdA
        return dLdA

    def store_gradients(self, dLdZ: Floats) -> None:
        """Store dLdW, (C_out, C_in), and dLdb, (C_out, 1), for dLdZ of shape (N, C_out).

            dLdW = dLdZᵀ·A
            dLdb = dLdZᵀ·1

        All that is wanted of the first layer: before it there is nobody to take dLdA.
        """
        product(dLdZ.T, self.A, out=self.dLdW)
        product(dLdZ.T, ones(self.N, dLdZ.dtype), out=self.dLdb)


class ReLU:
    """The activation of the hidden layer. Its derivative at exactly 0 is taken to be 0."""

    def forward(self, Z: Floats) -> Floats:
        """Return A = max(Z, 0), element by element.

        >>> ReLU().forward(np.array([[-1.0, 0.0, 2.0]]))
        array([[0., 0., 2.]])
        """
        A: Floats = np.maximum(Z, 0)
        self.A = A
        return A

    def backward(self, dLdA: Floats) -> Floats:
        """Return dLdZ = dLdA ⊙ [Z > 0]. A is never negative, so that its sign is just that."""
        dLdZ = dLdA * np.sign(self.A)
        return dLdZ


def log_softmax(Z: Floats) -> Floats:
    """Return log softmax(Z), (N, K), row by row.

        log A_j = Z_j − max(Z) − log Σ_k exp(Z_k − max(Z))

    Finite for every finite Z: nothing overflows, and no logarithm of zero needs an epsilon.

    >>> log_softmax(np.array([[1000.0, 1000.0]]))
    array([[-0.69314718, -0.69314718]])
    """
    shifted = Z - Z.max(axis=1, keepdims=True)
    log_A: Floats = shifted - np.log(product(np.exp(shifted), ones(Z.shape[1], Z.dtype)))
    return log_A


def one_hot(labels: Integers, K: int, dtype: np.dtype[Any]) -> Floats:
    """Return Y, (N, K), for labels (N,): in each row 1 at the true label, else 0.

    >>> one_hot(np.array([2, 0]), 3, np.dtype(float))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    Y: Floats = identity(K, dtype).take(labels, axis=1).T
    return Y


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one step, since together their gradient is a difference."""

    def forward(self, Z: Floats, labels: NDArray[Any]) -> float:
        """Return the mean cross-entropy in nats per sample.

            L = −(1/N) Σ_i Σ_j Y_ij·log A_o,ij

        Args:
            Z: (N, K) what the output layer says, before softmax.
            labels: (N,) integers 0 … K − 1, of which Y is made; or Y itself, (N, K).

        >>> SoftmaxCrossEntropy().forward(np.zeros((1, 2)), np.array([0]))  # ln 2
        0.6931471805599453
        """
        self.N = len(labels)
        self.Y = labels if labels.ndim == 2 else one_hot(labels, Z.shape[1], Z.dtype)
        self.log_A = log_softmax(Z)
        loss = -float(np.vdot(self.Y.T, self.log_A.T)) / self.N
        return loss

    def backward(self) -> Floats:
        """Return dLdZ = (A_o − Y) / N, (N, K); proof in `docs/softmax-derivative.md`."""
        dLdZ: Floats = np.exp(self.log_A)
        dLdZ -= self.Y
        dLdZ /= self.N
        return dLdZ


class Network:
    """784 inputs → `hidden_size` ReLU units → 10 classes.

    Args:
        hidden_size: H, number of hidden units.
        rng: draws the starting weights; the same generator state gives the same network.
        dtype: float32 for work; float64 serves the checks, through the same code.

    Attributes:
        parameters: the live arrays `W_h` (H, 784), `b_h` (H, 1), `W_o` (10, H), `b_o` (10, 1).
        gradients: the same keys and shapes, filled by `backward`.
        theta, dLdtheta: the same numbers as two vectors, one block after the other.
        Z_h, A_h: (N, H) what the hidden units said in the last forward pass.
        deskewed: a note for whoever feeds it: are pictures sheared upright first?

    Each weight is drawn from a normal distribution of variance 2 / C_in, which keeps the size of
    the signal through ReLU (He et al. 2015, arXiv:1502.01852); biases start at zero. Weights of
    zero would never learn: see "Why the weights do not start at zero" in `docs/maths.md`.
    """

    theta, dLdtheta = kept("theta"), kept("dLdtheta")
    deskewed = False

    def __init__(
        self, hidden_size: int = 10, *, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        self.hidden = Linear(IN_FEATURES, hidden_size, dtype=dtype)
        self.relu = ReLU()
        self.output = Linear(hidden_size, CLASSES, dtype=dtype)
        self.softmax_cross_entropy = SoftmaxCrossEntropy()
        for layer in (self.hidden, self.output):
            C_out, C_in = layer.W.shape
            layer.W = rng.standard_normal((C_out, C_in)) * np.sqrt(2 / C_in)
        h, o = self.hidden, self.output
        places = {"W_h": (h, "W"), "b_h": (h, "b"), "W_o": (o, "W"), "b_o": (o, "b")}
        self.theta, self.parameters = join(places)
        slopes = {name: (layer, f"dLd{W}") for name, (layer, W) in places.items()}
        self.dLdtheta, self.gradients = join(slopes)

    def __repr__(self) -> str:
        return f"Network({IN_FEATURES}-{len(self.hidden.b)}-{CLASSES}, {self.theta.dtype})"

    def load_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Copy the four arrays into the network, all or none; ValueError if a shape differs."""
        values = [fitting(parameters[name], own, name) for name, own in self.parameters.items()]
        self.theta = np.concatenate([value.ravel() for value in values])

    def astype(self, dtype: DTypeLike) -> Network:
        """Return a copy of its own, with the same parameters, that computes in `dtype`."""
        return _network(self.theta.astype(dtype), self.deskewed)

    def __reduce__(self) -> tuple[Any, ...]:
        # So that whatever copies or pickles a network makes a whole one, with vectors of its own.
        return _network, (self.theta, self.deskewed)

    def forward(self, A: Floats) -> Floats:
        """Return Z_o, (N, 10), for A (N, 784) in [0, 1]; its largest is also that of softmax."""
        self.Z_h = self.hidden.forward(A)  # (N, H)
        self.A_h = self.relu.forward(self.Z_h)  # (N, H)
        Z_o = self.output.forward(self.A_h)  # (N, 10)
        return Z_o

    def loss(self, Z_o: Floats, labels: NDArray[Any]) -> float:
        """Return the mean cross-entropy, nats per sample, of Z_o (N, 10) and labels (N,) or Y."""
        return self.softmax_cross_entropy.forward(Z_o, labels)

    def backward(self) -> None:
        """Fill `gradients` from the last `forward` and `loss`."""
        dLdZ_o = self.softmax_cross_entropy.backward()  # (N, 10)
        dLdA_h = self.output.backward(dLdZ_o)  # (N, H)
        dLdZ_h = self.relu.backward(dLdA_h)  # (N, H)
        self.hidden.store_gradients(dLdZ_h)

    def predict(self, A: Floats) -> NDArray[np.intp]:
        """Return the likeliest label of each row, (N,)."""
        labels: NDArray[np.intp] = self.forward(A).argmax(axis=1)
        return labels

    def predict_proba(self, A: Floats) -> Floats:
        """Return A_o = softmax(Z_o), (N, 10): each row the probabilities of the ten digits."""
        A_o: Floats = np.exp(log_softmax(self.forward(A)))
        return A_o


def _network(theta: Floats, deskewed: bool) -> Network:
    hidden_size = (len(theta) - CLASSES) // (IN_FEATURES + 1 + CLASSES)
    network = Network(hidden_size, rng=np.random.default_rng(0), dtype=theta.dtype)
    network.theta, network.deskewed = theta, deskewed
    return network
