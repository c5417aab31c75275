"""Pencil on squared and lined paper is read, and the paper alone is not."""

import numpy as np
import pytest

from hand import arc
from nnscratch.errors import NoDigitError
from nnscratch.pictures.read import prepare_grey
from nnscratch.pictures.ruling import (
    BROKEN,
    FEWEST_LINES,
    STEEPEST,
    _may_be_ruled,
    _unbroken,
    without_ruling,
)
from nnscratch.pictures.strokes import draw_strokes
from pages import page

PAPER, PENCIL = 235, 145


def ruled(grey, kind, line, slope=0.0, spacing=31):
    """Put a bright digit in pencil on paper with printed lines of a grey level."""
    height, width = grey.shape
    y, x = np.mgrid[:height, :width]
    lines = (np.rint(y + slope * x) % spacing) < 2
    if kind == "squared":
        lines |= (np.rint(x - slope * y) % spacing) < 2
    tones = np.where(lines, line, PAPER)
    tones = np.minimum(tones, PAPER - (PAPER - PENCIL) * (grey / 255))
    noise = np.random.default_rng(0).normal(0, 1.5, grey.shape)
    return (tones + noise).clip(0, 255).astype(np.uint8)


SEVEN = page(480, 640, 7)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", ["squared", "lined"])
@pytest.mark.parametrize("line", [205, 190, 170, 150])
@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_thin_pencil_on_printed_lines_is_read(kind, line, slope):
    plain = prepare_grey(255 - SEVEN // 2)
    found = prepare_grey(ruled(SEVEN, kind, line, slope))
    assert np.abs(np.subtract(found.box, plain.box)).max() <= 8
    assert np.abs(found.image.astype(int) - plain.image).mean() < 12


@pytest.mark.parametrize("kind", ["squared", "lined"])
@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_printed_lines_alone_hold_no_digit(kind, slope):
    with pytest.raises(NoDigitError):
        prepare_grey(ruled(0 * SEVEN, kind, 190, slope))


def test_strokes_of_a_small_picture_are_not_printed_lines():
    picture = np.zeros((28, 28), np.float32)
    picture[2:26, [10, 12, 14, 17]] = 100
    assert np.array_equal(without_ruling(picture), picture)


@pytest.mark.parametrize("slope", [0.0, 0.02, -0.05, STEEPEST, -STEEPEST])
def test_a_page_with_lines_is_never_passed_over(slope):
    for count in (4, 5, 9):
        height, width = 200, 240
        y, x = np.mgrid[:height, :width]
        ruling = np.zeros((height, width), np.float32)
        ruling[np.rint(y + slope * x) % height % (height // count) < 1] = 30
        ruling[:, : width // 5] = 0  # a line may be broken
        assert _may_be_ruled(ruling)
    assert not _may_be_ruled(page(480, 640, 7).astype(np.float32))


def test_a_stroke_that_wanders_is_not_taken_for_lines():
    ring = 255 - draw_strokes([arc((0.5, 0.5), 0, 2, 0.45)]).astype(np.float32)
    dark = np.count_nonzero(ring, axis=0)
    assert np.count_nonzero(dark >= FEWEST_LINES) > 0.9 * len(dark)  # as dark as lines would be
    assert not _may_be_ruled(ring)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_level_of_a_line_is_the_percentile_of_it(axis, rng):
    level = rng.normal(0, 6, (24, 31))
    assert np.allclose(_unbroken(level, axis), np.percentile(level, BROKEN, axis=axis))
