"""Grey morphology: what is narrower than some width is smoothed away, or bridged."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Tone = TypeVar("Tone", np.float32, np.uint8)


def opening(tones: NDArray[Tone], width: int) -> NDArray[Tone]:
    """Smooth away what is bright and narrower than `width` pixels, an odd number."""
    eroded = running(np.minimum, running(np.minimum, tones, width, 0), width, 1)
    return running(np.maximum, running(np.maximum, eroded, width, 0), width, 1)


def closing(tones: NDArray[Tone], width: int) -> NDArray[Tone]:
    """Bridge what is dark between bright above and bright below, lower than `width` rows."""
    return running(np.minimum, running(np.maximum, tones, width, 0), width, 0)


def running(extreme: np.ufunc, tones: NDArray[Tone], width: int, axis: int) -> NDArray[Tone]:
    """Return the running minimum or maximum over `width` pixels along an axis, edges repeated.

    Windows are doubled until they are wide enough: log2(width) steps, whatever the width.
    """
    margin = [(0, 0), (0, 0)]
    margin[axis] = (width // 2, width // 2)
    padded = np.moveaxis(np.pad(tones, margin, mode="edge"), axis, 0)
    reached = 1
    while reached < width:
        step = min(reached, width - reached)
        padded = extreme(padded[:-step], padded[step:])
        reached += step
    return np.moveaxis(padded, 0, axis)


def places(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and the columns of all that is True in a mask (height, width).

    It is `numpy.nonzero`, which takes several times as long.
    """
    rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return rows, columns
