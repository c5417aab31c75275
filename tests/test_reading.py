"""Pages of several digits, drawn, and read by the model on board."""

import io

import numpy as np
import pytest
from PIL import Image

from conftest import some_digits
from hand import ONE_ZERO, SEVEN, THREE, arc
from nnscratch import load_model
from nnscratch.data.synthetic import draw_digits
from nnscratch.errors import NoDigitError, PictureError
from nnscratch.pictures.ink import Sheet
from nnscratch.pictures.read import load_picture
from nnscratch.pictures.strokes import draw_strokes
from nnscratch.reading import read_digits
from pages import cropped, row_of

MODEL = load_model("pretrained")


def clear_digits(text, seed=5):
    """Draw digits of which the model on board is sure, (n, 28, 28): the page is what is tested."""
    rng = np.random.default_rng(seed)
    drawn = []
    for wanted in map(int, text):
        many = draw_digits(np.full(12, wanted, np.uint8), rng)
        drawn.append(many[MODEL.predict_proba(many)[:, wanted].argmax()])
    return drawn


def page_of(text, height=60, gap=0.4, slope=0.0, seed=5):
    """Write rows of digits, separated by `/`, on a dark page; a row falls by `slope`."""
    rows = text.split("/")
    digits = iter(clear_digits(text.replace("/", ""), seed))
    longest = max(map(len, rows))
    wide = round(height * (longest * (1.1 + gap) + 1.5))
    fall = round(abs(slope) * wide)
    page = np.zeros((round(height * (1.8 * len(rows) + 0.8)) + fall, wide), np.uint8)
    for number, row in enumerate(rows):
        left = round(0.6 * height)
        for _ in row:
            ink = cropped(next(digits))
            width = max(2, round(ink.shape[1] * height / ink.shape[0]))
            ink = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))
            top = round(height * (0.7 + 1.8 * number) + slope * left + (fall if slope < 0 else 0))
            place = page[top : top + height, left : left + width]
            np.maximum(place, ink, out=place)
            left += width + round(gap * height)
    return page


def read(page, **options):
    file = io.BytesIO()
    Image.fromarray(np.asarray(page, np.uint8)).save(file, "png")
    file.seek(0)
    return read_digits(MODEL, file, **options)


def test_a_row_is_read_from_the_left_with_a_box_and_ten_probabilities_for_each_digit():
    reading = read(page_of("20387"))
    assert (reading.text, reading.single, reading.notes) == ("20387", None, ())
    lefts = [digit.box[0] for digit in reading.digits]
    assert lefts == sorted(lefts)
    for digit in reading.digits:
        left, top, right, bottom = digit.box
        assert 0 <= left < right <= reading.size[0]
        assert 55 <= bottom - top <= 68
        assert digit.image.shape == (28, 28)
        assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert digit.probability == digit.probabilities.max() == digit.probabilities[digit.digit]
        assert digit.row == 0


def test_rows_are_read_from_the_top():
    reading = read(page_of("123/40/98765"))
    assert reading.text == "123\n40\n98765"
    assert [digit.row for digit in reading.digits] == [0] * 3 + [1] * 2 + [2] * 5


@pytest.mark.sampled(1)
@pytest.mark.parametrize("slope", [-0.15, 0.1, 0.25])
def test_rows_may_slant(slope):
    assert read(page_of("23450/67892", slope=slope)).text == "23450\n67892"


def test_a_turned_page_is_turned_level():
    page = Image.fromarray(page_of("2345067")).rotate(-25, expand=True)
    assert read(page).text == "2345067"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("angle", [90, 270])
@pytest.mark.parametrize("seed", [3, 8])
def test_a_row_of_close_digits_turned_sideways_is_no_tall_one(seed, angle):
    images, labels = some_digits(5, seed)
    reading = read(np.rot90(255 - row_of(images, 0.2), angle // 90))
    assert reading.text == "".join(map(str, labels))
    assert "sideways" in reading.notes[0]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("angle", [90, 270])
def test_a_page_turned_sideways_is_noticed_and_read(angle):
    upright = page_of("23450/36247")
    reading = read(np.rot90(upright, angle // 90))
    assert reading.text == "23450\n36247"
    assert "sideways" in reading.notes[0]
    left, top, right, bottom = reading.digits[0].box  # where it is on the page as it lies
    seen = np.zeros(upright.T.shape)
    seen[top:bottom, left:right] = 1
    first = read(upright).digits[0].box
    back = np.argwhere(np.rot90(seen, -(angle // 90)))
    assert abs(back.min(axis=0) - (first[1], first[0])).max() <= 3


@pytest.mark.parametrize("height", [16, 30, 300])
def test_digits_of_any_size_are_read(height):
    assert read(page_of("2038", height)).text == "2038"


def test_digits_of_unequal_size_stand_in_one_row():
    large, small = page_of("23", 80), page_of("50", 45)
    small = np.pad(small, ((large.shape[0] - small.shape[0] - 20, 20), (0, 0)))
    assert read(np.hstack([large, small])).text == "2350"


@pytest.mark.parametrize("dark", [True, False])
def test_dark_and_bright_ink(dark):
    page = page_of("2038")
    reading = read(255 - page if dark else page)
    assert (reading.text, reading.inverted) == ("2038", dark)


def test_ruled_and_squared_paper():
    page = 255 - page_of("20387/65", 60).astype(int)
    page[::24] -= 70
    assert read(page.clip(0, 255)).text == "20387\n65"
    page[:, ::24] -= 60
    assert read(page.clip(0, 255)).text == "20387\n65"


def test_a_frame_around_the_digits_and_a_line_below():
    page = page_of("20387")
    page[[20, 21, 130, 131], 15:-15] = 255
    page[20:132, [15, 16, -17, -16]] = 255
    assert read(page).text == "20387"


def form(digits):
    """A page with a digit in the middle of each cell, and the columns where the cells begin."""
    page, lefts = np.zeros((120, 560), np.uint8), []
    for number, ink in enumerate(map(cropped, clear_digits(digits))):
        width = max(2, round(ink.shape[1] * 50 / ink.shape[0]))
        lefts.append(40 + 80 * number)
        middle = lefts[-1] + (80 - width) // 2
        page[35:85, middle : middle + width] = np.asarray(Image.fromarray(ink).resize((width, 50)))
    return page, lefts


def test_boxes_of_a_form():
    page, lefts = form("203875")
    for left in lefts:
        page[20:100, [left, left + 1, left + 80, left + 81]] = 255
    page[[20, 21, 98, 99], 40:522] = 255
    assert read(page).text == "203875"


def test_a_comb_parts_the_digits_of_a_form():
    page, lefts = form("203875")
    for left in lefts:
        page[70:100, [left, left + 1, left + 80, left + 81]] = 160
    page[98:100, 40:522] = 160
    assert read(page).text == "203875"


def test_a_comma_and_stray_marks_are_left_out():
    page = page_of("2038", gap=0.8)
    places = [digit.box[2] for digit in read(page).digits]
    page[98:108, places[1] + 18 : places[1] + 22] = 255  # a comma, on the line
    page[5:7, 5:9] = page[130:133, 200:203] = 255
    page[70:74, places[2] + 14 : places[2] + 32] = 255  # a dash
    assert read(page).text == "2038"


def test_what_was_scribbled_out_is_left_out():
    page = page_of("2038/65")
    for at in range(0, 60, 5):  # beside the last digit, up and down
        down = np.arange(60)
        page[150 + down, 270 + at + down // 12] = page[151 + down, 270 + at + down // 12] = 255
    page[150:152, 270:330] = page[209:211, 274:334] = 255
    assert read(page).text == "2038\n65"


def test_broken_strokes_stay_one_digit():
    page = page_of("2538")
    for number, digit in enumerate(read(page).digits):
        left, top, right, bottom = digit.box
        cut = top + (bottom - top) * (2 + number % 3) // 6
        page[cut : cut + 3, left:right] = 0
    assert read(page).text == "2538"


@pytest.mark.parametrize("text", ["23", "35", "803"])
def test_digits_that_touch_are_cut(text):
    digits = [cropped(digit) for digit in clear_digits(text)]
    page = np.zeros((40, 120), np.uint8)
    left = 20
    for ink in digits:
        ink = np.pad(ink, ((20 - ink.shape[0], 0), (0, 0)))
        place = page[10:30, left : left + ink.shape[1]]
        np.maximum(place, ink, out=place)
        left += ink.shape[1] - 2
    assert read(np.kron(page, np.ones((4, 4)))).text == text


def test_uneven_light_and_a_table_at_the_border():
    page = page_of("20387/65432")
    height, width = page.shape
    light = np.linspace(1.0, 0.6, width) * np.linspace(0.95, 0.8, height)[:, np.newaxis]
    photo = light * (230 - 0.7 * page)
    photo[-14:] = 40
    photo += np.random.default_rng(0).normal(0, 2, photo.shape)
    assert read(photo.clip(0, 255)).text == "20387\n65432"


def test_one_digit_is_read_as_before_to_the_last_pixel():
    for digit in clear_digits("0123456789"):
        file = io.BytesIO()
        Image.fromarray(np.kron(255 - np.pad(digit, 9), np.ones((5, 5), np.uint8))).save(
            file, "png"
        )
        before = MODEL.answer(load_picture(file, name="x"))
        reading = read_digits(MODEL, file)
        assert reading.single is not None
        assert reading.single.digit == before.digit
        np.testing.assert_array_equal(reading.single.picture.image, before.picture.image)
        np.testing.assert_array_equal(reading.digits[0].image, before.picture.image)
        assert reading.text == str(before.digit)


def test_what_is_found_out_can_be_overruled():
    row = page_of("2038")
    single = read(row, several=False)
    assert single.single is not None
    assert len(single.digits) == 1
    one = page_of("2")
    assert read(one).single is not None
    assert (read(one, several=True).single, read(one, several=True).text) == (None, "2")


def specks(rng):
    page = np.zeros((900, 1200))
    for row, column in zip(
        rng.integers(0, 896, 10_000), rng.integers(0, 1196, 10_000), strict=True
    ):
        page[row : row + 3, column : column + 3] = 255
    return page


def barcode(rng):
    widths = rng.integers(2, 9, 120)
    bars = np.concatenate([np.full(width, 255 * (n % 2)) for n, width in enumerate(widths)])
    return np.pad(np.tile(bars, (200, 1)), 60)


def paper(step, *, squared, angle=0.0, light=1.0, noise=0.0):
    """Draw paper with lines that nobody has written on, as a photograph shows it."""
    page = np.full((300, 400), 235.0)
    page[step // 2 :: step] = page[step // 2 + 1 :: step] = 85
    if squared:
        page[:, step // 2 :: step] = page[:, step // 2 + 1 :: step] = 85
    turned = Image.fromarray(page.astype(np.uint8)).rotate(
        angle, Image.Resampling.BICUBIC, fillcolor=235
    )
    shaded = np.asarray(turned) * np.linspace(1, light, 400)
    return (shaded + np.random.default_rng(0).normal(0, noise, page.shape)).clip(0, 255)


def print_(rng):
    """Draw forty lines of glyphs as small as a printer's."""
    page = np.full((800, 1000), 255)
    for top in range(20, 780, 19):
        left = 20
        while left < 970:
            width = int(rng.integers(4, 10))
            page[top : top + 11, left : left + width] = 255 - 255 * (rng.random((11, width)) > 0.5)
            left += width + int(rng.choice([2, 2, 2, 2, 9]))
    return page


HOSTILE = {
    "ruled": lambda rng: paper(24, squared=False),
    "ruled, slanting": lambda rng: paper(60, squared=False, angle=8),
    "squared": lambda rng: paper(24, squared=True),
    "squared, turned": lambda rng: paper(24, squared=True, angle=2),
    "squared, shaded": lambda rng: paper(24, squared=True, light=0.6, noise=3),
    "print": print_,
    "blank": lambda rng: np.full((300, 400), 255),
    "specks": specks,
    "noise": lambda rng: rng.integers(0, 256, (600, 800)),
    "chessboard": lambda rng: np.indices((640, 640)).sum(axis=0) // 16 % 2 * 255,
    "squares": lambda rng: (np.indices((640, 640)) // 16).sum(axis=0) % 2 * 255,
    "barcode": barcode,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("several", [None, True])
@pytest.mark.sampled(3)
def test_a_page_without_digits_is_said_to_have_none(kind, several, rng):
    with pytest.raises(NoDigitError) as caught:
        read(HOSTILE[kind](rng), several=several, name="page.png")
    assert caught.value.where == "page.png"


def test_ones_on_squared_paper_are_no_lines_of_it():
    page = 255 - page_of("1111", gap=1.2).astype(int)
    page[::24] -= 70
    page[:, ::24] -= 70
    assert read(page.clip(0, 255)).text == "1111"


def test_a_page_of_forty_pixels():
    assert read(page_of("2038", 14)[:40]).text == "2038"


def test_a_page_of_four_thousand_pixels():
    page = page_of("20387/65432", 150)
    large = np.zeros((3000, 4000), np.uint8)
    top, left = (3000 - page.shape[0]) // 2, (4000 - page.shape[1]) // 2
    large[top : top + page.shape[0], left : left + page.shape[1]] = page
    reading = read(large)
    assert (reading.text, reading.size) == ("20387\n65432", (4000, 3000))
    first = read(page).digits[0].box
    moved = np.subtract(reading.digits[0].box, (left, top, left, top))
    assert np.abs(moved - first).max() <= 8


def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path):
    path = tmp_path / "note.png"
    path.write_text("2038")
    for several in (None, False, True):
        with pytest.raises(PictureError, match=r"note\.png"):
            read_digits(MODEL, path, several=several)


def test_a_stream_that_cannot_go_back_is_read():
    file = io.BytesIO()
    Image.fromarray(page_of("2038")).save(file, "png")

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    assert read_digits(MODEL, Pipe(file.getvalue())).text == "2038"


@pytest.mark.parametrize("invert", [None, True])
@pytest.mark.parametrize("strokes", [THREE, SEVEN, ONE_ZERO], ids=["three", "seven", "ten"])
def test_a_sheet_is_read_as_the_file_that_holds_it(strokes, invert):
    grey = draw_strokes(strokes)
    file, sheet = read(grey, invert=invert), read_digits(MODEL, Sheet(grey, invert))
    assert (file.text, file.size, file.inverted) == (sheet.text, sheet.size, sheet.inverted)
    for one, other in zip(file.digits, sheet.digits, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)
        assert one.box == other.box


def test_one_shape_is_several_digits_only_if_it_is_wide():
    ones = [[[x, 0.2], [x, 0.8]] for x in (0.3, 0.7)]
    joined = draw_strokes([*ones, [[0.3, 0.5], [0.7, 0.5]]])  # an H, no wider than high
    for said in (None, False):
        with pytest.raises(NoDigitError, match="none of the ten"):
            read_digits(MODEL, Sheet(joined), several=said)
    wide = draw_strokes([arc((0.3, 0.5), 0, 2, 0.2), arc((0.7, 0.5), 0, 2, 0.2)])
    assert read_digits(MODEL, Sheet(wide)).text == "00"
