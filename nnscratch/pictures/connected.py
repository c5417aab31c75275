"""The connected shapes of a mask, numbered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.morphology import places


def connected(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    """Number the connected shapes of a mask; pixels that touch at a corner are connected.

    Each row is a list of runs; of those that touch in neighbouring rows, each takes the least
    number among them, and whatever bore its own follows, until nothing changes. Shapes are numbered
    by their first pixel, row by row.

    Args:
        mask: (height, width).

    Returns:
        (height, width) numbers from 1, and 0 where the mask is False; and how many there are.

    >>> connected(np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool))
    (array([[1, 0, 0, 2],
           [0, 1, 0, 0]]), 2)
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, begin = places(edges == 1)
    end = places(edges == -1)[1]
    run, above = _touching(row, begin, end, mask.shape[1])
    root = np.arange(len(row))  # the least run of its shape, as far as it is known
    while (apart := root[run] != root[above]).any():
        run, above = run[apart], above[apart]
        least = np.minimum(root[run], root[above])
        np.minimum.at(root, root[run], least)
        np.minimum.at(root, root[above], least)
        while (root[root] != root).any():
            root = root[root]
    numbers = np.unique(root, return_inverse=True)[1] + 1
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = np.repeat(numbers, end - begin)
    return labels, int(numbers.max(initial=0))


def _touching(
    row: NDArray[np.intp], begin: NDArray[np.intp], end: NDArray[np.intp], width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of runs that touch: the number of one, and that of one in the row above.

    With all rows laid end to end, a gap between them, runs are in order, and those above that one
    run touches follow each other.
    """
    length = width + 2
    first = np.searchsorted(row * length + end, (row - 1) * length + begin)
    last = np.searchsorted(row * length + begin, (row - 1) * length + end, side="right")
    count = (last - first).clip(0)
    run = np.repeat(np.arange(len(row)), count)
    before = np.cumsum(count) - count
    return run, np.arange(len(run)) + np.repeat(first - before, count)
