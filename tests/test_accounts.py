"""Why it said so, from the command line: accounts in text, in JSON and as pictures."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from conftest import some_digits
from nnscratch.model_file import load_model
from nnscratch.pictures.decode import save_picture

FAST = ("--epochs", "3", "--validation", "200")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Make a folder with pictures of three digits, and a blank one."""
    folder = tmp_path_factory.mktemp("pictures")
    images, _ = some_digits(3, 5)
    for number, image in enumerate(images):
        save_picture(image, folder / f"{number}.png")
    Image.new("L", (60, 60), 255).save(folder / "blank.png")
    return folder


def told(run, *arguments, **options):
    done = run(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done


def test_the_account_in_json_adds_up_to_the_difference_of_the_outputs(run, here):
    record = json.loads(told(run, "predict", here / "0.png", "--why", "--json").stdout)
    why = record["why"]
    digit, against = why["digit"], why["against"]
    assert digit == record["digit"]
    runner_up = sorted(range(10), key=lambda d: record["probabilities"][d])[-2]
    assert against == runner_up
    ratio = record["probabilities"][digit] / record["probabilities"][against]
    lead = load_model("pretrained").temperature * math.log(ratio)
    assert why["lead"] == pytest.approx(lead, abs=1e-4)
    assert np.shape(why["pixels"]) == (28, 28)
    assert np.sum(why["pixels"]) + why["constant"] == pytest.approx(why["lead"], abs=1e-4)
    shares = sum(unit["share"] for unit in why["units"])
    assert shares + why["bias"] == pytest.approx(why["lead"], abs=1e-4)
    assert set(why["units"][0]) == {
        "index", "activation", "weight_for", "weight_against", "share",
    }  # fmt: skip


def test_the_account_in_text_shows_the_units_their_sum_and_two_sentences(run, here):
    why = json.loads(told(run, "predict", here / "0.png", "--why", "--json").stdout)["why"]
    text = told(run, "predict", here / "0.png", "--why").stdout
    assert f"Why {why['digit']} and not {why['against']}?" in text
    first = why["units"][0]
    figures = [first["index"], f"{first['activation']:.3f}", f"{first['share']:+.4f}"]
    assert any(all(str(f) in line.split() for f in figures) for line in text.splitlines())
    assert re.search(rf"sum +\{why['lead']:+.4f}", text)
    assert f"{why['digit']} leads {why['against']} by {why['lead']:.2f}." in text
    assert f"just says {why['against']}." in text
    changed = np.array(why["seen"]) / 255 + why["tipping"]["change"]
    assert changed.min() > -1e-6
    assert changed.max() < 1 + 1e-6


def test_the_other_digit_can_be_named_and_asks_for_an_account_by_itself(run, here):
    record = json.loads(told(run, "predict", here / "1.png", "--json").stdout)
    other = (record["digit"] + 1) % 10
    done = told(run, "predict", here / "1.png", "--against", str(other), "--json")
    assert json.loads(done.stdout)["why"]["against"] == other


def test_the_answer_itself_is_no_other_digit_and_that_is_said(run, here):
    digit = json.loads(told(run, "predict", here / "1.png", "--json").stdout)["digit"]
    done = told(run, "predict", here / "1.png", "--against", str(digit), "--json")
    record = json.loads(done.stdout)
    assert record["why"]["against"] != digit
    assert f"it says {digit} itself" in record["notes"][-1]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_pictures_and_the_table_fit_the_screen(run, here, columns):
    text = told(run, "predict", here / "0.png", "--why", COLUMNS=columns).stdout
    account = text[text.index("Why ") : text.index("The ink")].splitlines()[2:]
    assert max(map(len, account)) <= max(columns, 48)
    assert ("The change of ink" in text) == (columns == 120)


def test_a_blank_picture_gets_the_usual_error(run, here):
    done = run("predict", here / "blank.png", "--why")
    assert done.returncode == 1
    assert "Why" not in done.stdout
    assert "no digit" in done.stderr


def test_several_pictures_are_accounted_for_one_by_one(run, here):
    done = run("predict", here, "--why")
    assert done.stdout.count("Why ") == 3


@pytest.mark.slow
def test_an_account_is_drawn_and_drawn_again_over_ours_only(run, here, tmp_path):
    for _ in range(2):
        done = told(run, "predict", here / "0.png", "--plot", "why.png")
        assert "the account is in why.png" in done.stderr
    with Image.open(tmp_path / "why.png") as sheet:
        assert sheet.width == 1300
        assert np.asarray(sheet.convert("L")).std() > 10
    (tmp_path / "mine.png").write_bytes((here / "1.png").read_bytes())
    for refused in ("mine.png", "x.txt"):
        assert run("predict", here / "0.png", "--plot", refused).returncode == 1
    assert (tmp_path / "mine.png").read_bytes() == (here / "1.png").read_bytes()
    assert run("predict", here, "--plot", "all.png").returncode == 2


def test_an_account_is_drawn_even_if_the_reader_of_the_text_leaves(here, tmp_path):
    command = f'"{sys.executable}" -m nnscratch predict "{here / "0.png"}" --plot why.png | head -1'
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "why.png").exists()


@pytest.mark.slow
def test_of_a_deskewed_model_it_says_which_pixels_are_meant(run, here, own_data):
    told(run, "train", *FAST, "--deskew", data_dir=own_data)
    text = told(run, "predict", here / "0.png", "--why").stdout
    assert "The pixels are those that this model saw: sheared upright" in text
    told(run, "predict", here / "0.png", "--plot", "why.pdf")


@pytest.mark.slow
def test_mistakes_are_accounted_for_against_the_true_digit(run, own_data):
    told(run, "train", *FAST, data_dir=own_data)
    command = ("evaluate", "model.npz", "--mistakes", "3", "--why")
    listed = json.loads(told(run, *command, "--json", data_dir=own_data).stdout)["mistakes"]
    assert len(listed) == 3
    for mistake in listed:
        assert mistake["why"]["digit"] == mistake["predicted"]
        assert mistake["why"]["against"] == mistake["true"]
        assert mistake["why"]["lead"] > 0
    text = told(run, *command, data_dir=own_data).stdout
    for mistake in listed:
        lead = mistake["why"]["lead"]
        assert f"{mistake['predicted']} (+) over {mistake['true']} (-): {lead:+.2f}" in text


def test_there_is_nothing_to_account_for_without_mistakes(run):
    done = run("evaluate", "pretrained", "--why")
    assert done.returncode == 2
    assert "--mistakes" in done.stderr


def test_a_watched_picture_is_answered_after_every_epoch(run, here, own_data):
    picture = here / "0.png"
    done = told(run, "train", *FAST, "--watch", picture, "--json", data_dir=own_data)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    watched = [event["watched"] for event in events if event["event"] == "epoch"]
    assert len(watched) == 3
    last = json.loads(told(run, "predict", picture, "--model", "model.npz", "--json").stdout)
    assert watched[-1]["probabilities"] == pytest.approx(last["probabilities"], abs=1e-6)
    assert watched[0]["probabilities"] != watched[1]["probabilities"]
    for entry in watched:
        line = f"{entry['digit']}, {entry['probability']:.1%}"
        assert any(line in shown for shown in done.stderr.splitlines() if "0.png: a" in shown)


def test_watching_changes_nothing_of_what_is_learned(run, here, own_data, tmp_path):
    told(run, "train", *FAST, "-o", "plain.npz", data_dir=own_data)
    told(run, "train", *FAST, "-o", "watched.npz", "--watch", here / "0.png", data_dir=own_data)
    assert (tmp_path / "plain.npz").read_bytes() == (tmp_path / "watched.npz").read_bytes()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("picture", ["missing.png", "blank.png"])
def test_what_cannot_be_watched_is_refused_before_any_work(run, here, own_data, tmp_path, picture):
    done = run("train", *FAST, "--watch", here / picture, data_dir=own_data)
    assert done.returncode == 1
    assert "epoch" not in done.stderr
    assert not list(tmp_path.iterdir())
