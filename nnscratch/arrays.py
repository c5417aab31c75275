"""Pictures and labels as callers have them, checked and brought into the one form used here.

Whoever trains or measures from Python passes through this door: what does not fit is refused with
what was found and what was expected, instead of training to nonsense in silence.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import ArrayError

SIZE = 28
LARGEST_LABEL = 9
ROUNDING = 1e-6  # of floats: 1.0000000000000002 is what a scaler makes of 1
ONE_PICTURE = "one picture is an array of one: images[np.newaxis]"
FORMS = "grey levels 0 to 255 are expected as uint8, or divided by 255 as float"
SCALERS = "a scaler must stay between 0 and 1, as MinMaxScaler(clip=True) does"

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


def as_images(images: Any) -> Images:
    """Return pictures as (n, 28, 28) uint8, 0–255.

    Args:
        images: (n, 28, 28) or (n, 784), uint8 0–255 or float 0–1; any other integers 0–255 will
            do, and bool, which is black and white; whatever `numpy.asarray` takes. Floats are
            rounded to 255 levels.

    Raises:
        ArrayError: another shape or type, no picture at all, a value out of range, NaN, masked
            values, or integers that are all 0 or 1, which are no grey levels.

    >>> int(as_images(np.ones((1, 784)))[0, 0, 0])
    255
    """
    array = _as_array(images, "pictures")
    if held := _no_numbers(array):
        raise ArrayError(
            f"pictures should be numbers, and are {held}",
            next_step="files are read one at a time: DigitClassifier.predict(path)",
        )
    if array.ndim not in (2, 3) or array.shape[1:] not in ((SIZE, SIZE), (SIZE * SIZE,)):
        raise ArrayError(
            f"pictures should be (n, 28, 28) or (n, 784), and are {_form(images, array)}",
            next_step=ONE_PICTURE
            if array.shape in ((SIZE, SIZE), (SIZE * SIZE,))
            else _way_out(images, array),
        )
    if len(array) == 0:
        raise ArrayError("there are no pictures")
    return _as_levels(array).reshape(-1, SIZE, SIZE)


def as_one_image(image: Any) -> Images:
    """Return one picture, (28, 28) or (784,), as (1, 28, 28); values and errors as `as_images`."""
    array = _as_array(image, "pixels of the picture")
    if array.shape not in ((SIZE, SIZE), (SIZE * SIZE,)):
        raise ArrayError(
            f"the picture should be an array (28, 28), and is {_form(image, array)}",
            next_step="of a file it is model.read(path).picture.image",
        )
    return as_images(array[np.newaxis])


def _as_levels(array: NDArray[Any]) -> Images:
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    highest = {"f": 1, "i": 255, "u": 255}.get(array.dtype.kind)
    if highest is None:
        raise ArrayError(f"pictures should be uint8 or float, and are {array.dtype}")
    low, high = array.min(), array.max()
    if np.isnan(high):
        raise ArrayError(
            f"pictures hold NaN, in {np.isnan(array).sum():,} of {array.size:,} pixels"
        )
    slack = ROUNDING if highest == 1 else 0
    if not (low >= -slack and high <= highest + slack):
        raise ArrayError(
            f"{array.dtype} pictures should lie between 0 and {highest}, and lie between "
            f"{low:g} and {high:g}",
            next_step=f"{FORMS}; {SCALERS}" if highest == 1 else FORMS,
        )
    if highest == 255 and low >= 0 and high == 1:
        raise ArrayError(
            f"{array.dtype} pictures should lie between 0 and 255, and hold only 0 and 1",
            next_step="black and white is images * 255, or images.astype(float)",
        )
    return (np.rint(array * 255) if highest == 1 else array).astype(np.uint8, copy=False)


def as_labels(labels: Any, count: int) -> Labels:
    """Return labels as (count,) uint8.

    Args:
        labels: (count,) integers 0 … 9 of any type; whatever `numpy.asarray` takes.
        count: how many pictures there are.

    Raises:
        ArrayError: another shape or type, another number, masked values, or a label that is no
            digit.

    >>> as_labels([3, 1], 2)
    array([3, 1], dtype=uint8)
    """
    array = _as_array(labels, "labels")
    if array.ndim != 1:
        raise ArrayError(
            f"labels should be (n,), one a picture, and are {_form(labels, array)}",
            next_step=_way_out(labels, array),
        )
    if len(array) != count:
        raise ArrayError(f"there are {count:,} pictures, but {len(array):,} labels")
    if array.dtype.kind not in "iu":
        raise _no_integers(array)
    if not (array.min() >= 0 and array.max() <= LARGEST_LABEL):
        raise ArrayError(
            f"labels should be 0 to {LARGEST_LABEL}, and go from {array.min()} to {array.max()}"
        )
    return array.astype(np.uint8, copy=False)


def _no_integers(array: NDArray[Any]) -> ArrayError:
    """Say of which type labels are; and how they become integers, if none would be cut off."""
    what = f"labels should be integers, and are {array.dtype}"
    try:
        numbers = array.astype(float)
        if np.isnan(numbers).any():
            return ArrayError(f"{what}, some of them NaN")
        if not np.array_equal(numbers, np.rint(numbers)):
            return ArrayError(f"{what}, some of them not whole")
        array.astype(int)
    except (ValueError, TypeError, OverflowError):
        return ArrayError(what)
    return ArrayError(
        what, next_step="whole numbers in another form become integers with np.asarray(labels, int)"
    )


def _as_array(values: Any, name: str) -> NDArray[Any]:
    parts = values if isinstance(values, list | tuple) else (values,)
    if any(map(np.ma.is_masked, parts)):
        raise ArrayError(
            f"some of the {name} are masked",
            next_step="leave them out, or fill them: array.filled(value)",
        )
    try:
        return np.asarray(values)
    except MemoryError:
        raise
    except Exception as error:  # rows of different length; a tensor on a GPU, or with a gradient
        raise ArrayError(f"the {name} do not make an array: {error}") from error


def _no_numbers(array: NDArray[Any]) -> str:
    """Return what an array holds that was meant to be read from files; nothing of numbers."""
    first = array.flat[0] if array.dtype.kind == "O" and array.size else None
    if array.dtype.kind in "US" or isinstance(first, str):
        return "texts"
    return "paths" if isinstance(first, os.PathLike) else ""


def _form(values: Any, array: NDArray[Any]) -> str:
    """Name a shape; of what NumPy takes for a single value, its type."""
    return f"of type {type(values).__name__}" if array.ndim == 0 else str(array.shape)


def _way_out(values: Any, array: NDArray[Any]) -> str:
    """Return how something that holds many values, and is a single one to NumPy, becomes many."""
    if array.ndim:
        return ""
    if hasattr(values, "toarray"):
        return "a sparse array becomes a full one with toarray()"
    return "a list can be made of it: list(…)" if hasattr(values, "__next__") else ""
