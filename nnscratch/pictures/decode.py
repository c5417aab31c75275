"""A file → grey levels, by Pillow; and back: which files are pictures, and how one is written.

Turned as EXIF says, transparency laid on white, reduced to what a digit needs.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from nnscratch.errors import PictureError
from nnscratch.files import check_output, write_atomically
from nnscratch.pictures.ink import WEAKEST_CONTRAST, Grey

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
LONGEST_SIDE = 640  # pixels; what is larger is reduced while it is decoded
LARGEST_PIXELS = 100_000_000

EXIF_ORIENTATION, EXIF_SOFTWARE = 0x0112, 0x0131
SIGNATURE = "nnscratch"  # the software that made a picture of ours


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


# ------------------------------------------------------------------------------------------- files


def check_picture_output(path: Path) -> None:
    """Raise, before any work is done, if a picture could not be written there.

    What `save_picture` has written may be replaced by it, except a GIF or BMP, which do not say
    who made them; any other file may not.

    Raises:
        PictureError: the suffix is not one of ours.
        OutputError: a place that cannot be written, or a file that is not ours.
    """
    _format_of(path)
    check_output(path, "the picture", is_ours=_is_ours)


def save_picture(image: Grey, path: Path) -> None:
    """Write a prepared picture to a file, in the format of its suffix, whole or not at all.

    Raises:
        PictureError: the suffix is not one of ours, or the file cannot be written.
    """
    packed, format_name = io.BytesIO(), _format_of(path)
    signed = Image.Exif()
    signed[EXIF_SOFTWARE] = SIGNATURE
    try:
        Image.fromarray(image).save(packed, format_name, exif=signed)
        write_atomically(path, packed.getvalue())
    except OSError as error:
        raise PictureError(
            f"the picture cannot be saved: {error.strerror or error}",
            where=str(path),
            next_step="choose another place",
        ) from error


def _format_of(path: Path) -> str:
    format_name = Image.registered_extensions().get(path.suffix.lower(), "")
    if format_name not in FORMATS:
        raise PictureError(
            f"pictures are not saved as {path.suffix or 'files without a suffix'}",
            where=str(path),
            next_step=f"name it with one of: {', '.join(sorted(SUFFIXES))}",
        )
    return format_name


def _is_ours(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                return picture.getexif().get(EXIF_SOFTWARE) == SIGNATURE
    except Exception:  # whatever Pillow makes of it, it is not ours
        return False


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
