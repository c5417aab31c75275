"""Small random variants of handwritten digits: the same digit, as another hand might write it.

A warp is done in two passes, first along rows, then along columns (Catmull and Smith 1980,
"3-D transformations of images in scanline order"). In each pass every row (column) has its own
28×28 matrix of linear interpolation, so that a pass over many pictures is 28 matrix products.
Shift, rotation, scale, shear and a smooth wobble are all just other matrices, and cost the same.

Pictures that share a warp are spread over the array, so that neighbours, which will be one batch,
differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 28
PICTURES_PER_WARP = 128

Images = NDArray[np.uint8]
Field = NDArray[np.float32]


@dataclass(frozen=True)
class Variation:
    """How far a picture may change; each is the standard deviation of a normal draw.

    Attributes:
        shift: pixels, in each direction.
        rotation: radians.
        scale: share of the size, in each direction.
        shear: pixels sideways per pixel of height.
        wobble: pixels of a smooth bending.
        stroke: share of the way towards a stroke one pixel thicker (or thinner) all round.
    """

    shift: float = 0.7
    rotation: float = 0.12
    scale: float = 0.07
    shear: float = 0.12
    wobble: float = 0.8
    stroke: float = 0.2


def augment(images: Images, rng: np.random.Generator, variation: Variation | None = None) -> Images:
    """Return a random variant of each picture.

    Args:
        images: (n, 28, 28) uint8, ink bright.
        rng: the same state gives the same variants.

    Returns:
        A new (n, 28, 28) uint8 array.
    """
    variation = variation or Variation()
    warps = -(-len(images) // PICTURES_PER_WARP)
    variants = np.empty_like(images)
    for start in range(warps):
        together = slice(start, None, warps)
        along_rows, along_columns = _draw_warp(rng, variation)
        warped = _warp(images[together], along_rows, along_columns)
        variants[together] = _change_stroke(warped, variation.stroke * rng.standard_normal())
    return variants


def _draw_warp(rng: np.random.Generator, variation: Variation) -> tuple[Field, Field]:
    """Draw one warp: the interpolation matrices of both passes, (28, 28, 28) each."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    turn, shear = rng.standard_normal(2) * (variation.rotation, variation.shear)
    scale_x, scale_y = np.exp(rng.standard_normal(2) * variation.scale)
    shift_x, shift_y = rng.standard_normal(2) * variation.shift
    wobble_x, wobble_y = _smooth_field(rng), _smooth_field(rng)
    from_x = scale_x * x + (shear - turn) * y + shift_x + variation.wobble * wobble_x
    from_y = scale_y * y + turn * x + shift_y + variation.wobble * wobble_y
    return _interpolation(from_x), _interpolation(from_y.T)


def _smooth_field(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a (28, 28) field of about unit size without sharp bends: a few slow cosines."""
    slow = np.cos(np.pi * np.outer(np.arange(1, 4), (np.arange(SIZE) + 0.5) / SIZE))
    weights = rng.standard_normal((3, 3)) / 3
    field: NDArray[np.float64] = 2 * slow.T @ weights @ slow
    return field


def _interpolation(places: NDArray[np.float64]) -> Field:
    """Turn places to read from, (lines, 28), into matrices that read there, (lines, 28, 28)."""
    distance = np.abs(
        (places + (SIZE - 1) / 2).astype(np.float32)[:, np.newaxis, :]
        - np.arange(SIZE, dtype=np.float32)[:, np.newaxis]
    )
    weights: Field = np.maximum(1 - distance, 0)
    return weights


def _warp(images: Images, along_rows: Field, along_columns: Field) -> Images:
    """Return the warped pictures."""
    by_row = images.transpose(1, 0, 2).astype(np.float32)  # (row, n, column)
    by_row = by_row @ along_rows
    by_column = np.ascontiguousarray(by_row.transpose(2, 1, 0))  # (column, n, row)
    grey = np.rint(by_column @ along_columns).astype(np.uint8)
    return np.ascontiguousarray(grey.transpose(1, 2, 0))


def _change_stroke(grey: Images, amount: float) -> Images:
    """Move each pixel towards the brightest (darkest if negative) of itself and its neighbours."""
    extreme = np.maximum if amount > 0 else np.minimum
    reached = grey.copy()
    for here, there in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[:, :, 1:], np.s_[:, :, :-1])):
        extreme(reached[here], grey[there], out=reached[here])
        extreme(reached[there], grey[here], out=reached[there])
    sixty_fourths = round(64 * min(abs(amount), 1.0))  # whole numbers are four times as fast
    change = (reached.astype(np.int16) - grey) * sixty_fourths // 64
    return (grey + change).astype(np.uint8)
