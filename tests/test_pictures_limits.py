"""A picture of few bytes takes little memory, an honest large one is read, and nothing waits."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from nnscratch.errors import PictureError
from nnscratch.pictures.decode import read_grey
from nnscratch.pictures.libtiff import stderr_nowhere
from nnscratch.pictures.read import load_picture

MOST_MEGABYTES = 400

# Reads a picture in a process of its own; prints the extra memory in MB, and what came of it.
MEASURE = """
import io, resource, sys
from PIL import Image
from nnscratch.errors import PictureError
from nnscratch.pictures.read import load_picture

def read(source):
    try:
        return "box " + " ".join(map(str, load_picture(source).box))
    except PictureError as error:
        return error.what

file = io.BytesIO()
Image.new("RGBA", (40, 40)).save(file, "png")
read(file)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
said = read(sys.argv[1])
unit = 1e6 if sys.platform == "darwin" else 1e3
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit)
print(said)
"""
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak, has no FIFO")


def measured(path):
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    megabytes, said = done.stdout.splitlines()
    return float(megabytes), said


# ----------------------------------------------------------------------------- of a few bytes


def webp(path):
    # A lossless frame of 16,383 x 6,100 pixels, all of one colour, as its encoder packs it.
    Image.new("RGBA", (16383, 6100)).save(path, "webp", lossless=True, method=0)


def same_bytes_a_thousand_times(path):
    block = 60_000
    tags = [(256, 4, 1, 8), (257, 4, 1, 8)]
    end = 8 + 2 + 12 * 20_002 + 4
    tags += [(1000 + number, 7, block, end) for number in range(20_000)]
    table = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + table + bytes(4) + bytes(block))


def exif_of_a_thousand_times_the_same(path):
    block, count = 200_000, 8_000
    end = 8 + 2 + 12 * count + 4
    table = b"".join(struct.pack("<HHII", 1000 + i, 7, block, end) for i in range(count))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, count) + table + bytes(4) + bytes(block)
    Image.new("L", (40, 40), 255).save(path, "png", exif=exif)


def huge_tile(path):
    side = 30_000
    data = zlib.compress(bytes(side * side))
    tags = [
        (256, 4, 1, 60), (257, 4, 1, 60), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1),
        (277, 3, 1, 1), (322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, 8),
        (325, 4, 1, len(data)),
    ]  # fmt: skip
    table = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    path.write_bytes(
        b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags))
        + table + bytes(4)
    )  # fmt: skip


def saved(mode, size, suffix, **options):
    def save(path):
        Image.new(mode, size).save(path, suffix, **options)

    return save


BOMBS = {
    "webp": webp,
    "grey of 16 bits": saved("I;16", (10000, 9999), "png"),
    "float": saved("F", (10000, 9999), "tiff", compression="tiff_adobe_deflate"),
    "rgb": saved("RGB", (12200, 8190), "png"),
    "rgba": saved("RGBA", (9990, 10000), "png"),
    "gif": saved("L", (65000, 1500), "gif"),
    "progressive": saved("RGB", (16000, 6200), "jpeg", progressive=True, subsampling=0),
    "progressive cmyk": saved("CMYK", (12000, 8000), "jpeg", progressive=True),
    "one row": saved("RGBA", (30_000_000, 1), "png"),
    "one strip": saved("RGB", (7000, 6000), "tiff", compression="tiff_lzw", tiffinfo={278: 6000}),
    "tags": same_bytes_a_thousand_times,
    "exif": exif_of_a_thousand_times_the_same,
    "tile": huge_tile,
}


@on_posix
@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.slow
def test_no_file_takes_more_than_400_megabytes(kind, tmp_path):
    path = tmp_path / "bomb"
    BOMBS[kind](path)
    megabytes, said = measured(path)
    assert megabytes < MOST_MEGABYTES
    assert said.startswith(("the picture cannot be read: ", "no digit found: "))


@pytest.mark.slow
def test_what_would_take_too_much_is_told_in_its_own_figures(tmp_path):
    BOMBS["rgba"](tmp_path / "a.png")
    with pytest.raises(
        PictureError, match=r"9,990×10,000 pixels of this kind take 4\d\d MB"
    ) as caught:
        load_picture(tmp_path / "a.png")
    assert caught.value.where == str(tmp_path / "a.png")
    assert caught.value.next_step == "save it smaller"


# ------------------------------------------------------------------------------ honest and large


def photo(width, height):
    picture = Image.new("RGB", (width, height), "white")
    seven = [
        (width // 3, height // 5),
        (2 * width // 3, height // 5),
        (width // 2, 4 * height // 5),
    ]
    ImageDraw.Draw(picture).line(seven, fill="black", width=height // 20)
    return picture


def sixteen_bits(picture):
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


HONEST = {
    "jpeg": (lambda picture: picture, {}),
    "progressive jpeg": (lambda picture: picture, {"progressive": True}),
    "png": (lambda picture: picture, {"compress_level": 1}),
    "rgba png": (lambda picture: picture.convert("RGBA"), {"compress_level": 1}),
    "grey png of 16 bits": (sixteen_bits, {"compress_level": 1}),
    "webp": (lambda picture: picture, {"method": 0}),
    "rgba webp": (lambda picture: picture.convert("RGBA"), {"method": 0, "lossless": True}),
    "tiff": (lambda picture: picture, {}),
    "lzw tiff": (lambda picture: picture, {"compression": "tiff_lzw"}),
    "cmyk tiff": (lambda picture: picture.convert("CMYK"), {}),
    "float tiff": (lambda picture: picture.convert("F"), {}),
    "gif": (lambda picture: picture.convert("L"), {}),
    "bmp": (lambda picture: picture, {}),
}


@on_posix
@pytest.mark.parametrize("kind", HONEST)
@pytest.mark.sampled(1)
def test_twelve_megapixels_are_read_in_every_format(kind, tmp_path):
    change, options = HONEST[kind]
    path = tmp_path / "large"
    change(photo(4000, 3000)).save(path, kind.split(" of ")[0].split()[-1], **options)
    megabytes, said = measured(path)
    assert megabytes < MOST_MEGABYTES
    assert np.abs(np.subtract(list(map(int, said.split()[1:])), (1331, 525, 2738, 2425))).max() < 15


@pytest.mark.sampled(1)
@on_posix
@pytest.mark.parametrize("progressive", [False, True])
def test_a_phones_picture_of_48_megapixels_is_read(progressive, tmp_path):
    path = tmp_path / "phone.jpg"
    photo(8000, 6000).save(path, progressive=progressive)
    megabytes, said = measured(path)
    assert megabytes < MOST_MEGABYTES
    assert said.startswith("box ")


def test_a_turned_tiff_has_its_size_upright():
    file = io.BytesIO()
    photo(800, 600).save(file, "tiff", tiffinfo={274: 6})
    grey, size = read_grey(file, "p")
    assert size == (600, 800)
    assert grey.shape == (640, 480)


def test_levels_without_end_are_the_brightest():
    levels = np.zeros((40, 40), np.float32)
    levels[10:20], levels[20:30] = 100, np.inf
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "tiff")
    grey, _ = read_grey(file, "p")
    assert grey[25, 0] == 255
    assert grey[0, 0] == 0


# ------------------------------------------------------------------------------- no plain file


@on_posix
def test_a_pipe_in_a_folder_is_told_and_the_others_are_read(run, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    os.mkfifo(folder / "a.png")
    photo(400, 300).save(folder / "b.png")
    done = run("predict", folder)
    assert done.returncode == 1
    assert "no plain file" in done.stderr
    assert "b.png" in done.stdout
    assert "Traceback" not in done.stderr


@on_posix
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/full"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "IT"], ["predict", "--model", "IT", "p.png"], ["evaluate", "IT"],
        ["train", "--config", "IT"], ["train", "--resume", "IT"], ["gradcheck", "--model", "IT"],
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.sampled(1)
def test_a_pipe_or_a_device_is_refused_at_once(run, tmp_path, kind, arguments):
    if kind == "pipe":
        os.mkfifo(tmp_path / "pipe")
    elif not os.path.exists(kind):
        pytest.skip(f"there is no {kind} here")
    done = run(*(kind if word == "IT" else word for word in arguments))
    assert done.returncode == 1
    assert "no plain file" in done.stderr
    assert "Traceback" not in done.stderr


@on_posix
def test_a_pipe_among_the_idx_files_is_refused_at_once(run, tmp_path, own_data):
    folder = tmp_path / "mine"
    folder.mkdir()
    for path in own_data.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "t10k-labels-idx1-ubyte").unlink()
    os.mkfifo(folder / "t10k-labels-idx1-ubyte")
    done = run("train", "--data-dir", folder)
    assert done.returncode == 1
    assert "no plain file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero here")
def test_standard_input_without_end_is_cut_off(tmp_path):
    command = [sys.executable, "-m", "nnscratch", "predict", "-"]
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(command, stdin=endless, capture_output=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert b"more than 64 MB came" in done.stderr


# -------------------------------------------------------------------------------------- long names


def test_a_name_of_300_letters_is_told_and_the_others_are_read(run, tmp_path):
    photo(400, 300).save(tmp_path / "b.png")
    done = run("predict", "a" * 296 + ".png", "b.png")
    assert done.returncode == 1
    assert "b.png" in done.stdout
    assert "too long" in done.stderr or sys.platform == "win32"
    assert "Traceback" not in done.stderr


LONG = "a" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "-o", LONG], ["train", "--history", LONG], ["train", "--config", LONG],
        ["train", "--plot", f"{LONG}.png"], ["train", "--resume", LONG],
        ["train", "--data-dir", LONG], ["evaluate", LONG],
        ["evaluate", "pretrained", "--data-dir", LONG],
        ["evaluate", "pretrained", "--plot", f"{LONG}.png"], ["gradcheck", "--model", LONG],
        ["predict", "--model", LONG, "b.png"],
        ["predict", "--save-prepared", f"{LONG}.png", "b.png"],
        ["download", "--data-dir", LONG],
    ],
    ids=lambda arguments: " ".join(arguments).replace(LONG, "LONG"),
)  # fmt: skip
@pytest.mark.sampled(1)
def test_a_name_of_300_letters_is_refused_for_every_option(run, tmp_path, own_data, arguments):
    photo(400, 300).save(tmp_path / "b.png")
    done = run(*arguments, data_dir=None if "--data-dir" in arguments else own_data)
    assert done.returncode == 1
    assert "Error: " in done.stderr
    assert LONG in done.stderr
    assert "Traceback" not in done.stderr


# -------------------------------------------------------------------------------------- libtiff


def damaged_tiffs():
    """Write TIFFs that libtiff complains about, packed in each way and damaged all over."""
    grey = np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)
    for packing in ("tiff_lzw", "group3", "group4", "tiff_adobe_deflate", "jpeg", "packbits"):
        picture = Image.fromarray(grey)
        file = io.BytesIO()
        picture.convert("1" if "group" in packing else "L").save(file, "tiff", compression=packing)
        data = bytearray(file.getvalue())
        for place in range(20, len(data) // 2, 7):
            data[place] ^= 0x55
        yield packing, bytes(data)


def test_libtiff_says_nothing_of_its_own(run, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for packing, data in damaged_tiffs():
        (folder / f"{packing}.tif").write_bytes(data)
    done = run("predict", folder, "--json")
    assert len(done.stdout.splitlines()) == 6
    assert done.stderr == ""


def test_where_libtiff_cannot_be_asked_stderr_leads_nowhere_meanwhile(capfd):
    with stderr_nowhere():
        os.write(2, b"unheard")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
