"""What is written on a picture: one digit, or several, row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nnscratch.errors import NoDigitError
from nnscratch.model import UNSURE, Model, Prediction
from nnscratch.page import Page, ReadDigit, read_page, text_of
from nnscratch.pictures.connected import connected
from nnscratch.pictures.cuts import Box
from nnscratch.pictures.decode import Source, read_sheet, rereadable
from nnscratch.pictures.framing import ink_box
from nnscratch.pictures.ink import Sheet
from nnscratch.pictures.read import name_of
from nnscratch.pictures.segment import SURE_INK

__all__ = ["ReadDigit", "Reading", "read_digits"]

LONGEST_SIDE = 1280  # pixels of a page; several digits are smaller than one

# Of the height of a digit.
LIKE_HEIGHT = 0.4  # of the tallest digit
SURE = 0.9
LOWEST_BESIDE = 0.25  # of the digit that it was taken for
WIDEST_DIGIT = 1.2  # times as wide as high


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
        return text_of(self.digits)


def read_digits(
    model: Model,
    source: Source,
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
    source = rereadable(source, name)
    if several is False:
        return _single(model.read(source, invert=invert, name=name))
    single, refusal = None, None
    if several is None:
        reduced = read_sheet(source, name, invert=invert)
        if reduced.size == (reduced.grey.shape[1], reduced.grey.shape[0]):
            source = reduced  # it is whole after all, and its ink need not be measured again
        try:
            single = model.read(reduced, name=name)
        except NoDigitError as error:
            refusal = error
        if single and (single.picture.unchanged or _is_one_shape(reduced)):
            return _single(single)
        framed = refusal and refusal.picture
        if refusal and framed and not framed.unchanged and _is_one_shape(reduced):
            raise refusal
    sheet = read_sheet(source, name, LONGEST_SIDE, invert)
    try:
        page = read_page(model, sheet)
    except NoDigitError as error:
        if single:
            return _single(single)
        error = refusal or error
        error.where = name
        raise error from None
    whole = _scaled(page, sheet)
    shown = single.picture if single else refusal.picture if refusal else None
    unsure = single is not None and single.probability < UNSURE
    if shown and not _are_several(whole, shown.box, sideways=page.sideways, unsure=unsure):
        if single:
            return _single(single)
        assert refusal is not None
        raise refusal  # one shape that looks like no digit is not cut until its parts do
    if refusal and len(whole.digits) < 2:
        raise refusal
    return whole


def _is_one_shape(sheet: Sheet) -> bool:
    """Tell whether all ink hangs together and is no wider than a digit: then no page is looked for.

    It would be cut only if it were wider; see `_are_several`.
    """
    ink, _ = sheet.ink()
    _, count = connected(ink > SURE_INK)
    rows, columns = ink_box(ink)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    return count == 1 and width <= WIDEST_DIGIT * height


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


def _scaled(page: Page, sheet: Sheet) -> Reading:
    """Return the reading of a page, its boxes in pixels of the whole picture."""
    size, grey = sheet.size, sheet.grey
    across, down = size[0] / grey.shape[1], size[1] / grey.shape[0]
    digits = []
    for digit in page.digits:
        left, top, right, bottom = digit.box
        box = round(left * across), round(top * down), round(right * across), round(bottom * down)
        digits.append(replace(digit, box=box))
    return Reading(None, tuple(digits), size, page.inverted, page.notes)


def _are_several(page: Reading, box: Box, *, sideways: bool, unsure: bool) -> bool:
    """Tell whether a picture that was taken for one digit shows several.

    It does if a digit of like size stands outside the box of the one, if the one is too wide to be
    one (too high where the page lies on its side), or if the one was unsure and none of the several
    is doubtful.
    """
    left, top, right, bottom = box
    tallest = max(_height(digit.box, sideways) for digit in page.digits)
    large = [d for d in page.digits if _height(d.box, sideways) >= LIKE_HEIGHT * tallest]
    if len(large) < 2:
        return False
    outside = [
        digit
        for digit in large
        if _height(digit.box, sideways) >= LOWEST_BESIDE * _height(box, sideways)
        and not (
            left <= (digit.box[0] + digit.box[2]) / 2 <= right
            and top <= (digit.box[1] + digit.box[3]) / 2 <= bottom
        )
    ]
    rows = {digit.row for digit in large}
    apart = len(rows) > 1 and all(digit.probability > SURE for digit in large)
    too_wide = _height(box, not sideways) > WIDEST_DIGIT * _height(box, sideways)
    sure = unsure and not any(digit.doubtful for digit in large)
    return bool(outside) or apart or too_wide or sure


def _height(box: Box, sideways: bool) -> int:
    """Return how high a box is, or how wide where the page lies on its side."""
    left, top, right, bottom = box
    return right - left if sideways else bottom - top
