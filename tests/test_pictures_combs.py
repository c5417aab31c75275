"""The teeth of a form: told from ones by their neighbours."""

import numpy as np
import pytest

from nnscratch.pictures.combs import find_teeth
from nnscratch.pictures.frames import Line

BASE = Line(slope=0.0, start=100.0, left=10, right=400, thickness=2.0)
PLACES = (20, 80, 140, 200, 260)


def post(place, top=75, bottom=99):
    return Line(slope=0.0, start=float(place), left=top, right=bottom, thickness=2.0)


def test_posts_alike_at_even_intervals_on_a_line_are_teeth():
    teeth = find_teeth([post(place) for place in PLACES], [BASE], 50.0)
    assert [tooth.start for tooth in teeth] == list(PLACES)


def test_teeth_may_hang_from_a_line():
    hanging = [post(place, 101, 126) for place in PLACES]
    assert find_teeth(hanging, [BASE], 50.0) == hanging


def test_what_a_digit_hides_is_told_by_the_others():
    teeth = find_teeth([post(place) for place in PLACES if place != 140], [BASE], 50.0)
    assert sorted(tooth.start for tooth in teeth) == pytest.approx(PLACES, abs=0.5)


@pytest.mark.parametrize(
    "posts",
    [
        [post(place) for place in (20, 70, 140, 185, 260)],
        [post(place, top) for place, top in zip(PLACES, (75, 55, 66, 40, 85), strict=True)],
        [post(place, 40, 70) for place in PLACES],
        [post(place) for place in PLACES[:3]],
    ],
    ids=["uneven", "unlike", "above the line", "few"],
)
def test_ones_are_no_teeth(posts):
    assert find_teeth(posts, [BASE], 50.0) == []


def test_hidden_teeth_follow_a_line_that_slants():
    slope = 0.05
    base = Line(slope, 100.0, 10, 400, 2.0)
    posts = [
        post(place, round(75 + slope * place), round(99 + slope * place))
        for place in PLACES
        if place != 200
    ]
    hidden = next(t for t in find_teeth(posts, [base], 50.0) if abs(t.start - 200) < 2)
    assert np.abs([hidden.left - 85, hidden.right - 109]).max() <= 4
