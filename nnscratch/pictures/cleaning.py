"""The ink of a page of several digits → the shapes that may be digits, or pieces of them.

Left out are lines and frames, specks, what touches the border and is no digit, stains, and what
was scribbled out. A page of specks or bars alone is refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.cuts import Box
from nnscratch.pictures.frames import without_frames
from nnscratch.pictures.framing import Ink, stroke_width
from nnscratch.pictures.ink import no_digit
from nnscratch.pictures.morphology import places
from nnscratch.pictures.rows import LARGE, digit_height, join_halves
from nnscratch.pictures.segment import STRAY_INK, SURE_INK, Labels, Shape, find_shapes

MOST_SHAPES = 400  # of a page; print and noise have more
LOWEST_DIGIT = 7  # pixels; lower ones cannot be told apart, and noise is so high
MOST_SEEN = 2000  # before specks and lines are taken away
FEWEST_BARS, BAR = 8, 0.85  # so many shapes fill their boxes so far: a barcode, and no row of ones
LONG_LINE = 0.3  # of the page's width
LYING = 3.0  # times as wide as high
REMAINS = 12.0  # times as much ink must be around what is left of lines
LIKE_WIDTH, LIKE_TONE = 1.35, 1.25  # times as thick, times as dark as the lines

# Of the height of a digit.
SPECK, SMALL = 0.1, 0.3
LOW_AT_BORDER = 0.6
EDGE, LONG_AT_BORDER = 1.8, 4.0  # what touches the border and is larger is no digit
SCRIBBLE = 5.0  # times as long a stroke as its box; an 8 has about 3
SOLID = 2.5  # times as thick as the page's strokes: a stain


def clean_shapes(ink: Ink, *, lines: bool = True) -> tuple[Ink, Labels, list[Shape]]:
    """Return the ink without lines, its labels, and the shapes that may be digits or pieces.

    Raises:
        NoDigitError: there is nothing but specks, bars, or print.
    """
    _, shapes = find_shapes(ink)
    shapes = _not_specks(shapes)
    if len(shapes) > MOST_SEEN:
        raise no_digit("there are only specks")
    if lines:
        ink = without_frames(ink, digit_height(shapes))
    labels, seen = find_shapes(ink)
    shapes = [shape for shape in _not_specks(seen) if not _is_slanted_line(labels, shape)]
    if not shapes:
        raise no_digit("there are only lines")
    shapes = join_halves(labels, shapes)
    height = digit_height(shapes)
    if height < LOWEST_DIGIT:
        raise no_digit("there are only specks")
    shapes = [s for s in shapes if not (s.at_border and _is_edge(s, height))]
    shapes = [s for s in shapes if s.longest >= SPECK * height]
    large = sum(shape.mass for shape in shapes if shape.longest >= LARGE * height)
    stray = sum(shape.mass for shape in seen if shape.longest < SMALL * height)
    if not 0 < len(shapes) <= MOST_SHAPES or stray > STRAY_INK * large:
        raise no_digit("there are only specks")
    masks = [labels[s.top : s.bottom, s.left : s.right] == s.label for s in shapes]
    fill = [float(mask.mean()) for mask in masks if len(mask) >= LARGE * height]
    if len(fill) >= FEWEST_BARS and np.median(fill) > BAR:
        raise no_digit("there are only bars")
    widths = [stroke_width(mask.astype(np.float32)) for mask in masks]
    pen = float(np.median(widths))
    shapes = [
        shape
        for shape, mask, width in zip(shapes, masks, widths, strict=True)
        if width <= SOLID * pen and not _is_scribble(mask, shape, width, height)
    ]
    if not shapes:
        raise no_digit("there are only specks")
    return ink, labels, shapes


def _is_slanted_line(labels: Labels, shape: Shape) -> bool:
    """Tell whether a shape is one long straight line that lies, at whatever slope."""
    if shape.width < max(LONG_LINE * labels.shape[1], LYING * shape.height):
        return False
    mask = labels[shape.top : shape.bottom, shape.left : shape.right] == shape.label
    rows, columns = places(mask)
    thickness = float(np.median(mask.sum(axis=0)))
    slope, start = np.polyfit(columns, rows, 1)
    return bool(np.abs(rows - (start + slope * columns)).max() <= thickness + 1)


def _is_scribble(mask: NDArray[np.bool_], shape: Shape, width: float, height: float) -> bool:
    """Tell whether a shape no larger than two digits, drawn out to one stroke, is far longer."""
    length = np.count_nonzero(mask) / width
    return bool(shape.width < 2 * height and length > SCRIBBLE * shape.longest)


def _is_edge(shape: Shape, height: float) -> bool:
    """Tell whether what touches the border is too large, too low or too flat to be a digit."""
    like_a_digit = LOW_AT_BORDER * height <= shape.height <= EDGE * height
    return not like_a_digit or shape.width > LONG_AT_BORDER * height


def _not_specks(shapes: list[Shape]) -> list[Shape]:
    large = [shape for shape in shapes if shape.longest > 3]
    if not large:
        raise no_digit("there are only specks")
    return large


def are_remains(ink: Ink, boxes: list[Box]) -> bool:
    """Tell whether straight strokes may be what is left of lines: as thin, as faint, and few.

    Args:
        ink: (height, width) of everything, lines and all.
        boxes: of the strokes.
    """
    outside = ink.copy()
    for left, top, right, bottom in boxes:
        outside[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = 0
    inside = np.where(outside > 0, 0, ink)
    strokes, lines = (part[part > SURE_INK] for part in (inside, outside))
    if not strokes.size or lines.size < REMAINS * strokes.size:
        return False
    thin = stroke_width(inside) <= LIKE_WIDTH * stroke_width(outside)
    return bool(thin and np.median(strokes) <= LIKE_TONE * np.median(lines))
