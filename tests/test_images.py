"""Pictures from files, in every polarity."""

import numpy as np
import pytest
from PIL import Image

from nnscratch.errors import PictureError
from nnscratch.images import load_picture


@pytest.fixture
def digit():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    return image


def test_both_polarities_give_the_same_array(digit, tmp_path):
    Image.fromarray(digit).save(tmp_path / "bright.png")
    Image.fromarray(255 - digit).save(tmp_path / "dark.png")
    for name in ("bright", "dark"):
        assert np.array_equal(load_picture(tmp_path / f"{name}.png"), digit)


def test_polarity_can_be_given(digit, tmp_path):
    Image.fromarray(digit).save(tmp_path / "bright.png")
    assert np.array_equal(load_picture(tmp_path / "bright.png", invert=False), digit)
    assert np.array_equal(load_picture(tmp_path / "bright.png", invert=True), 255 - digit)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not a picture")
    for name in ("a.png", "missing.png", "."):
        with pytest.raises(PictureError) as caught:
            load_picture(tmp_path / name)
        assert caught.value.where == str(tmp_path / name)
