"""Strokes of a pen, as a page or a tablet records them → a picture of dark ink on white paper."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import ArrayError
from nnscratch.pictures.ink import Grey

PEN = 0.06  # width of the line, of the picture's side
SIDE = 280  # pixels
THINNEST_PEN, THICKEST_PEN = 0.01, 0.2
MOST_STROKES, MOST_POINTS = 500, 20_000

PAPER = 255
PIECES_AT_ONCE = 256  # what fits the processor's cache

Reals = NDArray[np.float32]
Mask = NDArray[np.bool_]


def draw_strokes(strokes: Any, pen: float = PEN, side: int = SIDE) -> Grey:
    """Draw strokes with a round pen, their edges softened over one pixel.

        ink = clip(r + 1/2 − d, 0, 1)    with d the distance of a pixel's centre from the stroke

    Args:
        strokes: a list of strokes, each a list of points (x, y) from 0 to 1, x from the left and
            y from the top; lines join the points of a stroke, and one point alone is a dot.
        pen: 2·r, the width of the line as a share of the side, 0.01 to 0.2.
        side: of the picture, in pixels.

    Returns:
        (side, side) uint8, paper 255 and ink 0. Without strokes, it is blank.

    Raises:
        ArrayError: a stroke without points, a number that is not finite or out of range, anything
            that is no number, or too many strokes or points.
    """
    radius = _check_pen(pen) * side / 2
    starts, ends = _pieces([points * side for points in _as_points(strokes)], max(1.0, radius))
    squares = _squared_distances(starts, ends, radius + 1, side)
    ink = (radius + 0.5 - np.sqrt(squares)).clip(0, 1)
    grey: Grey = np.rint(PAPER * (1 - ink)).astype(np.uint8)
    return grey


def _check_pen(pen: Any) -> float:
    number = isinstance(pen, int | float) and not isinstance(pen, bool)
    if not (number and THINNEST_PEN <= pen <= THICKEST_PEN):
        raise ArrayError(f"the pen is {THINNEST_PEN} to {THICKEST_PEN} wide, and not {pen!r:.40}")
    return float(pen)


def _as_points(strokes: Any) -> list[Reals]:
    """Return the points of each stroke, (n, 2)."""
    if not isinstance(strokes, list | tuple):
        raise ArrayError("strokes are a list of lists of points")
    if len(strokes) > MOST_STROKES:
        raise ArrayError(f"there are {len(strokes):,} strokes, and {MOST_STROKES} are allowed")
    points = [_as_stroke(stroke, number) for number, stroke in enumerate(strokes, 1)]
    count = sum(map(len, points))
    if count > MOST_POINTS:
        raise ArrayError(f"there are {count:,} points, and {MOST_POINTS:,} are allowed")
    return points


def _as_stroke(stroke: Any, number: int) -> Reals:
    try:
        points = np.asarray(stroke)
    except ValueError:  # points of different length
        points = np.empty(0)
    if points.dtype.kind not in "iuf" or points.ndim != 2 or points.shape[1] != 2:
        raise ArrayError(f"stroke {number} is not a list of points [x, y]")
    if not (points.size and points.min() >= 0 and points.max() <= 1):  # NaN is neither
        raise ArrayError(f"stroke {number} has a point that is not from 0 to 1")
    return points.astype(np.float32)


def _pieces(strokes: list[Reals], longest: float) -> tuple[Reals, Reals]:
    """Cut strokes into straight pieces no longer than `longest`; return both ends, (n, 2) each.

    Short pieces have small surroundings, so that a long line need not look at the whole page.
    """
    joined = [points if len(points) > 1 else points.repeat(2, axis=0) for points in strokes]
    starts = np.concatenate([np.empty((0, 2), np.float32), *(points[:-1] for points in joined)])
    ends = np.concatenate([np.empty((0, 2), np.float32), *(points[1:] for points in joined)])
    steps = ends - starts
    count = np.ceil(np.hypot(*steps.T) / longest).clip(1).astype(np.intp)
    which = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    step = (steps / count[:, np.newaxis])[which].astype(np.float32)
    begin = starts[which] + step * place[:, np.newaxis].astype(np.float32)
    return begin, begin + step


def _squared_distances(starts: Reals, ends: Reals, reach: float, side: int) -> Reals:
    """Return the squared distance of each pixel's centre from the nearest piece, (side, side).

    Pixels further than `reach` from all of them may be told any distance that is larger, and those
    nearer than `reach` − 3/2, which are all ink, any that is smaller.
    """
    width = int(np.ceil(np.abs(ends - starts).max(initial=0) + 2 * reach)) + 1
    page = np.full((side + 2 * width, side + 2 * width), np.square(reach + 1), np.float32)
    inside = page[width : width + side, width : width + side]
    solid = np.square(reach - 1.5) if reach > 1.5 else -1
    corners, along = np.floor(np.minimum(starts, ends) - reach).astype(np.intp), ends - starts
    count = PIECES_AT_ONCE
    while len(starts):
        for first in range(0, min(count, len(starts)), PIECES_AT_ONCE):
            piece = slice(first, first + PIECES_AT_ONCE)
            around = _around(starts[piece] - corners[piece], along[piece], width)
            for (left, top), own in zip((corners[piece] + width).tolist(), around, strict=True):
                window = page[top : top + width, left : left + width]
                np.minimum(window, own, out=window)
        # A scribble goes over and over what is ink already.
        wanted = _are_open(inside > solid, corners[count:], width)
        starts, along = starts[count:][wanted], along[count:][wanted]
        corners = corners[count:][wanted]
        count *= 2
    return inside


def _are_open(missing: Mask, corners: NDArray[np.intp], width: int) -> Mask:
    """Tell of which square windows some pixel on the page is still missing, (n,)."""
    side = len(missing)
    count = np.zeros((side + 1, side + 1), np.int32)  # of what is missing above and to the left
    count[1:, 1:] = missing.cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
    left, top = corners.clip(0, side).T
    right, bottom = (corners + width).clip(0, side).T
    within = count[bottom, right] - count[top, right] - count[bottom, left] + count[top, left]
    found: Mask = within > 0
    return found


def _around(starts: Reals, along: Reals, width: int) -> Reals:
    """Return squared distances from straight pieces, each in its own window, (n, width, width).

    Args:
        starts: (n, 2) in pixels from the window's corner.
        along: (n, 2) from start to end.
    """
    centres: Reals = np.arange(width, dtype=np.float32) + np.float32(0.5)
    place = starts.astype(np.float32)
    x: Reals = centres - place[:, 0, np.newaxis, np.newaxis]  # (n, 1, width)
    y: Reals = centres[:, np.newaxis] - place[:, 1, np.newaxis, np.newaxis]  # (n, width, 1)
    dx, dy = (along[:, axis, np.newaxis, np.newaxis] for axis in (0, 1))
    square = dx * dx + dy * dy
    t = ((x * dx + y * dy) / np.where(square > 0, square, 1)).clip(0, 1)
    squares: Reals = np.square(x - t * dx) + np.square(y - t * dy)
    return squares
