"""The ruling of squared or lined paper: found, and taken out from under the ink.

Printed lines go through the whole page, thin, straight and parallel; no digit has four of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.framing import Ink
from nnscratch.pictures.morphology import closing, running

STEEPEST, SLOPES = 0.06, 49  # rows per column either way; and how many are tried
STRIPS = 24  # a page is this many strips wide while the slope is sought
SMALLEST_PAGE = 80  # pixels; on less, four lines cannot be told from strokes
FEWEST_LINES = 4
THICKEST = 0.03  # of the page's height
FAINTEST = 4.0  # grey levels
BROKEN = 25  # percent of a line that may be missing


def without_ruling(above: Ink) -> Ink:
    """Take out the lines that are printed on the paper, in both directions.

    Where a line is, its own tone is taken away; what is darker is a stroke that crosses it, and
    stays. A stroke of the line's own tone is closed again from above and below.

    Args:
        above: (height, width) difference from paper, in grey levels, ink positive.

    Returns:
        The same shape; unchanged if there are fewer than four lines.
    """
    return _without_rows(_without_rows(above).T).T


def _without_rows(above: Ink) -> Ink:
    height, width = above.shape
    if min(height, width) < SMALLEST_PAGE or not _may_be_ruled(above):
        return above
    drop = np.rint(_slope(above) * (np.arange(width) - width / 2)).astype(np.intp)
    level = _shift_columns(above, drop)
    lines = _lines(level)
    if not lines.any():
        return above
    near = np.convolve(lines, np.ones(3), "same") > 0
    tone = np.median(level, axis=1)
    tone = np.maximum(tone, np.maximum(np.roll(tone, 1), np.roll(tone, -1))).clip(0)
    bare = np.where(near[:, np.newaxis], level - tone[:, np.newaxis], level).astype(np.float32)
    reach = 2 * round(THICKEST * height / 2) + 3
    # What was taken from a stroke that crosses comes back from above and below it.
    bare = np.where(near[:, np.newaxis], np.maximum(bare, closing(bare, reach)), bare)
    return _shift_columns(bare, -drop)


def _may_be_ruled(above: Ink) -> bool:
    """Tell, whatever the slope, whether there is dark enough for the fewest lines.

    Each line darkens most columns, at a row of its own, and within a band of rows as high as the
    steepest climbs. A digit on clean paper leaves many columns bright, or wanders through many
    bands, so that its page need not be searched.
    """
    width = above.shape[1]
    crossed = width - 1 - int(BROKEN / 100 * (width - 1))  # columns that a line darkens, at least
    dark = above > FAINTEST
    count = np.count_nonzero(dark, axis=0)
    if np.minimum(count, FEWEST_LINES).sum() < FEWEST_LINES * crossed:
        return False
    band = 2 * (int(STEEPEST * width) // 2 + 2) + 1
    around = np.concatenate([dark, dark[:band]])  # what leaves at one end comes back at the other
    banded = running(np.maximum, around.view(np.uint8), band, 0)
    return bool(np.count_nonzero(banded, axis=1).max() >= crossed)


def _shift_columns(page: Ink, drop: NDArray[np.intp]) -> Ink:
    """Raise each column by its `drop`, in rows; what leaves at one end comes back at the other."""
    shifted = np.empty_like(page)
    starts = np.flatnonzero(np.diff(drop, prepend=drop[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(drop)], strict=True):
        shifted[:, start:end] = np.roll(page[:, start:end], -drop[start], axis=0)
    return shifted


def _slope(above: Ink) -> float:
    """Return the slope at which rows are darkest along their whole length."""
    height, width = above.shape
    places = np.linspace(0, width, STRIPS + 1).astype(np.intp)
    strips = (np.add.reduceat(above, places[:-1], axis=1) / np.diff(places)).T
    twice = np.concatenate([strips, strips], axis=1)  # what leaves at one end comes back
    centre = (places[:-1] + places[1:]) / 2 - width / 2

    def darkness(slope: float) -> float:
        drop = np.rint(slope * centre).astype(np.intp) % height
        level = [strip[start : start + height] for strip, start in zip(twice, drop, strict=True)]
        profile = _unbroken(np.stack(level), axis=0)
        return float((profile.clip(0) ** 2).sum())

    slopes = np.linspace(-STEEPEST, STEEPEST, SLOPES)
    return float(max(sorted(slopes, key=abs), key=darkness))


def _lines(level: Ink) -> NDArray[np.bool_]:
    """Tell which rows are printed lines, (height,); none unless there are enough, and all thin."""
    along = _unbroken(level, axis=1)
    lines = along > max(FAINTEST, 0.3 * float(along.max()))
    edges = np.flatnonzero(np.diff(np.pad(lines, 1).astype(np.int8)))
    thickness = edges[1::2] - edges[::2]
    limit = max(3.0, THICKEST * len(level))
    if len(thickness) < FEWEST_LINES or thickness.max() > limit:
        return np.zeros_like(lines)
    return lines


def _unbroken(level: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return the level that all but the broken part of each line exceeds.

    It is `numpy.percentile(level, BROKEN, axis)`, which takes several times as long.
    """
    place = BROKEN / 100 * (level.shape[axis] - 1)
    below = int(place)
    ordered = np.sort(level, axis=axis)
    low, high = ordered.take(below, axis), ordered.take(below + 1, axis)
    level_of_line: NDArray[Any] = low + (high - low) * (place - below)
    return level_of_line
