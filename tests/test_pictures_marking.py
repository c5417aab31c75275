"""Answers drawn onto a picture."""

import numpy as np

from nnscratch.pictures.marking import Mark, mark


def coloured(page):
    """Rows in which something is drawn in colour."""
    return np.flatnonzero((np.ptp(page.astype(int), axis=2) > 60).any(axis=1))


def test_an_answer_that_has_no_room_above_stands_whole_beneath_the_picture():
    paper = np.full((100, 700), 255, np.uint8)
    page = mark(paper, (700, 100), [Mark((20, 4, 60, 96), "6")])
    assert page.shape[1] == 700
    assert page.shape[0] > 100 + 0.4 * 92  # as high as its letters, at least
    drawn = coloured(page)
    assert drawn.max() < page.shape[0] - 1  # nothing is cut off
    assert drawn.max() - 98 > 20  # and it is there


def test_where_there_is_room_above_the_picture_keeps_its_size():
    paper = np.full((300, 700), 255, np.uint8)
    page = mark(paper, (700, 300), [Mark((20, 100, 60, 180), "6")])
    assert page.shape == (300, 700, 3)
    assert coloured(page).min() < 97
    assert np.array_equal(mark(paper, (700, 300), []), np.full((300, 700, 3), 255))
