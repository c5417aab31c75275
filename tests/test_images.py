"""Any picture of one digit: decoded, prepared, or refused with a reason."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from nnscratch.errors import NoDigitError, PictureError
from nnscratch.pictures.framing import centre_of_mass, ink_box
from nnscratch.pictures.ink import connected, find_ink, ink_is_dark, stroke_width
from nnscratch.pictures.read import FINE, is_mnist_like, load_picture, prepare_grey


def page(height=60, width=80, stroke=4):
    """Draw a 7 by hand on a dark page: (height, width) uint8, ink bright."""
    grey = np.zeros((height, width), np.uint8)
    top, left, size = height // 5, width // 4, height // 2
    grey[top : top + stroke, left : left + size // 2 + stroke] = 255
    for row in range(size):
        column = left + size // 2 - row // 2
        grey[top + row, column : column + stroke] = 255
    return grey


SEVEN = page()


def prepared(picture, name="p.png", **options):
    """Prepare a Pillow picture by way of a file's bytes."""
    file = io.BytesIO()
    picture.save(file, name.rpartition(".")[2].replace("jpg", "jpeg"), **options)
    file.seek(0)
    return load_picture(file, name=name)


def alike(first, second, levels=3):
    return np.abs(first.image.astype(int) - second.image).max() <= levels


PLAIN = prepared(Image.fromarray(SEVEN))


# ---------------------------------------------------------------------------------- what comes out


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


# ------------------------------------------------------------------------------- light and dirt


def lit(grey, kind):
    """Put a dark digit on paper under uneven light."""
    height, width = grey.shape
    y, x = np.mgrid[: 1 : height * 1j, : 1 : width * 1j]
    light = {
        "gradient": 150 + 90 * x,
        "shadow": np.where(x + 0.3 * y > 0.75, 120, 230),
        "dark corner": 225 - 150 * np.maximum(0, x + y - 1.3),
    }[kind]
    noise = np.random.default_rng(0).normal(0, 2, grey.shape)
    return (light * (1 - 0.5 * grey / 255.0) + noise).clip(0, 255).astype(np.uint8)


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


def test_polarity_can_be_said():
    assert prepare_grey(SEVEN, invert=False).inverted is False
    with pytest.raises(NoDigitError):
        prepare_grey(np.zeros((40, 40), np.uint8), invert=True)


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


def test_find_ink_is_between_0_and_1_and_0_on_paper():
    ink, inverted = find_ink(255 - SEVEN)
    assert inverted
    assert ink.min() == 0
    assert ink.max() == 1
    assert not ink[SEVEN == 0].any()
    assert ink_is_dark(255 - SEVEN)


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


def test_a_picture_cut_short_is_refused():
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)).save(file, "png")
    for length in (9, 40, len(file.getvalue()) // 2):
        with pytest.raises(PictureError):
            load_picture(io.BytesIO(file.getvalue()[:length]), name="cut.png")


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
