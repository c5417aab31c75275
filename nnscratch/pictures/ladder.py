"""The steps of the preparation one by one: a picture as it would be after each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnscratch.errors import NoDigitError
from nnscratch.pictures.framing import SIZE, resize
from nnscratch.pictures.ink import Grey, Sheet
from nnscratch.pictures.read import STEPS, frame
from nnscratch.pictures.segment import keep_digit

SHRUNK = "shrunk"


@dataclass(frozen=True)
class Rung:
    """A picture after one step of the preparation and all before it.

    Attributes:
        step: `shrunk`, before any of them, or one of `read.STEPS`.
        image: (28, 28) uint8.
    """

    step: str
    image: Grey


def climb(sheet: Sheet) -> Iterator[Rung]:
    """Yield a picture shrunk to 28×28 and no more, and then after each step of `prepare_grey`.

    The last is what `prepare_grey` gives. Where it would find no digit, the ladder ends.
    """
    shrunk = np.rint(resize(sheet.grey.astype(np.float32), SIZE, SIZE)).clip(0, 255)
    yield Rung(SHRUNK, shrunk.astype(np.uint8))
    try:
        ink, _ = sheet.ink()
        for number, step in enumerate(STEPS, 1):
            if step == "shape":
                ink, _ = keep_digit(ink)
            yield Rung(step, frame(ink, skip=STEPS[number:]).image)
    except NoDigitError:
        return
