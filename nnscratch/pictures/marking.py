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
        (height, width, 3) uint8, the longer side at least 640.
    """
    factor = max(1, -(-SMALLEST_SIDE // max(grey.shape)))
    page = np.kron(grey, np.ones((factor, factor), np.uint8)) if factor > 1 else grey
    picture = Image.fromarray(page).convert("RGB")
    draw = ImageDraw.Draw(picture)
    scale = picture.width / size[0], picture.height / size[1]
    for one in marks:
        left, top, right, bottom = (round(x * scale[k % 2]) for k, x in enumerate(one.box))
        colour = SURE if one.sure else UNSURE
        draw.rectangle((left - 2, top - 2, right + 1, bottom + 1), outline=colour, width=2)
        letters = max(SMALLEST_LETTERS, round(LETTERS * (bottom - top)))
        font = ImageFont.load_default(letters)
        above = top - 3 - letters * 1.2
        place = left, above if above >= 0 else bottom + 3
        draw.rectangle(draw.textbbox(place, one.text, font), "white")  # readable on any ink
        draw.text(place, one.text, colour, font)
    return np.asarray(picture)
