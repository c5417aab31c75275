"""Every kind of file decodes to the same grey levels, and what is no picture is refused."""

import gzip
import io
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from conftest import ROOT
from nnscratch.errors import PictureError
from nnscratch.model_file import load_model
from nnscratch.pictures.decode import read_grey
from nnscratch.pictures.framing import ink_box
from nnscratch.pictures.read import load_picture
from nnscratch.reading import read_digits
from pages import PLAIN, SEVEN, alike, prepared

# ------------------------------------------------------------------------- turned, or transparent


@pytest.mark.parametrize("paper", ["white", "black"])
def test_transparent(paper):
    picture = Image.new("RGBA", (80, 60), (*((255,) * 3 if paper == "white" else (0,) * 3), 0))
    picture.putalpha(Image.fromarray(SEVEN))
    assert alike(prepared(picture), PLAIN)


def test_white_ink_on_nothing_is_found_in_the_alpha():
    picture = Image.merge("LA", [Image.new("L", (80, 60), 255), Image.fromarray(SEVEN)])
    assert alike(prepared(picture), PLAIN)


TURNS = {
    1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270",
}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNS)
def test_turned_as_exif_says(orientation):
    picture = Image.fromarray(SEVEN)
    if TURNS[orientation]:
        picture = picture.transpose(Image.Transpose[TURNS[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = prepared(picture, exif=exif)
    assert alike(turned, PLAIN)
    assert turned.size == (80, 60)
    assert turned.box == PLAIN.box


# ------------------------------------------------------------------------------ every kind of file


def test_sixteen_bits():
    assert alike(prepared(Image.fromarray(SEVEN.astype(np.uint16) * 257)), PLAIN)


def png(colour_type, depth, rows, *chunks, interlace=0):
    """Write a PNG by hand, for the kinds that Pillow does not write."""

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)

    height, width = SEVEN.shape
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour_type, 0, 0, interlace])
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *(chunk(*c) for c in chunks)]
    return b"".join([*parts, chunk(b"IDAT", data), chunk(b"IEND", b"")])


def packed(bits):
    """Pack SEVEN's levels into `bits` bits a pixel, rows padded to whole bytes."""
    levels = SEVEN >> (8 - bits)
    as_bits = np.unpackbits(levels[:, :, None], axis=2)[:, :, 8 - bits :].reshape(len(SEVEN), -1)
    return np.packbits(as_bits, axis=1)


def interlaced(picture):
    """Give the rows of Adam7's seven passes, each every so many columns of every so many rows."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4))
    passes += ((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    return [row for y, x, down, across in passes for row in picture[y::down, x::across]]


SEVEN16 = np.repeat(SEVEN[:, :, None], 2, axis=2)
GREY_PALETTE = (b"PLTE", bytes(level for level in range(256) for _ in range(3)))
KINDS = {
    **{f"grey {bits}": png(0, bits, packed(bits)) for bits in (1, 2, 4, 8)},
    "grey 16": png(0, 16, SEVEN16.reshape(60, -1)),
    "rgb 8": png(2, 8, SEVEN.repeat(3, 1)),
    "rgb 16": png(2, 16, np.repeat(SEVEN16, 3, axis=1).reshape(60, -1)),
    "interlaced": png(0, 8, interlaced(SEVEN), interlace=1),
    "palette 1": png(3, 1, packed(1), (b"PLTE", bytes([0, 0, 0, 255, 255, 255]))),
    "palette 8": png(3, 8, SEVEN, GREY_PALETTE),
    "palette with transparency": png(
        3, 8, SEVEN, (b"PLTE", bytes(768)), (b"tRNS", bytes(range(256)))
    ),
    "grey+alpha 8": png(4, 8, np.stack([SEVEN * 0, SEVEN], 2).reshape(60, -1)),
    "grey+alpha 16": png(4, 16, np.stack([SEVEN16 * 0, SEVEN16], 2).reshape(60, -1)),
    "rgba 8": png(6, 8, np.stack([SEVEN * 0] * 3 + [SEVEN], 2).reshape(60, -1)),
    "rgba 16": png(6, 16, np.stack([SEVEN16 * 0] * 3 + [SEVEN16], 2).reshape(60, -1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_colour_type_and_depth_of_png(kind):
    assert alike(load_picture(io.BytesIO(KINDS[kind])), PLAIN)


UNWRITABLE = {("CMYK", "png"), ("CMYK", "gif"), ("CMYK", "bmp"), ("RGBA", "jpg"), ("P", "jpg")}
WRITABLE = [
    (mode, suffix)
    for mode in ("1", "L", "RGB", "RGBA", "P", "CMYK")
    for suffix in ("png", "gif", "bmp", "tiff", "webp", "jpg")
    if (mode, suffix) not in UNWRITABLE
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_pillow_has_opened_is_read_as_its_file_is(kind):
    with Image.open(io.BytesIO(KINDS[kind])) as picture:
        opened = load_picture(picture)
    read = load_picture(io.BytesIO(KINDS[kind]))
    assert np.array_equal(opened.image, read.image)
    assert replace(opened, image=0) == replace(read, image=0)


def test_what_pillow_has_opened_is_turned_as_exif_says_and_left_as_it_is():
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(SEVEN).transpose(Image.Transpose.ROTATE_90).save(file, "PNG", exif=exif)
    with Image.open(file) as picture:
        before = picture.tobytes(), picture.size, dict(picture.info)
        assert alike(load_picture(picture), PLAIN)
        assert (picture.tobytes(), picture.size, dict(picture.info)) == before


def test_a_picture_of_pillows_that_is_empty_or_closed_is_refused_by_name(tmp_path):
    Image.fromarray(SEVEN).save(tmp_path / "seven.png")
    closed = Image.open(tmp_path / "seven.png")
    closed.close()
    for picture, name in (
        (Image.new("L", (0, 5)), "the picture"),
        (closed, str(tmp_path / "seven.png")),
    ):
        with pytest.raises(PictureError) as caught:
            load_picture(picture)
        assert caught.value.where == name


@pytest.mark.parametrize(("mode", "suffix"), WRITABLE)
def test_every_format_and_mode(mode, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    options |= {"quality": 95, "progressive": True} if suffix == "jpg" else {}
    picture = prepared(Image.fromarray(SEVEN).convert(mode), f"p.{suffix}", **options)
    assert alike(picture, PLAIN, levels=45 if suffix == "jpg" else 3)


def test_of_an_animation_the_first_frame():
    file = io.BytesIO()
    frames = [Image.fromarray(SEVEN), Image.fromarray(255 - SEVEN[::-1])]
    frames[0].save(file, "gif", save_all=True, append_images=frames[1:])
    assert alike(load_picture(file), PLAIN)


# ---------------------------------------------------------------------------------- not a picture


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("a.png", "empty.png", "missing.png", "."):
        with pytest.raises(PictureError) as caught:
            load_picture(tmp_path / name)
        assert caught.value.where == str(tmp_path / name)
        there = name.endswith(".png") and name != "missing.png"
        assert ("save it as" in caught.value.next_step) == there


THREE = ROOT / "data" / "samples" / "three.png"


def closed(picture):
    picture.close()
    return picture


NO_SOURCES = {
    "an array": (lambda: SEVEN, "it is of type ndarray, .* an array there is model.predict"),
    "nothing": (lambda: None, "it is of type NoneType, not a path or an open file"),
    "a list": (lambda: ["a.png"], "it is of type list"),
    "an empty name": (lambda: "", "its name is empty"),
    "a closed file": (
        lambda: closed(THREE.open("rb")),
        "the file is closed; .*three.png; open it ag",
    ),
    "a closed picture": (
        lambda: closed(Image.open(THREE)),
        "it is closed; .*three.png",
    ),
    "text in memory": (lambda: io.StringIO("x"), 'is open as text; the picture; open it with "rb"'),
    "an address": (lambda: "http://localhost/a.png", "; http://localhost/a.png; addresses are not"),
    "an address as a path": (lambda: Path("https://localhost/a.png"), "addresses are not fetched"),
}


@pytest.mark.parametrize("case", NO_SOURCES)
def test_what_is_no_file_to_be_read_is_refused_with_what_it_is(case):
    source, said = NO_SOURCES[case]
    model = load_model("pretrained")
    for read in (load_picture, model.read, lambda it: read_digits(model, it)):
        with pytest.raises(PictureError, match=said):
            read(source())


def test_a_file_that_is_open_as_text_is_refused_with_how_to_open_it():
    with (
        THREE.open("r") as file,
        pytest.raises(PictureError, match=r'three\.png; open it with "rb"'),
    ):
        load_picture(file)


def test_files_of_every_kind_are_read_if_they_give_bytes(tmp_path):
    packed = io.BytesIO()
    Image.fromarray(SEVEN).save(packed, "png")
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(packed.getvalue())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", packed.getvalue())
    with gzip.open(tmp_path / "a.gz") as file:
        assert alike(load_picture(file), PLAIN)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("a.png") as file:
        assert alike(load_picture(file), PLAIN)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_levels_0_to_255_are_the_same_in_the_modes_for_more(dtype):
    assert alike(load_picture(Image.fromarray(SEVEN.astype(dtype))), PLAIN)


def test_a_picture_cut_short_is_refused():
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(file, "png")
    for length in (9, 40, len(file.getvalue()) // 2):
        with pytest.raises(PictureError):
            load_picture(io.BytesIO(file.getvalue()[:length]), name="cut.png")


def test_an_empty_file_is_told_apart_from_an_unknown_format(tmp_path):
    (tmp_path / "empty.png").touch()
    for source in (tmp_path / "empty.png", io.BytesIO()):
        with pytest.raises(PictureError, match="it is empty, 0 bytes"):
            load_picture(source)


def test_an_unlisted_format_is_refused():
    file = io.BytesIO()
    Image.fromarray(SEVEN).save(file, "ppm")
    with pytest.raises(PictureError, match="no known format"):
        load_picture(file, name="p.ppm")


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    header = (60000).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0])
    body = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + len(header).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    idat = b"IDAT" + zlib.compress(bytes(1000))
    bomb += (len(idat) - 4).to_bytes(4) + idat + zlib.crc32(idat).to_bytes(4)
    with pytest.raises(PictureError, match="pixels"):
        load_picture(io.BytesIO(bomb), name="bomb.png")


def test_a_text_chunk_bomb_is_refused():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * 100_000_000, zip=True)
    file = io.BytesIO()
    Image.fromarray(SEVEN).save(file, "png", pnginfo=info)
    with pytest.raises(PictureError):
        load_picture(io.BytesIO(file.getvalue()), name="bomb.png")


def test_a_stream_without_a_name_is_called_the_picture(tmp_path):
    blank = io.BytesIO()
    Image.new("L", (40, 40), 255).save(blank, "png")
    for data in (b"no picture", blank.getvalue()):
        with pytest.raises(PictureError) as caught:
            load_picture(io.BytesIO(data))
        assert caught.value.where == "the picture"
    (tmp_path / "a.png").write_bytes(b"no picture")
    with (tmp_path / "a.png").open("rb") as file, pytest.raises(PictureError) as caught:
        load_picture(file)
    assert caught.value.where == str(tmp_path / "a.png")


# ---------------------------------------------------------------------------------- large pictures


def large(width, height):
    """A 7 as SEVEN's, on a page so large, and its box: left, top, right, bottom."""
    grey = np.zeros((height, width), np.uint8)
    times = height // 60
    seven = SEVEN[ink_box(SEVEN)].repeat(times, 0).repeat(times, 1)
    top, left = height // 2, width // 5
    grey[top : top + seven.shape[0], left : left + seven.shape[1]] = seven
    return grey, (left, top, left + seven.shape[1], top + seven.shape[0])


LARGE = [(2000, 1500), (1500, 2000), (1920, 640), (3001, 1999), (660, 500), (4000, 900)]


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_large_picture_is_reduced_and_its_box_told_in_its_own_pixels(size, suffix):
    grey, box = large(*size)
    picture = prepared(
        Image.fromarray(grey), f"p.{suffix}", **({"quality": 95} if suffix == "jpg" else {})
    )
    one_pixel = max(size) / 640
    assert picture.size == size
    assert np.abs(np.subtract(picture.box, box)).max() <= 2 * one_pixel
    assert np.abs(picture.image.astype(int) - PLAIN.image).mean() < 6


REDUCED = {
    (2000, 1500): (480, 640),
    (640, 480): (480, 640),
    (641, 30): (30, 640),
    (3, 5000): (640, 1),
}


@pytest.mark.parametrize(("size", "reduced"), REDUCED.items())
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_what_is_longer_than_640_pixels_is_reduced_to_640_and_nothing_else(size, reduced, suffix):
    file = io.BytesIO()
    Image.new("L", size, 255).save(file, suffix.replace("jpg", "jpeg"))
    file.seek(0)
    grey, own_size = read_grey(file, "p")
    assert grey.shape == reduced
    assert own_size == size


def test_a_reduced_pixel_is_the_mean_of_what_it_covers():
    file = io.BytesIO()
    rows = np.random.default_rng(0).integers(0, 256, (1280, 960), np.uint8)
    Image.fromarray(rows).save(file, "png")
    file.seek(0)
    grey, _ = read_grey(file, "p")
    means = rows.reshape(640, 2, 480, 2).mean((1, 3))
    assert np.abs(grey - means).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_large_picture_turned_by_exif_has_its_box_upright(suffix):
    grey, box = large(2000, 1500)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(grey).transpose(Image.Transpose.ROTATE_90)
    turned = prepared(lying, f"p.{suffix}", exif=exif)
    assert turned.size == (2000, 1500)
    assert np.abs(np.subtract(turned.box, box)).max() <= 7
