"""Lines and boxes go; strokes stay."""

import numpy as np
import pytest

from nnscratch.pictures.frames import find_lines, without_frames


@pytest.fixture
def stroke():
    """A pen's stroke, 5 thick and 40 high, that leans: no line."""
    page = np.zeros((120, 300), np.float32)
    for row in range(40, 80):
        page[row, 100 + (80 - row) // 2 : 105 + (80 - row) // 2] = 1
    return page


def test_a_line_is_found_with_its_slope_and_ends():
    page = np.zeros((60, 300), np.float32)
    for column in range(20, 280):
        page[round(20 + 0.05 * column), column] = 1
    (line,) = find_lines(page, 30)
    assert line.slope == pytest.approx(0.05, abs=0.002)
    assert (line.left, line.right, line.length) == (20, 280, 260)
    assert line.row(100) == pytest.approx(25, abs=0.6)


def test_a_page_without_lines_stays_as_it_is(stroke):
    np.testing.assert_array_equal(without_frames(stroke, 40), stroke)


def test_a_line_through_a_stroke_goes_and_the_stroke_stays_whole(stroke):
    page = stroke.copy()
    page[60:62] = np.maximum(page[60:62], 0.6)
    bare = without_frames(page, 40)
    assert bare[:, :90].sum() == bare[:, 140:].sum() == 0
    assert np.count_nonzero(bare > 0.35) >= 0.95 * np.count_nonzero(stroke)
    assert (bare[60:62] > 0.35).any(axis=1).all()


def test_boxes_go_with_their_posts_and_a_one_inside_stays():
    page = np.zeros((100, 400), np.float32)
    page[[20, 80], 20:381] = 1
    page[20:81, 20:381:60] = 1
    one = np.zeros_like(page)
    one[32:68, 48:52] = 1
    np.testing.assert_array_equal(without_frames(np.maximum(page, one), 60), one)


def test_a_one_from_line_to_line_of_a_frame_stays_and_its_sides_go():
    page = np.zeros((120, 500), np.float32)
    page[[30, 31, 78, 79], 20:481] = page[30:80, [20, 21, 479, 480]] = 0.5
    page[25:85, 200:205] = 1
    bare = without_frames(page, 60) > 0.35
    assert bare[25:85, 200:205].mean() > 0.95
    assert not bare[:, :190].any()
    assert not bare[:, 215:].any()


def test_a_page_of_lines_alone_is_left_blank():
    page = np.zeros((120, 300), np.float32)
    page[60:63, 10:290] = 1
    assert not without_frames(page, 40).any()
