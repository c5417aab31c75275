"""The eleventh answer: how much more a picture looks like none of the ten digits than like one.

    A  ──▶  Z_h (N, R)  ──ReLU──▶  A_h  ──▶  Z_o (N, 11)     strangeness = Z_10 − log Σ_d exp(Z_d)

A small network of its own, of the blackboard's parts, that learns eleven classes: the digits and
"no digit". The network that answers is not touched by it, whatever its size. A network of ten
classes alone cannot say it: far from all that it has learned it is as sure as ever (Hein et al.
2019, arXiv:1812.05720), so pictures of what is no digit are shown to it (Hendrycks et al. 2019,
"Deep anomaly detection with outlier exposure", arXiv:1812.04606). To decline is the reject option
of Chow (1970). `benchmarks/no_digit.py` compares the ways.
"""

from __future__ import annotations

import numpy as np

from nnscratch.core import CLASSES, IN_FEATURES, Integers, Linear, ReLU, SoftmaxCrossEntropy
from nnscratch.pictures.framing import Images, deskew
from nnscratch.products import Floats, add_multiple, join, scale_pixels

UNITS = 256
NO_DIGIT = CLASSES  # the label of what is none
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))  # pixels down and across
PIECE = 1000  # pictures at a time


class Rejector:
    """784 inputs → `units` ReLU units → ten digits and "no digit".

    Args:
        units: R, number of hidden units.
        rng: draws the starting weights.

    Attributes:
        parameters: the live arrays `W_h` (R, 784), `b_h` (R, 1), `W_o` (11, R), `b_o` (11, 1).
        threshold: log-odds from which on a picture is called no digit.
    """

    def __init__(self, units: int = UNITS, *, rng: np.random.Generator) -> None:
        self.hidden = Linear(IN_FEATURES, units, dtype=np.float32)
        self.relu = ReLU()
        self.output = Linear(units, CLASSES + 1, dtype=np.float32)
        self.softmax_cross_entropy = SoftmaxCrossEntropy()
        self.threshold = 0.0
        for layer in (self.hidden, self.output):
            C_out, C_in = layer.W.shape
            layer.W = rng.standard_normal((C_out, C_in)) * np.sqrt(2 / C_in)
        h, o = self.hidden, self.output
        places = {"W_h": (h, "W"), "b_h": (h, "b"), "W_o": (o, "W"), "b_o": (o, "b")}
        self._theta, self.parameters = join(places)
        slopes = {name: (layer, f"dLd{W}") for name, (layer, W) in places.items()}
        self._dLdtheta, _ = join(slopes)

    def forward(self, A: Floats) -> Floats:
        """Return Z_o, (N, 11), for A (N, 784) in [0, 1]."""
        return self.output.forward(self.relu.forward(self.hidden.forward(A)))

    def step(self, A: Floats, labels: Integers, learning_rate: float) -> float:
        """Take one step of gradient descent on a batch, and return its mean loss in nats.

        Args:
            A: (N, 784).
            labels: (N,) 0 … 9, or 10 for what is no digit.
        """
        loss = self.softmax_cross_entropy.forward(self.forward(A), labels)
        dLdA_h = self.output.backward(self.softmax_cross_entropy.backward())
        self.hidden.store_gradients(self.relu.backward(dLdA_h))
        add_multiple(self._theta, -learning_rate, self._dLdtheta)
        return loss

    def log_odds(self, A: Floats) -> Floats:
        """Return log P(no digit) / P(some digit), (N,): Z_10 − log Σ_d exp(Z_d)."""
        Z = self.forward(A)
        digits = Z[:, :NO_DIGIT]
        largest = digits.max(axis=1)
        odds: Floats = Z[:, NO_DIGIT] - largest - np.log(np.exp(digits.T - largest).sum(axis=0))
        return odds

    def judge(self, images: Images) -> Floats:
        """Return the log-odds of pictures, (n,): the mean over each and its neighbours.

        A picture and the same a pixel further are as strange; what differs is chance, and the mean
        of five has less of it.

        Args:
            images: (n, 28, 28) uint8, framed as MNIST's are.
        """
        upright = deskew(images)
        odds = np.zeros(len(images), np.float32)
        for start in range(0, len(images), PIECE):
            piece = slice(start, start + PIECE)
            views = [np.roll(upright[piece], shift, axis=(1, 2)) for shift in SHIFTS]
            odds[piece] = np.mean([self.log_odds(scale_pixels(view)) for view in views], axis=0)
        return odds

    def strangeness(self, images: Images) -> Floats:
        """Return how far the log-odds lie above the threshold, (n,); above 0 is no digit."""
        above: Floats = self.judge(images) - np.float32(self.threshold)
        return above
