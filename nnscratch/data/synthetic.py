"""Digits drawn as a pen would draw them, for where MNIST cannot be fetched.

A digit is one of several skeletons: strokes, each a smooth curve through a few control points.
Every picture moves the control points a little, bends, slants, turns and stretches the whole,
draws it with a pen of its own width and pressure, and frames it as MNIST's makers did.

The shapes were adjusted by looking at MNIST's training pictures (class means, widths, slants); no
pixel of them is in here, and nothing was learned from them. One seed: the same digits everywhere.

A picture is two small matrix products: a fixed matrix times the control points gives points along
the strokes, and since a round pen's profile is a product of one in x and one in y, the page is the
product of the two families of profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.data.elsewhere import ELSEWHERE
from nnscratch.data.skeletons import SKELETONS, Skeleton
from nnscratch.pictures.framing import BOX_SIZE, CENTRE, SIZE, centre_of_mass

SYNTHETIC_VERSION = "1"  # a new one wherever the digits change, so that no cache outlives them
SEED = 20260101
TRAIN_SIZE, TEST_SIZE = 60_000, 10_000
ADDED_PLAIN, ADDED_ELSEWHERE = 6_000, 6_000
POINTS = 80  # along all strokes of a digit together; less than half a pen's width apart
PIECE = 1000  # pictures at a time
BOX = slice((SIZE - BOX_SIZE) // 2, (SIZE + BOX_SIZE) // 2)

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Reals = NDArray[np.float32]


@dataclass(frozen=True)
class Hand:
    """How much hands differ; standard deviations unless it says otherwise.

    Attributes:
        jitter: of each control point, as a share of the box.
        bend: of a smooth bending of the whole, as a share of the box.
        slant: drift to the right per unit of height.
        turn: radians.
        stretch: log of the width over the height.
        taper: log of the width of the foot over that of the head.
        waist: log of the exponent that moves the middle up or down.
        pen_width: mean, in pixels.
        pen_spread: log of the pen's width.
        pressure: change of width along a stroke, as a share.
        softness: width of the edge between ink and paper, in pixels (mean).
    """

    jitter: float = 0.09
    bend: float = 0.045
    slant: float = 0.24
    turn: float = 0.07
    stretch: float = 0.2
    taper: float = 0.3
    waist: float = 0.16
    pen_width: float = 2.05
    pen_spread: float = 0.3
    pressure: float = 0.12
    softness: float = 1.2


SCHOOLED = Hand(jitter=0.07)  # ELSEWHERE's shapes differ enough among themselves


def draw_digits(
    labels: NDArray[np.integer[Any]],
    rng: np.random.Generator,
    hand: Hand | None = None,
    on_drawn: Callable[[int], None] = lambda count: None,
) -> Images:
    """Draw a picture of each label.

    Args:
        labels: (n,) integers 0 … 9.
        rng: the same state draws the same pictures.
        on_drawn: called with the number of pictures drawn since the last call.

    Returns:
        (n, 28, 28) uint8, ink bright on a dark ground, framed as MNIST's pictures are.
    """
    chosen = _choose_skeletons(labels, SKELETONS, rng)
    return draw_skeletons(SKELETONS, chosen, rng, hand or Hand(), on_drawn)


def added_digits(
    on_drawn: Callable[[int], None] = lambda count: None,
) -> tuple[Images, Labels]:
    """Draw what `--dataset mnist+synthetic` adds to MNIST, always the same.

    Half are written as the built-in digits are, half as elsewhere. Not more, since drawn digits
    take room in a small network from real ones: after 20 epochs one of 256 units recognises 98.8%
    of MNIST's held-out pictures with none added, 98.9% with these, 98.3% with 60,000.
    """
    rng = np.random.default_rng(SEED + 1)
    labels = (np.arange(ADDED_PLAIN) % 10).astype(np.uint8)
    plain = draw_digits(labels, rng, on_drawn=on_drawn)
    elsewhere, others = draw_elsewhere(ADDED_ELSEWHERE, rng, on_drawn)
    return np.concatenate([plain, elsewhere]), np.concatenate([labels, others])


def draw_elsewhere(
    count: int, rng: np.random.Generator, on_drawn: Callable[[int], None] = lambda count: None
) -> tuple[Images, Labels]:
    """Draw digits as they are written elsewhere: flagged ones, crossed sevens, hooked nines.

    Returns:
        (count, 28, 28) uint8 and their labels, (count,); as many of each digit.
    """
    labels = rng.permutation(np.arange(count) % 10).astype(np.uint8)
    chosen = _choose_skeletons(labels, ELSEWHERE, rng)
    return draw_skeletons(ELSEWHERE, chosen, rng, SCHOOLED, on_drawn), labels


def draw_skeletons(
    skeletons: Sequence[Skeleton],
    chosen: NDArray[np.intp],
    rng: np.random.Generator,
    hand: Hand,
    on_drawn: Callable[[int], None] = lambda count: None,
) -> Images:
    """Draw a picture of each chosen skeleton, (n, 28, 28); `chosen` (n,) are their places."""
    images = np.zeros((len(chosen), SIZE, SIZE), np.uint8)
    for number, skeleton in enumerate(skeletons):
        places = np.flatnonzero(chosen == number)
        for start in range(0, len(places), PIECE):
            piece = places[start : start + PIECE]
            images[piece] = _draw(skeleton, len(piece), rng, hand)
            on_drawn(len(piece))
    return images


def synthetic_digits(
    on_drawn: Callable[[int], None] = lambda count: None,
) -> tuple[Images, Labels, Images, Labels]:
    """Draw the built-in data set: 60,000 training and 10,000 test pictures, always the same.

    Returns:
        Training pictures and labels, test pictures and labels; as many of each digit.
    """
    rng = np.random.default_rng(SEED)
    parts: list[NDArray[np.uint8]] = []
    for count in (TRAIN_SIZE, TEST_SIZE):
        labels = rng.permutation(np.arange(count, dtype=np.int64) % 10).astype(np.uint8)
        parts += [draw_digits(labels, rng, on_drawn=on_drawn), labels]
    return parts[0], parts[1], parts[2], parts[3]


def _choose_skeletons(
    labels: NDArray[np.integer[Any]], skeletons: Sequence[Skeleton], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw which skeleton each picture takes, by the shares."""
    chosen = np.zeros(len(labels), np.intp)
    for digit in range(10):
        places = np.flatnonzero(labels == digit)
        own = [number for number, s in enumerate(skeletons) if s.digit == digit]
        shares = np.array([skeletons[number].share for number in own])
        chosen[places] = rng.choice(own, len(places), p=shares / shares.sum())
    return chosen


# ----------------------------------------------------------------------------------------- strokes


def _stroke_matrix(skeleton: Skeleton) -> tuple[Reals, Reals, NDArray[np.bool_]]:
    """Return the control points (p, 2), the matrix (POINTS, p) that samples the curves, and which
    samples are the last of their stroke.
    """
    strokes = [
        np.array([pair.split(",") for pair in stroke.split()], np.float32) / 10
        for stroke in skeleton.strokes
    ]
    lengths = np.array([np.linalg.norm(np.diff(s, axis=0), axis=1).sum() for s in strokes])
    counts = np.maximum(4, np.floor(POINTS * lengths / lengths.sum())).astype(int)
    counts[counts.argmax()] += POINTS - counts.sum()
    matrix = np.zeros((POINTS, sum(map(len, strokes))), np.float32)
    row = column = 0
    last = np.zeros(POINTS, bool)
    for stroke, count in zip(strokes, counts, strict=True):
        matrix[row : row + count, column : column + len(stroke)] = _catmull_rom(len(stroke), count)
        row, column = row + count, column + len(stroke)
        last[row - 1] = True
    return np.concatenate(strokes), matrix, last


def _catmull_rom(points: int, samples: int) -> Reals:
    """Return the matrix (samples, points) of a smooth curve through all its control points.

    Cubic pieces whose tangents are half the step between the neighbours (Catmull and Rom 1974);
    at the ends the outer neighbour is the end itself.
    """
    at = np.linspace(0, points - 1, samples)
    piece = np.minimum(at.astype(int), points - 2)
    t = at - piece
    weights = (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    matrix = np.zeros((samples, points), np.float32)
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        np.add.at(matrix, (np.arange(samples), np.clip(piece + offset, 0, points - 1)), weight)
    return matrix


# ----------------------------------------------------------------------------------------- drawing


def _draw(skeleton: Skeleton, n: int, rng: np.random.Generator, hand: Hand) -> Images:
    """Draw n pictures of one skeleton."""
    control, matrix, last = _stroke_matrix(skeleton)
    jittered = control + hand.jitter * rng.standard_normal((n, *control.shape), np.float32)
    points = _by_hand(matrix @ jittered, skeleton, rng, hand)
    pen = (
        skeleton.pen
        * hand.pen_width
        * np.exp(hand.pen_spread * rng.standard_normal((n, 1), np.float32))
    )
    x, y = _framed(points, pen)
    width = pen * (1 + hand.pressure * _slow_wave(n, rng))
    softness = np.maximum(0.5, hand.softness + 0.25 * rng.standard_normal((n, 1, 1), np.float32))
    return _centred(_ink(x, y, width.astype(np.float32), last, softness))


def _by_hand(points: Reals, skeleton: Skeleton, rng: np.random.Generator, hand: Hand) -> Reals:
    """Bend, stretch, slant and turn the points (n, POINTS, 2) of a skeleton in its unit box."""
    n = len(points)
    normal = rng.standard_normal((n, 14), np.float32)[:, :, np.newaxis]
    x, y = points[:, :, 0], points[:, :, 1].clip(0, 1.2)
    y = y ** np.exp(hand.waist * normal[:, 0])
    angle_x, angle_y = np.pi * x, np.pi * y
    waves = [np.cos(angle_x), np.cos(angle_y), np.cos(angle_x) * np.cos(angle_y)]
    waves += [np.cos(2 * angle_y), np.sin(2 * angle_x)]
    bend_x = sum(normal[:, 1 + i] * wave for i, wave in enumerate(waves))
    bend_y = sum(normal[:, 6 + i] * wave for i, wave in enumerate(waves))
    x = x + hand.bend / 2 * bend_x - 0.5
    y = y + hand.bend / 2 * bend_y - 0.5
    x = x * skeleton.aspect * np.exp(hand.stretch * normal[:, 11] + hand.taper * normal[:, 13] * y)
    x = x - (skeleton.slant + hand.slant * normal[:, 12]) * y
    turn = hand.turn * rng.standard_normal((n, 1), np.float32)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)


def _slow_wave(n: int, rng: np.random.Generator) -> Reals:
    """Return (n, POINTS) waves of unit size and random phase, about one along all strokes."""
    phase = rng.uniform(0, 2 * np.pi, (n, 1)).astype(np.float32)
    cycles = rng.uniform(0.5, 2, (n, 1)).astype(np.float32)
    wave: Reals = np.sin(phase + cycles * np.linspace(0, 2 * np.pi, POINTS, dtype=np.float32))
    return wave


def _framed(points: Reals, pen: Reals) -> tuple[Reals, Reals]:
    """Scale the points so that, drawn with the pen, they fill MNIST's box of 20×20 pixels.

    Returns:
        x and y, (n, POINTS), in pixels, with their mean at the page's centre.
    """
    low, high = points.min(axis=1), points.max(axis=1)
    longest = (high - low).max(axis=1)[:, np.newaxis]
    scale = (BOX_SIZE + 0.2 - pen) / longest
    middle = (low + high) / 2 * scale
    x, y = (points[:, :, axis] * scale - middle[:, axis, np.newaxis] for axis in (0, 1))
    return x + (SIZE - 1) / 2, y + (SIZE - 1) / 2


def _ink(x: Reals, y: Reals, width: Reals, last: NDArray[np.bool_], softness: Reals) -> Images:
    """Draw along the points with a round pen, (n, 28, 28) grey levels.

    A pen of width w leaves a Gaussian profile that has fallen to a half at w/2; summed along a
    stroke with the distance between points, it is 1 in the middle. A steeper slope about one half
    then gives full ink within and none without.
    """
    sigma = (width / 2.355)[:, :, np.newaxis]
    step = np.hypot(np.diff(x, axis=1, append=0), np.diff(y, axis=1, append=0))
    step[:, last] = 0
    ends = last | np.roll(last, 1)
    step[:, ends] += 0.5 * np.sqrt(2 * np.pi) * sigma[:, ends, 0]  # a round cap
    pixels = np.arange(SIZE, dtype=np.float32)
    across = np.exp(-(((pixels - x[:, :, np.newaxis]) / sigma) ** 2) / 2)
    down = np.exp(-(((pixels - y[:, :, np.newaxis]) / sigma) ** 2) / 2)
    down *= step[:, :, np.newaxis] / (sigma * np.float32(np.sqrt(2 * np.pi)))
    profile = down.transpose(0, 2, 1) @ across
    slope_at_half = 1.178 * 0.5 / sigma.mean(axis=1, keepdims=True)
    ink = 0.5 + (profile - 0.5) * np.maximum(1, 1 / (slope_at_half * softness))
    page = np.zeros(ink.shape, np.uint8)
    page[:, BOX, BOX] = np.rint(255 * ink[:, BOX, BOX].clip(0, 1))
    return page


def _centred(images: Images) -> Images:
    """Move each picture by whole pixels until its centre of mass is at (14, 14)."""
    moves = np.rint(CENTRE - centre_of_mass(images)).astype(int)
    margin = int(np.abs(moves).max(initial=0))
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    n, row, column = np.ogrid[: len(images), :SIZE, :SIZE]
    down, across = (margin - moves[:, axis, np.newaxis, np.newaxis] for axis in (0, 1))
    moved: Images = padded[n, row + down, column + across]
    return moved
