"""The teeth of a form: short posts on a line that part the places of its digits, like a comb.

A tooth is as short as a 1, and only one end of it meets a line. What tells it is its neighbours:
they are as long as it is, and stand at even intervals.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscratch.pictures.frames import Line

FEWEST_TEETH = 4
NEAREST = 0.5  # of the height of a digit: the least distance of two teeth
UNEVEN, UNEVEN_PIXELS = 0.05, 1.5  # of the height of a digit: how far off its place a tooth may be
UNLIKE = 0.1  # of the height of a digit: how much longer one may be
STANDING = 0.12  # of the height of a digit: how far from the line a tooth may end
OFF = -10_000  # the number of a post that is no tooth


def find_teeth(posts: list[Line], lines: list[Line], height: float) -> list[Line]:
    """Find the teeth of combs; those that a digit hides are told by the others.

    Args:
        posts: straight runs of ink along columns; for them, rows and columns change places.
        lines: along rows, on which teeth may stand, or hang from.
        height: of a digit, in pixels, about.
    """
    teeth: list[Line] = []
    for line in lines:
        for end in ("right", "left"):
            on_it = [post for post in posts if _ends_at(post, line, end, height)]
            for length in sorted({post.length for post in on_it}, reverse=True):
                alike = [p for p in on_it if abs(p.length - length) <= UNLIKE * height]
                comb = _even(alike, line, height) if len(alike) >= FEWEST_TEETH else []
                if comb:
                    teeth += comb
                    break
    return teeth


def _ends_at(post: Line, line: Line, end: str, height: float) -> bool:
    at = post.right if end == "right" else post.left
    column = post.row(at)
    if not line.left - UNEVEN * height <= column <= line.right + UNEVEN * height:
        return False
    near = max(STANDING * height, line.thickness / 2 + 2)
    return bool(abs(line.row(column) - at) <= near)


def _even(posts: list[Line], line: Line, height: float) -> list[Line]:
    """Return the posts that stand at even intervals, and those that are missing between them.

    Every two posts propose an interval; that which most posts fit, and fewest are missing from,
    is taken.
    """
    middle = float(np.median([(post.left + post.right) / 2 for post in posts]))
    places = np.array([post.row(middle) for post in posts])
    far = max(UNEVEN_PIXELS, UNEVEN * height)
    best, numbers = 0, np.zeros(len(posts), np.intp)
    for start, end in permutations(places, 2):
        if end - start < NEAREST * height:
            continue
        steps = (places - start) / (end - start)
        nearest = np.rint(steps).astype(np.intp)
        fits = np.abs(steps - nearest) * (end - start) <= far
        found = len(np.unique(nearest[fits]))
        missing = int(np.ptp(nearest[fits])) + 1 - found
        if found >= FEWEST_TEETH and found - 2 * missing > best:
            best, numbers = found - 2 * missing, np.where(fits, nearest, OFF)
    if not best:
        return []
    even = numbers != OFF
    interval, first = np.polyfit(numbers[even], places[even], 1)
    teeth = [post for post, fits in zip(posts, even, strict=True) if fits]
    like = teeth[len(teeth) // 2]
    for number in set(range(numbers[even].min(), numbers[even].max())) - set(numbers.tolist()):
        place = float(first + number * interval)
        lower = round(float(line.row(place) - line.row(like.row(middle))))
        hidden = replace(like, slope=0.0, start=place)
        teeth.append(replace(hidden, left=like.left + lower, right=like.right + lower))
    return teeth
