"""Answers drawn onto the picture they were read from: a box around each digit, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from nnscratch.pictures.ink import Grey

SURE, UNSURE = (0, 122, 61), (204, 85, 0)  # told apart by the colour-blind
SMALLEST_SIDE = 640  # pixels; a smaller picture is enlarged, so that the answers can be read
LETTERS = 0.4  # of the height of the digits
SMALLEST_LETTERS = 12  # pixels
ROOM = 1.2  # of their height, that letters need
LONGEST_SIDE = 4000  # pixels; a larger picture is reduced


@dataclass(frozen=True)
class Mark:
    """A box, (left, top, right, bottom) in pixels of the upright picture, and what stands in it."""

    box: tuple[int, int, int, int]
    text: str
    sure: bool = True


def mark(grey: Grey, size: tuple[int, int], marks: Sequence[Mark]) -> NDArray[np.uint8]:
    """Draw marks onto a picture: green where the answer is sure, orange where it is not.

    Args:
        grey: (height, width) uint8, as `read_grey` gives it.
        size: width and height of the upright picture, in pixels: what the boxes count in.

    Returns:
        (height, width, 3) uint8, the longer side at least 640; with white beneath the picture where
        its last answers need it.
    """
    factor = max(1, -(-SMALLEST_SIDE // max(grey.shape)))
    page = np.kron(grey, np.ones((factor, factor), np.uint8)) if factor > 1 else grey
    scale = page.shape[1] / size[0], page.shape[0] / size[1]
    boxes = [tuple(round(x * scale[k % 2]) for k, x in enumerate(one.box)) for one in marks]
    letters = [max(SMALLEST_LETTERS, round(LETTERS * (box[3] - box[1]))) for box in boxes]
    tops = [_top_of_letters(box, high) for box, high in zip(boxes, letters, strict=True)]
    lowest = max((top + ROOM * high for top, high in zip(tops, letters, strict=True)), default=0)
    beneath = max(0, round(lowest) - page.shape[0])  # where there is no room above the first row
    page = np.pad(page, ((0, beneath), (0, 0)), constant_values=255)
    picture = Image.fromarray(page).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for one, (left, top, right, bottom), high, at in zip(marks, boxes, letters, tops, strict=True):
        colour = SURE if one.sure else UNSURE
        draw.rectangle((left - 2, top - 2, right + 1, bottom + 1), outline=colour, width=2)
        font = ImageFont.load_default(high)
        draw.rectangle(draw.textbbox((left, at), one.text, font), "white")  # readable on any ink
        draw.text((left, at), one.text, colour, font)
    return np.asarray(picture)


def _top_of_letters(box: tuple[int, ...], high: int) -> float:
    """Return where an answer stands: above its box, or below where there is no room."""
    above = box[1] - 3 - ROOM * high
    return above if above >= 0 else box[3] + 3
