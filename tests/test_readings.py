"""Pictures of several digits, from the command line: text, JSON, and the marked picture."""

import json

import numpy as np
import pytest
from PIL import Image

from conftest import some_digits
from nnscratch.data.negatives import make_negatives
from nnscratch.model_file import load_model
from pages import row_of


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Make a folder with pictures of one, four and twice four digits, and what they say."""
    folder = tmp_path_factory.mktemp("written")
    images, labels = some_digits(8, 11)
    rows = [row_of(images[:4], 0.4), row_of(images[4:], 0.4)]
    width = max(row.shape[1] for row in rows)
    two = np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    pages = {"one": row_of(images[:1], 0.4), "four": rows[0], "eight": two}
    for name, page in pages.items():
        Image.fromarray(255 - page).save(folder / f"{name}.png")
    text = "".join(map(str, labels))
    return folder, {"one": text[:1], "four": text[:4], "eight": f"{text[:4]}\n{text[4:]}"}


def record(run, *arguments):
    done = run("predict", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["four", "eight"])
def test_the_digits_are_in_the_json_row_by_row(run, written, name):
    folder, says = written
    read = record(run, folder / f"{name}.png")
    assert read["text"] == says[name]
    assert read["digit"] is read["probability"] is read["probabilities"] is None
    assert "".join(str(one["digit"]) for one in read["digits"]) == says[name].replace("\n", "")
    assert [one["row"] for one in read["digits"]] == [n // 4 for n in range(len(read["digits"]))]
    with Image.open(folder / f"{name}.png") as page:
        for one in read["digits"]:
            assert set(one) == {"digit", "probability", "box", "row", "doubtful"}
            left, top, right, bottom = one["box"]
            assert 0 <= left < right <= page.width
            assert 0 <= top < bottom <= page.height
    for one, following in zip(read["digits"], read["digits"][1:], strict=False):
        assert one["row"] < following["row"] or one["box"][0] < following["box"][0]


@pytest.mark.slow
def test_a_doubtful_digit_is_marked_wherever_it_is_shown(run, tmp_path):
    images, labels = some_digits(8, 11)
    others, _ = make_negatives(images, labels, 1, np.random.default_rng(0))
    page = row_of(np.stack([images[0], images[1], others[0], images[2]]), 0.4)
    Image.fromarray(255 - page).save(tmp_path / "odd.png")
    read = record(run, "odd.png")
    doubtful = [one["doubtful"] for one in read["digits"]]
    assert doubtful == [False, False, True, False]
    marked = "".join(f"{one['digit']}{'?' * one['doubtful']}" for one in read["digits"])
    at_length, in_a_line = run("predict", "odd.png"), run("predict", ".")
    assert "?: less than 60% sure, or shaped unlike any digit" in at_length.stdout
    assert in_a_line.stdout.split()[0] == marked


def test_one_digit_has_todays_keys_and_the_new_ones(run, written):
    folder, says = written
    read = record(run, folder / "one.png")
    assert read["text"] == says["one"] == str(read["digit"])
    assert len(read["probabilities"]) == 10
    assert read["probability"] == max(read["probabilities"])
    assert len(read["digits"]) == 1
    assert read["digits"][0]["digit"] == read["digit"]


def test_the_rows_and_each_digit_are_shown(run, written):
    folder, says = written
    done = run("predict", folder / "eight.png")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "8 digits in 2 rows" in lines[0]
    assert lines[2:4] == says["eight"].splitlines()
    assert sum(line.count("%") for line in lines) == 8
    assert max(map(len, lines[1:])) <= 80  # the first has the path


def test_several_pictures_take_a_line_each(run, written):
    folder, says = written
    done = run("predict", folder)
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == [
        says["eight"].replace("\n", " / "), says["four"], says["one"],
    ]  # fmt: skip


def test_what_is_found_out_can_be_overruled(run, written):
    folder, says = written
    alone = record(run, folder / "four.png", "--single")
    assert alone["text"] in says["four"]
    assert alone["digit"] is not None
    assert any("shapes" in note for note in alone["notes"])
    assert record(run, folder / "one.png", "--several")["text"] == says["one"]


@pytest.mark.slow
def test_a_marked_picture_has_a_box_around_each_digit(run, written, tmp_path):
    folder, _ = written
    digits = record(run, folder / "four.png", "--save-marked", "marked.png")["digits"]
    with Image.open(tmp_path / "marked.png") as marked, Image.open(folder / "four.png") as page:
        assert marked.mode == "RGB"
        assert max(marked.size) >= 640
        scale = marked.width / page.width
        coloured = np.ptp(np.asarray(marked).astype(int), axis=2) > 60
    for one in digits:
        left, top, right, bottom = (round(scale * x) for x in one["box"])
        assert coloured[top:bottom, left - 2 : left].mean() > 0.9
        assert coloured[top:bottom, right : right + 2].mean() > 0.9
    again = run("predict", folder / "four.png", "--save-marked", "marked.png")
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_marked_picture_replaces_none_of_the_users(run, written, tmp_path):
    folder, _ = written
    mine = tmp_path / "mine.png"
    mine.write_bytes((folder / "four.png").read_bytes())
    for other in (folder / "four.png", folder / "one.png"):
        done = run("predict", other if other.stem == "one" else mine, "--save-marked", mine)
        assert done.returncode == 1
        assert " next: " in done.stderr
    assert mine.read_bytes() == (folder / "four.png").read_bytes()
    assert run("predict", folder, "--save-marked", "all.png").returncode == 2


@pytest.mark.parametrize("flag", ["--save-prepared", "--plot"])
@pytest.mark.sampled(1)
def test_what_shows_one_digit_is_not_drawn_of_several(run, written, tmp_path, flag):
    folder, _ = written
    done = run("predict", folder / "four.png", flag, "x.png")
    assert done.returncode == 1
    assert "where: x.png" in done.stderr
    assert "--single" in done.stderr
    assert not list(tmp_path.iterdir())


def test_each_of_several_digits_is_accounted_for(run, written):
    folder, _ = written
    digits = record(run, folder / "four.png", "--why")["digits"]
    assert all(one["why"]["digit"] == one["digit"] for one in digits)
    told = run("predict", folder / "four.png", "--why").stdout
    assert told.count("Why ") == 4
    for number, one in enumerate(digits, 1):
        assert f"Digit {number} of 4. Why {one['digit']} and not" in told


def test_a_picture_from_stdin_can_be_marked_too(run, written, tmp_path):
    folder, says = written
    data = (folder / "four.png").read_bytes()
    done = run("predict", "-", "--json", "--save-marked", "marked.png", stdin=data)
    assert json.loads(done.stdout)["text"] == says["four"]
    assert (tmp_path / "marked.png").exists()


def test_what_is_no_digit_is_refused_and_still_accounted_for(run, tmp_path):
    digits, labels = some_digits(40, 1)
    letters, _ = make_negatives(digits, labels, 60, np.random.default_rng(0))
    strangest = letters[load_model("pretrained").strangeness(letters).argmax()]
    Image.fromarray(strangest).save(tmp_path / "letter.png")
    done = run("predict", "letter.png", "--single", "--why", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 1
    assert "no digit here" in record["error"]
    why = record["why"]
    assert np.sum(why["pixels"]) + why["constant"] == pytest.approx(why["lead"], abs=1e-4)
    done = run("predict", "letter.png", "--single", "--why")
    assert done.returncode == 1
    assert "no digit here" in done.stderr
    assert f"Why {why['digit']} and not {why['against']}?" in done.stdout
