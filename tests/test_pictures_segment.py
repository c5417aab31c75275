"""Which shapes are the digit: specks and edges go, broken strokes stay, noise is refused."""

import numpy as np
import pytest

from nnscratch.errors import NoDigitError
from nnscratch.pictures.framing import ink_box
from nnscratch.pictures.read import prepare_grey
from nnscratch.pictures.segment import connected
from pages import PLAIN, SEVEN, alike, page


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


@pytest.mark.parametrize("kind", NOISE)
def test_a_hundred_pages_of_noise_hold_no_digit(kind):
    rng = np.random.default_rng(11)
    for _ in range(100):
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
