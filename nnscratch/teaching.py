"""A trained model as a teacher: its answers are what a smaller network learns from.

A label says that a picture is a 7 and nothing else. A teacher also says how much it looks like a 1
or a 9, and that is more to learn from (Hinton, Vinyals and Dean 2015, arXiv:1503.02531).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnscratch.arrays import Images, Labels
from nnscratch.config import TrainConfig
from nnscratch.core import log_softmax
from nnscratch.cores import second_core
from nnscratch.model import Model
from nnscratch.products import Floats, scale_pixels

TEMPERATURE = 2.0  # of held-out pictures, 1 and 4 got fewer right
Targets = NDArray[np.intp] | Floats  # labels (n,), or Y (n, 10)
PIECE = 256  # pictures at a time; their products are small enough for one core


class Lesson:
    """The pictures that are learned from, and what is to be said of them.

    Attributes:
        images: (n, 28, 28) uint8, deskewed if the settings want that.
    """

    def __init__(
        self, images: Images, labels: Labels, teacher: Model | None, config: TrainConfig
    ) -> None:
        self.images = images
        self._teacher = teacher if config.augment else None  # who is asked about each variant
        self._targets: Targets = labels.astype(np.intp)  # what NumPy indexes with, converted once
        if teacher and not config.augment:
            self._targets = soft_targets(teacher, images)

    def targets(self, chosen: NDArray[np.intp], variants: Images) -> Targets:
        """Return the labels (N,), or what the teacher says, (N, 10).

        Args:
            chosen: (N,) which of the pictures.
            variants: (N, 28, 28) uint8, those as the network sees them this time.
        """
        if self._teacher:
            return soft_targets(self._teacher, variants)
        return self._targets[chosen]


def soft_targets(teacher: Model, images: Images) -> Floats:
    """Return what a teacher says, softened: the Y of a network that learns from it.

        Y = softmax(Z_o / T)

    Z_o is the teacher's. The higher the temperature T, the more is said about the digits that a
    picture is not.

    Args:
        teacher: shown the pictures as it was trained: deskewed, if it was.
        images: (n, 28, 28) uint8.

    Returns:
        (n, 10), each row sums to 1; the same bits in whatever thread it is computed.
    """
    pieces = []
    with second_core():  # so that a product is cut in the same way with a thread and without
        for start in range(0, len(images), PIECE):
            A = scale_pixels(teacher.seen(images[start : start + PIECE]))
            Z_o = teacher.network.forward(A)
            Y = np.exp(log_softmax(Z_o / TEMPERATURE))
            pieces.append(Y)
    return np.concatenate(pieces)
