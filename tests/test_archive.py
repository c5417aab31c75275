"""The archive: what is packed comes out, bytes repeat, and nothing it declares is believed."""

import io
import json
import warnings
import zipfile

import numpy as np
import pytest

from nnscratch.archive import UnsoundError, holds, pack, read_floats, read_json, unpack

NAMES = ("W", "b", "words")
ARRAYS = {
    "W": np.arange(12, dtype="<f4").reshape(4, 3),
    "b": np.ones((2, 1), "<f4"),
    "words": np.array(json.dumps({"digits": 10})),
}
PACKED = pack(ARRAYS)


def members_of(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed_again(members, packing=zipfile.ZIP_STORED):
    """Pack members (file name, bytes) as they are, each as often as it is listed."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", packing) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of names that are there twice
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def unpacked(packed):
    return unpack(io.BytesIO(packed), len(packed), lambda names: NAMES, ("words",))


def refused(packed, reason):
    """Unpacking and reading fails, for exactly this reason."""
    with pytest.raises(UnsoundError) as caught:
        read_all(unpacked(packed))
    assert str(caught.value) == reason


def read_all(members):
    read_json("words", members)
    return {name: read_floats(name, members, ARRAYS[name].shape) for name in ("W", "b")}


def changed(name, data):
    return packed_again({**members_of(PACKED), f"{name}.npy": data}.items())


def npy(descr, shape, data=b"", version=b"\x01\x00"):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


def test_what_was_packed_is_read_and_numpy_reads_it_too():
    members = unpacked(PACKED)
    assert read_json("words", members) == {"digits": 10}
    with np.load(io.BytesIO(PACKED)) as file:
        assert set(file.files) == set(NAMES)
        for name, values in read_all(members).items():
            assert values.dtype == np.float32
            assert np.array_equal(values, ARRAYS[name])
            assert np.array_equal(values, file[name])


def test_the_bytes_tell_no_time():
    with zipfile.ZipFile(io.BytesIO(PACKED)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


HEADERS = {
    "no array": (b"W", "the member W has a damaged header"),
    "another version": (
        npy("'<f4'", "(4, 3)", version=b"\x02\x00"),
        "the member W is not an array",
    ),
    "not a table": (npy("'<f4'", "}"), "the member W has a damaged header"),
    "an unhashable key": (
        b"\x93NUMPY\x01\x00\x08\x00{[]: 1}\n",
        "the member W has a damaged header",
    ),
    "no such type": (npy("'<q9'", "(4, 3)"), "the member W has a damaged header"),
    "a long header": (npy("'<f4'" + " " * 300, "(4, 3)"), "the member W has a damaged header"),
    "too few numbers": (
        npy("'<f4'", "(4, 3)", bytes(44)),
        "the member W has 44 bytes for the shape (4, 3)",
    ),
    "too many numbers": (
        npy("'<f4'", "(4, 3)", bytes(1200)),
        "the member W has 1,200 bytes for the shape (4, 3)",
    ),
    "a giant": (
        npy("'<f4'", f"({2**50}, 3)"),
        f"the member W should be (4, 3), and is ({2**50}, 3)",
    ),
    "Python objects": (npy("'|O'", "(4, 3)"), "the member W should hold <f4, and holds |O"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_wrong_header_is_refused_and_what_it_declares_never_allocated(case):
    member, reason = HEADERS[case]
    refused(changed("W", member), reason)


def test_a_text_of_another_length_than_it_declares_is_refused():
    refused(
        changed("words", npy("'<U9'", "()", b"abc")),
        "the member words has 3 bytes, and declares 36",
    )


def test_a_member_that_is_missing_is_refused():
    members = members_of(PACKED)
    del members["b.npy"]
    refused(packed_again(members.items()), "the member b is missing")


def test_a_member_that_is_there_twice_is_refused():
    members = list(members_of(PACKED).items())
    refused(packed_again([*members, members[1]]), "the member b is doubled")


def test_a_member_under_another_suffix_is_refused():
    members = [(name.replace("b.npy", "b"), data) for name, data in members_of(PACKED).items()]
    refused(packed_again(members), "it has a member that no model has: 'b'")


def test_a_name_without_end_is_cut():
    packed = packed_again([*members_of(PACKED).items(), ("x" * 5000, b"")])
    refused(packed, f"it has a member that no model has: '{'x' * 40}'")


def test_a_compressed_member_is_refused_before_it_is_unpacked():
    packed = packed_again(members_of(PACKED).items(), zipfile.ZIP_DEFLATED)
    refused(packed, "the member W is compressed, and ours never are")


def test_a_text_that_is_too_large_is_refused_before_it_is_read():
    refused(changed("words", bytes((1 << 26) + 1)), "the member words is too large")


def test_members_that_overlap_are_refused():
    packed = packed_again(
        (name, npy("'<f4'", "(50, 100)", bytes(20000))) for name in members_of(PACKED)
    )
    directory = packed.index(b"PK\x01\x02")
    with pytest.raises(UnsoundError):
        unpacked(packed[20000:][: directory - 20000] + packed[directory:])


def test_any_flipped_byte_is_damage_and_no_other_error_ever_leaves():
    for place in range(len(PACKED)):
        data = bytearray(PACKED)
        data[place] ^= 0x55
        try:
            members = unpacked(bytes(data))
        except UnsoundError:
            continue
        assert members == unpacked(PACKED)  # what the zip says of its date and makers


def test_an_archive_cut_anywhere_is_damage():
    for length in range(0, len(PACKED), 7):
        refused(PACKED[:length], "it is damaged, or not a model file")


def test_only_an_archive_holds_members(tmp_path):
    (tmp_path / "a.npz").write_bytes(PACKED)
    (tmp_path / "text").write_text("W")
    assert holds(tmp_path / "a.npz", ("W", "words"))
    assert not holds(tmp_path / "a.npz", ("W", "generator"))
    for name in ("text", "none", "."):
        assert not holds(tmp_path / name, ("W",))
