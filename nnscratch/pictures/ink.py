"""Grey → ink: how much of it there is at each pixel, whatever the tone, the light and the paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from nnscratch.errors import NoDigitError
from nnscratch.pictures.framing import FAINT_INK, Ink
from nnscratch.pictures.morphology import opening
from nnscratch.pictures.ruling import without_ruling

PAPER_REACH = 0.4  # of the longer side: no solid piece of ink is broader; light and shadow are
ONE_TONE = 3  # grey levels either way
WEAKEST_CONTRAST = 14.0  # grey levels between paper and ink
NOISE_MARGIN = 5.0  # times the noise that ink must stand above

NEXT_STEP = "write one digit, large and dark, on plain paper; or try --invert or --no-invert"

Grey = NDArray[np.uint8]


def find_ink(
    grey: Grey,
    invert: bool | None = None,
    *,
    flatten: bool = True,
    ruling: bool = False,
    noise_margin: float = NOISE_MARGIN,
) -> tuple[Ink, bool]:
    """Tell how much ink there is at each pixel, 0 to 1, and whether it is darker than the paper.

    Paper is what is left when everything narrower than the broadest stroke is smoothed away (a
    morphological opening); light and shadow stay in it, and ink is the difference from it. Lines
    that are printed on it belong to the paper.

    Args:
        flatten: False takes the paper to be one tone, the median.
        ruling: True leaves the lines that are printed on the paper.
        noise_margin: how many times the noise of the paper ink must stand above it.

    Raises:
        NoDigitError: nothing stands out of the paper, or of its noise.
    """
    return _measure(grey, invert, flatten, ruling).ink(noise_margin)


@dataclass(frozen=True)
class Sheet:
    """A picture's grey levels, and the ink on them, measured once for all who ask for it.

    Attributes:
        grey: (height, width) uint8.
        invert: as in `find_ink`.
        whole: width and height of the picture, if these are its reduced grey levels.
    """

    grey: Grey
    invert: bool | None = None
    whole: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture, in pixels."""
        return self.whole or (self.grey.shape[1], self.grey.shape[0])

    def ink(self, noise_margin: float = NOISE_MARGIN) -> tuple[Ink, bool]:
        """Return what `find_ink` does."""
        return self._measured.ink(noise_margin)

    @cached_property
    def _measured(self) -> _Measured:
        return _measure(self.grey, self.invert, flatten=True, ruling=False)


@dataclass(frozen=True)
class _Measured:
    """How far each pixel stands above the paper, the noise of that, and the tone of full ink."""

    above: Ink
    noise: float
    full: float
    inverted: bool

    def ink(self, noise_margin: float) -> tuple[Ink, bool]:
        if self.full < max(WEAKEST_CONTRAST, noise_margin * self.noise):
            raise no_digit("nothing stands out from the paper")
        ink = (self.above / self.full).clip(0, 1)
        ink[ink < max(FAINT_INK, 3 * self.noise / self.full)] = 0
        return ink, self.inverted


def _measure(grey: Grey, invert: bool | None, flatten: bool, ruling: bool) -> _Measured:
    inverted = ink_is_dark(grey) if invert is None else invert
    bright = 255 - grey if inverted else grey
    tones, calm = bright.astype(np.float32), _blur(bright, max(bright.shape) / 150)
    reach = 2 * round(PAPER_REACH * max(grey.shape) / 2) + 1
    above = tones - (opening(calm, reach) if flatten else np.float32(np.median(calm)))
    above -= np.median(above)
    if flatten and not ruling:
        above = without_ruling(above)
    noise = 1.4826 * float(np.median(np.abs(above)))
    return _Measured(above, noise, _full_ink(above), inverted)


def ink_is_dark(grey: Grey) -> bool:
    """Tell whether the ink is darker than the paper.

    Ink is what lies far from the paper, on whichever side; so the cubes of the distances are
    added up. If half of the picture is of one tone, that is the paper. Else paper is still most
    of it, and its light changes slowly: a smooth surface is fitted. The corners, where shadows
    gather, count less than the middle.
    """
    factor = max(1, max(grey.shape) // 64)
    small = np.asarray(Image.fromarray(grey).reduce(factor), np.float64)
    off = small - np.median(small)
    if np.mean(np.abs(off) <= ONE_TONE) < 0.5:
        off = _off_surface(small)
    return bool((_middle(small.shape) * off**3).sum() < 0)


def _middle(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return weights (height, width): 1 in the middle, falling to 0 at the border."""
    height, width = shape
    falling = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    weights: NDArray[np.float64] = np.sqrt(falling)
    return weights


def _off_surface(tones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each pixel lies above the quadratic surface that fits most of them.

    Least squares, again and again, with less and less weight for what lies far off (Tukey's
    biweight; Beaton and Tukey 1974).
    """
    height, width = tones.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = tones.ravel()
    weight = np.ones_like(values)
    for _ in range(6):
        fitted, *_ = np.linalg.lstsq(terms * weight[:, np.newaxis], values * weight, rcond=None)
        off = values - terms @ fitted
        spread = max(1.0, 1.4826 * float(np.median(np.abs(off))))
        weight = np.maximum(1 - (off / (4.685 * spread)) ** 2, 1e-6)
    surface: NDArray[np.float64] = off.reshape(height, width)
    return surface


def _full_ink(above: Ink) -> float:
    """Return the difference from paper that counts as full ink: that of the strongest strokes.

    Strokes in the middle count for more, since what is dark at the border may be the table.
    """
    weighted = above * _middle(above.shape)
    strong = above[weighted > 0.5 * weighted.max()] if weighted.max() > 0 else np.zeros(1)
    return float(np.median(strong))


def _blur(grey: Grey, radius: float) -> Grey:
    return np.asarray(Image.fromarray(grey).filter(ImageFilter.BoxBlur(radius)), np.uint8)


def turned_ink(ink: Ink, angle: float) -> Ink:
    """Turn ink counterclockwise by degrees about its middle; the page grows as it must."""
    if angle % 90 == 0:
        return np.ascontiguousarray(np.rot90(ink, round(angle / 90)))
    page = Image.fromarray(ink).rotate(angle, Image.Resampling.BILINEAR, expand=True)
    return np.asarray(page, np.float32)


def no_digit(reason: str) -> NoDigitError:
    """Return the error of a page without a digit."""
    return NoDigitError(f"no digit found: {reason}", next_step=NEXT_STEP)
