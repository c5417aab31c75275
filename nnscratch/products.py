"""The multiplying beneath the blackboard: products, sums as products, and where arrays lie.

Nothing here knows what a network is. The functions give the numbers that plain NumPy gives, up to
rounding, and differ from it in how fast they are, and in that an array keeps its place in memory.
How a product is cut depends on its shape and on the kind of processor, and never on how many cores
there are: which of them computes a piece cannot change its bits. Measured in `docs/scaling.md`.
"""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnscratch.cores import Helper, helper_here
from nnscratch.errors import ArrayError

Floats = NDArray[np.floating[Any]]
CACHE_LINE_BYTES = 64
PIECE = 1 << 17  # numbers; so many of a vector fit in the cache of a core

THIN = 32  # rows and columns of a tile; a matrix with fewer rows is thin
UNROLLED = 48  # rows or columns that every kernel takes in whole steps
DEEPEST_IN_TILES = 4096  # samples; larger batches come from memory, and tiles were not tried
# Handing over to another core and back costs 50 µs, and what it computed comes from its cache.
WORTH_SHARING = 80_000_000  # multiplications; at 51 million nothing was gained, at 103 a fifth
THICK = 128  # rows, columns and depth; 512 units and batches of 64 became slower, and have 64

# OpenBLAS has kernels for small matrices, and takes them up to a million multiplications, and up to
# 1,200 numbers in the result where the right matrix is a transposed one
# (`sgemm_small_kernel_permit_skylakex.c`). With 784 inputs the second is the tighter limit.
SMALL_PRODUCT = 1_200 * 783
SMALL_KERNEL_CORES = ("skylakex", "cooperlake", "sapphirerapids")
AVX512 = {"AVX512_SKX", "X86_V4"}  # as NumPy called it up to 2.3, and calls it since


def product(left: Floats, right: Floats, out: Floats | None = None) -> Floats:
    """Return left·right, in `out` if it is given.

    Written `dot` and not `@`, which for matrices as small as ours costs twice as much. Inside
    `cores.second_core` a large product is cut in two for two cores, and into tiles where BLAS has
    kernels for small matrices.

    Args:
        left: (n, k); right: (k, m); any real dtypes.
        out: (n, m) of any float dtype; overwritten.

    >>> product(np.array([[1, 2]]), np.array([[3], [4]]), out=np.zeros((1, 1), np.float32))
    array([[11.]], dtype=float32)
    """
    if len(left) * right.size > largest_uncut() and (helper := helper_here()):
        return _large_product(left, right, out, helper)
    if out is None:
        result: Floats = left.dot(right)
        return result
    if left.dtype == right.dtype == out.dtype:
        return left.dot(right, out=out)
    out[:] = left.dot(right)
    return out


def _large_product(left: Floats, right: Floats, out: Floats | None, helper: Helper) -> Floats:
    """Cut a product in two if that pays, and then into tiles."""
    n, k, m = *left.shape, right.shape[1]
    if out is None:
        out = np.empty((n, m), np.result_type(left, right))
    if min(n, k, m) < THICK or n * k * m < WORTH_SHARING:
        _in_tiles(left, right, out)
        return out
    if 2 * n > m:  # what is not cut is read twice, and `right` is read faster
        half = n // 2 // UNROLLED * UNROLLED
        first = left[:half], right, out[:half]
        second = left[half:], right, out[half:]
    else:
        half = m // 2 // UNROLLED * UNROLLED
        first = left, right[:, :half], out[:, :half]
        second = left, right[:, half:], out[:, half:]
    helper.share(lambda: _in_tiles(*first), lambda: _in_tiles(*second))
    return out


def _in_tiles(left: Floats, right: Floats, out: Floats) -> None:
    """Fill `out` with left·right: tile by tile in one call of NumPy, and the ragged rest in others.

    Unlike `dot`, `matmul` loops over tiles in C, and writes where they belong without a copy.
    """
    n, k, m = *left.shape, right.shape[1]
    rows, depth, columns = tile(n, k, m, right.strides[0] < right.strides[1])
    with np.errstate(all="ignore"):  # whoever trains looks at the loss, and not in every thread
        if depth < k:
            _over_depth(left, right, depth, out)
            return
        N, M = n - n % rows, m - m % columns
        np.matmul(
            left[:N].reshape(-1, 1, rows, k),
            right[:, :M].T.reshape(1, -1, columns, k).swapaxes(2, 3),
            out=out[:N, :M].reshape(-1, rows, M // columns, columns).swapaxes(1, 2),
        )
        if m > M:
            np.matmul(left[:N], right[:, M:], out=out[:N, M:])
        if n > N:
            np.matmul(left[N:], right, out=out[N:])


def _over_depth(left: Floats, right: Floats, depth: int, out: Floats) -> None:
    """Fill `out` with left·right as a sum of products, each over `depth` of the k in between."""
    n, k, m = *left.shape, right.shape[1]
    K = k - k % depth
    parts = np.matmul(
        left[:, :K].reshape(n, -1, depth).swapaxes(0, 1), right[:K].reshape(-1, depth, m)
    )
    np.add.reduce(parts, axis=0, out=out)
    if k > K:
        out += np.matmul(left[:, K:], right[K:])


def tile(n: int, k: int, m: int, transposed: bool) -> tuple[int, int, int]:
    """Choose rows, depth and columns of the tiles for (n, k)·(k, m); the product may be the tile.

    The tiles are as large as the kernels for small matrices take. Where there are none, tiles only
    cost.

    Args:
        transposed: whether `right` lies in memory column by column, as in W·Aᵀ.

    >>> tile(7, 784, 9, True)
    (7, 784, 9)
    """
    samples = m if transposed else k
    if n * k * m <= SMALL_PRODUCT or samples > DEEPEST_IN_TILES or not small_kernels():
        return n, k, m
    return _forward_tile(n, k, m) if transposed else _backward_tile(n, k, m)


def _forward_tile(n: int, k: int, m: int) -> tuple[int, int, int]:
    """Choose tiles for W·Aᵀ: 32 units × 32 samples, or all of few units × 64 samples.

    113 GFLOP/s for 97 at 512 units and batches of 64; 102 for 29 at 10 and 1,024.
    """
    if k < THIN or THIN * THIN * k > SMALL_PRODUCT:
        return n, k, m
    columns = 2 * THIN if n * 2 * THIN * k <= SMALL_PRODUCT else THIN
    return min(n, THIN), k, min(m, columns)


def _backward_tile(n: int, k: int, m: int) -> tuple[int, int, int]:
    """Choose tiles for dLdZᵀ·A: as many units as the kernels take, or few units over 64 samples.

    112 GFLOP/s for 97 at 128 units and batches of 64. Over more than 128 samples the tiles would
    have too few units, and the product is as good undivided: 103 at 128 units and 256 samples.
    """
    if m < 16 * THIN:
        return n, k, m
    if n < THIN:
        return n, min(k, 2 * THIN if n * 2 * THIN * m <= SMALL_PRODUCT else THIN), m
    rows = min(THIN, SMALL_PRODUCT // (k * m) // 8 * 8)
    return rows or n, k, m


@functools.cache
def largest_uncut() -> int:
    """Return up to how many multiplications nothing is gained by cutting a product."""
    return SMALL_PRODUCT if small_kernels() else WORTH_SHARING


@functools.cache
def small_kernels() -> bool:
    """Tell whether BLAS has kernels for small matrices: OpenBLAS on processors with AVX-512 has."""
    about: Any = np.show_config(mode="dicts")
    if "openblas" not in about.get("Build Dependencies", {}).get("blas", {}).get("name", ""):
        return False
    told = os.environ.get("OPENBLAS_CORETYPE", "").lower()  # what OpenBLAS obeys
    found = AVX512.intersection(about.get("SIMD Extensions", {}).get("found", ()))
    return told in SMALL_KERNEL_CORES if told else bool(found)


def add_multiple(place: Floats, factor: float, vector: Floats) -> None:
    """Add a multiple of a vector to another: place ← place + factor·vector.

    The bits are those of `place += factor * vector`. A long vector is taken in pieces, so that the
    products are still in the cache when they are added, and need no memory of their own.

    Args:
        place, vector: (n,) of one dtype; `place` is changed.

    >>> theta = np.array([1.0, 2.0])
    >>> add_multiple(theta, -0.5, np.array([2.0, 0.0]))
    >>> theta
    array([0., 2.])
    """
    if len(place) <= PIECE:
        place += factor * vector
        return
    room = np.empty(PIECE, place.dtype)
    for start in range(0, len(place), PIECE):
        part = place[start : start + PIECE]
        multiple = room[: len(part)]
        np.multiply(vector[start : start + PIECE], factor, multiple)
        np.add(part, multiple, part)


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

    Raises:
        ArrayError: they are not uint8; floats would be divided once more.

    The only place where pixels become numbers: training, evaluation and prediction all pass here.

    >>> float(scale_pixels(np.full((1, 28, 28), 255, np.uint8)).max())
    1.0
    """
    found = getattr(images, "dtype", type(images).__name__)
    if found != np.uint8:
        raise ArrayError(f"pixels should be an array of uint8, 0 to 255, and are {found}")
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
