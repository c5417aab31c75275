"""A page of several digits, read by a model, and turned where that makes more sense.

cleaning      what may be digits: no lines, specks, stains   → pictures/cleaning.py
rows, cuts    rows, pieces, and what may be one digit        → pictures/rows.py, cuts.py
path          the likeliest digits of a row, by the network's own probabilities
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import NoDigitError
from nnscratch.model import UNSURE, Model
from nnscratch.pictures.cleaning import are_remains, clean_shapes
from nnscratch.pictures.cuts import (
    MOST_PIECES,
    Box,
    Candidate,
    Piece,
    best_path,
    cut_row,
    find_candidates,
)
from nnscratch.pictures.framing import Images, Ink
from nnscratch.pictures.ink import Grey, Sheet, find_ink, no_digit, turned_ink
from nnscratch.pictures.rows import digit_height, find_rows, find_slope
from nnscratch.products import Floats

STEPS = ("lines", "cuts", "joins", "turns", "network")
TRUST = 1.5  # what a nat of the network's counts for, beside those of shapes and cuts
NOISE_MARGIN = 2.5  # where much of the page is ink, noise is overrated
STRANGE = 2.0  # nats, for what looks like no digit
MOST_STRANGE = 0.5  # share of what is read; a page with more of it holds something else
STRANGEST = -1.7  # nats, the mean of a page; of 1,000 pairs of held-out digits, one has more
LEAST_STRANGE = 8.0  # nats that one digit may count for, either way
LEAST_PROBABILITY = 1e-4  # of what a path passes: one bad digit does not outweigh all others

QUARTER = 90.0
POOR = 0.3  # nats that a digit costs on average: is the page turned sideways?
FEWEST_TURNED = 3  # digits; fewer do not tell which way is up
TURN_WORTH = 0.6  # times the cost: so much better must a turned page be
STEEP = 0.12  # slope of rows at which the page is turned level to see whether that is better


@dataclass(frozen=True)
class ReadDigit:
    """One of several digits.

    Attributes:
        digit: the likeliest, 0 … 9.
        probability: of it, 0–1.
        probabilities: (10,) of the digits; they sum to 1.
        image: (28, 28) uint8, as the network saw it.
        box: left, top, right, bottom, in pixels of the picture turned upright.
        row: from 0, at the top.
        strange: whether it looks more like no digit.
        doubtful: whether it may be another digit, or none.
    """

    digit: int
    probability: float
    probabilities: Floats
    image: Images
    box: Box
    row: int
    strange: bool
    doubtful: bool


@dataclass(frozen=True)
class Page:
    """What is written on a page.

    Attributes:
        digits: all of them, as they are read: rows from the top, each from the left.
        inverted: whether the ink was dark.
        sideways: whether it lay on its side, and was read turned by a quarter.
        notes: every doubt, each in one line.
    """

    digits: tuple[ReadDigit, ...]
    inverted: bool
    sideways: bool
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the digits, rows apart by a line break."""
        return text_of(self.digits)


def text_of(digits: Iterable[ReadDigit]) -> str:
    """Return digits as they are read, rows apart by a line break."""
    rows: dict[int, str] = {}
    for digit in digits:
        rows[digit.row] = rows.get(digit.row, "") + str(digit.digit)
    return "\n".join(rows.values())


def read_page(
    model: Model, grey: Grey | Sheet, invert: bool | None = None, *, skip: Collection[str] = ()
) -> Page:
    """Read all digits of a page; boxes are in its own pixels.

    A page whose rows slant, or that makes little sense, is also read turned, and the reading that
    makes most sense is taken.

    Args:
        grey: (height, width) uint8, or a sheet, which has its own `invert`.
        invert: as in `pictures.load_picture`.
        skip: names of STEPS to leave out, to see what each is worth.

    Raises:
        NoDigitError: there is none.
    """
    sheet = grey if isinstance(grey, Sheet) else Sheet(grey, invert)
    ink, inverted = sheet.ink(NOISE_MARGIN)
    best = _read_ink(model, ink, skip)
    turned = 0.0
    for angle in _worth_turning(best) if "turns" not in skip else []:
        try:
            other = _read_ink(model, turned_ink(ink, angle), skip)
        except NoDigitError:
            continue
        better = other.cost < TURN_WORTH * best.cost and other.per_row >= best.per_row
        if better and len(other.digits) >= FEWEST_TURNED:
            best, turned = other, angle
    digits = tuple(_turned_back(digit, turned, ink.shape) for digit in best.digits)
    if not digits:
        raise no_digit("there are only specks")
    strange = sum(digit.strange for digit in digits) > MOST_STRANGE * len(digits)
    if strange or best.strangeness > STRANGEST:
        raise no_digit("most of what is there looks like none of the ten")
    if all(digit.digit == 1 for digit in digits):
        everything, _ = find_ink(sheet.grey, inverted, ruling=True, noise_margin=NOISE_MARGIN)
        if are_remains(everything, [digit.box for digit in digits]):
            raise no_digit("there are only lines")
    notes, sideways = [], abs(turned) == QUARTER
    if sideways:
        way = "left" if turned > 0 else "right"
        notes.append(f"the picture seems to be turned sideways: it was read turned to the {way}")
    return Page(digits, inverted, sideways, tuple(notes))


@dataclass(frozen=True)
class Attempt:
    """The digits of ink as it lies, how their rows slant, and what one costs on average.

    `strangeness` is the mean of the model's, in nats: one doubtful digit does not make a page a
    word, but many that are all a little strange do.
    """

    digits: list[ReadDigit]
    slope: float
    cost: float
    strangeness: float

    @property
    def per_row(self) -> float:
        """How many digits a row has; where the page lies on its side, neighbours become rows."""
        return len(self.digits) / max(1, len({digit.row for digit in self.digits}))


def _worth_turning(page: Attempt) -> list[float]:
    """Return the angles in degrees, counterclockwise, at which a page might make more sense."""
    angles = [float(np.degrees(np.arctan(page.slope)))] if abs(page.slope) > STEEP else []
    return [*angles, QUARTER, -QUARTER] if page.cost > POOR else angles


def _turned_back(digit: ReadDigit, angle: float, shape: tuple[int, ...]) -> ReadDigit:
    """Return a digit with its box on the page before it was turned."""
    if not angle:
        return digit
    height, width = shape
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    high = abs(height * cosine) + abs(width * sine)
    wide = abs(width * cosine) + abs(height * sine)
    left, top, right, bottom = digit.box
    x = np.array([left, right, left, right]) - wide / 2
    y = np.array([top, top, bottom, bottom]) - high / 2
    across = (x * cosine - y * sine + width / 2).clip(0, width)
    down = (x * sine + y * cosine + height / 2).clip(0, height)
    box = int(across.min()), int(down.min()), int(across.max() + 0.5), int(down.max() + 0.5)
    return replace(digit, box=box)


def _read_ink(model: Model, ink: Ink, skip: Collection[str]) -> Attempt:
    ink, labels, shapes = clean_shapes(ink, lines="lines" not in skip)
    height = digit_height(shapes)
    slope = find_slope(shapes, height)
    rows = find_rows(shapes, height, slope)
    parts = []
    for row in rows:
        pieces = cut_row(labels, row, cut="cuts" not in skip)
        most = 1 if "joins" in skip else MOST_PIECES
        parts.append((row, pieces, find_candidates(ink, labels, pieces, row.height, most)))
    images = [candidate.image for _, _, candidates in parts for candidate in candidates]
    if not images:
        raise no_digit("there are only specks")
    stacked = np.stack(images)
    probabilities, strangeness = model.predict_proba(stacked), model.strangeness(stacked)
    costs = digit_costs(probabilities, strangeness > 0, trusted="network" not in skip)
    start, digits, spent, odds = 0, list[ReadDigit](), 0.0, list[float]()
    for row, pieces, candidates in parts:
        mine = slice(start, start + len(candidates))
        start = mine.stop
        total = costs[mine] + np.array([candidate.cost for candidate in candidates])
        path = best_path(pieces, candidates, total, row.height)
        number = digits[-1].row + 1 if digits else 0
        ones = [chosen for chosen in path if probabilities[mine][chosen].argmax() == 1]
        strokes = strokes_of_one(pieces, candidates, ones)
        for chosen in path:
            strange = bool(strangeness[mine][chosen] > 0) or chosen in strokes
            digits.append(_read(candidates[chosen], probabilities[mine][chosen], strange, number))
            spent += float(total[chosen])
            odds.append(float(strangeness[mine][chosen]))
    mean = float(np.mean(np.clip(odds, -LEAST_STRANGE, LEAST_STRANGE))) if odds else 0.0
    return Attempt(digits, slope, spent / max(1, len(digits)), mean)


def strokes_of_one(pieces: list[Piece], candidates: list[Candidate], ones: list[int]) -> set[int]:
    """Return those of a row's ones, by number, that were cut from one shape side by side.

    Hardly anybody writes ones that touch: they are the strokes of a letter, as of m, u or w.

    Args:
        ones: the candidates that were read as ones, by number, from the left.
    """
    found = set[int]()
    for number, following in itertools.pairwise(ones):
        left, right = candidates[number], candidates[following]
        before, after = ({p.whole for p in pieces[c.first : c.last]} for c in (left, right))
        if left.last == right.first and before & after:
            found |= {number, following}
    return found


def _read(candidate: Candidate, probabilities: Floats, strange: bool, row: int) -> ReadDigit:
    best = int(probabilities.argmax())
    sure = float(probabilities[best])
    box, image = candidate.box, candidate.image
    return ReadDigit(best, sure, probabilities, image, box, row, strange, sure < UNSURE or strange)


def digit_costs(
    probabilities: Floats, strange: NDArray[np.bool_], *, trusted: bool = True
) -> NDArray[np.float64]:
    """Return what it costs to take each candidate for a digit, (n,), in nats: −log p.

    Args:
        probabilities: (n, 10) of the digits.
        strange: (n,) whether the model would refuse it as no digit.
        trusted: False leaves the choice to the candidates' shapes.
    """
    best = probabilities.max(axis=1).astype(np.float64)
    costs: NDArray[np.float64] = -TRUST * np.log(np.maximum(best, LEAST_PROBABILITY))
    costs += STRANGE * strange
    return costs * trusted
