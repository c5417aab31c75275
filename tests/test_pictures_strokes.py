"""Strokes of a pen become a picture of dark ink on white paper."""

import json
import math

import numpy as np
import pytest

from nnscratch.errors import ArrayError
from nnscratch.pictures.strokes import MOST_POINTS, MOST_STROKES, draw_strokes

LEVEL = [[[0.25, 0.5], [0.75, 0.5]]]


def naive(strokes, pen, side):
    """Ask of every pixel, one by one, how far it is from each piece of each stroke."""
    radius, picture = pen * side / 2, np.zeros((side, side))
    for row in range(side):
        for column in range(side):
            nearest = min(
                distance(column + 0.5, row + 0.5, [side * v for v in a], [side * v for v in b])
                for stroke in strokes
                for a, b in zip(stroke, stroke[1:] or stroke, strict=False)
            )
            picture[row, column] = 255 * (1 - min(1, max(0, radius + 0.5 - nearest)))
    return picture


def distance(x, y, a, b):
    along = b[0] - a[0], b[1] - a[1]
    square = along[0] ** 2 + along[1] ** 2
    t = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / square if square else 0
    t = min(1, max(0, t))
    return math.hypot(x - a[0] - t * along[0], y - a[1] - t * along[1])


@pytest.mark.parametrize("pen", [0.01, 0.06, 0.2])
def test_each_pixel_is_inked_by_its_distance_from_the_strokes(pen, rng):
    strokes = [rng.random((5, 2)).tolist(), [[0.1, 0.9]], [[0, 0], [1, 1]], [[0.5, 1]] * 3]
    drawn = draw_strokes(strokes, pen, 40)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn - naive(strokes, pen, 40)).max() <= 0.51


def test_a_line_is_as_wide_as_the_pen_and_ends_round():
    drawn = draw_strokes(LEVEL, pen=0.1, side=200)
    assert (255 - drawn[:, 100].astype(float)).sum() / 255 == pytest.approx(20, abs=0.1)
    area = (255 - drawn.astype(float)).sum() / 255
    assert area == pytest.approx(100 * 20 + math.pi * 10**2, rel=0.01)


def test_one_point_is_a_dot_where_it_was_set():
    drawn = draw_strokes([[[0.25, 0.75]]], pen=0.1, side=100)
    rows, columns = np.nonzero(drawn < 128)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (70, 79, 20, 29)


def test_without_strokes_the_paper_is_white():
    assert (draw_strokes([]) == 255).all()
    assert draw_strokes([]).shape == (280, 280)


def test_how_a_line_is_divided_into_points_and_strokes_does_not_matter():
    many = [[0.25 + 0.5 * i / 64, 0.5] for i in range(65)]
    whole = draw_strokes(LEVEL)
    assert np.array_equal(draw_strokes([many]), whole)
    assert np.array_equal(draw_strokes([many[32:][::-1], many[:33]]), whole)


def test_strokes_may_be_arrays_and_the_border_may_be_crossed():
    corner = draw_strokes([np.array([[0, 0], [1, 1]])])
    assert corner[0, 0] == 0 == corner[-1, -1]


@pytest.mark.parametrize(
    "strokes",
    [
        None, 7, "strokes", {"0": [[0.5, 0.5]]}, [7], ["stroke"], [None], [{}], [[]], [[0.5, 0.5]],
        [[[0.5]]], [[[0.5, 0.5, 0.5]]], [[[0.5, 0.5], [0.5]]], [[["0.5", "0.5"]]], [[[None, 0.5]]],
        [[[True, False]]], [[[0.5, [0.5]]]], [[[[0.5, 0.5]]]], [[[10**400, 0.5]]],
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_list_of_strokes_is_refused(strokes):
    with pytest.raises(ArrayError, match=r"list of|not from 0 to 1"):
        draw_strokes(strokes)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1.0001", "-0.0001", "1e308"])
def test_a_point_outside_of_the_paper_is_refused_and_told(number):
    strokes = json.loads(f"[[[0.5, 0.5]], [[0.5, 0.5], [0.5, {number}]]]")
    with pytest.raises(ArrayError, match="stroke 2 has a point that is not from 0 to 1"):
        draw_strokes(strokes)


@pytest.mark.parametrize("pen", [0, -1, 0.009, 0.21, math.nan, math.inf, "0.1", None, True, [0.1]])
def test_a_pen_that_is_none_is_refused(pen):
    with pytest.raises(ArrayError, match=r"the pen is 0\.01 to 0\.2 wide"):
        draw_strokes(LEVEL, pen)


def test_as_many_points_as_are_allowed_are_drawn_and_no_more():
    walk = (0.5 + 0.3 * np.sin(np.arange(2 * MOST_POINTS).reshape(-1, 2) / 900)).tolist()
    assert draw_strokes([walk]).min() == 0
    with pytest.raises(ArrayError, match=r"20,001 points, and 20,000 are allowed"):
        draw_strokes([walk, [[0, 0]]])


def test_a_scribble_of_as_many_points_is_drawn_soon_and_right(rng):
    scribble = rng.random((MOST_POINTS, 2))
    drawn = draw_strokes([scribble.tolist()])
    few = draw_strokes([stroke.tolist() for stroke in np.array_split(scribble[:3000], 100)])
    assert (drawn <= few).all()  # more strokes leave no pixel brighter
    assert (drawn == 0).mean() > 0.99


def test_as_many_strokes_as_are_allowed_are_drawn_and_no_more():
    assert draw_strokes([[[0.5, 0.5]]] * MOST_STROKES).min() == 0
    with pytest.raises(ArrayError, match="501 strokes, and 500 are allowed"):
        draw_strokes([[[0.5, 0.5]]] * (MOST_STROKES + 1))
