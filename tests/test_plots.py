"""Pictures to hand in: real files of the right kind, refused early where they cannot be."""

import csv
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nnscratch.app.plots import Mistake, ReportData, check_plot, save_curves, save_report
from nnscratch.errors import OutputError

KEYS = ("epoch", "train_loss", "validation_loss", "validation_accuracy")
HISTORY = [dict(zip(KEYS, (n, 1 / n, 1.1 / n, 1 - 0.5 / n), strict=True)) for n in range(1, 9)]
MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def data(mistakes=3, units=4):
    rng = np.random.default_rng(0)
    confusion = np.diag(np.full(10, 90)) + 1
    mistake = Mistake(rng.integers(0, 256, (28, 28), np.uint8), 4, 9, 0.98)
    return ReportData(
        "title",
        ["seed: 0"],
        confusion,
        [0.9] * 10,
        rng.normal(size=(units, 28, 28)),
        rng.normal(size=(units, 10)),
        [mistake] * mistakes,
    )


@pytest.mark.parametrize("suffix", MAGIC)
@pytest.mark.sampled(1)
def test_the_suffix_decides_the_kind_of_file(suffix, tmp_path):
    save_curves(tmp_path / f"c{suffix}", "title", HISTORY)
    save_report(tmp_path / f"r{suffix}", data())
    for name in "cr":
        assert (tmp_path / f"{name}{suffix}").read_bytes().startswith(MAGIC[suffix])


@pytest.mark.slow
def test_the_sheet_is_legible_at_1200_pixels(tmp_path):
    save_report(tmp_path / "r.png", data(mistakes=20, units=10))
    with Image.open(tmp_path / "r.png") as sheet:
        assert sheet.width == 1200


def test_a_run_of_one_epoch_and_one_without_hold_out_are_drawn_too(tmp_path):
    nothing_held = {**HISTORY[0], "validation_loss": None, "validation_accuracy": None}
    for number, history in enumerate((HISTORY[:1], [nothing_held])):
        save_curves(tmp_path / f"{number}.png", "title", history)
        with Image.open(tmp_path / f"{number}.png") as curves:
            assert np.asarray(curves.convert("L")).min() < 128


def test_no_mistakes_and_no_units_leave_room_but_no_error(tmp_path):
    save_report(tmp_path / "r.png", data(mistakes=0, units=1))


@pytest.mark.parametrize("name", ["x.txt", "x", "missing/x.png"])
def test_what_cannot_be_drawn_is_refused_before_any_work(tmp_path, name):
    with pytest.raises(OutputError):
        check_plot(tmp_path / name)


@pytest.mark.slow
def test_training_and_evaluation_draw_and_write(run, own_data, tmp_path):
    done = run(
        "train", "--epochs", 3, "--validation", 200, "--plot", "c.png", "--history", "h.csv",
        data_dir=own_data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (tmp_path / "h.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert list(rows[0]) == [
        "epoch", "train_loss", "validation_loss", "validation_accuracy", "seconds",
    ]  # fmt: skip
    assert "train loss" in done.stdout
    assert "█" in done.stdout
    done = run("evaluate", "model.npz", "--plot", "r.pdf", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.png").read_bytes().startswith(MAGIC[".png"])
    assert (tmp_path / "r.pdf").read_bytes().startswith(MAGIC[".pdf"])


def test_a_plot_that_cannot_be_drawn_stops_before_training(run, own_data, tmp_path):
    done = run("train", "--plot", "c.txt", data_dir=own_data)
    assert done.returncode == 1
    assert "c.txt" in done.stderr
    assert "epoch" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_command_that_installs_it_is_named(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['matplotlib.figure'] = None;"
        "from nnscratch.app.cli import app; app(['train', '--plot', 'c.png'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "pip install 'nnscratch[plot]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_mistakes_and_weights_are_drawn_in_the_terminal(run, own_data):
    run("train", "--epochs", 2, "--validation", 200, data_dir=own_data)
    done = run("evaluate", "model.npz", "--mistakes", 4, "--weights", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" taken for ") == 4
    assert done.stdout.count(", not ") == 10
    assert max(map(len, done.stdout.splitlines()[2:])) <= 80  # below what is quoted of the run
    wide = run(
        "evaluate", "model.npz", "--mistakes", 4, "--weights", data_dir=own_data, COLUMNS=160
    )
    assert len(wide.stdout.splitlines()) < len(done.stdout.splitlines())
    ascii_only = run(
        "evaluate", "model.npz", "--weights", data_dir=own_data, PYTHONIOENCODING="ascii"
    )
    assert ascii_only.stdout.isascii()


def test_json_carries_what_the_pictures_show(run, own_data):
    import json

    run("train", "--epochs", 1, "--validation", 200, data_dir=own_data)
    done = run("evaluate", "model.npz", "--mistakes", 5, "--json", data_dir=own_data)
    answer = json.loads(done.stdout)
    assert len(answer["mistakes"]) == 5
    sure = [mistake["probability"] for mistake in answer["mistakes"]]
    assert sure == sorted(sure, reverse=True)
    assert all(mistake["true"] != mistake["predicted"] for mistake in answer["mistakes"])
    assert np.array(answer["hidden_unit_votes"]).shape == (10, 10)
    assert answer["settings"]["epochs"] == 1
