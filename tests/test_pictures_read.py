"""The pipeline: any picture of one digit comes out framed as MNIST's pictures are."""

import numpy as np
import pytest
from PIL import Image

from nnscratch.errors import NoDigitError
from nnscratch.pictures.framing import centre_of_mass, ink_box, is_mnist_like
from nnscratch.pictures.read import prepare_grey
from pages import PLAIN, SEVEN, alike, lit, page, prepared


def test_the_result_is_framed_as_mnists_pictures_are():
    rows, columns = ink_box(PLAIN.image)
    assert max(rows.stop - rows.start, columns.stop - columns.start) == 20
    assert np.abs(centre_of_mass(PLAIN.image[None])[0] - 14).max() <= 0.5
    assert PLAIN.image.max() == 255
    assert is_mnist_like(PLAIN.image)


def test_what_is_mnist_like_passes_unchanged_in_either_polarity():
    for inverted in (False, True):
        image = 255 - PLAIN.image if inverted else PLAIN.image
        again = prepare_grey(image)
        assert np.array_equal(again.image, PLAIN.image)
        assert (again.unchanged, again.inverted) == (True, inverted)


def test_it_says_where_the_digit_was():
    rows, columns = ink_box(SEVEN)
    assert PLAIN.box == (columns.start, rows.start, columns.stop, rows.stop)
    assert PLAIN.size == (80, 60)
    assert not PLAIN.inverted
    assert PLAIN.shapes == 1


# ---------------------------------------------------------------- exact transforms: the same 28×28


@pytest.mark.parametrize("times", [2, 3, 5, 7])
def test_enlarged_by_a_whole_number(times):
    assert alike(prepared(Image.fromarray(SEVEN.repeat(times, 0).repeat(times, 1))), PLAIN)


@pytest.mark.parametrize("by", [(0, 0), (5, 9), (-8, -12), (11, 20)])
def test_shifted(by):
    assert alike(prepared(Image.fromarray(np.roll(SEVEN, by, (0, 1)))), PLAIN)


def test_inverted():
    dark = prepared(Image.fromarray(255 - SEVEN))
    assert alike(dark, PLAIN)
    assert dark.inverted


# -------------------------------------------------------------------------------- light and dirt


@pytest.mark.parametrize("kind", ["gradient", "shadow", "dark corner"])
def test_light_and_shadow_are_not_ink(kind):
    plain = prepare_grey(page(300, 400, 14))
    found = prepare_grey(lit(page(300, 400, 14), kind))
    assert found.inverted
    assert np.abs(found.image.astype(int) - plain.image).mean() < 12


@pytest.mark.parametrize("sides", ["left", "right and foot"])
def test_the_dark_table_beside_the_paper_is_not_ink(sides):
    photo = lit(page(300, 400, 14), "gradient")
    if sides == "left":
        photo[:, :16] = 15
    else:
        photo[-16:] = 15
        photo[:, -16:] = 30
    plain = prepare_grey(page(300, 400, 14))
    assert np.abs(prepare_grey(photo).image.astype(int) - plain.image).mean() < 12


def test_polarity_can_be_said():
    assert prepare_grey(SEVEN, invert=False).inverted is False
    with pytest.raises(NoDigitError):
        prepare_grey(np.zeros((40, 40), np.uint8), invert=True)


# ------------------------------------------------------------------------------------ real pictures


def again(images, **options):
    def one(image):
        try:
            return prepare_grey(image, **options).image
        except NoDigitError:
            return np.zeros_like(image)

    return np.stack([one(image) for image in images])


def pasted(image, rng):
    """Put a test picture on a larger page, at a random size and place, in either polarity."""
    size = int(rng.integers(24, 160))
    height, width = size + rng.integers(4, 120, 2)
    grey = np.zeros((height, width), np.uint8)
    top, left = rng.integers(0, height - size + 1), rng.integers(0, width - size + 1)
    larger = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    grey[top : top + size, left : left + size] = np.asarray(larger)
    return 255 - grey if rng.random() < 0.5 else grey


@pytest.mark.mnist
@pytest.mark.slow
def test_preparing_mnist_again_costs_next_to_nothing(mnist, bundled):
    count, rng = 1000, np.random.default_rng(2)
    images, labels = mnist.test_images[:count], mnist.test_labels[:count]
    as_they_are = bundled(images, labels)
    assert bundled(again(images, pass_through=False), labels) >= as_they_are - 0.005
    pages = [pasted(image, rng) for image in images]
    assert bundled(again(pages), labels) >= as_they_are - 0.006
