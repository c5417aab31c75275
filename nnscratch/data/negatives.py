"""Pictures that are no digit, for a network to learn what to refuse.

Made from digits (halves, joined pairs, joined halves, turned and mirrored) and by the pen (letters,
signs, drawings, strokes at random), and framed as MNIST's pictures are. A few come out as digits
after all: the lower half of a 9 is a 1; those kinds are left out where they are known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nnscratch.data.shapes import DRAWINGS, LETTERS, NO_DIGIT, SIGNS
from nnscratch.data.skeletons import Skeleton
from nnscratch.data.synthetic import Hand, draw_skeletons
from nnscratch.pictures.framing import SIZE, fit_to_box, ink_box, place

PER_GLYPH = 8  # pictures of each shape that is drawn at random
# Halves that are a digit no more, and digits that are none when turned or mirrored.
TOPS, BOTTOMS, LEFTS, RIGHTS = (0, 5), (0, 2, 3, 5), (2, 3, 4, 5, 8), (2, 5, 6)
TURNED = (1, 2, 3, 4, 6, 7, 8, 9)
MIRRORED = (3, 4, 7, 9)
BROAD = (0, 2, 3, 4, 5, 6, 7, 8, 9)

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


def make_negatives(
    images: Images, labels: Labels, count: int, rng: np.random.Generator, *, letters: int = 2
) -> tuple[Images, NDArray[np.intp]]:
    """Make pictures that are no digit: as many of each kind of KINDS, and `letters` times as many
    letters, which people write most and which come nearest to digits.

    Args:
        images: (m, 28, 28) uint8, digits to make them of; `labels` (m,), 0 … 9.
        count: how many.

    Returns:
        (count, 28, 28) uint8, and (count,) the place of each one's kind in KINDS.
    """
    kinds = np.arange(count) % (len(KINDS) + letters - 1)
    kinds[kinds >= len(KINDS)] = LETTER
    pictures = np.zeros((count, SIZE, SIZE), np.uint8)
    for number, kind in enumerate(KINDS):
        mine = kinds == number
        wanted = int(mine.sum())
        if kind in FROM_DIGITS:
            pictures[mine] = FROM_DIGITS[kind](images, labels, wanted, rng)
        else:
            pictures[mine] = BY_PEN[kind](wanted, rng)
    return pictures, kinds


# ------------------------------------------------------------------------------------- from digits


def _halves(images: Images, labels: Labels, count: int, rng: np.random.Generator) -> Images:
    """Cut digits through the middle, and frame one side."""
    pictures = np.zeros((count, SIZE, SIZE), np.uint8)
    for picture in pictures:
        side = int(rng.integers(4))
        digit = _one_of(images, labels, (TOPS, BOTTOMS, LEFTS, RIGHTS)[side], rng)
        kept = rng.uniform(0.35, 0.5)
        picture[:] = _framed(_half(digit, side, kept if side % 2 == 0 else 1 - kept))
    return pictures


def _half(digit: Images, side: int, share: float) -> Images:
    """Return the upper, lower, left or right part of a digit, cut to its box."""
    box = digit[ink_box(digit)]
    height, width = box.shape
    row, column = round(share * height), round(share * width)
    if side < 2:
        return box[min(row, height - 2) :] if side else box[: max(2, row)]
    return box[:, : max(2, column)] if side == 2 else box[:, min(column, width - 2) :]


def _pairs(images: Images, labels: Labels, count: int, rng: np.random.Generator) -> Images:
    """Write two digits side by side, so near that they may touch."""
    return _joined(images, labels, count, rng, lambda digit, side: digit[ink_box(digit)])


def _joined_halves(images: Images, labels: Labels, count: int, rng: np.random.Generator) -> Images:
    """Write the right half of a digit and the left half of the next, as a wrong cut gives them."""

    def inner(digit: Images, side: int) -> Images:
        kept = rng.uniform(0.3, 0.6)
        return _half(digit, 2, kept) if side else _half(digit, 3, 1 - kept)

    return _joined(images, labels, count, rng, inner, BROAD)


def _joined(
    images: Images,
    labels: Labels,
    count: int,
    rng: np.random.Generator,
    part: Callable[[Images, int], Images],
    digits: tuple[int, ...] = tuple(range(10)),
) -> Images:
    pictures = np.zeros((count, SIZE, SIZE), np.uint8)
    for picture in pictures:
        left, right = (part(_one_of(images, labels, digits, rng), side) for side in (0, 1))
        down, gap = rng.integers(0, 6), int(rng.integers(-3, 2))
        width = max(left.shape[1], left.shape[1] + gap) + right.shape[1]
        page = np.zeros((max(left.shape[0], right.shape[0] + down), width), np.uint8)
        page[: left.shape[0], : left.shape[1]] = left
        start = max(0, left.shape[1] + gap)
        there = page[down : down + right.shape[0], start : start + right.shape[1]]
        np.maximum(there, right, out=there)
        picture[:] = _framed(page)
    return pictures


def _turned(images: Images, labels: Labels, count: int, rng: np.random.Generator) -> Images:
    """Turn digits by a quarter, or mirror them."""
    pictures = np.zeros((count, SIZE, SIZE), np.uint8)
    for picture in pictures:
        if rng.random() < 0.7:
            turned = np.rot90(_one_of(images, labels, TURNED, rng), rng.choice((1, 3)))
        else:
            turned = _one_of(images, labels, MIRRORED, rng)[:, ::-1]
        picture[:] = _framed(turned)
    return pictures


def _one_of(
    images: Images, labels: Labels, digits: tuple[int, ...], rng: np.random.Generator
) -> Images:
    """Draw one picture of any of some digits."""
    while True:
        number = int(rng.integers(len(images)))
        digit: Images = images[number]
        if labels[number] in digits and digit.any():
            return digit


def _framed(picture: Images) -> Images:
    """Frame a piece as MNIST's makers would have: fitted to the box, its mass in the middle."""
    piece = picture[ink_box(picture)]
    if not piece.size:
        return np.zeros((SIZE, SIZE), np.uint8)
    fitted = fit_to_box(np.float32(1 / 255) * piece.astype(np.float32), change_stroke=False)
    return np.rint(255 * place(fitted.ink)).astype(np.uint8)


# -------------------------------------------------------------------------------------- by the pen


def _written(
    shapes: tuple[Skeleton, ...],
) -> Callable[[int, np.random.Generator], Images]:
    def write(count: int, rng: np.random.Generator) -> Images:
        shares = np.array([shape.share for shape in shapes])
        chosen = rng.choice(len(shapes), count, p=shares / shares.sum())
        return draw_skeletons(shapes, chosen, rng, PLAIN_HAND)

    return write


def _strokes(count: int, rng: np.random.Generator) -> Images:
    """Write two to five short strokes anywhere: the letters of scripts that nobody knows."""
    glyphs = [_glyph(rng, int(rng.integers(2, 6)), (2, 5)) for _ in range(-(-count // PER_GLYPH))]
    return draw_skeletons(tuple(glyphs), np.arange(count) % len(glyphs), rng, PLAIN_HAND)


def _scribbles(count: int, rng: np.random.Generator) -> Images:
    """Scribble: one long stroke that goes to and fro."""
    glyphs = [_glyph(rng, 1, (8, 22)) for _ in range(-(-count // PER_GLYPH))]
    return draw_skeletons(tuple(glyphs), np.arange(count) % len(glyphs), rng, PLAIN_HAND)


def _glyph(rng: np.random.Generator, strokes: int, points: tuple[int, int]) -> Skeleton:
    """Draw a skeleton of smooth strokes through points anywhere in the box."""
    written = []
    for _ in range(strokes):
        places = rng.uniform(0, 10, (int(rng.integers(*points)), 2))
        written.append(" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    return Skeleton(NO_DIGIT, 1, tuple(written), float(np.exp(rng.normal(0, 0.3))), 0.0)


def _blots(count: int, rng: np.random.Generator) -> Images:
    """Spill ink: smooth noise, cut at a level; coarse blots and fine textures."""
    pictures = np.zeros((count, SIZE, SIZE), np.uint8)
    for picture in pictures:
        waves = int(rng.integers(2, 9))
        slow = np.cos(np.pi * np.outer(np.arange(waves), (np.arange(SIZE) + 0.5) / SIZE))
        noise = slow.T @ rng.standard_normal((waves, waves)) @ slow
        level = np.quantile(noise, rng.uniform(0.4, 0.85))
        sharp = rng.uniform(1, 6) / noise.std()
        ink = 255 * (0.5 + sharp * (noise - level)).clip(0, 1)
        picture[:] = _framed(np.rint(ink).astype(np.uint8))
    return pictures


PLAIN_HAND = Hand(jitter=0.06, slant=0.15)
FROM_DIGITS: dict[str, Callable[[Images, Labels, int, np.random.Generator], Images]] = {
    "half a digit": _halves,
    "joined pair": _pairs,
    "joined halves": _joined_halves,
    "turned or mirrored": _turned,
}
BY_PEN: dict[str, Callable[[int, np.random.Generator], Images]] = {
    "letter": _written(LETTERS),
    "sign": _written(SIGNS),
    "drawing": _written(DRAWINGS),
    "strokes": _strokes,
    "scribble": _scribbles,
    "blot": _blots,
}
KINDS = (*BY_PEN, *FROM_DIGITS)
LETTER = KINDS.index("letter")
