"""A row of ink → digits that it may hold: cut where two may touch, joined where one is broken.

Over-segmentation (LeCun et al. 1998, "Gradient-based learning applied to document recognition",
section V): shapes that are too wide are cut at every place where one digit may end and the next
begin; neighbouring pieces are joined to candidates in every way that is not absurd; each candidate
has a cost, and the cheapest path from the left end of the row to the right one is the reading.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.framing import FAINT_INK, Images, Ink, fit_to_box, ink_box, place
from nnscratch.pictures.morphology import places, running
from nnscratch.pictures.rows import Row
from nnscratch.pictures.segment import Labels, Shape

# Of the height of a row's digits.
MAY_TOUCH = 0.75  # a shape so wide may be two
WIDEST, LOWEST = 1.7, 0.35
NARROWEST_CUT = 0.18  # between two cuts

MOST_PIECES = 8  # that are joined
SLANTS = (0.0, -0.2, 0.2, -0.4)  # columns per row, of a cut; handwriting leans to the right
MOST_CUTS = 6  # per height of width

# What a path pays, in nats, as −log p is.
CUT, CUT_INK, CUT_LENGTH = 0.5, 1.0, 1.5  # for a cut; per height of ink in it; of its length
GAP = 4.0  # per height of blank between joined pieces
OVERLAP = 4.0  # for keeping apart what stands in the same columns
SKIP, SKIP_SIZE, SKIP_CUT = 0.3, 7.0, 2.0  # for leaving out a piece; per height; if cut off
STRANGERS = 2.5  # for joining a slice of one shape to another shape
WIDE, LOW = 4.0, 6.0  # per height too wide, too low
BROAD = 1.0  # times as wide as high is not too wide

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class Piece:
    """A shape, or a slice of one: its label, its box, and what the cut to its left costs.

    `whole` is the label of the shape that it was cut from.
    """

    label: int
    whole: int
    box: Box
    cut: float = 0.0


@dataclass(frozen=True)
class Candidate:
    """Pieces of a row, from `first` to before `last`, that may be one digit."""

    first: int
    last: int
    box: Box
    image: Images
    cost: float


def cut_row(labels: Labels, row: Row, *, cut: bool = True) -> list[Piece]:
    """Cut what is wide, in place: slices get new labels. Pieces are in order of their middles."""
    pieces: list[Piece] = []
    for shape in row.shapes:
        if cut and shape.width > MAY_TOUCH * row.height and shape.height > LOWEST * row.height:
            pieces += _slices(labels, shape, row.height)
        else:
            box = (shape.left, shape.top, shape.right, shape.bottom)
            pieces.append(Piece(shape.label, shape.label, box))
    return sorted(pieces, key=lambda piece: piece.box[0] + piece.box[2])


def _slices(labels: Labels, shape: Shape, height: float) -> list[Piece]:
    window = labels[shape.top : shape.bottom, shape.left : shape.right]
    mask = window == shape.label
    cuts = _cuts(mask, height)
    rows, columns = places(mask)
    which = np.zeros(len(rows), np.intp)
    for at, slant, _ in cuts:
        which += columns >= at + slant * (rows - mask.shape[0] / 2)
    fresh = int(labels.max()) + 1
    pieces = []
    for number in np.unique(which):
        mine = which == number
        row, column = rows[mine], columns[mine]
        label = shape.label if number == 0 else fresh + int(number)
        window[row, column] = label
        box = (
            shape.left + int(column.min()),
            shape.top + int(row.min()),
            shape.left + int(column.max()) + 1,
            shape.top + int(row.max()) + 1,
        )
        cost = cuts[number - 1][2] if number else 0.0
        pieces.append(Piece(label, shape.label, box, cost))
    return pieces


def _cuts(mask: NDArray[np.bool_], height: float) -> list[tuple[float, float, float]]:
    """Return where a shape may be cut: column at mid-height, slant, and what it costs.

    A cut goes where there is least ink on its way, or where the outline is pinched: between two
    round digits that touch, there is much ink in a column, but little from its top to its bottom.
    """
    high, wide = mask.shape
    rows, columns = places(mask)
    found: list[tuple[float, float, float, float]] = []
    for slant in SLANTS:
        at = np.floor(columns - slant * (rows - high / 2)).astype(np.intp)
        low = int(at.min())
        at -= low
        ink = np.bincount(at) / height
        top, bottom = np.full(len(ink), high), np.zeros(len(ink), np.intp)
        np.minimum.at(top, at, rows)
        np.maximum.at(bottom, at, rows + 1)
        extent = (bottom - top).clip(0) / height
        for profile in (ink, extent):
            for place_ in _valleys(profile, max(2, round(NARROWEST_CUT * height))):
                cost = CUT + CUT_INK * float(ink[place_]) + CUT_LENGTH * float(extent[place_])
                price = min(float(profile[place_]) + 0.1 * abs(slant), 1.5)
                found.append((price, place_ + low + 0.5, slant, cost))
    kept: list[tuple[float, float, float]] = []
    most = max(2, round(MOST_CUTS * wide / height))
    for _, at_, slant, cost in sorted(found):
        inside = NARROWEST_CUT * height / 2 <= at_ <= wide - NARROWEST_CUT * height / 2
        apart = all(abs(at_ - other[0]) >= NARROWEST_CUT * height for other in kept)
        if inside and apart and len(kept) < most:
            kept.append((at_, slant, cost))
    return sorted(kept)


def _valleys(profile: NDArray[np.float64], reach: int) -> list[int]:
    """Return the places of the least values within `reach` on either side; the middle of each."""
    width = 2 * reach + 1
    low = running(np.minimum, profile.astype(np.float32)[np.newaxis], width, 1)[0]
    flat = (profile <= low + 1e-6) & (profile < profile.max())
    edges = np.flatnonzero(np.diff(np.pad(flat, 1).astype(np.int8)))
    return [int((a + b - 1) // 2) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def find_candidates(
    ink: Ink, labels: Labels, pieces: list[Piece], height: float, most: int = MOST_PIECES
) -> list[Candidate]:
    """Join neighbouring pieces, at most so many, to whatever may be a digit."""
    found = []
    slices = Counter(piece.whole for piece in pieces)
    for first in range(len(pieces)):
        for last in range(first + 1, min(first + most, len(pieces)) + 1):
            joined = pieces[first:last]
            left, top, right, bottom = _box(joined)
            alone = last == first + 1
            if right - left > WIDEST * height and not alone:
                break
            if bottom - top < LOWEST * height or right - left > 2 * (bottom - top):
                continue
            cost = _shape_cost(joined, (left, top, right, bottom), height)
            mine = Counter(piece.whole for piece in joined)
            if len(mine) > 1 and any(slices[whole] > count for whole, count in mine.items()):
                cost += STRANGERS
            image = _framed(ink, labels, joined, (left, top, right, bottom))
            found.append(Candidate(first, last, (left, top, right, bottom), image, cost))
    return found


def _box(pieces: list[Piece]) -> Box:
    boxes = np.array([piece.box for piece in pieces])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    return int(left), int(top), int(right), int(bottom)


def _shape_cost(pieces: list[Piece], box: Box, height: float) -> float:
    """Return what it costs to take pieces for one digit, whatever it looks like."""
    left, top, right, bottom = box
    wide, high = (right - left) / height, (bottom - top) / height
    cost = WIDE * max(0.0, wide - BROAD * max(high, 0.7)) + LOW * max(0.0, 0.6 - high)
    reached = pieces[0].box[2]
    for piece in pieces[1:]:
        cost += GAP * max(0, piece.box[0] - reached) / height
        reached = max(reached, piece.box[2])
    return cost


def _framed(ink: Ink, labels: Labels, pieces: list[Piece], box: Box) -> Images:
    """Return some pieces as the network sees them, (28, 28), as `prepare_grey` frames a digit."""
    left, top, right, bottom = box
    window = slice(max(0, top - 3), bottom + 3), slice(max(0, left - 3), right + 3)
    wanted = np.isin(labels[window], [piece.label for piece in pieces])
    near = running(np.maximum, running(np.maximum, wanted.astype(np.float32), 5, 0), 5, 1) > 0
    mine = wanted | (near & (labels[window] == 0))
    digit = np.where(mine, ink[window], 0)
    rows, columns = ink_box(digit > FAINT_INK)
    fitted = fit_to_box(digit[rows, columns])
    return np.rint(place(fitted.ink) * 255).astype(np.uint8)


def best_path(
    pieces: list[Piece], candidates: list[Candidate], costs: NDArray[np.float64], height: float
) -> list[int]:
    """Return the candidates, by number, of the cheapest path through all pieces of a row.

        C(last) = min over candidates and skips that end there of  C(first) + cost + separation

    Args:
        costs: (n,) of the candidates, in nats.
    """
    best = [0.0] + [np.inf] * len(pieces)
    came: list[tuple[int, int]] = [(-1, -1)] * (len(pieces) + 1)  # from where, by which candidate
    ending: dict[int, list[int]] = {}
    for number, candidate in enumerate(candidates):
        ending.setdefault(candidate.last, []).append(number)
    for last in range(1, len(pieces) + 1):
        steps = [(last - 1, -1, _skip_cost(pieces, last - 1, height))]
        steps += [(candidates[n].first, n, float(costs[n])) for n in ending.get(last, [])]
        for first, number, cost in steps:
            total = best[first] + cost + _separation(pieces, first)
            if total < best[last]:
                best[last], came[last] = total, (first, number)
    path, at = [], len(pieces)
    while at > 0:
        at, number = came[at]
        if number >= 0:
            path.append(number)
    return path[::-1]


def _skip_cost(pieces: list[Piece], at: int, height: float) -> float:
    left, top, right, bottom = pieces[at].box
    high, wide = (bottom - top) / height, (right - left) / height
    low = high < LOWEST
    size = high if low else max(high, wide)
    slice_of_one = sum(piece.whole == pieces[at].whole for piece in pieces) > 1
    return SKIP + SKIP_SIZE * size**2 + SKIP_CUT * slice_of_one


def _separation(pieces: list[Piece], at: int) -> float:
    """Return what it costs to keep the piece before `at` apart from the one there."""
    if at == 0 or at == len(pieces):
        return 0.0
    before, after = pieces[at - 1], pieces[at]
    if before.whole == after.whole:
        return after.cut
    common = min(before.box[2], after.box[2]) - max(before.box[0], after.box[0])
    narrow = min(before.box[2] - before.box[0], after.box[2] - after.box[0])
    return OVERLAP * max(0.0, common / narrow - 0.3)
