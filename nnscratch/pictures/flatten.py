"""A decoded picture → grey on white, reduced to what a digit needs, a block at a time.

Colours, 16 bits and transparency take several copies of every pixel they pass; so they pass in
blocks, and only what comes out of them is kept whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from nnscratch.pictures.ink import WEAKEST_CONTRAST

BLOCK = 1024  # pixels, about
GAP = 3.0  # whole pixels are averaged as long as so many remain for each of the result
WHITE = 255

Box = tuple[int, int, int, int]


def reduce_on_white(picture: Image.Image, longest_side: int) -> Image.Image:
    """Return a loaded picture in grey ("L"), no longer than `longest_side` pixels.

    What is transparent becomes paper. Each pixel is the mean of what it covers.
    """
    scale = min(1.0, longest_side / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    across = max(1, int(picture.width / width / GAP))
    down = max(1, int(picture.height / height / GAP))
    grey = _in_blocks(picture, across, down)
    if (width, height) == picture.size:
        return grey
    whole = (0.0, 0.0, picture.width / across, picture.height / down)
    return grey.resize((width, height), Image.Resampling.BOX, box=whole)


def _in_blocks(picture: Image.Image, across: int, down: int) -> Image.Image:
    """Return the picture in grey, with so many pixels across and down averaged into one."""
    if picture.mode.startswith(("I", "F")):
        return _join(picture, across, down, _to_eight_bits(picture))
    if not picture.has_transparency_data:
        return _join(picture, across, down, lambda block: block.convert("RGB").convert("L"))
    if _shows_something(picture):
        return _join(picture, across, down, _on_white)
    # White on nothing: the shape is in the alpha.
    return _join(picture, across, down, lambda block: ImageOps.invert(_alpha(block)))


def _join(
    picture: Image.Image, across: int, down: int, to_grey: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    grey = Image.new("L", (-(-picture.width // across), -(-picture.height // down)))
    for box in _boxes(picture, across, down):
        block = to_grey(picture.crop(box))
        if (across, down) != (1, 1):
            block = block.reduce((across, down))
        grey.paste(block, (box[0] // across, box[1] // down))
    return grey


def _boxes(picture: Image.Image, across: int = 1, down: int = 1) -> Iterator[Box]:
    """Part a picture into blocks whose sides are whole multiples of `across` and `down`."""
    wide, high = (max(1, BLOCK // step) * step for step in (across, down))
    for top in range(0, picture.height, high):
        for left in range(0, picture.width, wide):
            right, bottom = min(left + wide, picture.width), min(top + high, picture.height)
            yield left, top, right, bottom


def _on_white(block: Image.Image) -> Image.Image:
    layers = block.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("L")


def _alpha(block: Image.Image) -> Image.Image:
    return block.convert("RGBA").getchannel("A")


def _shows_something(picture: Image.Image) -> bool:
    """Tell whether a picture with transparency, laid on white, has any contrast."""
    darkest, brightest = WHITE, 0
    for box in _boxes(picture):
        low, high = _on_white(picture.crop(box)).getextrema()
        darkest, brightest = min(darkest, int(low)), max(brightest, int(high))  # type: ignore[arg-type]
        if brightest - darkest >= WEAKEST_CONTRAST:
            return True
    return False


def _to_eight_bits(picture: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Return what brings 16-bit grey levels to 0–255, or any others by their extremes.

    32-bit integers up to 255, as `Image.fromarray` makes of an array of ints, are such levels.
    """
    extremes = [
        (levels.min(), levels.max())
        for levels in (_levels(picture.crop(box)) for box in _boxes(picture))
    ]
    low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
    if low >= 0 and high <= 0xFFFF and picture.mode.startswith("I"):
        low, high = 0.0, 255.0 if picture.mode == "I" and high <= WHITE else 65535.0
    factor = 255 / (high - low) if high > low else 0.0

    def to_grey(block: Image.Image) -> Image.Image:
        levels = np.rint((_levels(block) - low) * factor)
        return Image.fromarray(levels.astype(np.uint8))

    return to_grey


def _levels(block: Image.Image) -> NDArray[np.float64]:
    """Return a block's grey levels as float64; what is no number counts as 0."""
    levels: NDArray[np.float64] = np.nan_to_num(np.asarray(block)).astype(np.float64)
    return levels
