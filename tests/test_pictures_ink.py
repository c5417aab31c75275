"""What is ink: how much of it there is, and whether it is darker than the paper."""

from nnscratch.pictures.ink import find_ink, ink_is_dark
from pages import SEVEN


def test_find_ink_is_between_0_and_1_and_0_on_paper():
    ink, inverted = find_ink(255 - SEVEN)
    assert inverted
    assert ink.min() == 0
    assert ink.max() == 1
    assert not ink[SEVEN == 0].any()
    assert ink_is_dark(255 - SEVEN)
