"""`nnscratch sweep`: what it runs and says, how it goes on, and how its results are drawn."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import ROOT, listing
from nnscratch.app import sweeps
from nnscratch.config import SETTINGS, TrainConfig, as_dict
from nnscratch.lab.grid import load_grid, make_grid
from nnscratch.lab.journal import RunResult
from nnscratch.lab.sweep import Summary
from nnscratch.model_file import load_model

FAST = ("--epochs", "1", "--validation", "200")
KEYS = ["settings", "validation_accuracy", "validation_loss", "seconds", "model", "diverged"]


def summary(accuracy, *, runs=2, spread=0.01, diverged=0, **settings):
    loss = None if accuracy is None else 1 - accuracy
    return Summary(TrainConfig(**settings), runs, accuracy, spread, loss, 0.5, diverged)


def best_first(summaries):
    return sorted(summaries, key=lambda one: -(one.accuracy_mean or 0))


# ------------------------------------------------------------------------------- the command itself


def test_a_sweep_says_which_setting_is_best_and_trains_the_same_model_again(
    run, own_data, tmp_path
):
    done = run("sweep", "--lr", "0.001,0.1", *FAST, "--seeds", 2, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert "2 settings × 2 seeds: mean ± standard deviation" in done.stdout
    rows = re.findall(r"^ +([\d.]+) +[\d.]+% ± [\d.]+ +[\d.]+ +[\d.]+", done.stdout, re.MULTILINE)
    assert rows == ["0.1", "0.001"]
    assert "Validation accuracy over --lr" in done.stdout
    assert "sweep/best.npz" in done.stdout.replace("\\", "/")
    (advised,) = re.findall(
        r"^To train it again: \S+ -m nnscratch (.*)$", done.stdout, re.MULTILINE
    )
    again = run(*advised.split(), data_dir=own_data)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "model.npz").read_bytes() == (tmp_path / "sweep" / "best.npz").read_bytes()


def test_the_test_figure_is_that_of_the_best_and_the_only_one(run, own_data, tmp_path):
    done = run("sweep", "--lr", "0.001,0.1", *FAST, data_dir=own_data)
    test = load_model(tmp_path / "sweep" / "best.npz").test
    (line,) = [line for line in done.stdout.splitlines() if "est accuracy" in line]
    assert f"Test accuracy {test['accuracy']:.2%} (custom), loss {test['loss']:.4f}" in line


def test_elsewhere_than_at_a_terminal_there_is_a_plain_line_a_run(run, own_data):
    done = run("sweep", "--hidden", "3,5", *FAST, data_dir=own_data)
    lines = [line for line in done.stderr.splitlines() if line.startswith("run ")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert {line.split("  ")[-1] for line in lines} == {
        "--hidden 3 --seed 0",
        "--hidden 5 --seed 0",
    }
    assert "\x1b" not in done.stdout + done.stderr


def test_json_is_one_line_a_run_and_nothing_else(run, own_data):
    options = ("sweep", "--lr", "0.001,0.1", *FAST, "--seeds", 2, "--json")
    done = run(*options, data_dir=own_data)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(record) for record in records] == [KEYS] * 4
    runs = {(one["settings"]["learning_rate"], one["settings"]["seed"]) for one in records}
    assert runs == {(0.001, 0), (0.001, 1), (0.1, 0), (0.1, 1)}
    assert set(records[0]["settings"]) == set(as_dict(TrainConfig()))
    assert all(0 < record["validation_accuracy"] < 1 for record in records)
    again = run(*options, data_dir=own_data)
    assert sorted(again.stdout.splitlines()) == sorted(done.stdout.splitlines())


@pytest.mark.slow
def test_a_second_time_nothing_runs_twice_and_the_same_is_shown(run, own_data):
    options = ("sweep", "--lr", "0.01,0.1", *FAST)
    first, again = (run(*options, data_dir=own_data) for _ in range(2))
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout
    assert "2 of 2 runs are done already" in again.stderr
    assert "run 1/2" not in again.stderr


@pytest.mark.slow
def test_a_file_lists_settings_and_an_option_goes_before_it(run, own_data, tmp_path):
    text = "learning_rate = [0.01, 0.1]\nhidden_size = 4\nepochs = 1\nvalidation_size = 200\n"
    (tmp_path / "s.toml").write_text(f"{text}seeds = 2\n")
    done = run("sweep", "--config", "s.toml", "--hidden", "3", "--json", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    settings = [json.loads(line)["settings"] for line in done.stdout.splitlines()]
    assert {one["hidden_size"] for one in settings} == {3}
    assert len(settings) == 4


@pytest.mark.slow
def test_switches_and_ranges_may_be_written_as_for_train_and_without_quotes(run, own_data):
    options = ("--lr", "0.01..1", "x3", "--deskew", "--no-augment", "--json")
    done = run("sweep", *options, *FAST, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    settings = [json.loads(line)["settings"] for line in done.stdout.splitlines()]
    assert {one["learning_rate"] for one in settings} == {0.01, 0.1, 1.0}
    assert all(one["deskew"] and not one["augment"] for one in settings)


def test_the_picture_is_drawn_where_it_is_wanted(run, own_data, tmp_path):
    done = run("sweep", "--lr", "0.01,0.1", *FAST, "--plot", "sweep/p.png", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert "Note: the picture is in" in done.stderr
    # in a folder that the sweep itself had to make
    assert (tmp_path / "sweep" / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("plot", ["p.txt", "o.png", "no-such-folder/p.png"])
def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_runs(
    plot, run, own_data, tmp_path
):
    done = run("sweep", *FAST, "-o", "o.png", "--plot", plot, data_dir=own_data)
    assert done.returncode == 1
    assert listing(tmp_path) == []


def test_all_models_are_kept_if_wanted(run, own_data, tmp_path):
    done = run("sweep", "--hidden", "3,5", *FAST, "--keep", "all", "--json", data_dir=own_data)
    for line in done.stdout.splitlines():
        record = json.loads(line)
        model = load_model(tmp_path / "sweep" / record["model"])
        assert model.config.hidden_size == record["settings"]["hidden_size"]


def test_a_run_that_diverges_is_a_result(run, own_data, tmp_path):
    done = run("sweep", "--lr", "0.1,1e30", *FAST, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert re.search(r"1e\+30 +diverged +- ", done.stdout)
    assert "× diverged" in done.stdout
    assert load_model(tmp_path / "sweep" / "best.npz").config.learning_rate == 0.1


def test_if_every_run_diverges_no_model_is_kept_and_that_is_said(run, own_data, tmp_path):
    done = run("sweep", "--lr", "1e30,2e30", *FAST, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert "every run diverged, so no model is kept" in done.stderr
    assert not list((tmp_path / "sweep").glob("*.npz"))


# ------------------------------------------------------------------------- refused before any work


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--lr", "0.1,-1"), "Invalid value for --lr: must be a finite number above 0, and is -1"),
        (("--lr", "0.1..x3"), "Invalid value for --lr: must be a range like 0.01..1 x8"),
        (("--hidden", "5,many"), "Invalid value for --hidden: must be a whole number"),
        (("--deskew", "yes"), "Invalid value for --deskew: must be true or false, and is 'yes'"),
        (("--schedule", "constant,round"), "Invalid value for --schedule: must be constant or"),
        (("--validation", "0,200"), "Invalid value for --validation: a sweep chooses by"),
        (("--seed", "1,2", "--seeds", "3"), "Invalid value for --seed"),
        (("--batch-size", "32,1100", "--lr", "0.1,1"), "Invalid value for --batch-size: "),
        (("--validation", "200,1200"), "Invalid value for --validation: "),
        (("--learning-rate", "1"), "No such option: --learning-rate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
@pytest.mark.sampled(1)
def test_a_wrong_value_is_a_usage_error_before_anything_runs(
    options, said, run, own_data, tmp_path
):
    fast = [word for pair in zip(FAST[::2], FAST[1::2], strict=True) for word in pair
            if pair[0] not in options]  # fmt: skip
    done = run("sweep", *options, *fast, data_dir=own_data)
    shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.stderr).split())
    assert done.returncode == 2, done.stderr
    assert said in shown
    assert "--lr" in shown or "--learning-rate" not in options  # what was meant is named
    assert listing(tmp_path) == []


def test_a_value_that_does_not_go_with_the_data_names_its_run(run, own_data):
    options = ("--batch-size", "32,1100", "--lr", "0.1,1", "--validation", "200")
    shown = " ".join(run("sweep", *options, data_dir=own_data).stderr.split())
    assert "1100" in shown
    assert "--lr 0.1 --batch-size 1100" in re.sub(r"[│\s]+", " ", shown)


@pytest.mark.slow
def test_a_folder_that_holds_another_sweep_is_left_as_it_is(run, own_data, tmp_path):
    run("sweep", "--lr", "0.01,0.1", *FAST, data_dir=own_data)
    before = {path: (tmp_path / path).read_bytes() for path in listing(tmp_path)[1:]}
    done = run("sweep", "--lr", "0.01,0.1", *FAST, "--batch-size", 16, data_dir=own_data)
    assert done.returncode == 1
    assert "Error: " in done.stderr
    assert "where: " in done.stderr
    assert "next: " in done.stderr
    assert {path: (tmp_path / path).read_bytes() for path in listing(tmp_path)[1:]} == before


def test_what_is_not_ours_in_the_folder_is_not_overwritten(run, own_data, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("best.npz", "sweep.csv", "runs.jsonl"):
        (folder / name).write_text("mine")
    done = run("sweep", "--lr", "0.01,0.1", *FAST, "-o", "mine", data_dir=own_data)
    assert done.returncode == 1, done.stdout
    assert "run 1/2" not in done.stderr
    assert {path.read_text() for path in folder.iterdir()} == {"mine"}


@pytest.mark.slow
def test_a_model_that_stood_where_the_best_is_kept_and_that_is_said(run, own_data, tmp_path):
    (tmp_path / "sweep").mkdir()
    assert run("train", *FAST, "--seed", "9", data_dir=own_data).returncode == 0
    earlier = (tmp_path / "model.npz").rename(tmp_path / "sweep" / "best.npz").read_bytes()
    done = run("sweep", "--lr", "0.1", *FAST, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    places = [str(Path("sweep", name)) for name in ("best.npz", "best.previous.npz")]
    assert f"the model that was {places[0]} is now {places[1]}" in done.stderr
    assert (tmp_path / "sweep" / "best.previous.npz").read_bytes() == earlier


def test_a_folder_that_cannot_be_written_is_an_error_before_anything_runs(run, own_data, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = run("sweep", *FAST, "-o", "file", data_dir=own_data)
    assert done.returncode == 1
    assert "run 1/1" not in done.stderr
    assert "file" in done.stderr


# ------------------------------------------------------------------------------------- interrupted


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no Ctrl-C to one process")
def test_ctrl_c_ends_it_within_two_seconds_and_the_command_it_says_goes_on(run, own_data, tmp_path):
    options = ["sweep", "--lr", "0.01..0.1 x6", "--epochs", "60", "--validation", "200"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nnscratch", *options], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not (line := process.stderr.readline()).startswith("run 1/6"):
        assert line, process.stdout.read()
    process.send_signal(signal.SIGINT)
    asked = time.perf_counter()
    _, error = process.communicate(timeout=30)
    assert time.perf_counter() - asked < 2
    assert process.returncode == 130
    assert "Traceback" not in error
    kept = int(re.search(r"Note: (\d) of 6 runs are done and kept in sweep", error)[1])
    (advised,) = re.findall(r"^To go on: \S+ -m nnscratch (.*)$", error, re.MULTILINE)
    assert advised == "sweep --lr '0.01..0.1 x6' --epochs 60 --validation 200"
    done = run(*options, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert f"{kept} of 6 runs are done already" in done.stderr
    lines = (tmp_path / "sweep" / "runs.jsonl").read_text().splitlines()
    rates = [
        one["settings"]["learning_rate"] for one in map(json.loads, lines) if "settings" in one
    ]
    assert len(rates) == len(set(rates)) == 6


# --------------------------------------------------------------------------------- the table, drawn


@pytest.fixture
def shown(capsys, monkeypatch):
    """Show a sweep on a screen of some width; gives stdout."""

    def shown(summaries, varied, width=80):
        monkeypatch.setattr(sweeps.out, "_width", width)
        sweeps.show_sweep(best_first(summaries), varied, "sweep/sweep.csv")
        return capsys.readouterr()

    return shown


def test_of_a_thousand_settings_the_best_twenty_are_listed_and_a_note_says_where_the_rest_is(shown):
    rates = tuple(0.001 * (number + 1) for number in range(1000))
    made = [summary(0.5 + 0.0001 * n, learning_rate=rate) for n, rate in enumerate(rates)]
    seen = shown(made, {"learning_rate": rates})
    table = seen.out.partition("Validation accuracy over")[0]
    assert len(re.findall("±.*%|%.*±", table)) == 20
    assert "The best 20 of 1,000 settings × 2 seeds" in table
    assert "59.99%" in table
    assert "the other 980 are in sweep/sweep.csv" in " ".join(seen.err.split())
    assert len(seen.out.splitlines()) < 50
    assert max(map(len, seen.out.splitlines())) <= 80


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_curve_fits_the_screen_and_shows_where_it_is_highest(width, shown):
    rates = (0.01, 0.1, 1.0, 10.0)
    made = [
        summary(accuracy, learning_rate=rate, diverged=0 if accuracy else 2)
        for rate, accuracy in zip(rates, (0.5, 0.9, 0.7, None), strict=True)
    ]
    seen = shown(made, {"learning_rate": rates}, width).out
    curve = seen.partition("Validation accuracy over --lr; × diverged\n")[2].splitlines()
    assert max(map(len, curve)) <= width
    heights = {line.index("●"): n for n, line in enumerate(curve) if line.count("●") == 1}
    assert len(heights) == 3
    first, second, third = (heights[place] for place in sorted(heights))
    assert second < third < first
    assert "×" in curve[8]
    assert curve[10].split() == ["0.01", "0.1", "1", "10"]


def test_a_heat_map_has_a_cell_for_each_pair_and_more_lines_than_columns(shown):
    rates, widths = (0.1, 1.0), (5, 10, 20)
    made = [
        summary(0.5 + 0.1 * a + 0.01 * b, learning_rate=rate, hidden_size=width)
        for a, rate in enumerate(rates)
        for b, width in enumerate(widths)
    ]
    seen = shown(made, {"learning_rate": rates, "hidden_size": widths}).out
    heat_map = seen.partition("--hidden down, --lr across\n")[2]
    assert [re.findall(r"[\d.]+", line) for line in heat_map.splitlines()[:4]] == [
        ["5", "50.0", "60.0"],
        ["10", "51.0", "61.0"],
        ["20", "52.0", "62.0"],
        ["0.1", "1"],
    ]


def test_of_more_than_two_settings_a_note_says_who_draws_them(shown):
    varied = {"learning_rate": (0.1, 1.0), "hidden_size": (5,), "epochs": (1, 2)}
    made = [
        summary(0.5, hidden_size=5, learning_rate=r, epochs=e) for r in (0.1, 1.0) for e in (1, 2)
    ]
    seen = shown(made, varied)
    assert "--plot draws a panel for each" in " ".join(seen.err.split())
    assert "Validation accuracy over" not in seen.out


def test_a_setting_of_which_a_run_diverged_says_of_how_many(shown):
    made = [summary(0.5, diverged=1, runs=3), summary(0.6, runs=3, epochs=1)]
    assert "1 of 3 diverged" in shown(made, {"epochs": (20, 1)}).out


def test_the_bar_counts_what_was_done_before_and_remembers_the_best(capsys):
    screen = sweeps.SweepScreen(3, {"learning_rate": (0.1, 1.0)})
    good = RunResult(TrainConfig(), 0.9, 0.3, 1.0, None, False)
    with screen:
        screen.on_resumed([good])
        screen.on_result(
            replace(good, config=TrainConfig(learning_rate=1.0), validation_accuracy=0.8)
        )
        screen.on_result(RunResult(TrainConfig(seed=1), None, None, 1.0, None, True))
    assert screen.best is good
    error = capsys.readouterr().err
    assert "1 of 3 runs are done already" in error
    assert "run 2/3  validation 80.00%  1.00 s  --lr 1 --seed 0" in error
    assert "run 3/3  diverged  1.00 s  --lr 0.1 --seed 1" in error


def test_values_alike_in_four_digits_are_told_apart():
    assert sweeps.labels([0.100001, 0.100002]) == ["0.100001", "0.100002"]


def test_every_setting_is_an_option_of_a_sweep_but_where_to_start(run):
    listed = run("sweep", "--help", COLUMNS=200).stdout
    for key, setting in SETTINGS.items():
        assert (f" {setting.flag} " in listed) == (key != "start")


def test_the_file_and_the_line_on_the_page_of_sweeps_are_what_is_read_and_written(tmp_path):
    page = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "sweep.toml").write_text(toml, encoding="utf-8")
    grid = make_grid(load_grid(tmp_path / "sweep.toml"))
    assert (len(grid.settings()), len(grid)) == (8 * 3, 8 * 3 * 5)
    (line,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    shown = json.loads(line)
    assert list(shown) == KEYS
    assert set(shown["settings"]) < set(as_dict(TrainConfig()))
