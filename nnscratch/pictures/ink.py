"""What in a picture is ink, and which ink is the digit: decided here, in NumPy.

Polarity, uneven light, noise, specks, broken strokes, the edge of a scan and the table under the
paper: whatever stands between a photograph and a digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from nnscratch.errors import NoDigitError

# Shares of the picture's longer side.
PAPER_REACH = 0.4  # no solid piece of ink is broader; light and shadow are
EDGE = 0.1  # a margin along the border

EDGE_SHARE = 0.9  # what touches the border and has so much of itself in the margin is no digit

# Shares of full ink.
SURE_INK = 0.35
FAINT_INK = 0.04
ONE_TONE = 3  # grey levels either way
WEAKEST_CONTRAST = 14.0  # grey levels between paper and ink
NOISE_MARGIN = 5.0  # times the noise that ink must stand above

# Of the digit's own size or ink.
SPECK = 0.02
NEAR = 0.3
ANOTHER_DIGIT = 0.25
STRAY_INK = 0.8  # times the digit's in specks besides it, and it is noise
MOST_PIECES = 6  # of a broken digit, or other digits beside it
LONGEST_STROKE = 9.0  # times its size; an 8 has about 4
SMALLEST_PIXELS, SMALLEST_SHARE = 5, 0.06  # of the page's longer side; less is a speck

NEXT_STEP = "write one digit, large and dark, on plain paper; or try --invert or --no-invert"

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]


def find_ink(grey: Grey, invert: bool | None = None, *, flatten: bool = True) -> tuple[Ink, bool]:
    """Tell how much ink there is at each pixel, 0 to 1, and whether it is darker than the paper.

    Paper is what is left when everything narrower than the broadest stroke is smoothed away (a
    morphological opening); light and shadow stay in it, and ink is the difference from it.

    Args:
        flatten: False takes the paper to be one tone, the median.

    Raises:
        NoDigitError: nothing stands out of the paper, or of its noise.
    """
    inverted = ink_is_dark(grey) if invert is None else invert
    bright = 255 - grey if inverted else grey
    tones, calm = bright.astype(np.float32), _blur(bright, max(bright.shape) / 150)
    above = tones - (_opening(calm, PAPER_REACH) if flatten else np.median(calm))
    above -= np.median(above)
    noise = 1.4826 * float(np.median(np.abs(above)))
    full = _full_ink(above)
    if full < max(WEAKEST_CONTRAST, NOISE_MARGIN * noise):
        raise _no_digit("nothing stands out from the paper")
    ink = (above / full).clip(0, 1)
    ink[ink < max(FAINT_INK, 3 * noise / full)] = 0
    return ink, inverted


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


def _opening(tones: Ink, reach: float) -> Ink:
    """Smooth away what is bright and narrower than `reach` times the longer side."""
    width = 2 * round(reach * max(tones.shape) / 2) + 1
    eroded = _running(np.minimum, _running(np.minimum, tones, width, 0), width, 1)
    return _running(np.maximum, _running(np.maximum, eroded, width, 0), width, 1)


def _running(extreme: np.ufunc, tones: Ink, width: int, axis: int) -> Ink:
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


def _blur(grey: Grey, radius: float) -> Ink:
    blurred = Image.fromarray(grey).filter(ImageFilter.BoxBlur(radius))
    return np.asarray(blurred, np.float32)


def _no_digit(reason: str) -> NoDigitError:
    return NoDigitError(f"no digit found: {reason}", next_step=NEXT_STEP)


# --------------------------------------------------------------------------------------- the shape


@dataclass(frozen=True)
class Shape:
    """A connected piece of ink: its label, its ink, its box in pixels, does it touch the border,
    and the share of it that lies in the margin along the border.
    """

    label: int
    mass: float
    top: int
    left: int
    bottom: int
    right: int
    at_border: bool
    in_margin: float

    @property
    def longest(self) -> int:
        """The longer side of the box."""
        return max(self.bottom - self.top, self.right - self.left)

    def gap(self, other: Shape) -> float:
        """Return the distance between two boxes, in pixels; 0 if they touch or overlap."""
        down = max(0, self.top - other.bottom, other.top - self.bottom)
        across = max(0, self.left - other.right, other.left - self.right)
        return float(np.hypot(down, across))


def keep_digit(ink: Ink) -> tuple[Ink, int]:
    """Keep the digit with its broken pieces; leave out specks, and the edges of a scan.

    Returns:
        The ink of the digit alone, and how many sizeable shapes there were besides its pieces,
        counting it.

    Raises:
        NoDigitError: what ink there is lies about in specks, as noise does.
    """
    labels, count = connected(ink > SURE_INK)
    seen = _shapes(labels, count, ink)
    shapes = [shape for shape in seen if not _is_edge(shape)]
    if not shapes:
        raise _no_digit("there is only an edge")
    # A digit may touch the border; where something else does not, that is likelier the digit.
    main = max(shapes, key=lambda shape: shape.mass * (0.25 if shape.at_border else 1))
    kept, others = [main], list[Shape]()
    for shape in sorted(shapes, key=main.gap):
        if shape is not main:
            (kept if _is_piece(shape, main, kept) else others).append(shape)
        if len(kept) > MOST_PIECES:
            raise _no_digit("there are only specks")
    large = [shape for shape in others if shape.mass >= ANOTHER_DIGIT * main.mass]
    if len(large) > MOST_PIECES:
        raise _no_digit("there are only specks")
    specks = [shape for shape in seen if shape not in kept and shape not in large]
    stray = sum(shape.mass for shape in specks if shape.mass < ANOTHER_DIGIT * main.mass)
    if stray > STRAY_INK * main.mass:
        raise _no_digit("there are only specks")
    if _is_speck(main, ink.shape) or _is_tangled(labels == main.label, main):
        raise _no_digit("there is only noise")
    wanted = np.isin(np.arange(count + 1), [shape.label for shape in kept])
    near_wanted = wanted[labels].astype(np.float32)
    around = _running(np.maximum, _running(np.maximum, near_wanted, 5, 0), 5, 1) > 0
    return np.where(around, ink, 0), 1 + len(large)


def _shapes(labels: NDArray[np.intp], count: int, ink: Ink) -> list[Shape]:
    rows, columns = np.nonzero(labels)
    which = labels[rows, columns] - 1
    mass = np.bincount(which, ink[rows, columns], count)
    low = [np.full(count, max(ink.shape)) for _ in range(2)]
    high = [np.zeros(count, np.intp) for _ in range(2)]
    for axis, places in enumerate((rows, columns)):
        np.minimum.at(low[axis], which, places)
        np.maximum.at(high[axis], which, places + 1)
    height, width = ink.shape
    margin = EDGE * max(ink.shape)
    to_border = np.min([rows, columns, height - 1 - rows, width - 1 - columns], axis=0)
    in_margin = np.bincount(which, to_border < margin, count) / np.bincount(which, minlength=count)
    at_border = (np.min(low, axis=0) == 0) | (high[0] == height) | (high[1] == width)
    return [
        Shape(
            label=number + 1,
            mass=float(mass[number]),
            top=int(low[0][number]),
            left=int(low[1][number]),
            bottom=int(high[0][number]),
            right=int(high[1][number]),
            at_border=bool(at_border[number]),
            in_margin=float(in_margin[number]),
        )
        for number in range(count)
    ]


def _is_piece(shape: Shape, main: Shape, kept: list[Shape]) -> bool:
    """Tell whether a shape belongs to a digit whose strokes are broken: near, and no speck."""
    near = min(shape.gap(piece) for piece in kept) <= NEAR * main.longest
    strange = shape.at_border and not main.at_border
    return near and not strange and shape.mass >= SPECK * main.mass


def _is_edge(shape: Shape) -> bool:
    """Tell whether a shape lies along the border: the edge of a scan, or the table under it."""
    return shape.at_border and shape.in_margin > EDGE_SHARE


def _is_tangled(mask: NDArray[np.bool_], shape: Shape) -> bool:
    """Tell whether a shape, drawn out to one stroke, is far longer than any digit's."""
    area = np.count_nonzero(mask)
    return bool(area / stroke_width(mask.astype(np.float32)) > LONGEST_STROKE * shape.longest)


def _is_speck(shape: Shape, size: tuple[int, ...]) -> bool:
    return shape.longest < max(SMALLEST_PIXELS, SMALLEST_SHARE * max(size))


def connected(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    """Number the connected shapes of a mask; pixels that touch at a corner are connected.

    Each row is a list of runs; runs of neighbouring rows that touch are joined (union-find).

    Args:
        mask: (height, width).

    Returns:
        (height, width) numbers from 1, and 0 where the mask is False; and how many there are.

    >>> connected(np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool))
    (array([[1, 0, 0, 2],
           [0, 1, 0, 0]]), 2)
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row_of, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first_of_row = np.searchsorted(row_of, np.arange(len(mask) + 1)).tolist()
    begin, end = starts.tolist(), ends.tolist()
    for row in range(1, len(mask)):
        above, last_above = first_of_row[row - 1], first_of_row[row]
        run, last = first_of_row[row], first_of_row[row + 1]
        while above < last_above and run < last:
            if begin[above] <= end[run] and begin[run] <= end[above]:
                parent[root(run)] = root(above)
            if end[above] < end[run]:
                above += 1
            else:
                run += 1
    roots = np.array([root(run) for run in range(len(parent))], np.intp)
    numbers = np.unique(roots, return_inverse=True)[1] + 1
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = np.repeat(numbers, ends - starts)
    return labels, int(numbers.max(initial=0))


def stroke_width(ink: Ink) -> float:
    """Estimate the width of strokes, in pixels: twice the area over the perimeter.

    The perimeter is counted along pixel edges, which is 4/π too long on average over directions.
    """
    mask = np.pad(ink > 0.5 * ink.max(), 1)
    perimeter = sum(np.count_nonzero(np.diff(mask, axis=axis)) for axis in (0, 1))
    return float(2 * np.count_nonzero(mask) / (perimeter * np.pi / 4))
