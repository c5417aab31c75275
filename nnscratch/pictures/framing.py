"""Digit → 28×28, framed as MNIST's makers framed theirs: box, stroke, centre, slant.

MNIST's makers fitted each digit into a box of 20×20 pixels and put its centre of mass in the
middle of 28×28. What a network has learned holds only for pictures framed alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZE = 28
BOX_SIZE = 20
CENTRE = 14  # the middle of the field; MNIST's centres of mass round to it
FAINT_INK = 0.04  # share of full ink; what is less is paper
PIECE = 1000  # pictures at a time: what fits the processor's cache

# Stroke width as a share of the box's longer side, and what MNIST has.
THINNEST, THICKEST = 0.09, 0.21
THIN_TARGET, THICK_TARGET = 0.13, 0.17
FINE = 4 * BOX_SIZE  # size at which strokes are measured and changed

Images = NDArray[np.uint8]
Ink = NDArray[np.float32]


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


def is_mnist_like(image: Images) -> bool:
    """Tell whether a picture is framed as all of MNIST's are (facts of its training pictures).

    Args:
        image: (height, width) uint8, ink bright.
    """
    if image.shape != (SIZE, SIZE):
        return False
    rows, columns = ink_box(image)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    share = np.count_nonzero(image) / image.size
    middle = centre_of_mass(image[np.newaxis])[0]
    return bool(
        longest == BOX_SIZE
        and 0.03 <= share <= 0.5
        and image.max() > 200
        and np.abs(middle - CENTRE).max() <= 0.55
    )


# --------------------------------------------------------------------------- box, stroke and centre


class Fitted(NamedTuple):
    """Ink fitted to the box.

    Attributes:
        ink: (height, width), the longer side 20, the strongest 1.
        stroke: `kept`, `thickened` or `thinned`.
        region: left, top, right, bottom of it, in pixels of the ink that it was made of; thickened
            strokes reach beyond that.
    """

    ink: Ink
    stroke: str
    region: tuple[float, float, float, float]


def fit_to_box(ink: Ink, *, change_stroke: bool = True) -> Fitted:
    """Fit the ink into 20×20, and bring strokes that are far off near MNIST's.

    Args:
        ink: (height, width) 0 to 1, cut to its box.
    """
    height, width = ink.shape
    done, region = "kept", (0.0, 0.0, float(width), float(height))
    if change_stroke:
        fine = _resize_longest(ink, FINE)
        thickness = stroke_width(fine)
        if not THINNEST * FINE <= thickness <= THICKEST * FINE:
            ink, done, (left, top) = _with_stroke(fine, thickness)
            across, down = width / fine.shape[1], height / fine.shape[0]
            right, bottom = left + ink.shape[1], top + ink.shape[0]
            region = left * across, top * down, right * across, bottom * down
    fitted = _resize_longest(ink, BOX_SIZE)
    return Fitted(fitted / max(float(fitted.max()), FAINT_INK), done, region)


def place(fitted: Ink, *, by_mass: bool = True) -> Ink:
    """Put the ink on 28×28: its centre of mass, or only its box, in the middle.

    Args:
        fitted: (height, width), neither longer than 28.
    """
    page = np.zeros((SIZE, SIZE), np.float32)
    height, width = fitted.shape
    top, left = corner_of(fitted, by_mass=by_mass)
    page[top : top + height, left : left + width] = fitted
    return page


def corner_of(fitted: Ink, *, by_mass: bool = True) -> tuple[int, int]:
    """Return where `place` puts the ink's first pixel: row and column of 28×28."""
    middle = centre_of_mass(fitted[np.newaxis])[0] if by_mass else np.array(fitted.shape) / 2
    # The middle of what is symmetric lies between two pixels, and the last bits, which depend on
    # the threads of BLAS, do not choose between them.
    middle = middle.round(4)
    top, left = (
        int(np.clip(np.rint(CENTRE - at), 0, SIZE - side))
        for at, side in zip(middle, fitted.shape, strict=True)
    )
    return top, left


def stroke_width(ink: Ink) -> float:
    """Estimate the width of strokes, in pixels: twice the area over the perimeter.

    The perimeter is counted along pixel edges, which is 4/π too long on average over directions.
    """
    mask = np.pad(ink > 0.5 * ink.max(), 1)
    perimeter = sum(np.count_nonzero(np.diff(mask, axis=axis)) for axis in (0, 1))
    return float(2 * np.count_nonzero(mask) / (perimeter * np.pi / 4))


def _with_stroke(fine: Ink, width: float) -> tuple[Ink, str, tuple[int, int]]:
    """Return ink with strokes changed, what was done, and the column and row of its corner."""
    thin = width < THINNEST * FINE
    radius = ((THIN_TARGET if thin else THICK_TARGET) * FINE - width) / 2
    room = int(abs(radius)) + 2
    full = np.pad((fine / np.quantile(fine[fine > 0], 0.75)).clip(0, 1), room)
    changed = _dilate(full, radius) if thin else 1 - _dilate(1 - full, -radius)
    box = ink_box(changed > FAINT_INK)
    if changed[box].size == 0:
        return fine, "kept", (0, 0)
    rows, columns = box
    corner = columns.start - room, rows.start - room
    return changed[box], "thickened" if thin else "thinned", corner


def _dilate(ink: Ink, radius: float) -> Ink:
    """Spread ink over a disc of a radius in pixels, with a soft edge."""
    reach = int(radius + 1)
    (height, width), spread = ink.shape, ink.copy()
    around = np.pad(ink, reach, mode="edge")
    for across in range(reach + 1):
        left, right = (slice(at, at + width) for at in (reach - across, reach + across))
        beside = np.maximum(around[:, left], around[:, right])
        for down in range(reach + 1):
            share = min(1.0, radius + 0.5 - float(np.hypot(down, across)))
            if share > 0:
                above, below = (slice(at, at + height) for at in (reach - down, reach + down))
                moved = np.maximum(beside[above], beside[below])
                np.maximum(spread, moved if share == 1 else share * moved, out=spread)
    return spread


def _resize_longest(ink: Ink, longest: int) -> Ink:
    factor = longest / max(ink.shape)
    return resize(ink, *(max(1, round(side * factor)) for side in ink.shape))


def resize(ink: Ink, height: int, width: int) -> Ink:
    """Resize to (height, width) by the exact mean over each new pixel's area.

    Pillow's box filter counts whole pixels only; with exact areas the same picture gives the same
    result at any scale.
    """
    rows, columns = _area_shares(height, ink.shape[0]), _area_shares(width, ink.shape[1])
    return np.asarray(rows @ ink @ columns.T, np.float32)


def _area_shares(new: int, old: int) -> Ink:
    """Return (new, old): the share of each of `new` equal intervals that each of `old` covers."""
    edges = np.arange(new + 1) * (old / new)
    begin = np.maximum(edges[:-1, np.newaxis], np.arange(old))
    end = np.minimum(edges[1:, np.newaxis], np.arange(1, old + 1))
    shares: Ink = (np.maximum(end - begin, 0) * (new / old)).astype(np.float32)
    return shares


# -------------------------------------------------------------------------------------------- slant


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
        upright[piece] = _move_rows(images[piece], slant_per_row(images[piece]))
    return upright


def slant_per_row(images: Images) -> NDArray[np.float32]:
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
