"""The multiplying beneath the blackboard: products, sums as products, and where arrays lie.

Nothing here knows what a network is. The functions give the numbers that plain NumPy gives, and
differ from it in how fast they are, and in that an array keeps its place in memory.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.floating[Any]]
CACHE_LINE_BYTES = 64


def product(left: Floats, right: Floats, out: Floats | None = None) -> Floats:
    """Return left·right, in `out` if it is given.

    Written `dot` and not `@`, which for matrices as small as ours costs twice as much.

    Args:
        left: (n, k); right: (k, m); any real dtypes.
        out: (n, m) of any float dtype; overwritten.

    >>> product(np.array([[1, 2]]), np.array([[3], [4]]), out=np.zeros((1, 1), np.float32))
    array([[11.]], dtype=float32)
    """
    if out is None:
        result: Floats = left.dot(right)
        return result
    if left.dtype == right.dtype == out.dtype:
        return left.dot(right, out=out)
    out[:] = left.dot(right)
    return out


@functools.lru_cache(maxsize=8)
def ones(N: int, dtype: np.dtype[Any]) -> Floats:
    """Return 1_N, a column of N ones, (N, 1): a product with it is a sum, at a third of the cost.

    Made once and shared, and so read-only.
    """
    return _read_only(np.ones((N, 1), dtype))


@functools.lru_cache(maxsize=8)
def identity(K: int, dtype: np.dtype[Any]) -> Floats:
    """Return the identity, (K, K), whose columns are the ten possible Y. Shared, and read-only."""
    return _read_only(np.eye(K, dtype=dtype))


def _read_only(array: Floats) -> Floats:
    array.setflags(write=False)
    return array


def scale_pixels(
    images: NDArray[np.uint8], dtype: DTypeLike = np.float32, out: Floats | None = None
) -> Floats:
    """Turn grey levels 0–255 into the network's input, one row a picture.

        A = images / 255

    Args:
        images: (N, 28, 28) or (N, 784) uint8, ink bright on a dark ground.
        dtype: float32 for work, float64 for checks.
        out: room for at least N rows, filled instead of a new array; has its own dtype.

    Returns:
        A, (N, 784) in [0, 1].

    The only place where pixels become numbers: training, evaluation and prediction all pass here.

    >>> float(scale_pixels(np.full((1, 28, 28), 255, np.uint8)).max())
    1.0
    """
    N = len(images)
    rows = images.reshape(N, -1)
    A: Floats = empty_batch(N, rows.shape[1], dtype) if out is None else out[:N]
    A[:] = rows
    A *= 1 / 255
    return A


def empty_batch(N: int, features: int, dtype: DTypeLike = np.float32) -> Floats:
    """Return room for A, (N, features), which `scale_pixels` can fill again and again.

    It starts on a cache line, where NumPy promises 16 bytes: vector instructions then touch each
    line once and not twice.
    """
    itemsize = np.dtype(dtype).itemsize
    room: Floats = np.empty(N * features + CACHE_LINE_BYTES // itemsize, dtype)
    start = -room.ctypes.data % CACHE_LINE_BYTES // itemsize
    return room[start : start + N * features].reshape(N, features)


def kept(name: str) -> Any:
    """Declare an attribute whose array keeps its place: what is assigned is copied into it.

    The arrays of a network's layers are pieces of two vectors, and stay so whoever assigns. The
    first array assigned is taken as it is; one that does not fit raises ValueError.
    """
    place_name = f"_{name}"

    def assign(owner: object, value: Any) -> None:
        place = vars(owner).setdefault(place_name, value)
        if place is not value:
            place[...] = fitting(value, place, name)

    return property(operator.attrgetter(place_name), assign)


def fitting(value: Any, place: Floats, name: str) -> NDArray[Any]:
    """Return `value` as an array of the shape of `place`.

    Raises:
        ValueError: its shape is another, even one that NumPy would stretch to it.
    """
    array = np.asarray(value)
    if array.shape != place.shape:
        raise ValueError(f"{name} should have the shape {place.shape}, and has {array.shape}")
    return array


def join(places: Mapping[str, tuple[object, str]]) -> tuple[Floats, dict[str, Floats]]:
    """Move arrays of several owners into one vector, one after the other.

    Args:
        places: of each array a name, the owner, and the owner's `kept` attribute.

    Returns:
        The vector, and by name its pieces, in the arrays' own shapes: from now on the attributes.
    """
    arrays: dict[str, Floats] = {name: getattr(*place) for name, place in places.items()}
    vector = np.concatenate([array.ravel() for array in arrays.values()])
    pieces = split(vector, arrays)
    for name, (owner, attribute) in places.items():
        vars(owner)[f"_{attribute}"] = pieces[name]
    return vector, pieces


def split(vector: Floats, arrays: Mapping[str, Floats]) -> dict[str, Floats]:
    """Cut a vector into pieces as long as the arrays, in their shapes; they share its memory.

    >>> split(np.arange(3.0), {"W": np.zeros((1, 2)), "b": np.zeros(1)})
    {'W': array([[0., 1.]]), 'b': array([2.])}
    """
    ends = np.cumsum([array.size for array in arrays.values()])
    pieces = np.split(vector, ends[:-1])
    return {
        name: piece.reshape(array.shape)
        for (name, array), piece in zip(arrays.items(), pieces, strict=True)
    }
