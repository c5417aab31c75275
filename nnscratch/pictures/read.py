"""Any picture of one digit → the 28×28 that MNIST's makers would have made of it.

    decode     Pillow; turned as EXIF says; transparency laid on white; grey        → read_grey
    ink        which tone is ink, how much of it at each pixel, whatever the light  → ink.py
    shape      specks and edge lines out, broken strokes kept                       → ink.py
    stroke     far too thin or thick: brought near MNIST's                          → fit_to_box
    box        fitted to 20×20, aspect kept, antialiased                            → fit_to_box
    centre     centre of mass to pixel (14, 14), by whole pixels                    → _placed

A network knows only pictures framed as its own were. Resized without care, digits from elsewhere
score 19 %; prepared so, well over 85 %. A picture that is MNIST-like already passes unchanged.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from nnscratch.errors import NoDigitError, PictureError
from nnscratch.files import write_atomically
from nnscratch.pictures.framing import BOX_SIZE, CENTRE, SIZE, centre_of_mass, ink_box
from nnscratch.pictures.ink import (
    FAINT_INK,
    WEAKEST_CONTRAST,
    Grey,
    Ink,
    find_ink,
    keep_digit,
    stroke_width,
)

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
LONGEST_SIDE = 640  # pixels; what is larger is reduced while it is decoded
LARGEST_PIXELS = 100_000_000

# Stroke width as a share of the box's longer side, and what MNIST has.
THINNEST, THICKEST = 0.09, 0.21
THIN_TARGET, THICK_TARGET = 0.13, 0.17
FINE = 4 * BOX_SIZE  # size at which strokes are measured and changed

EXIF_ORIENTATION = 0x0112

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
        shapes: how many separate shapes of some size were seen; more than one may be several
            digits.
        unchanged: whether the picture was MNIST-like already and passed as it was.
    """

    image: Grey
    inverted: bool
    size: tuple[int, int]
    box: tuple[int, int, int, int]
    stroke: str = "kept"
    shapes: int = 1
    unchanged: bool = False


def load_picture(
    source: Path | str | IO[bytes], *, invert: bool | None = None, name: str = ""
) -> Prepared:
    """Read a picture of one digit from a file and prepare it for the network.

    Args:
        source: a path, or an open binary file.
        invert: True if the ink is dark, False if it is bright; None finds out.
        name: what to call the picture in errors; a path's own text if empty.

    Raises:
        PictureError: it is missing, too large, or not a picture that can be read.
        NoDigitError: it can be read, and holds no digit.
    """
    name = name or str(source)
    grey, size = read_grey(source, name)
    try:
        prepared = prepare_grey(grey, invert=invert)
    except NoDigitError as error:
        error.where = name
        raise
    scale = size[0] / grey.shape[1]
    left, top, right, bottom = (round(edge * scale) for edge in prepared.box)
    return Prepared(
        prepared.image,
        prepared.inverted,
        size,
        (left, top, right, bottom),
        prepared.stroke,
        prepared.shapes,
        prepared.unchanged,
    )


def save_picture(image: Grey, path: Path) -> None:
    """Write a prepared picture to a file, in the format of its suffix, whole or not at all.

    Raises:
        PictureError: the suffix is not one of ours, or the file cannot be written.
    """
    packed = io.BytesIO()
    try:
        format_name = Image.registered_extensions().get(path.suffix.lower(), "")
        if format_name not in FORMATS:
            raise PictureError(
                f"pictures are not saved as {path.suffix or 'files without a suffix'}",
                where=str(path),
                next_step=f"name it with one of: {', '.join(sorted(SUFFIXES))}",
            )
        Image.fromarray(image).save(packed, format_name)
        write_atomically(path, packed.getvalue())
    except OSError as error:
        raise PictureError(
            f"the picture cannot be saved: {error.strerror or error}",
            where=str(path),
            next_step="choose another place",
        ) from error


def list_pictures(folder: Path) -> list[Path]:
    """Name the pictures of a folder, sorted, by their suffixes.

    Raises:
        PictureError: there is none.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise _unreadable(error.strerror or "it cannot be opened", str(folder)) from error
    if not found:
        raise PictureError(
            "there is no picture in the folder",
            where=str(folder),
            next_step=f"name a folder with pictures: {', '.join(sorted(SUFFIXES))}",
        )
    return found


# ------------------------------------------------------------------------------------------ decode


def read_grey(source: Path | str | IO[bytes], name: str) -> tuple[Grey, tuple[int, int]]:
    """Decode a picture to grey levels, at most 640 pixels long, and its own size upright.

    Raises:
        PictureError: as `load_picture`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels count
            with Image.open(source, formats=FORMATS) as picture:
                if picture.width * picture.height > LARGEST_PIXELS:
                    raise _unreadable(f"it has more than {LARGEST_PIXELS:,} pixels", name)
                return _decode(picture)
    except UnidentifiedImageError as error:
        raise _unreadable("it is in no known format", name) from error
    except Image.DecompressionBombError as error:
        raise _unreadable("it has too many pixels", name) from error
    except OSError as error:
        if error.strerror:  # what the system says: missing, forbidden, a folder
            raise PictureError(
                f"the picture cannot be read: {error.strerror}",
                where=name,
                next_step="check the name, and that you may read the file",
            ) from error
        raise _unreadable("it is damaged or cut short", name) from error
    except (ValueError, SyntaxError, TypeError, IndexError, EOFError, MemoryError) as error:
        # What Pillow's decoders say of damaged files.
        raise _unreadable("it is damaged", name) from error


def _unreadable(reason: str, name: str) -> PictureError:
    return PictureError(
        f"the picture cannot be read: {reason}",
        where=name,
        next_step=f"save it as one of: {', '.join(FORMATS)}",
    )


def _decode(picture: Image.Image) -> tuple[Grey, tuple[int, int]]:
    sideways = picture.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    width, height = picture.size
    picture.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG can be decoded at a smaller size
    flat = _on_white(ImageOps.exif_transpose(picture))
    longest = max(flat.size)
    if longest > LONGEST_SIDE:
        target = [max(1, round(side * LONGEST_SIDE / longest)) for side in flat.size]
        flat = flat.resize((target[0], target[1]), Image.Resampling.BOX, reducing_gap=3.0)
    return np.asarray(flat, np.uint8), (height, width) if sideways else (width, height)


def _on_white(picture: Image.Image) -> Image.Image:
    """Return the picture in grey ("L"); what is transparent becomes paper."""
    if picture.mode.startswith(("I", "F")):
        return Image.fromarray(_to_eight_bits(np.asarray(picture)))
    if not picture.has_transparency_data:
        return picture.convert("RGB").convert("L")
    layers = picture.convert("RGBA")
    paper = Image.new("RGBA", layers.size, "white")
    flat = Image.alpha_composite(paper, layers).convert("L")
    if np.ptp(np.asarray(flat)) < WEAKEST_CONTRAST:  # white on nothing: the shape is in the alpha
        flat = ImageOps.invert(layers.getchannel("A"))
    return flat


def _to_eight_bits(pixels: NDArray[Any]) -> Grey:
    """Bring 16-bit grey levels, or any others, to 0–255."""
    values = np.nan_to_num(pixels.astype(np.float64))
    if values.min() >= 0 and values.max() <= 0xFFFF and pixels.dtype.kind in "iu":
        levels = values / 257
    else:
        span = values.max() - values.min()
        levels = (values - values.min()) * (255 / span if span else 0)
    return np.asarray(np.rint(levels), np.uint8)


# ----------------------------------------------------------------------------------------- prepare


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
        NoDigitError: the page is blank, or holds noise.
    """
    if pass_through:
        for inverted in (False, True) if invert is None else (invert,):
            image = 255 - grey if inverted else grey
            if is_mnist_like(image):
                whole = (0, 0, SIZE, SIZE)
                return Prepared(image, inverted, (SIZE, SIZE), whole, unchanged=True)
    ink, inverted = find_ink(grey, invert, flatten="ink" not in skip)
    shapes, stroke = 1, "kept"
    if "shape" not in skip:
        ink, shapes = keep_digit(ink)
    rows, columns = ink_box(ink)
    box = (columns.start, rows.start, columns.stop, rows.stop)
    if "box" in skip:
        page = _resize(ink, SIZE, SIZE)
    else:
        fitted, stroke = fit_to_box(ink[rows, columns], change_stroke="stroke" not in skip)
        page = _placed(fitted, by_mass="centre" not in skip)
    pixels = np.rint(page * 255).astype(np.uint8)
    return Prepared(pixels, inverted, (grey.shape[1], grey.shape[0]), box, stroke, shapes)


def is_mnist_like(image: Grey) -> bool:
    """Tell whether a picture is framed as all of MNIST's are (facts of its training pictures)."""
    if image.shape != (SIZE, SIZE):
        return False
    rows, columns = ink_box(image)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    share = np.count_nonzero(image) / image.size
    middle = centre_of_mass(image[np.newaxis])[0]
    return bool(
        longest == BOX_SIZE
        and 0.03 <= share <= 0.5
        and image.max() > 200
        and np.abs(middle - CENTRE).max() <= 0.55
    )


# ------------------------------------------------------------------------- stroke, box and centre


def fit_to_box(ink: Ink, *, change_stroke: bool = True) -> tuple[Ink, str]:
    """Fit the ink into 20×20, and bring strokes that are far off near MNIST's.

    Args:
        ink: (height, width) 0 to 1, cut to its box.

    Returns:
        Ink whose longer side is 20, the strongest 1; and `kept`, `thickened` or `thinned`.
    """
    done = "kept"
    if change_stroke:
        fine = _resize_longest(ink, FINE)
        width = stroke_width(fine)
        if not THINNEST * FINE <= width <= THICKEST * FINE:
            ink, done = _with_stroke(fine, width)
    fitted = _resize_longest(ink, BOX_SIZE)
    return fitted / max(float(fitted.max()), FAINT_INK), done


def _with_stroke(fine: Ink, width: float) -> tuple[Ink, str]:
    thin = width < THINNEST * FINE
    radius = ((THIN_TARGET if thin else THICK_TARGET) * FINE - width) / 2
    room = int(abs(radius)) + 2
    full = np.pad((fine / np.quantile(fine[fine > 0], 0.75)).clip(0, 1), room)
    changed = _dilate(full, radius) if thin else 1 - _dilate(1 - full, -radius)
    box = ink_box(changed > FAINT_INK)
    if changed[box].size == 0:
        return fine, "kept"
    return changed[box], "thickened" if thin else "thinned"


def _dilate(ink: Ink, radius: float) -> Ink:
    """Spread ink over a disc of a radius in pixels, with a soft edge."""
    reach = int(radius + 1)
    spread = ink.copy()
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            share = min(1.0, radius + 0.5 - float(np.hypot(down, across)))
            if share > 0:
                np.maximum(spread, share * np.roll(ink, (down, across), (0, 1)), out=spread)
    return spread


def _resize_longest(ink: Ink, longest: int) -> Ink:
    factor = longest / max(ink.shape)
    return _resize(ink, *(max(1, round(side * factor)) for side in ink.shape))


def _resize(ink: Ink, height: int, width: int) -> Ink:
    """Resize by the exact mean over each new pixel's area.

    Pillow's box filter counts whole pixels only; with exact areas the same picture gives the same
    result at any scale.
    """
    rows, columns = _area_shares(height, ink.shape[0]), _area_shares(width, ink.shape[1])
    return np.asarray(rows @ ink @ columns.T, np.float32)


def _area_shares(new: int, old: int) -> Ink:
    """Return (new, old): the share of each of `new` equal intervals that each of `old` covers."""
    edges = np.arange(new + 1) * (old / new)
    begin = np.maximum(edges[:-1, np.newaxis], np.arange(old))
    end = np.minimum(edges[1:, np.newaxis], np.arange(1, old + 1))
    shares: Ink = (np.maximum(end - begin, 0) * (new / old)).astype(np.float32)
    return shares


def _placed(fitted: Ink, *, by_mass: bool = True) -> Ink:
    """Put the ink on 28×28: its centre of mass, or only its box, in the middle."""
    page = np.zeros((SIZE, SIZE), np.float32)
    height, width = fitted.shape
    middle = centre_of_mass(fitted[np.newaxis])[0] if by_mass else np.array([height, width]) / 2
    top, left = (
        int(np.clip(np.rint(CENTRE - at), 0, SIZE - side))
        for at, side in zip(middle, fitted.shape, strict=True)
    )
    page[top : top + height, left : left + width] = fitted
    return page
