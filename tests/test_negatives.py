"""Pictures that are no digit: made of digits or by the pen, framed as MNIST's are."""

import numpy as np
import pytest

from conftest import some_digits
from nnscratch.data.negatives import BROAD, FROM_DIGITS, KINDS, make_negatives
from nnscratch.data.shapes import DRAWINGS, LETTERS, NO_DIGIT, SIGNS
from nnscratch.pictures.framing import centre_of_mass, ink_box


@pytest.fixture(scope="module")
def made():
    images, labels = some_digits(400, 5)
    return make_negatives(images, labels, 550, np.random.default_rng(3))


def test_there_are_as_many_of_each_kind_and_twice_as_many_letters(made):
    pictures, kinds = made
    counts = dict(zip(KINDS, np.bincount(kinds), strict=True))
    assert pictures.shape == (550, 28, 28)
    assert counts.pop("letter") == 100
    assert set(counts.values()) == {50}


def test_all_are_framed_as_digits_are(made):
    for picture in made[0]:
        rows, columns = ink_box(picture)
        assert max(rows.stop - rows.start, columns.stop - columns.start) <= 21
        assert np.abs(centre_of_mass(picture[np.newaxis])[0] - 14).max() < 2.6
    assert made[0].any(axis=(1, 2)).all()


def test_the_same_generator_makes_the_same_pictures_and_another_makes_others(made):
    images, labels = some_digits(400, 5)
    again, _ = make_negatives(images, labels, 550, np.random.default_rng(3))
    other, _ = make_negatives(images, labels, 550, np.random.default_rng(4))
    assert np.array_equal(again, made[0])
    assert not np.array_equal(other, made[0])


def test_no_picture_is_the_digit_that_it_was_made_of(made):
    images, _ = some_digits(400, 5)
    whole = {image.tobytes() for image in images}
    assert not whole & {picture.tobytes() for picture in made[0]}


@pytest.mark.parametrize("kind", FROM_DIGITS)
def test_what_is_made_of_digits_needs_only_those_that_it_names(kind):
    images, labels = some_digits(300, 6)
    broad = np.isin(labels, BROAD)
    pictures = FROM_DIGITS[kind](images[broad], labels[broad], 20, np.random.default_rng(1))
    assert pictures.any(axis=(1, 2)).all()


def test_no_shape_claims_to_be_a_digit():
    assert {shape.digit for shape in (*LETTERS, *SIGNS, *DRAWINGS)} == {NO_DIGIT}
