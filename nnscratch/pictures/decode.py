"""A file → grey levels, by Pillow; and back: which files are pictures, and how one is written.

Turned as EXIF says, transparency laid on white, reduced to what a digit needs.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nnscratch.errors import PictureError
from nnscratch.files import check_output, open_plain, write_atomically
from nnscratch.pictures.flatten import reduce_on_white
from nnscratch.pictures.ink import Grey, Sheet
from nnscratch.pictures.libtiff import quiet_libtiff
from nnscratch.pictures.limits import (
    LARGEST_COPIED_BYTES,
    LARGEST_PIXELS,
    TooLarge,
    check_cost,
    check_file_size,
    check_tags,
)

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
LONGEST_SIDE = 640  # pixels; what is larger is reduced while it is decoded

Source = Path | str | IO[bytes] | Image.Image | Sheet  # a file, or what need not be decoded

ADDRESS = re.compile(r"[a-z]{2,}:/", re.IGNORECASE)  # a path has lost the second stroke
OPEN_AGAIN = "open it again, or give its path"

EXIF_ORIENTATION, EXIF_SOFTWARE = 0x0112, 0x0131
SIGNATURE = "nnscratch"  # the software that made a picture of ours
EXIF_PREFIX = b"Exif\0\0"
RAW_EXIF = "Raw profile type exif"  # EXIF as text in a PNG, as ImageMagick writes it
LARGEST_RAW_EXIF = 1 << 17  # letters; EXIF in a JPEG has at most half of that


def is_source(value: object) -> bool:
    """Tell whether something is a picture to be read, and not an array or a list of some."""
    return isinstance(value, Path | str | Image.Image | Sheet) or hasattr(value, "read")


def read_sheet(
    source: Source, name: str, longest_side: int = LONGEST_SIDE, invert: bool | None = None
) -> Sheet:
    """Decode a picture, if it is a file; arguments and errors as `read_grey`."""
    if isinstance(source, Sheet):
        return source
    grey, size = read_grey(source, name, longest_side)
    return Sheet(grey, invert, size)


def read_grey(
    source: Path | str | IO[bytes] | Image.Image, name: str, longest_side: int = LONGEST_SIDE
) -> tuple[Grey, tuple[int, int]]:
    """Decode a picture to grey levels, at most `longest_side` pixels long, and its size upright.

    Raises:
        PictureError: as `load_picture`; also if decoding would take too much memory.
    """
    check_open(source, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels count
            if isinstance(source, Image.Image):
                return _from_pillow(source, name, longest_side)
            return _from_file(source, name, longest_side)
    except TooLarge as error:
        raise _unreadable(str(error), name, "save it smaller") from error
    except UnidentifiedImageError as error:
        raise _unreadable("it is in no known format", name) from error
    except Image.DecompressionBombError as error:
        raise _unreadable("it has too many pixels", name, "save it smaller") from error
    except OSError as error:
        if error.strerror:  # what the system says: missing, forbidden, a folder
            raise PictureError(
                f"the picture cannot be read: {error.strerror}",
                where=name,
                next_step="addresses are not fetched: save the picture, and name the file"
                if ADDRESS.match(name)
                else "check the name, and that you may read the file",
            ) from error
        raise _unreadable("it is damaged or cut short", name) from error
    except _DECODER_ERRORS as error:
        if isinstance(source, Image.Image) and "closed" in str(error):  # nothing else tells
            raise _unreadable("it is closed", name, OPEN_AGAIN) from error
        raise _unreadable("it is damaged", name) from error


# What Pillow's decoders say of damaged files.
_DECODER_ERRORS = (
    ValueError, SyntaxError, TypeError, IndexError, EOFError, MemoryError, KeyError,
    OverflowError, ZeroDivisionError, struct.error, zlib.error,
)  # fmt: skip


def _unreadable(reason: str, name: str, next_step: str = "") -> PictureError:
    return PictureError(
        f"the picture cannot be read: {reason}",
        where=name,
        next_step=next_step or f"save it as one of: {', '.join(FORMATS)}",
    )


def check_open(source: object, name: str) -> None:
    """Raise PictureError if something is no picture to be read: no file, or not open for bytes."""
    if isinstance(source, Path | Image.Image | Sheet):
        return
    if isinstance(source, str):
        if not source:
            raise _unreadable("its name is empty", name, "name a file")
        return
    if not hasattr(source, "read"):
        raise _unreadable(
            f"it is of type {type(source).__name__}, not a path or an open file",
            name,
            "name a file; for an array there is model.predict(images)",
        )
    if getattr(source, "closed", False):
        raise _unreadable("the file is closed", name, OPEN_AGAIN)
    if isinstance(source.read(0), str):
        raise _unreadable("the file is open as text", name, 'open it with "rb"')


def _opened(source: Path | str | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """Open a file that is named; what is open already stays open, and is read if it cannot seek."""
    if isinstance(source, Path | str):
        return open_plain(source)
    return nullcontext(source if _is_seekable(source) else read_stream(source))


def rereadable(source: Source, name: str) -> Source:
    """Return what can be read more than once: a pipe is read whole; see `read_stream`."""
    check_open(source, name)
    if isinstance(source, Path | str | Image.Image | Sheet) or _is_seekable(source):
        return source
    return read_stream(source)


def _is_seekable(file: IO[bytes]) -> bool:
    return hasattr(file, "seekable") and file.seekable()


def read_stream(stream: IO[bytes]) -> io.BytesIO:
    """Read what comes through a pipe, as much as a picture may have.

    Raises:
        PictureError: it has more, or has no end.
    """
    data = stream.read(LARGEST_COPIED_BYTES + 1)
    if len(data) > LARGEST_COPIED_BYTES:
        limit = f"more than {LARGEST_COPIED_BYTES / 1e6:,.0f} MB came"
        raise _unreadable(limit, "standard input", "save it to a file, or smaller")
    return io.BytesIO(data)


def _from_file(
    source: Path | str | IO[bytes], name: str, longest_side: int
) -> tuple[Grey, tuple[int, int]]:
    with _opened(source) as file:
        file_bytes = _check_file(file)
        if not file_bytes:
            raise _unreadable("it is empty, 0 bytes", name)
        with Image.open(file, formats=FORMATS) as picture:
            _check_pixels(picture)
            return _decode(picture, file_bytes, longest_side)


def _from_pillow(source: Image.Image, name: str, longest_side: int) -> tuple[Grey, tuple[int, int]]:
    """Reduce a copy of a picture that somebody opened, or made, with Pillow."""
    if 0 in source.size:
        raise _unreadable("it is empty, 0 pixels", name)
    _check_pixels(source)
    check_cost(source, 0)
    picture = source.copy()
    return _upright(picture, picture.size, longest_side)


def _check_pixels(picture: Image.Image) -> None:
    if picture.width * picture.height > LARGEST_PIXELS:
        raise TooLarge(f"it has more than {LARGEST_PIXELS:,} pixels")


def _check_file(file: IO[bytes]) -> int:
    """Return the size of a file in bytes, or raise TooLarge; it is left at its start."""
    file_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    check_file_size(file.read(4), file_bytes)
    check_tags(file)
    return file_bytes


def _decode(
    picture: Image.Image, file_bytes: int, longest_side: int
) -> tuple[Grey, tuple[int, int]]:
    width, height = picture.size
    picture.draft(None, (longest_side, longest_side))  # a JPEG can be decoded at a smaller size
    check_cost(picture, file_bytes)
    if picture.format == "TIFF":
        with quiet_libtiff():
            picture.load()
        width, height = picture.size  # Pillow has turned it
    picture.load()
    return _upright(picture, (width, height), longest_side)


def _upright(
    picture: Image.Image, size: tuple[int, int], longest_side: int
) -> tuple[Grey, tuple[int, int]]:
    """Return a loaded picture in grey and turned as EXIF says, and the size that it then has."""
    flat = reduce_on_white(picture, longest_side)
    turn = _turn(picture)
    if turn is not None:
        flat = flat.transpose(turn)
    return np.asarray(flat, np.uint8), size[::-1] if turn in SIDEWAYS else size


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = [TURNS[orientation] for orientation in (5, 6, 7, 8)]


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """Return how a loaded picture is turned upright."""
    exif = picture.info.get("exif", b"")
    while exif.startswith(EXIF_PREFIX):
        exif = exif.removeprefix(EXIF_PREFIX)
    check_tags(io.BytesIO(exif))
    if len(picture.info.get(RAW_EXIF, "")) > LARGEST_RAW_EXIF:
        del picture.info[RAW_EXIF]
    try:
        return TURNS.get(picture.getexif().get(EXIF_ORIENTATION, 1))
    except _DECODER_ERRORS:
        return None  # the pixels are sound, whatever is said of them


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


def as_png(grey: Grey) -> bytes:
    """Return a picture (height, width) uint8 as the bytes of a PNG file."""
    packed = io.BytesIO()
    Image.fromarray(grey).save(packed, "PNG")
    return packed.getvalue()


def save_picture(image: NDArray[np.uint8], path: Path) -> None:
    """Write a picture to a file, in the format of its suffix, whole or not at all.

    Args:
        image: (height, width) grey or (height, width, 3) red, green and blue, uint8.

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
