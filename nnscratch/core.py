"""The network on the blackboard: 784 inputs → 10 hidden ReLU units → 10 softmax outputs.

    A  ──W_h, b_h──▶  Z_h  ──ReLU──▶  A_h  ──W_o, b_o──▶  Z_o  ──softmax──▶  A_o
    (N, 784)          (N, H)          (N, H)              (N, 10)            (N, 10)

Every equation of the two founding documents stands here once, forward and backward side by
side. The names are theirs: N samples in a batch, C_in and C_out features in and out of a layer,
H hidden units, K = 10 classes; `dLdZ` is the derivative of the loss L with respect to Z, and has
the shape of Z. A batch holds one sample a *row*. `docs/maths.md` derives each line.

Four things are done for speed, and change no number but in its last digits. Z is computed as
(W·Aᵀ + b)ᵀ, which is the layer document's A·Wᵀ + 1·bᵀ to the letter, but leaves the samples lying
along memory, so that NumPy finds a maximum over ten classes three times as fast. Products are
written `dot`, as in the layer document, which for matrices this small costs half of what `@` does.
Sums are products with a column of ones, as there, at a third of the cost of `sum`. And a network
keeps all its parameters in one vector θ, so that a step of gradient descent is one subtraction.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]

IMAGE_SIZE = 28
IN_FEATURES = IMAGE_SIZE * IMAGE_SIZE
CLASSES = 10


def scale_pixels(
    images: NDArray[np.uint8], dtype: DTypeLike = np.float32, out: Floats | None = None
) -> Floats:
    """Turn grey levels 0–255 into the network's input, one row a picture.

        A = images / 255

    Args:
        images: (N, 28, 28) or (N, 784) uint8, ink bright on a dark ground.
        dtype: float32 for work, float64 for checks.
        out: room for at least N rows, filled instead of a new array; has its own dtype.

    Returns:
        A, (N, 784) in [0, 1].

    The only place where pixels become numbers: training, evaluation and prediction all pass here.

    >>> float(scale_pixels(np.full((1, 28, 28), 255, np.uint8)).max())
    1.0
    """
    N = len(images)
    A: Floats = empty_batch(N, dtype) if out is None else out[:N]
    A[:] = images.reshape(N, IN_FEATURES)
    A *= 1 / 255
    return A


def empty_batch(N: int, dtype: DTypeLike = np.float32) -> Floats:
    """Return room for A, (N, 784), which `scale_pixels` can fill again and again.

    It starts on a boundary of 64 bytes, a cache line, where NumPy promises 16: vector
    instructions then touch each line once and not twice.
    """
    itemsize = np.dtype(dtype).itemsize
    room: Floats = np.empty(N * IN_FEATURES + 64 // itemsize, dtype)
    start = -room.ctypes.data % 64 // itemsize
    return room[start : start + N * IN_FEATURES].reshape(N, IN_FEATURES)


@functools.lru_cache(maxsize=8)
def ones(N: int, dtype: np.dtype[Any]) -> Floats:
    """Return 1_N, a column of N ones, (N, 1): a product with it is a sum. Made once, read-only."""
    column: Floats = np.ones((N, 1), dtype)
    column.setflags(write=False)
    return column


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

    Source: the layer document, Table 1; derivation in `docs/maths.md`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        debug: bool = False,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.W: Floats = np.zeros((out_features, in_features), dtype)
        self.b: Floats = np.zeros((out_features, 1), dtype)
        self.dLdW, self.dLdb = np.zeros_like(self.W), np.zeros_like(self.b)
        self.debug = debug

    def forward(self, A: Floats) -> Floats:
        """Return Z = A·Wᵀ + 1·bᵀ, (N, C_out), for A of shape (N, C_in).

        >>> layer = Linear(2, 1)
        >>> layer.W[:] = [[3, 4]]
        >>> layer.b[:] = 5
        >>> layer.forward(np.array([[1.0, 2.0]]))
        array([[16.]])
        """
        self.A, self.N = A, len(A)
        Z: Floats = self.W.dot(A.T)
        Z += self.b
        return Z.T

    def backward(self, dLdZ: Floats) -> Floats:
        """Store dLdW and dLdb, and return dLdA, (N, C_in), for the layer before.

            dLdA = dLdZ·W

        Args:
            dLdZ: (N, C_out). The mean over the batch is already in it (see SoftmaxCrossEntropy),
                so that no 1/N stands here.
        """
        self.store_gradients(dLdZ)
        dLdA: Floats = self.W.T.dot(dLdZ.T).T
        if self.debug:
            self.dLdA = dLdA
        return dLdA

    def store_gradients(self, dLdZ: Floats) -> None:
        """Store dLdW, (C_out, C_in), and dLdb, (C_out, 1), for dLdZ of shape (N, C_out).

            dLdW = dLdZᵀ·A
            dLdb = dLdZᵀ·1

        All that is wanted of the first layer: before it there is nobody to take dLdA.
        """
        dLdZ.T.dot(self.A, out=self.dLdW)
        dLdZ.T.dot(ones(self.N, dLdZ.dtype), out=self.dLdb)


class ReLU:
    """The activation of the hidden layer: A = max(Z, 0), element by element.

    At exactly 0 the function has a kink and no derivative; 0 is taken, as the network document
    has it (z ≤ 0 → 0).
    """

    def forward(self, Z: Floats) -> Floats:
        """Return A = max(Z, 0), same shape as Z.

        >>> ReLU().forward(np.array([[-1.0, 0.0, 2.0]]))
        array([[0., 0., 2.]])
        """
        A: Floats = np.maximum(Z, 0)
        self.A = A
        return A

    def backward(self, dLdA: Floats) -> Floats:
        """Return dLdZ = dLdA ⊙ sign(A): the gradient passes where the unit was on.

        A is never negative, so that its sign is 1 where Z > 0, and 0 elsewhere.
        """
        dLdZ = dLdA * np.sign(self.A)
        return dLdZ


def log_softmax(Z: Floats) -> Floats:
    """Return log softmax(Z), row by row, without overflow.

        log A_j = Z_j − max(Z) − log Σ_k exp(Z_k − max(Z))

    Args:
        Z: (N, K), any finite values.

    Returns:
        (N, K), all ≤ 0, finite for every finite Z: no logarithm of zero, so no epsilon.

    >>> log_softmax(np.array([[1000.0, 1000.0]]))
    array([[-0.69314718, -0.69314718]])
    """
    shifted = Z - Z.max(axis=1, keepdims=True)
    log_A: Floats = shifted - np.log(np.exp(shifted).dot(ones(Z.shape[1], Z.dtype)))
    return log_A


@functools.lru_cache(maxsize=8)
def _identity(K: int, dtype: np.dtype[Any]) -> Floats:
    return np.eye(K, dtype=dtype)


def one_hot(labels: Integers, K: int, dtype: np.dtype[Any]) -> Floats:
    """Return Y, (N, K), for labels (N,): in each row 1 at the true label, else 0.

    Raises:
        IndexError: a label is K or more.

    >>> one_hot(np.array([2, 0]), 3, np.dtype(float))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    Y: Floats = _identity(K, dtype).take(labels, axis=1).T
    return Y


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one step, since together their gradient is a difference.

    A_o = softmax(Z_o), and the loss is the mean over the batch of −log A_o at the true label.
    """

    def forward(self, Z: Floats, labels: Integers) -> float:
        """Return the mean cross-entropy in nats per sample.

            L = −(1/N) Σ_i Σ_j Y_ij·log A_o,ij

        Args:
            Z: (N, K) what the output layer says, before softmax.
            labels: (N,) integers 0 … K − 1, of which Y is made.

        >>> SoftmaxCrossEntropy().forward(np.zeros((1, 2)), np.array([0]))  # ln 2
        0.6931471805599453
        """
        self.N = len(labels)
        self.Y = one_hot(labels, Z.shape[1], Z.dtype)
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

    Each weight is drawn from a normal distribution of variance 2 / C_in, which keeps the size of
    the signal through ReLU (He et al. 2015, arXiv:1502.01852); biases start at zero. Weights of
    zero would never learn: see "Why the weights do not start at zero" in `docs/maths.md`.
    """

    def __init__(
        self,
        hidden_size: int = 10,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.hidden = Linear(IN_FEATURES, hidden_size, dtype=dtype)
        self.relu = ReLU()
        self.output = Linear(hidden_size, CLASSES, dtype=dtype)
        self.softmax_cross_entropy = SoftmaxCrossEntropy()
        for layer in (self.hidden, self.output):
            C_out, C_in = layer.W.shape
            layer.W[:] = rng.standard_normal((C_out, C_in)) * np.sqrt(2 / C_in)
        self._join_in_vectors()

    def _join_in_vectors(self) -> None:
        """Let the layers' arrays be pieces of one vector of parameters and one of gradients."""
        hidden, output = self.hidden, self.output
        blocks = (hidden.W, hidden.b, output.W, output.b)
        self.theta = np.concatenate([block.ravel() for block in blocks])
        self.dLdtheta = np.zeros_like(self.theta)
        self.parameters, self.gradients = self.split(self.theta), self.split(self.dLdtheta)
        hidden.W, hidden.b, output.W, output.b = self.parameters.values()
        hidden.dLdW, hidden.dLdb, output.dLdW, output.dLdb = self.gradients.values()

    def split(self, vector: Floats) -> dict[str, Floats]:
        """Name the four blocks of a vector that is laid out as `theta`; they share its memory."""
        hidden, output = self.hidden, self.output
        blocks = {"W_h": hidden.W, "b_h": hidden.b, "W_o": output.W, "b_o": output.b}
        ends = np.cumsum([block.size for block in blocks.values()])
        pieces = np.split(vector, ends[:-1])
        return {
            name: piece.reshape(block.shape)
            for (name, block), piece in zip(blocks.items(), pieces, strict=True)
        }

    def load_parameters(self, parameters: Mapping[str, Floats]) -> None:
        """Copy the four arrays into the network; a shape that does not fit raises ValueError."""
        for name, value in self.parameters.items():
            np.copyto(value, parameters[name])

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copied or unpickled array is no longer a piece of the vector it was cut from.
        self.__dict__.update(state)
        self._join_in_vectors()

    def forward(self, A: Floats) -> Floats:
        """Return Z_o, (N, 10), for A of shape (N, 784) in [0, 1].

        Softmax is not applied: the loss wants Z_o, and the largest Z_o is the largest A_o.
        """
        Z_h = self.hidden.forward(A)  # (N, H)
        A_h = self.relu.forward(Z_h)  # (N, H)
        Z_o = self.output.forward(A_h)  # (N, 10)
        return Z_o

    def loss(self, Z_o: Floats, labels: Integers) -> float:
        """Return the mean cross-entropy, in nats per sample, of Z_o (N, 10) and labels (N,)."""
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
