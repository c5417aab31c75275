"""Where the ink lies in 28×28 pictures, and how to move it; whole arrays of pictures at once.

MNIST's makers fitted each digit into a box of 20×20 pixels and put its centre of mass in the
middle of 28×28. What a network has learned holds only for pictures framed alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 28
BOX_SIZE = 20
CENTRE = 14  # the middle of the field; MNIST's centres of mass round to it
PIECE = 1000  # pictures at a time: what fits the processor's cache

Images = NDArray[np.uint8]


def centre_of_mass(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return the centre of mass of each picture's ink, (n, 2): row and column, in pixels.

    A pixel's own centre counts as its whole number. A picture without ink has it in the middle.

    Args:
        images: (n, height, width), ink bright.

    >>> picture = np.zeros((1, 28, 28), np.uint8)
    >>> picture[0, 10, [4, 6]] = 255
    >>> centre_of_mass(picture)
    array([[10.,  5.]])
    """
    height, width = images.shape[1:]
    rows = images.sum(axis=2, dtype=np.float64)
    columns = images.sum(axis=1, dtype=np.float64)
    mass = rows.sum(axis=1)
    blank = mass == 0
    mass[blank] = 1
    centres = np.stack([rows @ np.arange(height), columns @ np.arange(width)], axis=1)
    centres /= mass[:, np.newaxis]
    centres[blank] = (height - 1) / 2, (width - 1) / 2
    return centres


def ink_box(image: NDArray[Any]) -> tuple[slice, slice]:
    """Return the smallest box that holds all pixels above 0: a slice of rows, one of columns.

    Args:
        image: (height, width); without ink, the box is empty.

    >>> picture = np.zeros((28, 28), np.uint8)
    >>> picture[3:5, 7] = 1
    >>> ink_box(picture)
    (slice(3, 5, None), slice(7, 8, None))
    """
    spans = []
    for axis in (1, 0):
        places = np.flatnonzero(image.any(axis=axis))
        spans.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return spans[0], spans[1]


def shift(image: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Move a picture (height, width) by whole pixels down and right; what leaves it is lost."""
    moved = np.zeros_like(image)
    height, width = image.shape
    source = image[
        max(0, -rows) : max(0, height - rows), max(0, -columns) : max(0, width - columns)
    ]
    top, left = min(height, max(0, rows)), min(width, max(0, columns))
    moved[top : top + source.shape[0], left : left + source.shape[1]] = source
    return moved


def deskew(images: Images) -> Images:
    """Shear each picture sideways until its principal axis stands upright.

        x ← x + s·(y − ȳ)    with s = Σ ink·(x − x̄)(y − ȳ) / Σ ink·(y − ȳ)²

    The second moments of the ink tell how far its columns drift per row; each row is moved back
    by that, with linear interpolation, so that the centre of mass stays where it is.

    Args:
        images: (n, 28, 28) uint8, ink bright.

    Returns:
        A new array of the same shape; a picture without ink stays as it is.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", where
    deskewing halves the error of a linear classifier.
    """
    upright = np.empty_like(images)
    for start in range(0, len(images), PIECE):
        piece = slice(start, start + PIECE)
        upright[piece] = _move_rows(images[piece], _slant_per_row(images[piece]))
    return upright


def _slant_per_row(images: Images) -> NDArray[np.float32]:
    """Return by how many pixels each row has drifted to the right of upright, (n, 28)."""
    ink = images.astype(np.float32)
    y_mean, x_mean = centre_of_mass(images).T
    y = np.arange(SIZE) - y_mean[:, np.newaxis]
    x = np.arange(SIZE) - x_mean[:, np.newaxis]
    covariance = (np.matmul(ink, x[:, :, np.newaxis])[:, :, 0] * y).sum(axis=1)
    variance = (ink.sum(axis=2) * y**2).sum(axis=1)
    slant = covariance / np.where(variance > 0, variance, 1)
    drift: NDArray[np.float32] = (slant[:, np.newaxis] * y).astype(np.float32)
    return drift


def _move_rows(images: Images, drift: NDArray[np.float32]) -> Images:
    """Take each row from `drift` pixels to its right, between pixels by linear interpolation."""
    limit = SIZE  # a row moved by its own length is empty; so is one moved further
    drift = drift.clip(-limit, limit)
    whole = np.floor(drift)
    part = (drift - whole)[:, :, np.newaxis]
    padded = np.zeros((*images.shape[:2], SIZE + 2 * limit + 1), np.uint8)
    padded[:, :, limit : limit + SIZE] = images
    windows = np.lib.stride_tricks.sliding_window_view(padded, SIZE + 1, axis=2)
    n, rows = np.ogrid[: len(images), :SIZE]
    taken = windows[n, rows, whole.astype(np.intp) + limit].astype(np.float32)
    moved = taken[:, :, :-1] * (1 - part) + taken[:, :, 1:] * part
    return np.rint(moved).astype(np.uint8)
