"""Pictures from files: any 28×28 picture of one digit, ink dark or bright, as MNIST has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nnscratch.errors import PictureError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")


def load_picture(path: Path | str, *, invert: bool | None = None) -> NDArray[np.uint8]:
    """Read a picture of one digit as (28, 28) uint8, ink bright on a dark ground.

    Args:
        invert: True if the ink is dark, False if it is bright; None finds out.

    Raises:
        PictureError: the file is missing, or not a picture that can be read.
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            grey = np.asarray(picture.convert("L").resize((28, 28)))
    except UnidentifiedImageError as error:
        raise PictureError(
            "this is not a picture that can be read",
            where=str(path),
            next_step=f"save it as one of: {', '.join(FORMATS)}",
        ) from error
    except OSError as error:
        raise PictureError(
            f"the picture cannot be read: {error.strerror or error}",
            where=str(path),
            next_step="name a picture file",
        ) from error
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    dark_ink = border.mean() > 127 if invert is None else invert
    return 255 - grey if dark_ink else grey
