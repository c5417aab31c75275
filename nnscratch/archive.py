"""Arrays in an `.npz`, a zip archive: packed so that bytes repeat, unpacked without any trust.

The members are stored uncompressed, so that every size can be judged from the archive's directory
before a byte is read; and `numpy.load`, which advises pickles, is not asked.
"""

from __future__ import annotations

import io
import json
import math
import struct
import tokenize
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.products import Floats

LARGEST_TEXT_BYTES = 1 << 26  # the history of a hundred thousand epochs
LARGEST_HEADER_BYTES = 256

Members = Mapping[str, bytes]  # the `.npy` of each name


class UnsoundError(Exception):
    """An archive, or a member of it, is not what it must be; the text names it."""


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack arrays as `numpy.savez` does, with the fixed date of 1980 that zip begins at."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return packed.getvalue()


def unpack(
    file: IO[bytes],
    file_bytes: int,
    expected: Callable[[list[str]], tuple[str, ...]],
    texts: tuple[str, ...],
) -> Members:
    """Read the members of an archive, once its directory is found sound.

    Args:
        file_bytes: its size.
        expected: which members there must be, given the names of those that there are.
        texts: the names of those that may be at most LARGEST_TEXT_BYTES.

    Raises:
        UnsoundError: it is damaged, lacks a member, has one too many, or one is packed otherwise.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_directory(archive, file_bytes, expected, texts)
            return {
                info.filename.removesuffix(".npy"): archive.read(info)
                for info in archive.infolist()
            }
    except zipfile.BadZipFile as error:
        raise UnsoundError("it is damaged, or not a model file") from error
    except (NotImplementedError, RuntimeError, ValueError, EOFError, struct.error) as error:
        # What zipfile says of an archive whose directory is damaged.
        raise UnsoundError("it is damaged") from error


def holds(path: Path, names: tuple[str, ...]) -> bool:
    """Tell whether a file is an archive that has members of all these names, sound or not."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in names} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        return False


def _check_directory(
    archive: zipfile.ZipFile,
    file_bytes: int,
    expected: Callable[[list[str]], tuple[str, ...]],
    texts: tuple[str, ...],
) -> None:
    """Judge names, sizes and packing from the archive's directory, before anything is read."""
    names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
    wanted = expected(names)
    for name in wanted:
        if names.count(name) != 1:
            lacks = "missing" if name not in names else "doubled"
            raise UnsoundError(f"the member {name} is {lacks}")
    for info, name in zip(archive.infolist(), names, strict=True):
        if name not in wanted or info.filename != f"{name}.npy":
            raise UnsoundError(f"it has a member that no model has: {info.filename[:40]!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise UnsoundError(f"the member {name} is compressed, and ours never are")
        if name in texts and info.file_size > LARGEST_TEXT_BYTES:
            raise UnsoundError(f"the member {name} is too large")
    if sum(info.file_size for info in archive.infolist()) > file_bytes:
        raise UnsoundError("its members are larger than the file")


def read_json(name: str, members: Members) -> dict[str, Any]:
    """Return the JSON object that the text of a member is."""
    shape, _, dtype, body = _split_header(name, members[name])
    if shape != () or dtype.kind != "U" or dtype.byteorder == ">":
        raise UnsoundError(f"the member {name} is not a text")
    if len(body) != dtype.itemsize:
        raise UnsoundError(
            f"the member {name} has {len(body):,} bytes, and declares {dtype.itemsize:,}"
        )
    try:
        value = json.loads(bytes(body).decode("utf-32-le").rstrip("\0"))
    except (ValueError, RecursionError) as error:
        raise UnsoundError(f"the member {name} is not JSON") from error
    if not isinstance(value, dict):
        raise UnsoundError(f"the member {name} is not a JSON object")
    return value


def read_floats(name: str, members: Members, shape: tuple[int, ...]) -> Floats:
    """Return the finite float32 numbers of a member, which must have this shape."""
    found, fortran_order, dtype, body = _split_header(name, members[name])
    if dtype != np.dtype("<f4"):
        raise UnsoundError(f"the member {name} should hold <f4, and holds {dtype.str}")
    if found != shape:
        raise UnsoundError(f"the member {name} should be {shape}, and is {found}"[:120])
    if fortran_order:
        raise UnsoundError(f"the member {name} is stored column by column, and ours never are")
    if len(body) != 4 * math.prod(shape):
        raise UnsoundError(f"the member {name} has {len(body):,} bytes for the shape {shape}")
    values: Floats = np.frombuffer(body, "<f4").reshape(shape)
    if not np.isfinite(values).all():
        raise UnsoundError(f"the member {name} holds a value that is not a finite number")
    return values


def _split_header(
    name: str, member: bytes
) -> tuple[tuple[int, ...], bool, np.dtype[Any], memoryview]:
    """Part an `.npy` into shape, order, type and bytes; NumPy reads the header, and only that.

    Its reader of whole arrays allocates what the header declares, and advises pickles.
    """
    file = io.BytesIO(member)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise UnsoundError(f"the member {name} is not an array")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(
            file, max_header_size=LARGEST_HEADER_BYTES
        )
    except (
        ValueError, TypeError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError,
    ) as error:  # fmt: skip
        raise UnsoundError(f"the member {name} has a damaged header") from error
    return shape, fortran_order, dtype, memoryview(member)[file.tell() :]
