"""Which shapes are the digit: specks and edges go, broken strokes stay, noise is refused."""

import numpy as np
import pytest

from nnscratch.data.synthetic import draw_digits
from nnscratch.errors import NoDigitError
from nnscratch.pictures.connected import connected
from nnscratch.pictures.framing import ink_box
from nnscratch.pictures.morphology import places
from nnscratch.pictures.read import prepare_grey
from nnscratch.pictures.segment import choose_main, drop_edges, find_shapes
from pages import PLAIN, SEVEN, alike, page, row_of


def test_connected_shapes_are_those_a_flood_would_find(rng):
    for _ in range(20):
        mask = rng.random((17, 23)) < 0.4
        labels, count = connected(mask)
        assert (labels > 0).tolist() == mask.tolist()
        for label in range(1, count + 1):
            flood = np.zeros_like(mask)
            flood[tuple(np.argwhere(labels == label)[0])] = True
            while True:
                padded = np.pad(flood, 1)
                spread = mask & np.any(
                    [padded[i : i + 17, j : j + 23] for i in range(3) for j in range(3)], axis=0
                )
                if np.array_equal(spread, flood):
                    break
                flood = spread
            assert np.array_equal(flood, labels == label)
        first = [int(np.flatnonzero(labels == label)[0]) for label in range(1, count + 1)]
        assert first == sorted(first)  # numbered by their first pixel


def test_a_stroke_that_winds_through_the_whole_picture_is_one_shape():
    mask = np.ones((101, 101), bool)
    mask[1::2] = False
    mask[1::4, -1] = mask[3::4, 0] = True  # rows joined at one end, then at the other
    assert connected(mask)[1] == connected(mask.T)[1] == 1
    mask[1, -1] = False
    assert connected(mask)[1] == connected(mask.T)[1] == 2


def test_a_speck_and_the_edge_of_a_scan_are_left_out():
    dirty = SEVEN.copy()
    dirty[52:54, 70:72] = 255
    dirty[:, :1] = 255
    assert alike(prepare_grey(dirty), PLAIN)


def test_a_broken_stroke_is_kept_whole():
    broken = SEVEN.copy()
    broken[26:28] = 0
    rows, columns = ink_box(SEVEN)
    assert prepare_grey(broken).box == (columns.start, rows.start, columns.stop, rows.stop)


def test_two_digits_are_noticed():
    two = np.hstack([page(60, 80), page(60, 80)])
    assert prepare_grey(two).shapes == 2


@pytest.mark.sampled(1)
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.2, 0.3, 0.4, 0.6])
def test_of_a_hundred_pairs_of_digits_all_kinds_are_noticed_whatever_the_gap(gap, rng):
    pairs = [(left, right) for left in range(10) for right in range(10)]
    drawn = draw_digits(np.array(pairs).ravel(), rng).reshape(-1, 2, 28, 28)
    noticed = sum(prepare_grey(row_of(pair, gap)).shapes > 1 for pair in drawn)
    assert noticed >= 97


def test_of_two_digits_one_alone_is_read(rng):
    eight, one = draw_digits(np.array([8, 1]), rng)
    both, alone = prepare_grey(row_of([eight, one], 0.1)), prepare_grey(row_of([eight], 0))
    assert both.shapes == 2
    assert alike(both, alone, levels=8)


@pytest.mark.parametrize("count", [8, 10, 15])
@pytest.mark.parametrize("gap", [0.1, 0.3, 0.6])
def test_a_row_of_digits_is_called_several_and_not_specks(count, gap, rng):
    row = row_of(draw_digits(np.arange(count) % 10, rng), gap)
    with pytest.raises(NoDigitError, match="there seem to be several") as caught:
        prepare_grey(255 - row)
    assert "one digit" in caught.value.next_step


def test_one_digit_is_not_called_several(rng):
    drawn = draw_digits(np.arange(300) % 10, rng)
    assert all(prepare_grey(row_of([digit], 0)).shapes == 1 for digit in drawn)


def test_the_loose_bar_of_a_five_belongs_to_it():
    five = np.zeros((100, 100), np.uint8)
    five[20:25, 44:70] = 255
    five[20:46, 36:41] = 255
    five[46:51, 36:64] = 255
    five[46:80, 62:67] = 255
    five[76:81, 36:67] = 255
    five[20:40, 41:44] = 0
    prepared = prepare_grey(five)
    assert prepared.box == (36, 20, 70, 81)
    assert prepared.shapes == 1


def test_the_open_four_whose_stem_stands_apart_is_one_digit():
    four = np.zeros((100, 100), np.uint8)
    four[20:50, 36:41] = 255
    four[46:51, 36:56] = 255
    four[20:81, 60:65] = 255
    prepared = prepare_grey(four)
    assert prepared.box == (36, 20, 65, 81)
    assert prepared.shapes == 1


@pytest.mark.parametrize("turns", range(4))
def test_what_lies_within_a_tenth_of_the_border_is_an_edge_on_all_four_sides(turns):
    ink = np.zeros((100, 200), np.float32)
    ink[:19, 20:180] = 1
    _, [strip] = find_shapes(np.rot90(ink, turns))
    assert strip.at_border
    assert strip.in_margin == 1
    with pytest.raises(NoDigitError, match="only an edge"):
        drop_edges([strip])
    ink[:24, 20:180] = 1
    _, [thick] = find_shapes(np.rot90(ink, turns))
    assert thick.in_margin == pytest.approx(20 / 24)
    assert drop_edges([thick]) == [thick]
    ink[0] = 0
    _, [loose] = find_shapes(np.rot90(ink, turns))
    assert not loose.at_border


def test_a_digit_that_touches_the_border_is_read_unless_another_does_not():
    ink = np.zeros((100, 100), np.float32)
    ink[40:, 10:20] = 1
    _, [cut] = find_shapes(ink)
    assert choose_main([cut]) == cut
    ink[20:60, 60:66] = 1
    _, shapes = find_shapes(ink)
    assert not choose_main(shapes).at_border


# -------------------------------------------------------------------------------------- no digit


NOISE = {
    "uniform": lambda rng, shape: rng.integers(0, 256, shape, np.uint8),
    "gaussian": lambda rng, shape: (
        rng.normal(rng.integers(60, 200), rng.uniform(1, 60), shape).clip(0, 255).astype(np.uint8)
    ),
    "salt and pepper": lambda rng, shape: rng.choice(
        [0, 128, 255], shape, p=[p := rng.uniform(0.001, 0.3), 1 - 2 * p, p]
    ).astype(np.uint8),
    "salt": lambda rng, shape: (
        (rng.random(shape) < rng.uniform(0.0005, 0.5)).astype(np.uint8) * 255
    ),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("pages", [20, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", NOISE)
def test_a_hundred_pages_of_noise_hold_no_digit(kind, pages):
    rng = np.random.default_rng(11)
    for _ in range(pages):
        noise = NOISE[kind](rng, tuple(rng.integers(28, 300, 2)))
        with pytest.raises(NoDigitError, match="no digit"):
            prepare_grey(noise)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (28, 28), (200, 300)])
def test_a_blank_page_holds_no_digit(level, shape):
    with pytest.raises(NoDigitError, match="no digit"):
        prepare_grey(np.full(shape, level, np.uint8))


def test_one_dot_is_no_digit():
    dot = np.zeros((100, 100), np.uint8)
    dot[50:53, 50:53] = 255
    with pytest.raises(NoDigitError):
        prepare_grey(dot)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (0, 5)])
def test_the_places_of_a_mask_are_those_of_numpy(shape, rng):
    for mask in (rng.random(shape) > 0.5, (rng.random(shape[::-1]) > 0.5).T):
        for found, expected in zip(places(mask), np.nonzero(mask), strict=True):
            assert np.array_equal(found, expected)
