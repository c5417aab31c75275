"""Pages drawn for the tests of pictures: a 7 whose framing is known, and how to prepare them."""

import io

import numpy as np
from PIL import Image

from nnscratch.pictures.read import load_picture


def page(height=60, width=80, stroke=4):
    """Draw a 7 by hand on a dark page: (height, width) uint8, ink bright."""
    grey = np.zeros((height, width), np.uint8)
    top, left, size = height // 5, width // 4, height // 2
    grey[top : top + stroke, left : left + size // 2 + stroke] = 255
    for row in range(size):
        column = left + size // 2 - row // 2
        grey[top + row, column : column + stroke] = 255
    return grey


SEVEN = page()


def prepared(picture, name="p.png", **options):
    """Prepare a Pillow picture by way of a file's bytes."""
    file = io.BytesIO()
    picture.save(file, name.rpartition(".")[2].replace("jpg", "jpeg"), **options)
    file.seek(0)
    return load_picture(file, name=name)


def alike(first, second, levels=3):
    return np.abs(first.image.astype(int) - second.image).max() <= levels


PLAIN = prepared(Image.fromarray(SEVEN))


def lit(grey, kind):
    """Put a dark digit on paper under uneven light."""
    height, width = grey.shape
    y, x = np.mgrid[: 1 : height * 1j, : 1 : width * 1j]
    light = {
        "gradient": 150 + 90 * x,
        "shadow": np.where(x + 0.3 * y > 0.75, 120, 230),
        "dark corner": 225 - 150 * np.maximum(0, x + y - 1.3),
    }[kind]
    noise = np.random.default_rng(0).normal(0, 2, grey.shape)
    return (light * (1 - 0.5 * grey / 255.0) + noise).clip(0, 255).astype(np.uint8)


def cropped(image):
    """Cut a digit (28, 28) to what is surely ink."""
    rows, columns = (np.flatnonzero((image > 90).any(axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def row_of(digits, gap, height=60):
    """Set digits (28, 28) side by side on a dark page, with gaps of a share of their height."""
    parts = []
    for digit in map(cropped, digits):
        width = max(2, round(digit.shape[1] * height / digit.shape[0]))
        parts.append(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC))
        parts.append(np.zeros((height, round(gap * height)), np.uint8))
    return np.pad(np.hstack(parts[:-1]), height // 2)
