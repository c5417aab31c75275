"""Shapes of ink → rows, as they are read: how high digits are, how rows slant, what is in each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.segment import Labels, Shape

# Of the height of both halves of a broken digit.
HALF, BREAK = 0.3, 0.06

# Of the height of a digit.
LARGE = 0.45  # a shape that may be a digit, and not only a piece of one
WHOLE = 0.7  # a shape that is no half of one
SAME_ROW = 0.55  # how far the next digit of a row may lie up or down
LOWEST_ROW = 0.5
MOSTLY = 0.6  # of its own height, and a broken piece lies in the row
BESIDE = 0.1  # how far above or below its neighbours a piece of a digit may lie
SLOPES = np.linspace(-0.9, 0.9, 73)  # rows per column
LEVEL = 0.12  # less is no slant
WORTH = 1.15  # times as sharp must slanting rows be


@dataclass(frozen=True)
class Row:
    """The shapes of one row, from left to right, and the height of its digits in pixels."""

    shapes: list[Shape]
    height: float


def digit_height(shapes: list[Shape]) -> float:
    """Return how high a digit is, about: the median of heights, each counting by its height.

    What touches the border is counted only if nothing else is there.
    """
    inner = [shape for shape in shapes if not shape.at_border] or shapes
    heights = np.array([shape.height for shape in inner], np.float64)
    return weighted_median(heights, heights)


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value below which half of the weight lies.

    >>> weighted_median(np.array([1.0, 9.0, 5.0]), np.array([1.0, 3.0, 1.0]))
    9.0
    """
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def join_halves(labels: Labels, shapes: list[Shape]) -> list[Shape]:
    """Join what a break has parted: one half right below the other, with hardly a gap.

    In place: both get the label of the upper one.
    """
    joined: list[Shape] = []
    for lower in sorted(shapes, key=lambda shape: shape.top):
        upper = next((shape for shape in joined if _is_half(shape, lower)), None)
        if upper is None:
            joined.append(lower)
            continue
        window = labels[lower.top : lower.bottom, lower.left : lower.right]
        window[window == lower.label] = upper.label
        joined[joined.index(upper)] = replace(
            upper,
            mass=upper.mass + lower.mass,
            left=min(upper.left, lower.left),
            bottom=max(upper.bottom, lower.bottom),
            right=max(upper.right, lower.right),
            at_border=upper.at_border or lower.at_border,
        )
    return joined


def _is_half(upper: Shape, lower: Shape) -> bool:
    common = min(upper.right, lower.right) - max(upper.left, lower.left)
    narrow = min(upper.width, lower.width)
    high = lower.bottom - upper.top
    gap = lower.top - upper.bottom
    upright = min(upper.height, lower.height) >= HALF * high
    return upright and common > 0.5 * narrow and 0 <= gap <= BREAK * high


def find_slope(shapes: list[Shape], height: float) -> float:
    """Return the slope of the rows: that at which the shapes gather in the fewest lines.

    At each slope the heights of all middles are laid into bins of a third of a digit; the sum of
    squares is largest where most of them share a bin.
    """
    large = [shape for shape in shapes if shape.height >= LARGE * height]
    y = np.array([(shape.top + shape.bottom) / 2 for shape in large]) / height
    x = np.array([(shape.left + shape.right) / 2 for shape in large]) / height

    def sharpness(slope: float) -> float:
        level = y - slope * x
        apart = np.abs(level[:, np.newaxis] - level)
        return float(np.maximum(0, 1 - apart / 0.5).sum())

    best = max(sorted(SLOPES, key=abs), key=sharpness)
    flat = max((slope for slope in SLOPES if abs(slope) <= LEVEL), key=sharpness)
    return float(best if sharpness(best) > WORTH * sharpness(flat) else flat)


def find_rows(shapes: list[Shape], height: float, slope: float = 0.0) -> list[Row]:
    """Find the rows of a page, from top to bottom; what is far from all of them is left out.

    From left to right, each whole digit joins the row whose next ones lie nearest to its own
    level; then come the halves of broken ones, and last the small pieces.
    """
    rows: list[list[Shape]] = []
    large = [shape for shape in shapes if shape.height >= LARGE * height]
    whole = [shape for shape in large if shape.height >= WHOLE * height]
    for shape in sorted(whole, key=_middle) + [shape for shape in large if shape not in whole]:
        away = [abs(_drift(row, shape, slope)) / height for row in rows]
        lies_in = [_lies_in(row, shape, slope, BESIDE * height) for row in rows]
        if away and min(away) <= SAME_ROW:
            rows[int(np.argmin(away))].append(shape)
        elif max(lies_in, default=0.0) > MOSTLY:
            rows[int(np.argmax(lies_in))].append(shape)
        else:
            rows.append([shape])
    owners = [list(row) for row in rows]
    for shape in shapes:
        if shape.height < LARGE * height:
            lies_in = [_lies_in(row, shape, slope, BESIDE * height) for row in owners]
            if max(lies_in, default=0.0) > 0.5:
                rows[int(np.argmax(lies_in))].append(shape)
    rows.sort(key=lambda row: float(np.median([_level(shape, slope) for shape in row])))
    found = [_as_row(row) for row in rows]
    return [row for row in found if row.height >= LOWEST_ROW * height] or found


def _as_row(shapes: list[Shape]) -> Row:
    heights = np.array([shape.height for shape in shapes], np.float64)
    return Row(sorted(shapes, key=_middle), weighted_median(heights, heights))


def _middle(shape: Shape) -> float:
    return (shape.left + shape.right) / 2


def _level(shape: Shape, slope: float) -> float:
    return (shape.top + shape.bottom) / 2 - slope * _middle(shape)


def _drift(row: list[Shape], shape: Shape, slope: float) -> float:
    """Return how far a shape lies below its neighbours in a row, in pixels."""
    near = _neighbours(row, shape)
    return _level(shape, slope) - sum(_level(other, slope) for other in near) / len(near)


def _neighbours(row: list[Shape], shape: Shape) -> list[Shape]:
    return sorted(row, key=lambda other: abs(_middle(other) - _middle(shape)))[:2]


def _lies_in(row: list[Shape], shape: Shape, slope: float, margin: float) -> float:
    """Return which part of a shape's height lies within that of its neighbours in a row."""
    near = _neighbours(row, shape)
    top = min(other.top + slope * (_middle(shape) - _middle(other)) for other in near) - margin
    bottom = (
        max(other.bottom + slope * (_middle(shape) - _middle(other)) for other in near) + margin
    )
    return (min(bottom, shape.bottom) - max(top, shape.top)) / shape.height
