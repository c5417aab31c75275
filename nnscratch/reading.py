"""What is written on a picture: one digit, or several, row by row.

ink, lines    how much at each pixel; rules and frames out   → pictures/ink.py, frames.py
shapes, rows  connected pieces, their size and order         → pictures/segment.py, rows.py
cuts, path    what may be one digit; the likeliest row of it → pictures/cuts.py
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import NoDigitError
from nnscratch.model import UNSURE, Model, Prediction
from nnscratch.pictures.cuts import MOST_PIECES, Box, Candidate, best_path, cut_row, find_candidates
from nnscratch.pictures.decode import read_grey, read_stream
from nnscratch.pictures.frames import without_frames
from nnscratch.pictures.framing import Images, Ink, stroke_width
from nnscratch.pictures.ink import Grey, find_ink, no_digit, turned_ink
from nnscratch.pictures.read import name_of
from nnscratch.pictures.rows import LARGE, digit_height, find_rows, find_slope, join_halves
from nnscratch.pictures.segment import STRAY_INK, Labels, Shape, find_shapes
from nnscratch.products import Floats

STEPS = ("lines", "cuts", "joins", "turns", "network")
LONGEST_SIDE = 1280  # pixels of a page; several digits are smaller than one
MOST_SHAPES = 400  # of a page; print and noise have more
TRUST = 1.5  # what a nat of the network's counts for, beside those of shapes and cuts
MOST_SEEN = 2000  # before specks and lines are taken away
FEWEST_BARS, BAR = 8, 0.85  # so many shapes fill their boxes so far: a barcode, and no row of ones
NOISE_MARGIN = 2.5  # where much of the page is ink, noise is overrated
STRANGE = 1.0  # nats, for what looks like no digit
MOST_STRANGE = 0.5  # share of what is read; a page with more of it holds something else
LEAST_PROBABILITY = 1e-4  # of what a path passes: one bad digit does not outweigh all others

QUARTER = 90.0
POOR = 0.3  # nats that a digit costs on average: is the page turned sideways?
FEWEST_TURNED = 3  # digits; fewer do not tell which way is up
TURN_WORTH = 0.6  # times the cost: so much better must a turned page be

# Of the height of a digit.
SPECK, SMALL = 0.1, 0.3
LOW_AT_BORDER = 0.6
EDGE, LONG_AT_BORDER = 1.8, 4.0  # what touches the border and is larger is no digit
SCRIBBLE = 5.0  # times as long a stroke as its box; an 8 has about 3
SOLID = 2.5  # times as thick as the page's strokes: a stain
LIKE_HEIGHT = 0.4  # of the tallest digit
SURE = 0.9
LOWEST_BESIDE = 0.25  # of the digit that it was taken for
WIDEST_DIGIT = 1.2  # times as wide as high
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
class Reading:
    """What is written on a picture.

    Attributes:
        single: the answer, where the picture shows one digit.
        digits: all of them, as they are read: rows from the top, each from the left.
        size: width and height of the picture, turned upright, in pixels.
        inverted: whether the ink was dark.
        notes: every doubt, each in one line.
    """

    single: Prediction | None
    digits: tuple[ReadDigit, ...]
    size: tuple[int, int]
    inverted: bool
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the digits, rows apart by a line break."""
        rows: dict[int, str] = {}
        for digit in self.digits:
            rows[digit.row] = rows.get(digit.row, "") + str(digit.digit)
        return "\n".join(rows.values())


def read_digits(
    model: Model,
    source: Path | str | IO[bytes],
    *,
    invert: bool | None = None,
    name: str = "",
    several: bool | None = None,
) -> Reading:
    """Read a picture of one digit or of several.

    Args:
        source, invert, name: as in `pictures.load_picture`.
        several: True reads a page, False one digit; None finds out which it is.

    Raises:
        PictureError: the picture is missing, too large, or cannot be read.
        NoDigitError: it can be read, and holds no digit.
    """
    name = name or name_of(source)
    if not isinstance(source, Path | str) and not source.seekable():
        source = read_stream(source)
    if several is False:
        return _single(model.read(source, invert=invert, name=name))
    single, refusal = None, None
    if several is None:
        try:
            single = model.read(source, invert=invert, name=name)
        except NoDigitError as error:
            refusal = error
        if single and single.picture.unchanged:
            return _single(single)
    grey, size = read_grey(source, name, LONGEST_SIDE)
    try:
        page = read_page(model, grey, invert)
    except NoDigitError as error:
        if single:
            return _single(single)
        error = refusal or error
        error.where = name
        raise error from None
    page = _scaled(page, grey, size)
    if single and not _are_several(page, single.picture.box):
        return _single(single)
    if refusal and refusal.picture and not _are_several(page, refusal.picture.box):
        raise refusal  # one shape that looks like no digit is not cut until its parts do
    if refusal and len(page.digits) < 2:
        raise refusal
    return page


def _single(prediction: Prediction) -> Reading:
    """Return the reading of a picture that shows one digit."""
    picture = prediction.picture
    digit = ReadDigit(
        digit=prediction.digit,
        probability=prediction.probability,
        probabilities=prediction.probabilities,
        image=picture.image,
        box=picture.box,
        row=0,
        strange=False,
        doubtful=prediction.probability < UNSURE,
    )
    return Reading(prediction, (digit,), picture.size, picture.inverted, prediction.notes)


def _scaled(page: Reading, grey: Grey, size: tuple[int, int]) -> Reading:
    """Return a reading with its boxes in pixels of the whole picture."""
    across, down = size[0] / grey.shape[1], size[1] / grey.shape[0]
    digits = []
    for digit in page.digits:
        left, top, right, bottom = digit.box
        box = round(left * across), round(top * down), round(right * across), round(bottom * down)
        digits.append(replace(digit, box=box))
    return replace(page, digits=tuple(digits), size=size)


def _are_several(page: Reading, box: Box) -> bool:
    """Tell whether a picture that was answered as one digit shows several.

    It does if a digit of like size stands outside the box of the one, or if the one is too wide.
    """
    left, top, right, bottom = box
    tallest = max(_height(digit.box) for digit in page.digits)
    large = [digit for digit in page.digits if _height(digit.box) >= LIKE_HEIGHT * tallest]
    outside = [
        digit
        for digit in large
        if _height(digit.box) >= LOWEST_BESIDE * (bottom - top)
        and not (
            left <= (digit.box[0] + digit.box[2]) / 2 <= right
            and top <= (digit.box[1] + digit.box[3]) / 2 <= bottom
        )
    ]
    if outside and len(large) > 1:
        return True
    rows = {digit.row for digit in large}
    apart = len(rows) > 1 and all(digit.probability > SURE for digit in large)
    return len(large) > 1 and (apart or right - left > WIDEST_DIGIT * (bottom - top))


def _height(box: Box) -> int:
    return box[3] - box[1]


# --------------------------------------------------------------------------------------- one page


def read_page(
    model: Model, grey: Grey, invert: bool | None = None, *, skip: Collection[str] = ()
) -> Reading:
    """Read all digits of a page; boxes are in its own pixels.

    A page whose rows slant, or that makes little sense, is also read turned, and the reading that
    makes most sense is taken.

    Args:
        grey: (height, width) uint8.
        invert: as in `read_digits`.
        skip: names of STEPS to leave out, to see what each is worth.

    Raises:
        NoDigitError: there is none.
    """
    ink, inverted = find_ink(grey, invert, noise_margin=NOISE_MARGIN)
    page = _read_ink(model, ink, skip)
    turned = 0.0
    for angle in _worth_turning(page) if "turns" not in skip else []:
        try:
            other = _read_ink(model, turned_ink(ink, angle), skip)
        except NoDigitError:
            continue
        better = other.cost < TURN_WORTH * page.cost and other.per_row >= page.per_row
        if better and len(other.digits) >= FEWEST_TURNED:
            page, turned = other, angle
    digits = tuple(_turned_back(digit, turned, ink.shape) for digit in page.digits)
    if not digits:
        raise no_digit("there are only specks")
    if sum(digit.strange for digit in digits) > MOST_STRANGE * len(digits):
        raise no_digit("most of what is there looks like none of the ten")
    notes = []
    if abs(turned) == QUARTER:
        way = "left" if turned > 0 else "right"
        notes.append(f"the picture seems to be turned sideways: it was read turned to the {way}")
    return Reading(None, digits, (grey.shape[1], grey.shape[0]), inverted, tuple(notes))


@dataclass(frozen=True)
class Page:
    """The digits of some ink, how their rows slant, and what one of them costs on average."""

    digits: list[ReadDigit]
    slope: float
    cost: float

    @property
    def per_row(self) -> float:
        """How many digits a row has; where the page lies on its side, neighbours become rows."""
        return len(self.digits) / max(1, len({digit.row for digit in self.digits}))


def _worth_turning(page: Page) -> list[float]:
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


def _read_ink(model: Model, ink: Ink, skip: Collection[str]) -> Page:
    ink, labels, shapes = _clean_shapes(ink, lines="lines" not in skip)
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
    probabilities, strange = model.predict_proba(stacked), model.strangeness(stacked) > 0
    costs = digit_costs(probabilities, strange, trusted="network" not in skip)
    start, digits, spent = 0, list[ReadDigit](), 0.0
    for row, pieces, candidates in parts:
        mine = slice(start, start + len(candidates))
        start = mine.stop
        total = costs[mine] + np.array([candidate.cost for candidate in candidates])
        path = best_path(pieces, candidates, total, row.height)
        number = digits[-1].row + 1 if digits else 0
        for chosen in path:
            answer = probabilities[mine][chosen], bool(strange[mine][chosen])
            digits.append(_read(candidates[chosen], *answer, number))
            spent += float(total[chosen])
    return Page(digits, slope, spent / max(1, len(digits)))


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


def _clean_shapes(ink: Ink, *, lines: bool = True) -> tuple[Ink, Labels, list[Shape]]:
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
