"""The steps of the preparation, one by one."""

import numpy as np
import pytest

from hand import ONE_ZERO, THREE
from nnscratch.pictures.framing import centre_of_mass
from nnscratch.pictures.ink import Sheet
from nnscratch.pictures.ladder import climb
from nnscratch.pictures.read import STEPS, prepare_grey
from nnscratch.pictures.strokes import draw_strokes


def rungs(grey, **options):
    return {rung.step: rung.image for rung in climb(Sheet(grey, **options))}


@pytest.mark.parametrize("pen", [0.02, 0.08, 0.2])
@pytest.mark.parametrize("strokes", [THREE, ONE_ZERO])
def test_each_rung_is_the_preparation_with_the_steps_above_left_out(strokes, pen):
    grey = draw_strokes(strokes, pen)
    found = rungs(grey)
    assert list(found) == ["shrunk", *STEPS]
    for number, step in enumerate(STEPS, 1):
        expected = prepare_grey(grey, skip=STEPS[number:], pass_through=False)
        assert np.array_equal(found[step], expected.image)


def test_each_step_does_what_it_is_named_for():
    grey = 255 - draw_strokes([*THREE, [[0.97, 0.03]]], 0.02) // 2  # grey on dark, with a speck
    found = rungs(255 - grey)
    assert np.median(found["shrunk"]) > 100
    assert np.median(found["ink"]) == 0
    assert found["ink"][:3, 25:].any()
    assert not found["shape"][:3, 25:].any()
    rows, columns = (np.flatnonzero(found["box"].any(axis=axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    off = [np.abs(centre_of_mass(found[step][None])[0] - 14).max() for step in ("box", "centre")]
    assert off[0] > 0.55 >= off[1]
    assert (found["stroke"] > 0).sum() > 1.3 * (found["centre"] > 0).sum()


def test_polarity_can_be_said():
    grey = draw_strokes(THREE)
    assert np.array_equal(rungs(grey, invert=True)["stroke"], rungs(grey)["stroke"])
    assert not np.array_equal(rungs(grey, invert=False)["ink"], rungs(grey)["ink"])


def test_the_ladder_ends_where_no_digit_is_found(rng):
    assert list(rungs(draw_strokes([]))) == ["shrunk"]
    noise = (rng.random((200, 200)) > 0.6).astype(np.uint8) * 255
    assert list(rungs(noise)) == ["shrunk", "ink"]
