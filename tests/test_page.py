"""A page as a whole: what reads as digits here and there, and is none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from nnscratch import load_model
from nnscratch.data.negatives import PLAIN_HAND
from nnscratch.data.shapes import LETTERS
from nnscratch.data.synthetic import draw_digits, draw_skeletons
from nnscratch.errors import NoDigitError
from nnscratch.page import read_page, strokes_of_one
from nnscratch.pictures.cuts import Candidate, Piece
from pages import row_of

MODEL = load_model("pretrained")


def zigzag(strokes):
    """Draw parallel strokes joined above and below by turns, as a w or an m has them."""
    page = Image.new("L", (120 + 60 * strokes, 200))
    points = [(60 + 30 * n, 50 if n % 2 == 0 else 150) for n in range(2 * strokes - 1)]
    ImageDraw.Draw(page).line(points, fill=255, width=7, joint="curve")
    return np.asarray(page)


def piece(label, whole):
    return Piece(label, whole, (10 * label, 0, 10 * label + 5, 20))


def candidate(first, last):
    image = np.zeros((28, 28), np.uint8)
    return Candidate(first, last, (10 * first, 0, 10 * last, 20), image, 0.0)


def test_ones_cut_from_one_shape_side_by_side_are_its_strokes():
    pieces = [piece(0, 7), piece(1, 7), piece(2, 8), piece(3, 9), piece(4, 9), piece(5, 9)]
    candidates = [candidate(n, n + 1) for n in range(6)]
    assert strokes_of_one(pieces, candidates, [0, 1, 2]) == {0, 1}
    assert strokes_of_one(pieces, candidates, [2, 3, 4, 5]) == {3, 4, 5}
    assert strokes_of_one(pieces, candidates, [3, 5]) == set()  # another digit between them
    assert strokes_of_one(pieces, candidates, []) == set()


@pytest.mark.parametrize("strokes", [2, 3, 4])
def test_the_strokes_of_a_letter_are_no_row_of_ones(strokes):
    with pytest.raises(NoDigitError):
        read_page(MODEL, zigzag(strokes))


def test_ones_that_stand_apart_are_read():
    ones = draw_digits(np.ones(5, np.uint8), np.random.default_rng(2))
    assert read_page(MODEL, row_of(ones, 0.5)).text == "11111"


@pytest.mark.slow
def test_most_rows_of_letters_hold_no_digit_and_rows_of_digits_do():
    rng, refused = np.random.default_rng(4), {"letters": 0, "digits": 0}
    for _ in range(12):
        chosen = rng.choice(len(LETTERS), 6)
        letters = draw_skeletons(LETTERS, chosen, rng, PLAIN_HAND)
        digits = draw_digits(rng.integers(0, 10, 6).astype(np.uint8), rng)
        for kind, row in (("letters", letters), ("digits", digits)):
            try:
                read_page(MODEL, row_of(row, 0.4))
            except NoDigitError:
                refused[kind] += 1
    assert refused["letters"] >= 11
    assert refused["digits"] == 0
