"""Pictures and labels as callers have them, checked and brought into the one form used here.

Whoever trains or measures from Python passes through this door: what does not fit is refused with
what was found and what was expected, instead of training to nonsense in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import ArrayError

SIZE = 28
LARGEST_LABEL = 9
ROUNDING = 1e-6  # of floats: 1.0000000000000002 is what a scaler makes of 1
ONE_PICTURE = "one picture is an array of one: images[np.newaxis]"

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


def as_images(images: Any) -> Images:
    """Return pictures as (n, 28, 28) uint8, 0–255.

    Args:
        images: (n, 28, 28) or (n, 784), uint8 0–255 or float 0–1; any other integers 0–255 will
            do; whatever `numpy.asarray` takes. Floats are rounded to 255 levels.

    Raises:
        ArrayError: another shape or type, no picture at all, a value out of range, or NaN.

    >>> int(as_images(np.ones((1, 784)))[0, 0, 0])
    255
    """
    array = _as_array(images, "pictures")
    if array.dtype.kind in "US":
        raise ArrayError(
            "pictures should be numbers, and are texts",
            next_step="files are read one at a time: DigitClassifier.predict(path)",
        )
    if array.ndim not in (2, 3) or array.shape[1:] not in ((SIZE, SIZE), (SIZE * SIZE,)):
        raise ArrayError(
            f"pictures should be (n, 28, 28) or (n, 784), and are {array.shape}",
            next_step=ONE_PICTURE if array.shape in ((SIZE, SIZE), (SIZE * SIZE,)) else "",
        )
    if len(array) == 0:
        raise ArrayError("there are no pictures")
    if array.dtype != np.uint8:
        array = _as_levels(array)
    return array.reshape(-1, SIZE, SIZE)


def _as_levels(array: NDArray[Any]) -> Images:
    highest = {"f": 1, "i": 255, "u": 255}.get(array.dtype.kind)
    if highest is None:
        raise ArrayError(f"pictures should be uint8 or float, and are {array.dtype}")
    low, high = array.min(), array.max()
    slack = ROUNDING if highest == 1 else 0
    if not (low >= -slack and high <= highest + slack):  # NaN is neither
        raise ArrayError(
            f"{array.dtype} pictures should lie between 0 and {highest}, and lie between "
            f"{low:g} and {high:g}",
            next_step="grey levels 0 to 255 are expected as uint8, or divided by 255 as float",
        )
    return (np.rint(array * 255) if highest == 1 else array).astype(np.uint8)


def as_labels(labels: Any, count: int) -> Labels:
    """Return labels as (count,) uint8.

    Args:
        labels: (count,) integers 0 … 9 of any type; whatever `numpy.asarray` takes.
        count: how many pictures there are.

    Raises:
        ArrayError: another shape or type, another number, or a label that is no digit.

    >>> as_labels([3, 1], 2)
    array([3, 1], dtype=uint8)
    """
    array = _as_array(labels, "labels")
    if array.ndim != 1:
        raise ArrayError(f"labels should be (n,), one a picture, and are {array.shape}")
    if len(array) != count:
        raise ArrayError(f"there are {count:,} pictures, but {len(array):,} labels")
    if array.dtype.kind not in "iu":
        raise ArrayError(
            f"labels should be integers, and are {array.dtype}",
            next_step="whole numbers in another form become integers with np.asarray(labels, int)",
        )
    if not (array.min() >= 0 and array.max() <= LARGEST_LABEL):
        raise ArrayError(
            f"labels should be 0 to {LARGEST_LABEL}, and go from {array.min()} to {array.max()}"
        )
    return array.astype(np.uint8, copy=False)


def _as_array(values: Any, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:  # rows of different length; a tensor on a GPU
        raise ArrayError(f"the {name} do not make an array: {error}") from error
