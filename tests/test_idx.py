"""IDX: what is read is what was written, and every damaged field is named."""

import struct

import numpy as np
import pytest

from nnscratch.data.idx import decode_idx, encode_idx
from nnscratch.errors import IDXError

SOUND = struct.pack(">HBBIII", 0, 8, 3, 2, 3, 4) + bytes(range(24))


def test_what_was_written_is_read_back(rng):
    images = rng.integers(0, 256, (5, 28, 28), np.uint8)
    assert np.array_equal(decode_idx(encode_idx(images), rank=3), images)


def test_the_array_shares_the_bytes_and_cannot_be_written():
    array = decode_idx(SOUND, rank=3)
    assert not array.flags.owndata
    assert not array.flags.writeable


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "header"),
        (SOUND[:15], "header"),
        (b"\x1f\x8b" + SOUND[2:], "magic"),
        (SOUND[:2] + b"\x0d" + SOUND[3:], "type"),
        (SOUND[:3] + b"\x01" + SOUND[4:], "dimensions"),
        (SOUND[:-1], "length"),
        (SOUND + b"\0", "length"),
        (struct.pack(">HBBIII", 0, 8, 3, 0, 28, 28), "shape"),
        (struct.pack(">HBBIII", 0, 8, 3, 2**32 - 1, 28, 28), "length"),
        (struct.pack(">HBBIII", 0, 8, 3, *[2**32 - 1] * 3), "length"),
    ],
)
def test_a_damaged_field_is_named_with_expected_and_found(data, field):
    with pytest.raises(IDXError) as caught:
        decode_idx(data, rank=3, where="some file")
    assert field in caught.value.what
    assert "should be" in caught.value.what
    assert caught.value.where == "some file"
