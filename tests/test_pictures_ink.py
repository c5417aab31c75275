"""What is ink: how much of it there is, and whether it is darker than the paper."""

import numpy as np
import pytest

from nnscratch.pictures.ink import find_ink, ink_is_dark
from nnscratch.pictures.morphology import running
from pages import SEVEN, page


def test_find_ink_is_between_0_and_1_and_0_on_paper():
    ink, inverted = find_ink(255 - SEVEN)
    assert inverted
    assert ink.min() == 0
    assert ink.max() == 1
    assert not ink[SEVEN == 0].any()
    assert ink_is_dark(255 - SEVEN)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("where", ["the middle", "one side"])
def test_a_pool_of_light_or_shadow_does_not_turn_the_ink_over(dark, where):
    seven = page(120, 160, 5) / 255
    y, x = np.mgrid[-1:1:120j, -1:1:160j]
    pool = 1 - (x**2 + y**2) / 2 if where == "the middle" else (1 + x) ** 2 / 4
    tones = 90 + 130 * pool - 40 * seven
    grey = (tones if dark else 255 - tones).clip(0, 255).astype(np.uint8)
    assert ink_is_dark(grey) is dark


@pytest.mark.parametrize("width", [1, 3, 5, 13, 41])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("extreme", [np.minimum, np.maximum])
def test_the_running_extreme_takes_half_its_width_on_either_side_and_repeats_the_edge(
    width, axis, extreme, rng
):
    tones = rng.random((17, 23)).astype(np.float32)
    found = running(extreme, tones, width, axis)
    size = tones.shape[axis]
    for place in range(size):
        reach = range(max(0, place - width // 2), min(size, place + width // 2 + 1))
        expected = extreme.reduce(tones.take(reach, axis), axis=axis)
        assert np.array_equal(found.take(place, axis), expected)
