"""IDX, the format of the MNIST files: a short header, then one byte a value.

    offset 0   two zero bytes
    offset 2   one byte, the type: 0x08 is unsigned byte, the only one MNIST uses
    offset 3   one byte, the rank: 3 for pictures, 1 for labels
    offset 4   per dimension a 32-bit big-endian length
    then       the values, last dimension fastest

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import IDXError

UNSIGNED_BYTE = 0x08


def decode_idx(data: bytes, *, rank: int, where: str = "") -> NDArray[np.uint8]:
    """Read the bytes of one IDX file.

    Args:
        data: the whole file, unpacked.
        rank: how many dimensions there must be: 3 for pictures, 1 for labels.
        where: the file's name, for the error.

    Returns:
        A read-only uint8 array that shares memory with `data`.

    Raises:
        IDXError: if any field is not what it must be; nothing is allocated before all are checked.

    >>> decode_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]), rank=1)
    array([5, 7], dtype=uint8)
    """
    header = 4 + 4 * rank
    if len(data) < header:
        raise _damaged("the header", f"{header} bytes long", str(len(data)), where)
    zeros, kind, found_rank = struct.unpack_from(">HBB", data)
    if zeros != 0:
        raise _damaged("the magic number", "two zero bytes", f"{data[:2].hex(' ')}", where)
    if kind != UNSIGNED_BYTE:
        raise _damaged("the type", "0x08 (unsigned byte)", f"0x{kind:02x}", where)
    if found_rank != rank:
        raise _damaged("the number of dimensions", str(rank), str(found_rank), where)
    shape = struct.unpack_from(f">{rank}I", data, 4)
    if 0 in shape:
        raise _damaged("the shape", "no dimension of length 0", _times(shape), where)
    expected = header + math.prod(shape)
    if len(data) != expected:
        raise _damaged(f"the length for {_times(shape)}", f"{expected:,}", f"{len(data):,}", where)
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def encode_idx(array: NDArray[np.uint8]) -> bytes:
    """Write a uint8 array of rank 1 to 255 as the bytes of an IDX file.

    >>> encode_idx(np.array([5, 7], np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 02 05 07'
    """
    header = struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(f"{length:,}" for length in shape)


def _damaged(field: str, expected: str, found: str, where: str) -> IDXError:
    return IDXError(
        f"this is not a sound IDX file: {field} should be {expected}, and is {found}",
        where=where,
        next_step="replace the file",
    )
