"""Box, stroke, centre and slant, on pictures whose answer is known."""

import subprocess
import sys

import numpy as np
import pytest

from nnscratch.pictures.framing import (
    FINE,
    centre_of_mass,
    corner_of,
    deskew,
    ink_box,
    place,
    stroke_width,
)
from nnscratch.pictures.ink import find_ink
from nnscratch.pictures.read import prepare_grey
from pages import page


def slanted_bar(slant):
    """A bar two pixels wide whose columns drift by `slant` pixels a row."""
    picture = np.zeros((28, 28), np.uint8)
    for row in range(5, 23):
        left = round(13 + slant * (row - 13.5))
        picture[row, left : left + 2] = 255
    return picture


def drift_per_row(picture):
    rows, columns = np.nonzero(picture > 0)
    return np.polyfit(rows, columns, 1, w=picture[rows, columns].astype(float))[0]


def test_centre_of_mass_moves_with_the_picture(rng):
    pictures = np.zeros((5, 28, 28), np.uint8)
    pictures[:, 8:18, 9:17] = rng.integers(0, 256, (5, 10, 8))
    moved = np.roll(pictures, (3, -2), axis=(1, 2))
    np.testing.assert_allclose(centre_of_mass(moved), centre_of_mass(pictures) + np.array([3, -2]))


def test_a_blank_picture_has_its_centre_in_the_middle():
    assert centre_of_mass(np.zeros((1, 28, 28), np.uint8)).tolist() == [[13.5, 13.5]]


def test_ink_box_is_the_smallest_box():
    picture = slanted_bar(0)
    assert ink_box(picture) == (slice(5, 23), slice(13, 15))
    assert picture[ink_box(np.zeros_like(picture))].size == 0


@pytest.mark.parametrize("slant", [-0.6, -0.3, 0.3, 0.6])
def test_deskew_stands_a_slanted_bar_upright(slant):
    picture = slanted_bar(slant)
    assert drift_per_row(picture) == pytest.approx(slant, abs=0.05)
    assert abs(drift_per_row(deskew(picture[None])[0])) < 0.03


def test_deskew_leaves_the_upright_and_the_blank_alone():
    pictures = np.stack([slanted_bar(0), np.zeros((28, 28), np.uint8)])
    assert np.array_equal(deskew(pictures), pictures)


def test_deskew_keeps_the_centre_and_the_ink():
    pictures = np.stack([slanted_bar(slant) for slant in (-0.4, 0.2, 0.5)])
    upright = deskew(pictures)
    np.testing.assert_allclose(centre_of_mass(upright), centre_of_mass(pictures), atol=0.1)
    np.testing.assert_allclose(upright.sum((1, 2)), pictures.sum((1, 2)), rtol=0.01)


def test_deskew_of_a_picture_does_not_depend_on_its_neighbours():
    pictures = np.stack([slanted_bar(slant) for slant in np.linspace(-1, 1, 1500)])
    assert np.array_equal(deskew(pictures)[1200:1201], deskew(pictures[1200:1201]))


def test_a_single_bright_row_is_not_moved_out_of_sight():
    picture = np.zeros((28, 28), np.uint8)
    picture[27, 0], picture[26, 27] = 255, 255
    assert deskew(picture[None]).any()


@pytest.mark.parametrize(("stroke", "done"), [(1, "thickened"), (4, "kept"), (12, "thinned")])
def test_strokes_far_off_are_brought_near_mnists(stroke, done):
    prepared = prepare_grey(page(60, 80, stroke))
    assert prepared.stroke == done


def test_a_one_pixel_line_is_bright_in_the_result():
    image = prepare_grey(page(300, 400, 1)).image
    assert image.max() == 255
    assert 0.04 < image.mean() / 255 < 0.25


def test_stroke_width_of_a_bar_is_its_width():
    ink = np.zeros((FINE, FINE), np.float32)
    ink[:, 30:40] = 1
    assert stroke_width(ink) == pytest.approx(10 * 4 / np.pi, rel=0.15)


@pytest.mark.mnist
def test_mnist_is_framed_as_its_makers_say(mnist):
    pictures = mnist.train_images
    spans = [pictures.any(axis=axis) for axis in (2, 1)]
    lengths = [28 - span.argmax(1) - span[:, ::-1].argmax(1) for span in spans]
    assert (np.maximum(*lengths) == 20).sum() == 59987
    centres = centre_of_mass(pictures)
    assert centres.min() > 13.47
    assert centres.max() < 14.51


def test_the_last_bits_do_not_move_what_is_symmetric(rng):
    half = rng.random((10, 8)).astype(np.float32)
    ink = np.vstack([half, half[::-1]])  # its middle lies between two rows
    corners = set()
    for row in (0, -1):
        other = ink.copy()
        other[row] += np.float32(1e-6)
        corners.add(corner_of(other)[0])
    assert len(corners) == 1


def test_the_centre_of_mass_comes_to_the_nearest_whole_pixel(rng):
    for _ in range(50):
        fitted = np.zeros((20, 20), np.float32)
        top, left = rng.integers(3, 9, 2)
        fitted[top : top + 8, left : left + 8] = rng.random((8, 8))
        fitted[0, 0] = fitted[19, 19] = 1
        assert np.abs(centre_of_mass(place(fitted)[None])[0] - 14).max() <= 0.5


def test_deskew_rounds_to_the_nearest_grey_level(rng):
    pictures = np.zeros((200, 28, 28), np.uint8)
    pictures[:, 8:20, 10:18] = rng.integers(0, 256, (200, 12, 8))
    ink = deskew(pictures).sum(dtype=float) / pictures.sum(dtype=float)
    assert ink == pytest.approx(1, abs=3e-4)  # rounded down, it loses half a grey level a pixel


def test_grey_levels_are_rounded_to_the_nearest():
    page_of_ink = np.zeros((40, 40), np.uint8)
    page_of_ink[10:30, 10:30] = np.linspace(120, 250, 20).astype(np.uint8)
    image = prepare_grey(page_of_ink, skip=("ink", "shape", "stroke")).image
    ink, _ = find_ink(page_of_ink, flatten=False)
    exact = np.sort(ink[10:30, 10:30].ravel() / ink.max()) * 255
    assert np.abs(np.sort(image[image > 0]) - exact).max() <= 0.5 + 1e-3


def test_framing_does_not_load_pillow():
    script = "import sys, nnscratch.pictures.framing; print('PIL' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "False"
