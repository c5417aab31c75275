"""The ruling of squared or lined paper: found, and taken out from under the ink.

Printed lines go through the whole page, thin, straight and parallel; no digit has four of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnscratch.pictures.framing import Ink
from nnscratch.pictures.morphology import closing

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
    if min(height, width) < SMALLEST_PAGE:
        return above
    drop = np.rint(_slope(above) * (np.arange(width) - width / 2)).astype(np.intp)
    rows = np.arange(height)[:, np.newaxis]
    level = above[(rows + drop) % height, np.arange(width)]
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
    back: Ink = bare[(rows - drop) % height, np.arange(width)]
    return back


def _slope(above: Ink) -> float:
    """Return the slope at which rows are darkest along their whole length."""
    height, width = above.shape
    places = np.linspace(0, width, STRIPS + 1).astype(np.intp)
    strips = np.add.reduceat(above, places[:-1], axis=1) / np.diff(places)
    centre = (places[:-1] + places[1:]) / 2 - width / 2
    rows = np.arange(height)[:, np.newaxis]

    def darkness(slope: float) -> float:
        drop = np.rint(slope * centre).astype(np.intp)
        profile = np.percentile(strips[(rows + drop) % height, np.arange(STRIPS)], BROKEN, axis=1)
        return float((profile.clip(0) ** 2).sum())

    slopes = np.linspace(-STEEPEST, STEEPEST, SLOPES)
    return float(max(sorted(slopes, key=abs), key=darkness))


def _lines(level: Ink) -> NDArray[np.bool_]:
    """Tell which rows are printed lines, (height,); none unless there are enough, and all thin."""
    along = np.percentile(level, BROKEN, axis=1)
    lines = along > max(FAINTEST, 0.3 * float(along.max()))
    edges = np.flatnonzero(np.diff(np.pad(lines, 1).astype(np.int8)))
    thickness = edges[1::2] - edges[::2]
    limit = max(3.0, THICKEST * len(level))
    if len(thickness) < FEWEST_LINES or thickness.max() > limit:
        return np.zeros_like(lines)
    return lines
