"""What a picture may cost, judged from its header before anything of it is unpacked.

A few kilobytes can declare a hundred million pixels, or a tag table that points at the same
megabyte a thousand times. Whoever decodes pays for what is declared: so it is added up first, in
bytes, for the format and mode at hand, and refused where it is more than a picture of a digit is
worth. Phones' pictures of 48 megapixels pass.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import IO, Any

from PIL import Image

LARGEST_PIXELS = 100_000_000
LARGEST_DECODING_BYTES = 350_000_000  # all that a decoder holds at once
LARGEST_FILE_BYTES = 160_000_000  # 48 megapixels without packing
LARGEST_COPIED_BYTES = 64_000_000  # of what is read whole: WebP, and a stream
LARGEST_TAG_BYTES = 16_000_000  # in one table of tags, and of one kind of number:
LARGEST_TAG_COUNT = 1_000_000

# Bytes a pixel. Pillow keeps colour in four, whatever the file has.
IN_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
IN_COLOUR = 4
IN_WEBP = 15  # libwebp's two canvases and its frame, and the copy that Pillow gets
IN_RUNS = 3  # a BMP of runs passes through Python
IN_COEFFICIENT = 2  # of a JPEG in several scans
IN_PACKED_TIFF = 16  # of a strip or tile in JPEG or WebP
TIFF_COPIES = 3  # of any other: packed, unpacked, and Pillow's
ROW_COPIES = 16  # bytes of a row that a decoder holds aside, for each pixel

ORIENTATION, BITS, SAMPLES, STRIP_ROWS, TILE_WIDTH, TILE_LENGTH = 274, 258, 277, 278, 322, 323


class TooLarge(Exception):
    """A picture would cost more than it may; the text says what of it."""


def check_file_size(head: bytes, file_bytes: int) -> None:
    """Raise TooLarge if a file has more bytes than a picture needs; WebP is read whole, and copied.

    Args:
        head: its first bytes.
    """
    most = LARGEST_COPIED_BYTES if head[:4] == b"RIFF" else LARGEST_FILE_BYTES
    if file_bytes > most:
        raise TooLarge(f"the file is larger than {most / 1e6:,.0f} MB")


def check_cost(picture: Image.Image, file_bytes: int) -> None:
    """Raise TooLarge if decoding would hold more memory at once than a picture may cost.

    Args:
        picture: opened and not yet loaded; a JPEG with its draft chosen.
        file_bytes: the size of its file.
    """
    decoding = decoding_bytes(picture, file_bytes)
    if decoding > LARGEST_DECODING_BYTES:
        raise TooLarge(
            f"{picture.width:,}×{picture.height:,} pixels of this kind take "
            f"{decoding / 1e6:,.0f} MB of memory, and {LARGEST_DECODING_BYTES / 1e6:,.0f} MB "
            "are allowed"
        )


def decoding_bytes(picture: Image.Image, file_bytes: int) -> int:
    """Return how many bytes decoding holds at once: pixels, metadata, and the decoder's own."""
    pixels = picture.width * picture.height
    in_mode = IN_MODE.get(picture.mode, IN_COLOUR)
    metadata = sum(len(value) for value in picture.info.values() if isinstance(value, bytes | str))
    besides: dict[str, Callable[[], int]] = {
        "BMP": lambda: pixels * IN_RUNS if _codec(picture) == "bmp_rle" else 0,
        "GIF": lambda: pixels,
        "JPEG": lambda: _coefficient_bytes(picture),
        "MPO": lambda: _coefficient_bytes(picture),
        "TIFF": lambda: _tiff_bytes(picture, pixels * in_mode),
        "WEBP": lambda: pixels * IN_WEBP + file_bytes,
    }
    own = besides.get(picture.format or "", int)()
    return pixels * in_mode + picture.width * ROW_COPIES + metadata + own


def _codec(picture: Image.Image) -> str:
    tiles = getattr(picture, "tile", [])
    return str(tiles[0][0]) if tiles else ""


def _coefficient_bytes(picture: Image.Image) -> int:
    """Return what a JPEG in several scans needs: all coefficients, whatever the draft."""
    scale = (getattr(picture, "decoderconfig", ()) or (1,))[0]
    layers = getattr(picture, "layer", [])
    sampling = [(layer[1], layer[2]) for layer in layers]  # across, down
    finest = max((x for x, _ in sampling), default=1) * max((y for _, y in sampling), default=1)
    share = sum(x * y for x, y in sampling) / max(1, finest)
    return int(picture.width * picture.height * scale**2 * share * IN_COEFFICIENT)


def _tiff_bytes(picture: Image.Image, decoded: int) -> int:
    """Return what libtiff holds, a strip or tile at a time, and the copy that Pillow turns."""
    tags: Any = getattr(picture, "tag_v2", {})
    turned = decoded if tags.get(ORIENTATION, 1) != 1 else 0
    if _codec(picture) != "libtiff":
        return turned
    if TILE_WIDTH in tags:
        chunk = int(tags[TILE_WIDTH]) * int(tags.get(TILE_LENGTH, picture.height))
    else:
        chunk = picture.width * min(int(tags.get(STRIP_ROWS, picture.height)), picture.height)
    bits = tags.get(BITS, (8,))
    in_file = max(int(tags.get(SAMPLES, 1)), len(bits)) * max(1, max(bits) // 8) * TIFF_COPIES
    if picture.info.get("compression") in ("jpeg", "tiff_jpeg", "webp"):
        in_file = IN_PACKED_TIFF
    return int(turned + chunk * in_file)


# ---------------------------------------------------------------------------------- tables of tags

SUBTABLES = (34665, 34853, 40965)  # EXIF, GPS, interoperability
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
AS_BYTES = (1, 2, 7)  # types that stay bytes; of all others each number becomes an object
MOST_TAGS = 65536


def check_tags(file: IO[bytes]) -> None:
    """Raise TooLarge if the tables of tags at the start of a TIFF, or of EXIF, claim too much.

    Pillow copies what each tag points at as soon as a file is opened, and a thousand tags may
    point at the same megabyte.

    Args:
        file: seekable; what is no such table passes. It is left at its start.
    """
    file.seek(0)
    header = file.read(16)
    if header[:2] in (b"II", b"MM") and header[2:4].strip(b"\0") in (b"*", b"+"):
        order = "<" if header[:2] == b"II" else ">"
        big = b"+" in header[2:4]
        offset = int.from_bytes(
            header[8:16] if big else header[4:8], "little" if order == "<" else "big"
        )
        _check_table(
            file, offset, (order + "Q", order + "HHQQ") if big else (order + "H", order + "HHII")
        )
    file.seek(0)


def _check_table(file: IO[bytes], offset: int, layout: tuple[str, str], levels: int = 3) -> None:
    """Check the table at an offset, and those below it: a number of tags, then the tags."""
    of_number, of_tag = map(struct.Struct, layout)
    if offset > LARGEST_FILE_BYTES or levels == 0:
        return
    file.seek(offset)
    number = file.read(of_number.size)
    if len(number) < of_number.size:
        return  # cut short: Pillow says so
    table = file.read(min(of_number.unpack(number)[0], MOST_TAGS) * of_tag.size)
    tags = list(of_tag.iter_unpack(table[: len(table) // of_tag.size * of_tag.size]))
    claimed = sum(count * TYPE_BYTES.get(kind, 0) for _, kind, count, _ in tags)
    longest = max((count for _, kind, count, _ in tags if kind not in AS_BYTES), default=0)
    if claimed > LARGEST_TAG_BYTES or longest > LARGEST_TAG_COUNT:
        raise TooLarge(f"its tags claim {claimed / 1e6:,.0f} MB")
    for tag, _, _, value in tags:
        if tag in SUBTABLES:
            _check_table(file, value, layout, levels - 1)
