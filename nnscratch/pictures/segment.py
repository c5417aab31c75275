"""Ink → digits: which shapes are the digit, and which are specks, edges, or the next digit.

find_shapes     connected pieces of ink, each with its box and mass
drop_edges      the edge of a scan and the table under the paper go
choose_main     the shape that is likeliest the digit
group_pieces    the pieces of its broken strokes, and what else there is
refuse_noise    specks without end, or a tangle, are no digit
mask            the ink of the pieces alone
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import NoDigitError
from nnscratch.pictures.connected import connected
from nnscratch.pictures.framing import Ink, stroke_width
from nnscratch.pictures.ink import no_digit
from nnscratch.pictures.morphology import places, running

SURE_INK = 0.35  # of full ink

EDGE = 0.1  # of the picture's longer side: a margin along the border
EDGE_SHARE = 0.9  # what touches the border and has so much of itself in the margin is no digit
BORDER_DOUBT = 0.25  # what a shape's mass counts for if it touches the border

# Of the digit's own size or ink.
SPECK = 0.02
NEAR = 0.3
ANOTHER_DIGIT = 0.25
THIN_DIGIT = 0.15  # a 1 beside an 8
LIKE_HEIGHT = 0.55
ON_THE_LINE = 0.5  # of the lower one's height is shared
OVERLAP = 0.3  # of the narrower one's width, at most
MOST_OF_THE_INK = 0.7
STRAY_INK = 0.8  # times the digit's in specks besides it, and it is noise
MOST_PIECES = 6  # of a broken digit
MOST_DIGITS = 7  # on a page of which the largest is read
MOST_SHAPES = 20  # in all: more is noise
LONGEST_STROKE = 9.0  # times its size; an 8 has about 4
SMALLEST_PIXELS, SMALLEST_SHARE = 5, 0.06  # of the page's longer side; less is a speck

Labels = NDArray[np.intp]


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
    def height(self) -> int:
        """The height of the box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The width of the box."""
        return self.right - self.left

    @property
    def longest(self) -> int:
        """The longer side of the box."""
        return max(self.height, self.width)

    def gap(self, other: Shape) -> float:
        """Return the distance between two boxes, in pixels; 0 if they touch or overlap."""
        down = max(0, self.top - other.bottom, other.top - self.bottom)
        across = max(0, self.left - other.right, other.left - self.right)
        return float(np.hypot(down, across))


def keep_digit(ink: Ink) -> tuple[Ink, int]:
    """Keep the largest digit with its broken pieces; leave out specks, and the edges of a scan.

    Args:
        ink: (height, width) 0 to 1.

    Returns:
        The ink of the digit alone, and how many sizeable shapes there were, the digit counted as
        one: what stands beside it, or lies elsewhere on the page.

    Raises:
        NoDigitError: what ink there is lies about in specks, as noise does; or there are too many
            digits for one of them to be the answer.
    """
    labels, seen = find_shapes(ink)
    shapes = drop_edges(seen)
    main = choose_main(shapes)
    its_box = labels[main.top : main.bottom, main.left : main.right]
    tangled = is_tangled(its_box == main.label, main)
    if not tangled:
        refuse_row(main, seen, ink.shape)
    if _is_speck(main, max(ink.shape)):
        raise no_digit("there are only specks")
    if tangled:
        raise no_digit("there is only noise")
    digits = [main, *find_beside(main, shapes)]
    groups, others = group_pieces(digits, shapes)
    large = [shape for shape in others if shape.mass >= ANOTHER_DIGIT * main.mass]
    refuse_specks(main, sum(groups, large), seen)
    return mask(ink, labels, groups[0]), len(groups) + len(large)


def find_shapes(ink: Ink) -> tuple[Labels, list[Shape]]:
    """Find the connected shapes of what is surely ink.

    Args:
        ink: (height, width) 0 to 1.

    Returns:
        (height, width) labels, 0 where there is none; and the shape of each label from 1.
    """
    labels, count = connected(ink > SURE_INK)
    rows, columns = places(labels > 0)
    which = labels[rows, columns] - 1
    mass = np.bincount(which, ink[rows, columns], count)
    low = [np.full(count, max(ink.shape)) for _ in range(2)]
    high = [np.zeros(count, np.intp) for _ in range(2)]
    for axis, at in enumerate((rows, columns)):
        np.minimum.at(low[axis], which, at)
        np.maximum.at(high[axis], which, at + 1)
    height, width = ink.shape
    margin = EDGE * max(ink.shape)
    to_border = np.min([rows, columns, height - 1 - rows, width - 1 - columns], axis=0)
    in_margin = np.bincount(which, to_border < margin, count) / np.bincount(which, minlength=count)
    at_border = (np.min(low, axis=0) == 0) | (high[0] == height) | (high[1] == width)
    shapes = [
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
    return labels, shapes


def drop_edges(shapes: list[Shape]) -> list[Shape]:
    """Leave out what lies along the border: the edge of a scan, or the table under the paper.

    Raises:
        NoDigitError: nothing else is there.
    """
    left = [shape for shape in shapes if not (shape.at_border and shape.in_margin > EDGE_SHARE)]
    if not left:
        raise no_digit("there is only an edge")
    return left


def choose_main(shapes: list[Shape]) -> Shape:
    """Choose the shape that is likeliest the digit, or its largest piece: the one with most ink.

    A digit may touch the border; where something else does not, that is likelier the digit.
    """
    return max(shapes, key=lambda shape: shape.mass * (BORDER_DOUBT if shape.at_border else 1))


def find_beside(main: Shape, shapes: list[Shape]) -> list[Shape]:
    """Find what stands beside `main` as the next digit does: of like height, on the same line.

    The pieces of one broken digit seldom do: of 20,000 MNIST training pictures, in three.
    """
    return [shape for shape in shapes if shape is not main and _is_beside(shape, main)]


def _is_beside(shape: Shape, main: Shape) -> bool:
    low, high = sorted((shape.height, main.height))
    narrow = min(shape.width, main.width)
    common_height = min(shape.bottom, main.bottom) - max(shape.top, main.top)
    common_width = min(shape.right, main.right) - max(shape.left, main.left)
    strange = shape.at_border and not main.at_border
    return (
        low >= LIKE_HEIGHT * high
        and common_height >= ON_THE_LINE * low
        and common_width <= OVERLAP * narrow
        and shape.mass >= THIN_DIGIT * main.mass
        and not strange
    )


def group_pieces(digits: list[Shape], shapes: list[Shape]) -> tuple[list[list[Shape]], list[Shape]]:
    """Give each digit the pieces of its broken strokes, itself first; and tell what is left over.

    Raises:
        NoDigitError: no digit breaks into so many pieces.
    """
    groups, others = [[digit] for digit in digits], list[Shape]()
    for shape in sorted(shapes, key=digits[0].gap):
        if shape in digits:
            continue
        nearest = min(groups, key=lambda group: _gap(shape, group))
        (nearest if _is_piece(shape, nearest) else others).append(shape)
        if len(nearest) > MOST_PIECES:  # noise may have thousands
            raise no_digit("there are only specks")
    return groups, others


def _gap(shape: Shape, pieces: list[Shape]) -> float:
    return min(shape.gap(piece) for piece in pieces)


def _is_piece(shape: Shape, pieces: list[Shape]) -> bool:
    """Tell whether a shape belongs to a digit whose strokes are broken: near, and no speck."""
    digit = pieces[0]
    strange = shape.at_border and not digit.at_border
    near = _gap(shape, pieces) <= NEAR * digit.longest
    return near and not strange and shape.mass >= SPECK * digit.mass


def refuse_row(main: Shape, seen: list[Shape], size: tuple[int, ...]) -> None:
    """Raise NoDigitError where more digits stand than one of them could answer for.

    Noise has no such page: most of the ink is in a few shapes, all as large as a digit would be,
    and their boxes lie apart.
    """
    alike = [
        shape
        for shape in seen
        if not _is_speck(shape, min(size))
        and shape.mass >= THIN_DIGIT * main.mass
        and LIKE_HEIGHT * main.longest <= shape.longest <= main.longest / LIKE_HEIGHT
    ]
    apart = [
        shape
        for shape in alike
        if all(shape.gap(other) > 0 for other in alike if other is not shape)
    ]
    ink_in_them = sum(shape.mass for shape in apart)
    if len(apart) > MOST_DIGITS and ink_in_them > MOST_OF_THE_INK * sum(s.mass for s in seen):
        raise NoDigitError(
            f"no single digit found: there seem to be several ({len(alike)} shapes of like size)",
            next_step="cut the picture down to one digit",
        )


def refuse_specks(main: Shape, kept: list[Shape], seen: list[Shape]) -> None:
    """Raise NoDigitError where there are too many large shapes, or too many specks."""
    specks = [shape for shape in seen if shape not in kept]
    stray = sum(shape.mass for shape in specks if shape.mass < ANOTHER_DIGIT * main.mass)
    if len(kept) > MOST_SHAPES or stray > STRAY_INK * main.mass:
        raise no_digit("there are only specks")


def is_tangled(mask: NDArray[np.bool_], shape: Shape) -> bool:
    """Tell whether a shape, drawn out to one stroke, is far longer than any digit's."""
    area = np.count_nonzero(mask)
    return bool(area / stroke_width(mask.astype(np.float32)) > LONGEST_STROKE * shape.longest)


def _is_speck(shape: Shape, side: int) -> bool:
    """Tell whether a shape is too small to be the digit of a page with a side of so many pixels."""
    return shape.longest < max(SMALLEST_PIXELS, SMALLEST_SHARE * side)


def mask(ink: Ink, labels: Labels, pieces: list[Shape]) -> Ink:
    """Keep the ink of some shapes, and the faint ink within two pixels around them."""
    wanted = np.zeros(int(labels.max()) + 1, np.float32)
    wanted[[shape.label for shape in pieces]] = 1
    around = running(np.maximum, running(np.maximum, wanted[labels], 5, 0), 5, 1) > 0
    return np.where(around, ink, 0)
