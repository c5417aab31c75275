"""Random variants: repeatable, small, and the identity when nothing may vary."""

import numpy as np
import pytest

from nnscratch.augment import Variation, augment
from nnscratch.pictures.framing import centre_of_mass

STILL = Variation(shift=0, rotation=0, scale=0, shear=0, wobble=0, stroke=0)


@pytest.fixture
def pictures(rng):
    pictures = np.zeros((300, 28, 28), np.uint8)
    pictures[:, 8:20, 8:20] = rng.integers(0, 256, (300, 12, 12))
    return pictures


def test_without_variation_nothing_changes(pictures, rng):
    assert np.array_equal(augment(pictures, rng, STILL), pictures)


def test_the_same_generator_gives_the_same_variants(pictures):
    first, second = (augment(pictures, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, augment(pictures, np.random.default_rng(4)))


def test_the_pictures_given_stay_as_they_were(pictures, rng):
    before = pictures.copy()
    augment(pictures, rng)
    assert np.array_equal(pictures, before)


def test_variants_are_small(rng):
    picture = np.zeros((28, 28), np.uint8)
    picture[6:22, 12:16] = 255
    variants = augment(np.repeat(picture[None], 640, axis=0), rng)
    moves = centre_of_mass(variants) - centre_of_mass(picture[None])
    assert np.abs(moves.mean(axis=0)).max() < 1
    assert np.abs(moves).max() < 6
    assert variants.sum(axis=(1, 2)).min() > 0.3 * picture.sum()


def test_shift_alone_moves_the_centre_by_as_much_as_it_says(rng):
    picture = np.zeros((28, 28), np.uint8)
    picture[10:18, 10:18] = 255
    many = np.repeat(picture[None], 128 * 100, axis=0)
    variants = augment(many, rng, Variation(1, 0, 0, 0, 0, 0))
    moves = centre_of_mass(variants) - centre_of_mass(many)
    assert moves.std(axis=0) == pytest.approx(1, rel=0.25)


def test_neighbours_get_different_warps(pictures, rng):
    same = np.repeat(pictures[:1], 300, axis=0)
    variants = augment(same, rng)
    assert not np.array_equal(variants[0], variants[1])


@pytest.mark.parametrize(("amount", "grows"), [(1.0, True), (-1.0, False)])
def test_a_thicker_stroke_has_more_ink_and_a_thinner_one_less(pictures, amount, grows):
    from nnscratch.augment import _change_stroke

    changed = _change_stroke(pictures, amount)
    assert ((changed >= pictures) if grows else (changed <= pictures)).all()
    assert (changed != pictures).any()


def test_any_number_of_pictures_will_do(pictures, rng):
    for count in (0, 1, 63, 64, 65):
        assert augment(pictures[:count], rng).shape == (count, 28, 28)
