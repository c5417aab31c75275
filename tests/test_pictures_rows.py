"""Shapes find their rows."""

import numpy as np
import pytest

from nnscratch.pictures.rows import digit_height, find_rows, find_slope, join_halves
from nnscratch.pictures.segment import find_shapes


def shapes_at(*boxes, size=(400, 800)):
    """Draw solid boxes (top, left, height, width) and find them."""
    page = np.zeros(size, np.float32)
    for top, left, height, width in boxes:
        page[top : top + height, left : left + width] = 1
    return find_shapes(page)


def boxes_of(rows):
    return [[(shape.top, shape.left) for shape in row.shapes] for row in rows]


def test_small_marks_do_not_change_the_height_of_a_digit():
    digits = [(50, 60 * n + 10, 40, 20) for n in range(5)]
    specks = [(120, 20 * n + 5, 4, 9) for n in range(30)]
    assert digit_height(shapes_at(*digits, *specks)[1]) == 40


@pytest.mark.parametrize("slope", [-0.4, -0.1, 0.0, 0.3])
def test_slanting_rows_are_told_apart_and_ordered(slope):
    upper = [(round(150 + slope * 60 * n), 60 * n + 20, 40, 20) for n in range(7)]
    lower = [(top + 80, left, high, wide) for top, left, high, wide in upper]
    _, shapes = shapes_at(*upper, *lower)
    found = find_slope(shapes, 40)
    assert found == pytest.approx(slope, abs=0.13)
    rows = boxes_of(find_rows(shapes, 40, found))
    assert rows == [[(top, left) for top, left, *_ in row] for row in (upper, lower)]


def test_a_small_piece_joins_its_row_and_what_lies_between_rows_is_left_out():
    _, shapes = shapes_at((50, 20, 40, 20), (50, 80, 40, 20), (55, 105, 6, 12), (105, 50, 5, 12))
    assert boxes_of(find_rows(shapes, 40)) == [[(50, 20), (50, 80), (55, 105)]]


def test_two_halves_are_one_shape_and_two_rows_are_not():
    labels, shapes = shapes_at((50, 20, 20, 20), (72, 20, 20, 20), (110, 20, 40, 20))
    joined = join_halves(labels, shapes)
    assert [(shape.top, shape.bottom) for shape in joined] == [(50, 92), (110, 150)]
    assert labels[50, 20] == labels[80, 20] != labels[120, 20]
