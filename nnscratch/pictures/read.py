"""Any picture of one digit → the 28×28 that MNIST's makers would have made of it.

    decode     Pillow; turned as EXIF says; transparency laid on white; grey        → decode.py
    ink        which tone is ink, how much of it at each pixel, whatever the light  → ink.py
    shape      specks and edge lines out, broken strokes kept                       → segment.py
    stroke     far too thin or thick: brought near MNIST's                          → framing.py
    box        fitted to 20×20, aspect kept, antialiased                            → framing.py
    centre     centre of mass to pixel (14, 14), by whole pixels                    → framing.py

A network knows only pictures framed as its own were. Resized without care, digits from elsewhere
score 19 %; prepared so, well over 85 %. A picture that is MNIST-like already passes unchanged.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nnscratch.errors import NoDigitError
from nnscratch.pictures.decode import Source, read_sheet
from nnscratch.pictures.framing import (
    SIZE,
    Fitted,
    Ink,
    corner_of,
    fit_to_box,
    ink_box,
    is_mnist_like,
    place,
    resize,
)
from nnscratch.pictures.ink import Grey, Sheet, find_ink
from nnscratch.pictures.png import grey_png
from nnscratch.pictures.segment import keep_digit

SHOWN_SCALE = 6  # in a notebook
STEPS = ("ink", "shape", "box", "centre", "stroke")


@dataclass(frozen=True)
class Prepared:
    """A picture as the network sees it, and what was done to it.

    Attributes:
        image: (28, 28) uint8, ink bright on a dark ground.
        inverted: whether the ink was dark.
        size: width and height of the picture, turned upright, in pixels.
        box: where the digit was: left, top, right, bottom, in pixels of that size.
        stroke: `kept`, `thickened` or `thinned`.
        shapes: how many shapes of some size were seen, the pieces of one digit counted as one.
            If more than one, several digits seem to be there, and only the largest was read.
        unchanged: whether the picture was MNIST-like already and passed as it was.
        window: the part of the picture that the 28×28 covers: left, top, right, bottom, in pixels
            of that size; it may reach beyond the picture.
    """

    image: Grey = field(repr=False)
    inverted: bool
    size: tuple[int, int]
    box: tuple[int, int, int, int]
    stroke: str = "kept"
    shapes: int = 1
    unchanged: bool = False
    window: tuple[float, float, float, float] = (0.0, 0.0, float(SIZE), float(SIZE))

    def _repr_png_(self) -> bytes:
        return grey_png(self.image, SHOWN_SCALE)


def load_picture(source: Source, *, invert: bool | None = None, name: str = "") -> Prepared:
    """Read a picture of one digit from a file and prepare it for the network.

    Args:
        source: a path, an open binary file, a picture of Pillow's, or a `Sheet`, which has its own
            `invert`.
        invert: True if the ink is dark, False if it is bright; None finds out.
        name: what to call the picture in errors. If empty, the path; for an open file its own
            name, or "the picture" if it has none.

    Raises:
        PictureError: it is missing, too large, or not a picture that can be read.
        NoDigitError: it can be read, and holds no digit.
    """
    name = name or name_of(source)
    sheet = read_sheet(source, name, invert=invert)
    try:
        prepared = prepare(sheet)
    except NoDigitError as error:
        error.where = name
        raise
    size, grey = sheet.size, sheet.grey
    across, down = size[0] / grey.shape[1], size[1] / grey.shape[0]
    left, top, right, bottom = prepared.box
    box = (round(left * across), round(top * down), round(right * across), round(bottom * down))
    west, north, east, south = prepared.window
    window = (west * across, north * down, east * across, south * down)
    return replace(prepared, size=size, box=box, window=window)


def name_of(source: Source) -> str:
    """Return what a picture is called in errors: its path, or the open file's own name."""
    if isinstance(source, Path | str):
        return str(source)
    # Of a stream it may also be a number; Pillow gives it to what was opened from a file.
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    return name if isinstance(name, str) and name else "the picture"


def prepare_grey(
    grey: Grey, *, invert: bool | None = None, skip: Collection[str] = (), pass_through: bool = True
) -> Prepared:
    """Make an MNIST-like 28×28 of grey levels.

    Args:
        grey: (height, width) uint8.
        invert: as in `load_picture`.
        skip: names of STEPS to leave out, to see what each is worth.
        pass_through: let a picture that is MNIST-like already pass as it is.

    Raises:
        NoDigitError: the page is blank, or holds noise, or a row of digits.
    """
    return prepare(Sheet(grey, invert), skip=skip, pass_through=pass_through)


def prepare(sheet: Sheet, *, skip: Collection[str] = (), pass_through: bool = True) -> Prepared:
    """Do what `prepare_grey` does, for a sheet, whose ink is measured once for all readers."""
    grey, invert = sheet.grey, sheet.invert
    if pass_through:
        for inverted in (False, True) if invert is None else (invert,):
            image = 255 - grey if inverted else grey
            if is_mnist_like(image):
                whole = (0, 0, SIZE, SIZE)
                return Prepared(image, inverted, (SIZE, SIZE), whole, unchanged=True)
    ink, inverted = find_ink(grey, invert, flatten=False) if "ink" in skip else sheet.ink()
    shapes = 1
    if "shape" not in skip:
        ink, shapes = keep_digit(ink)
    framed = frame(ink, skip)
    size = grey.shape[1], grey.shape[0]
    return replace(framed, inverted=inverted, size=size, shapes=shapes)


def frame(ink: Ink, skip: Collection[str] = ()) -> Prepared:
    """Frame the ink of one digit as MNIST's makers did.

    Args:
        ink: (height, width) 0 to 1.
        skip: as in `prepare_grey`; only box, centre and stroke matter here.
    """
    height, width = ink.shape
    rows, columns = ink_box(ink)
    box = (columns.start, rows.start, columns.stop, rows.stop)
    window, stroke = (0.0, 0.0, float(width), float(height)), "kept"
    if "box" in skip:
        page = resize(ink, SIZE, SIZE)
    else:
        fitted = fit_to_box(ink[rows, columns], change_stroke="stroke" not in skip)
        by_mass, stroke = "centre" not in skip, fitted.stroke
        page = place(fitted.ink, by_mass=by_mass)
        window = _window(box, fitted, corner_of(fitted.ink, by_mass=by_mass))
    pixels = np.rint(page * 255).astype(np.uint8)
    return Prepared(pixels, False, (width, height), box, stroke, window=window)


def _window(
    box: tuple[int, int, int, int], fitted: Fitted, corner: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return the part of the picture that the 28×28 covers, the ink's corner being there."""
    left, top, right, bottom = fitted.region
    down, across = (bottom - top) / fitted.ink.shape[0], (right - left) / fitted.ink.shape[1]
    left, top = box[0] + left - corner[1] * across, box[1] + top - corner[0] * down
    return left, top, left + SIZE * across, top + SIZE * down
