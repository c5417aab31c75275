"""Grey morphology: what is narrower than some width is smoothed away, or bridged."""

from __future__ import annotations

import numpy as np

from nnscratch.pictures.framing import Ink


def opening(tones: Ink, width: int) -> Ink:
    """Smooth away what is bright and narrower than `width` pixels, an odd number."""
    eroded = running(np.minimum, running(np.minimum, tones, width, 0), width, 1)
    return running(np.maximum, running(np.maximum, eroded, width, 0), width, 1)


def closing(tones: Ink, width: int) -> Ink:
    """Bridge what is dark between bright above and bright below, lower than `width` rows."""
    return running(np.minimum, running(np.maximum, tones, width, 0), width, 0)


def running(extreme: np.ufunc, tones: Ink, width: int, axis: int) -> Ink:
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
