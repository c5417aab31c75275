"""The ink of a page of several digits → the shapes that may be digits, or pieces of them.

Left out are lines and frames, specks, what touches the border and is no digit, stains, and what
was scribbled out. A page of specks or bars alone is refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.frames import without_frames
from nnscratch.pictures.framing import Ink, stroke_width
from nnscratch.pictures.ink import no_digit
from nnscratch.pictures.rows import LARGE, digit_height, join_halves
from nnscratch.pictures.segment import STRAY_INK, Labels, Shape, find_shapes

MOST_SHAPES = 400  # of a page; print and noise have more
MOST_SEEN = 2000  # before specks and lines are taken away
FEWEST_BARS, BAR = 8, 0.85  # so many shapes fill their boxes so far: a barcode, and no row of ones

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
    shapes = join_halves(labels, _not_specks(seen))
    height = digit_height(shapes)
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
