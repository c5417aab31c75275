"""Long straight lines, frames and the boxes of forms: found in the ink, and taken away.

A line is thin and straight; and it is either longer than any stroke, or both its ends meet other
lines, as the sides of a box do. Strokes that cross it stay whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.combs import find_teeth
from nnscratch.pictures.connected import connected
from nnscratch.pictures.framing import Ink, stroke_width
from nnscratch.pictures.morphology import closing, places, running
from nnscratch.pictures.rows import digit_height
from nnscratch.pictures.segment import SURE_INK, Shape, find_shapes

# Of the height of a digit.
SHORTEST_LINE, SHORTEST_TOOTH = 0.6, 0.35
RUN = 5 / 6  # of the shortest line: an unbroken run of ink
LONGER_THAN_STROKES = 3.0
THICKEST_LINE = 0.12
STEEPEST_LINE = 0.08  # rows per column either way
BEYOND = 0.3  # that the post of a box may reach over its sides
NEAR, NEAR_PIXELS = 0.05, 2.0  # do two lines meet?
TALL = 1.4  # and thinner than the pen's strokes: the end of a box
LIKE_THICK, LIKE_TONE = 1.35, 1.25  # times as thick, times as dark as the lines it stands on
SKEW = 0.06  # off the upright
FLAT = 0.2  # a dash
PAGE_LONG = 0.8  # of the page's width: no stroke of several digits is so wide
UNBROKEN = 0.65  # of a line that may be broken, at least
FOLLOWED = 0.9  # of the way along a line is ink, as far as it is followed
THICKEST_PIXELS = 4.0
THINNER = 0.8  # than the pen's strokes, are printed lines
FITS = 8  # of a line, each to what lies near the last
SLENDER = 5.0  # times as long as thick
MOST_LINES = 300  # of one direction; more is a pattern, and no form
FEWEST_DASHES = 3
DARKER = 1.35  # times the line's own tone: a stroke that runs over it

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """A straight run of ink along a row, nearly; `start` is its row at column 0."""

    slope: float
    start: float
    left: int
    right: int
    thickness: float

    @property
    def length(self) -> int:
        """The length, in pixels."""
        return self.right - self.left

    def row(self, column: Any) -> Any:
        """Return where the line is at a column."""
        return self.start + self.slope * column


def without_frames(ink: Ink, height: float) -> Ink:
    """Take away lines and frames.

    Args:
        ink: (height, width) 0 to 1.
        height: of a digit, in pixels, about; where all is one frame, that of the frame.
    """
    found = find_lines(ink, height)
    level = [_to_its_ends(line, ink) for line in found if line.length >= _long(ink, height)]
    bare, first_height = _take_away(ink, level) if level else ink, height
    if not (bare > SURE_INK).any():
        return bare  # there were only lines
    _, shapes = find_shapes(bare)
    large = [shape for shape in shapes if shape.longest > 3]
    height = min(height, digit_height(large)) if large else height
    longest = LONGER_THAN_STROKES * height
    if level or height != first_height:  # else the same would be found again
        found = find_lines(bare, height)
    upright = find_lines(bare.T, height)
    known = level + _dashed(large, height, ink.shape[1])
    sides, posts = _sides_of_boxes(found, upright, known, ink.shape, height)
    posts = _like_lines(posts, known + sides, ink)
    pen = stroke_width(bare)
    posts += [
        line
        for line in upright
        if line not in posts
        and (
            line.length >= longest
            or (line.length >= TALL * height and line.thickness <= THINNER * pen)
        )
    ]
    short = find_lines(bare.T, height, shortest=SHORTEST_TOOTH) if level else []
    posts += [tooth for tooth in find_teeth(short, level, height) if tooth not in posts]
    bare = _take_away(bare, sides) if sides else bare
    return _take_away(bare.T, posts).T if posts else bare


def _long(ink: Ink, height: float) -> float:
    return float(min(PAGE_LONG * ink.shape[1], LONGER_THAN_STROKES * height))


def find_lines(ink: Ink, height: float, shortest: float = SHORTEST_LINE) -> list[Line]:
    """Find the thin straight runs of ink along rows, at least 0.6 digits long.

    Runs that follow each other on one straight line, with little missing, are one.
    """
    mask = ink > SURE_INK
    reach = max(5, round(RUN * shortest * height)) | 1
    if mask.shape[1] <= reach or not mask.any():
        return []
    grown = mask.astype(np.float32)
    grown[1:] = np.maximum(grown[1:], mask[:-1])
    grown[:-1] = np.maximum(grown[:-1], mask[1:])
    runs = running(np.maximum, running(np.minimum, grown, reach, 1), reach, 1) > 0
    labels, count = connected(runs & mask)
    if not count:
        return []
    rows, columns = places(labels > 0)
    which = labels[rows, columns] - 1
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(which, minlength=count))[:-1])
    long = [part for part in parts if np.ptp(columns[part]) >= shortest * height]
    if len(long) > MOST_LINES:
        return []
    lines: list[Line] = []
    for part in long:
        lines += _as_line(rows[part], columns[part], height)
    return _join_broken(lines, stroke_width(ink)) if lines else []


def _to_its_ends(line: Line, ink: Ink) -> Line:
    """Follow a line beyond what was found of it, as far as most of the way is ink."""
    columns = np.arange(ink.shape[1])
    rows = np.rint(line.row(columns)).astype(np.intp)
    around = [(rows + down).clip(0, ink.shape[0] - 1) for down in (-1, 0, 1)]
    inked = np.max([ink[row, columns] for row in around], axis=0) > SURE_INK
    right = line.right + _reach(inked[line.right :])
    return replace(line, left=line.left - _reach(inked[: line.left][::-1]), right=right)


def _reach(inked: NDArray[np.bool_]) -> int:
    """Return how far most of the way is ink."""
    share = np.cumsum(inked) / np.arange(1, len(inked) + 1)
    far = np.flatnonzero(inked & (share >= FOLLOWED))
    return int(far[-1]) + 1 if far.size else 0


def _as_line(row: NDArray[np.intp], column: NDArray[np.intp], height: float) -> list[Line]:
    """Return the line that some pixels make; none if they are too thick, bent or steep.

    Strokes that touch the line pull at it: so it is fitted again to what lies near.
    """
    left, right = int(column.min()), int(column.max()) + 1
    ink_in = np.bincount(column - left)
    thickness = float(np.median(ink_in[ink_in > 0]))
    near = np.ones(len(row), bool)
    slope, start = 0.0, float(np.median(row))
    for _ in range(FITS):
        before = near
        if np.ptp(column[near]) > 0:
            slope, start = np.polyfit(column[near], row[near], 1)
        off = np.abs(row - (start + slope * column))
        near = off <= max(thickness / 2 + 1, float(np.quantile(off, 0.5)))
        if not near.any():
            return []
        if np.array_equal(near, before):
            break  # to the same pixels it would be the same fit
    on_it = np.unique(column[off <= thickness / 2 + 1])
    straight = len(on_it) >= 0.85 * (right - left)
    thin = thickness <= max(THICKEST_PIXELS, THICKEST_LINE * height)
    thin &= thickness * SLENDER <= right - left
    if not (straight and thin and abs(slope) <= STEEPEST_LINE):
        return []
    return [Line(float(slope), float(start), left, right, thickness)]


def _join_broken(lines: list[Line], pen: float) -> list[Line]:
    """Join lines that follow each other on one straight line, if they are thinner than the pen's.

    A row of handwritten fives and sevens has such lines too, but as thick as its other strokes.
    """
    joined: list[tuple[Line, int]] = []  # and how much of it is ink
    for line in sorted(lines, key=lambda line: line.left):
        for at, (other, inked) in enumerate(joined):
            gap = line.left - other.right
            meet = abs(other.row(line.left) - line.row(line.left)) <= other.thickness + 2
            inked += line.length
            whole = line.right - other.left
            thin = max(line.thickness, other.thickness) <= THINNER * pen
            if thin and gap >= 0 and meet and inked >= UNBROKEN * whole:
                slope = (line.row(line.right) - other.row(other.left)) / whole
                start = other.row(other.left) - slope * other.left
                thick = max(line.thickness, other.thickness)
                joined[at] = Line(slope, start, other.left, line.right, thick), inked
                break
        else:
            joined.append((line, line.length))
    return [line for line, _ in joined]


def _dashed(shapes: list[Shape], height: float, width: int) -> list[Line]:
    """Find printed lines of which a scan has left dashes: flat shapes, several on one level."""
    flat = [
        Line(0.0, (s.top + s.bottom - 1) / 2, s.left, s.right, s.height)
        for s in shapes
        if s.height <= FLAT * height and s.width >= 2 * FLAT * height
    ]
    lines = []
    for dash in flat if len(flat) <= MOST_LINES else []:
        level = [other for other in flat if abs(other.start - dash.start) <= FLAT * height / 2]
        inked = sum(other.length for other in level)
        if len(level) >= FEWEST_DASHES and inked >= LONGER_THAN_STROKES * height:
            lines.append(Line(0.0, dash.start, 0, width, FLAT * height))
    return lines


def _sides_of_boxes(
    level: list[Line], upright: list[Line], known: list[Line], shape: tuple[int, ...], height: float
) -> tuple[list[Line], list[Line]]:
    """Keep the lines both of whose ends meet a line of the other direction, or the border.

    Args:
        known: lines along rows that are surely lines.
    """
    near = max(NEAR_PIXELS, NEAR * height)
    for _ in range(2):  # what lost its neighbour is no side either
        rows, columns = _drawn(level + known, shape, near), _drawn(upright, shape[::-1], near).T
        level = [line for line in level if _meets(line, columns, height)]
        upright = [line for line in upright if _meets(line, rows.T, height)]
    return level, upright


def _like_lines(posts: list[Line], lines: list[Line], ink: Ink) -> list[Line]:
    """Keep the posts that may be printed with the lines: upright on them, as thin, as faint.

    A stroke may reach from one line of a box to the other as well; but a pen wrote it.
    """
    if not lines:
        return posts
    thick = LIKE_THICK * max(line.thickness for line in lines) + 0.5
    tone = LIKE_TONE * max(_tone(line, ink) for line in lines)
    slope = float(np.median([line.slope for line in lines]))
    return [
        post
        for post in posts
        if post.thickness <= thick
        and abs(post.slope + slope) <= SKEW
        and _tone(post, ink.T) <= tone
    ]


def _tone(line: Line, ink: Ink) -> float:
    """Return how dark a line is, from 0 to 1, where it is not broken."""
    columns = np.arange(max(0, line.left), min(line.right, ink.shape[1]))
    rows = np.rint(line.row(columns)).astype(np.intp).clip(0, ink.shape[0] - 1)
    inked = ink[rows, columns]
    inked = inked[inked > SURE_INK]
    return float(np.median(inked)) if inked.size else 1.0


def _drawn(lines: list[Line], shape: tuple[int, ...], broader: float) -> Mask:
    """Draw lines along rows, broader than they are by some pixels on either side."""
    page = np.zeros(shape, np.bool_)
    for line in lines:
        columns = np.arange(line.left, min(line.right, shape[1]))
        middle = np.rint(line.row(columns)).astype(np.intp)
        half = (line.thickness - 1) / 2 + broader
        for down in range(-int(np.ceil(half)), int(np.ceil(half)) + 1):
            if abs(down) <= half + 0.5:
                rows = middle + down
                inside = (rows >= 0) & (rows < shape[0])
                page[rows[inside], columns[inside]] = True
    return page


def _meets(line: Line, others: Mask, height: float) -> bool:
    """Tell whether a line meets others near both its ends; it may reach beyond them a little."""
    columns = np.arange(line.left, line.right)
    rows = np.rint(line.row(columns)).astype(np.intp).clip(0, others.shape[0] - 1)
    hits = others[rows, columns.clip(0, others.shape[1] - 1)]
    hits |= (columns <= 1) | (columns >= others.shape[1] - 2)
    met = columns[hits]
    beyond = BEYOND * height
    return bool(
        met.size
        and met[0] <= line.left + beyond
        and met[-1] >= line.right - beyond
        and met[-1] - met[0] >= 0.5 * line.length
    )


def _take_away(ink: Ink, lines: list[Line]) -> Ink:
    """Remove lines along rows; strokes that are darker stay, and what crosses is closed again."""
    bare, taken = ink.copy(), np.zeros(ink.shape, np.bool_)
    for line in lines:
        on_it = _drawn([line], ink.shape, broader=1)
        along = np.where(on_it, ink, 0).max(axis=0)[line.left : line.right]
        tone = float(np.quantile(along, 0.75))
        gone = on_it & (ink <= DARKER * tone)
        bare[gone] = 0
        taken |= gone
    reach = 2 * int(np.ceil(max(line.thickness for line in lines) / 2 + 2)) + 1
    closed = closing(bare, reach)
    return np.where(taken, np.minimum(ink, closed), bare).astype(np.float32)
