"""Small pictures as PNG files in memory: grey levels, signed values in red and blue, and curves.

They have few colours, so that a notebook that keeps them stays small.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

RED, BLUE, WHITE = np.array([178, 24, 43]), np.array([33, 102, 172]), np.array([247, 247, 247])
STEPS = 15  # tones of red, and as many of blue
# Told apart by the colour-blind, and seen on white as on black.
COLOURS = ((0, 114, 178), (213, 94, 0))
GREY = (136, 136, 136)
FINE = 3  # curves are drawn so many times as large, for soft edges
MARGIN = 6


def grey_png(image: NDArray[np.uint8], scale: int = 1) -> bytes:
    """Return a picture (height, width), 0 black to 255 white, with pixels of `scale` squared."""
    return _packed(Image.fromarray(_enlarged(image, scale)))


def signed_png(values: NDArray[Any], scale: int = 1) -> bytes:
    """Return an array (height, width) as a picture: red above 0, blue below, white at 0.

    The strongest tone is that of the largest absolute value.
    """
    reach = float(np.abs(values).max()) or 1.0
    steps = np.rint(values / reach * STEPS).astype(np.int64) + STEPS
    picture = Image.fromarray(_enlarged(steps.astype(np.uint8), scale))
    picture.putpalette(_tones().ravel().tolist())
    return _packed(picture)


def _tones() -> NDArray[np.uint8]:
    """Return the colours from blue over white to red, (2·STEPS + 1, 3)."""
    share = np.abs(np.linspace(-1, 1, 2 * STEPS + 1))[:, np.newaxis] ** 0.7
    ends = np.vstack([np.tile(BLUE, (STEPS, 1)), WHITE, np.tile(RED, (STEPS, 1))])
    tones: NDArray[np.uint8] = np.rint(WHITE + (ends - WHITE) * share).astype(np.uint8)
    return tones


def curves_png(curves: Sequence[Sequence[float]], width: int = 240, height: int = 120) -> bytes:
    """Return curves over their places 0, 1, 2, … on one scale; at most two, on a clear ground."""
    values = np.concatenate([np.asarray(curve, np.float64) for curve in curves])
    low, span = float(values.min()), float(np.ptp(values)) or 1.0
    picture = Image.new("RGBA", (width, height), (*GREY, 0))
    frame = Image.new("L", (width, height), 0)
    ImageDraw.Draw(frame).rectangle((0, 0, width - 1, height - 1), outline=128)
    picture.paste(Image.new("RGBA", (width, height), (*GREY, 255)), mask=frame)
    for curve, colour in zip(curves, COLOURS, strict=False):
        mask = Image.new("L", (width * FINE, height * FINE), 0)
        places = np.linspace(MARGIN, width - MARGIN, max(2, len(curve)))
        heights = height - MARGIN - (np.asarray(curve) - low) / span * (height - 2 * MARGIN)
        heights = heights if len(curve) > 1 else np.repeat(heights, 2)
        points = list(map(tuple, FINE * np.stack([places, heights], axis=1)))
        ImageDraw.Draw(mask).line(points, fill=255, width=2 * FINE, joint="curve")
        picture.paste(Image.new("RGBA", (width, height), (*colour, 255)), mask=mask.reduce(FINE))
    return _packed(picture)


def _enlarged(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _packed(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return file.getvalue()
