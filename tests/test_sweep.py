"""A sweep: every run as its own `train` command makes it, whatever comes between."""

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nnscratch.config import SETTINGS, TrainConfig
from nnscratch.errors import ConfigError
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import RunResult, best_run, summarise, sweep
from nnscratch.lab.workers import Workers

BASE = TrainConfig(epochs=2, validation_size=200)


def result(accuracy, loss=1.0, seconds=1.0, **settings) -> RunResult:
    config = TrainConfig(**settings)
    return RunResult(config, accuracy, accuracy and loss, seconds, None, accuracy is None)


def options(config):
    """The options of `train` that say these settings."""
    for key, setting in SETTINGS.items():
        value = getattr(config, key)
        if setting.type is bool:
            yield setting.flag if value else setting.flag.replace("--", "--no-")
        else:
            yield f"{setting.flag}={value}"


@pytest.mark.parametrize(
    ("varied", "seeds"),
    [
        ({"learning_rate": (0.05, 0.3), "hidden_size": (5, 20)}, (0,)),
        ({"momentum": (0.9,), "schedule": ("cosine",), "batch_size": (7,)}, (3, 4)),
        ({"augment": (True,), "deskew": (True,), "weight_decay": (1e-3,)}, (0,)),
    ],
)
@pytest.mark.slow
def test_every_model_is_that_of_its_own_train_command(
    varied, seeds, own_data, own_dataset, tmp_path, run
):
    grid = Grid(BASE, varied, seeds)
    results = sweep(grid, own_dataset, tmp_path / "sweep", keep_all=True)
    assert [one.config for one in results] == grid.runs()
    for number, one in enumerate(results, 1):
        done = run("train", *options(one.config), data_dir=own_data)
        assert done.returncode == 0, done.stderr
        assert one.model == f"run-{number:04}.npz"
        kept = (tmp_path / "sweep" / one.model).read_bytes()
        assert kept == (tmp_path / "model.npz").read_bytes()
    best = best_run(results)
    kept = (tmp_path / "sweep" / best.model).read_bytes()
    assert (tmp_path / "sweep" / "best.npz").read_bytes() == kept


def test_a_summary_is_of_the_seeds_and_the_best_comes_first():
    results = [
        result(0.8, hidden_size=5),
        result(0.9, loss=3.0, seconds=2.0, hidden_size=5, seed=1),
        result(0.87, hidden_size=20),
        result(0.87, loss=2.0, hidden_size=20, seed=1),
        result(0.87, hidden_size=30),
        result(0.87, hidden_size=30, seed=1),
    ]
    best, second, worst = summarise(results)
    assert [best.config.hidden_size, second.config.hidden_size] == [30, 20]  # by the loss
    assert worst.config == results[0].config
    assert worst.runs == 2
    assert worst.accuracy_mean == pytest.approx(0.85)
    assert worst.accuracy_sd == pytest.approx(0.1 / 2**0.5)
    assert (worst.loss_mean, worst.seconds_mean, worst.diverged) == (2.0, 1.5, 0)
    assert best_run(results).config == results[4].config


def test_what_diverged_comes_last_and_is_never_the_best():
    results = [
        result(0.99, learning_rate=1.0),
        result(None, learning_rate=1.0, seed=1),
        result(None, learning_rate=10.0, seconds=0.5),
        result(0.5, learning_rate=0.1),
    ]
    found = [(one.config.learning_rate, one.diverged) for one in summarise(results)]
    assert found == [(0.1, 0), (1.0, 1), (10.0, 1)]
    hopeless = summarise(results)[-1]
    assert (hopeless.accuracy_mean, hopeless.accuracy_sd, hopeless.loss_mean) == (None,) * 3
    assert hopeless.seconds_mean == 0.5
    assert best_run(results) is results[3]
    assert best_run(results[:3]) is results[0]
    assert best_run(results[1:3]) is None


def test_a_run_that_diverges_is_a_result(own_dataset, tmp_path):
    grid = Grid(BASE, {"learning_rate": (0.1, 1e30)}, (0,))
    sound, diverged = sweep(grid, own_dataset, tmp_path / "sweep", keep_all=True)
    assert sound.validation_accuracy > 0.2
    assert not sound.diverged
    assert diverged.diverged
    assert diverged.validation_accuracy is diverged.validation_loss is diverged.model is None


@pytest.mark.parametrize(
    ("base", "varied", "said"),
    [
        ({"validation_size": 0}, {}, "validation_size must be above 0 in a sweep"),
        ({}, {"validation_size": (200, 1200)}, "below the 1,200.*--validation 1200"),
        (
            {},
            {"hidden_size": (5, 10), "batch_size": (32, 1001)},
            "batch_size must be at most the 1,000 .* is 1,001; .*--hidden 5 --batch-size 1001",
        ),
    ],
)
def test_what_cannot_run_is_said_before_anything_runs(base, varied, said, own_dataset, tmp_path):
    grid = Grid(TrainConfig(**{"validation_size": 200, **base}), varied)
    with pytest.raises(ConfigError, match=said):
        sweep(grid, own_dataset, tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


# ------------------------------------------------------------------------------- kills and signals

SWEEP = """
import sys
from pathlib import Path
from nnscratch.config import TrainConfig
from nnscratch.data import load_dataset
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import sweep

if __name__ == "__main__":
    base = TrainConfig(epochs=int(sys.argv[3]), validation_size=200)
    grid = Grid(base, {"learning_rate": (0.03, 0.3), "hidden_size": (5, 20)}, (0, 1, 2))
    tell = lambda result: print(result.config.seed, flush=True)
    try:
        sweep(grid, load_dataset(sys.argv[1]), Path(sys.argv[2]), on_result=tell)
    except KeyboardInterrupt:
        sys.exit(130)
"""
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")


@pytest.fixture
def begin(own_data, tmp_path):
    """Start a sweep of 12 runs in a process group of its own; what is left of it is killed."""
    script = tmp_path / "sweep.py"
    script.write_text(SWEEP)
    started = []

    def begin(folder="sweep", epochs=2):
        process = subprocess.Popen(
            [sys.executable, script, own_data, tmp_path / folder, str(epochs)],
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def alive(group) -> list[str]:
    """Return the states of a group's processes that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append(state)
    return found


def all_end(group, seconds=2.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(group)


def table_of(folder):
    """Return all that a finished sweep says, but for the seconds, which are never the same."""
    with (folder / "sweep.csv").open(newline="") as file:
        rows = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    return rows, (folder / "best.npz").read_bytes()


def killed_and_taken_up(begin, folder, kills):
    rng = random.Random(kills)
    cut_short = 0
    for _ in range(kills):
        process = begin()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.1, 2.0))
        cut_short += process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if (folder / "sweep.csv").exists():  # it was done: once more from the beginning
            shutil.rmtree(folder)
    last = begin()
    _, errors = last.communicate(timeout=100)
    assert last.returncode == 0, errors
    assert cut_short


def same_as_undisturbed(begin, tmp_path, kills):
    assert begin("undisturbed").wait(100) == 0
    killed_and_taken_up(begin, tmp_path / "sweep", kills)
    assert table_of(tmp_path / "sweep") == table_of(tmp_path / "undisturbed")
    lines = (tmp_path / "sweep" / "runs.jsonl").read_text().splitlines()
    settings = [json.dumps(json.loads(line)["settings"]) for line in lines]
    assert len(settings) == len(set(settings)) == 12
    names = sorted(path.name for path in (tmp_path / "sweep").iterdir())
    assert names == ["best.npz", "runs.jsonl", "sweep.csv", "sweep.json"]


@posix_only
@pytest.mark.slow
def test_killed_and_taken_up_it_makes_every_run_once(begin, tmp_path):
    same_as_undisturbed(begin, tmp_path, 3)


@posix_only
@pytest.mark.slow
def test_killed_twenty_times_it_makes_every_run_once(begin, tmp_path):
    same_as_undisturbed(begin, tmp_path, 20)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts in /proc")


def within(seconds, condition):
    """Tell whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not (came := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return came


@needs_proc
def test_interrupted_it_ends_at_once_and_leaves_no_process_behind(begin, tmp_path):
    process = begin(epochs=500)
    assert within(30, lambda: len(alive(process.pid)) > 2)
    time.sleep(1)
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - started < 2
    assert (process.returncode, errors) == (130, "")
    assert all_end(process.pid, 5)
    names = sorted(path.name for path in (tmp_path / "sweep").iterdir())
    assert names == ["runs.jsonl", "sweep.json"]


@pytest.mark.sampled(1)
@needs_proc
@pytest.mark.parametrize("seconds", [0.3, 1.0, 3.0])
def test_its_workers_end_when_it_is_killed_alone(seconds, begin):
    process = begin(epochs=500)
    time.sleep(seconds)
    process.kill()
    process.wait()
    assert all_end(process.pid)


@needs_proc
@pytest.mark.slow
def test_a_worker_that_is_killed_is_told_and_the_rest_goes_on_later(begin):
    process = begin(epochs=30)
    process.stdout.readline()  # a run is done, so both workers are at work
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "NNScratchError: a worker ended before its run did" in errors
    assert "give the same command again" in errors
    assert all_end(process.pid)
    again = begin(epochs=30)
    assert len(again.communicate(timeout=100)[0].splitlines()) < 12
    assert again.returncode == 0


def test_the_workers_share_the_pictures(own_dataset):
    with Workers(own_dataset) as workers:
        _, data = workers._begin([])
        loaded = data.load()
        assert loaded.train_images.base is not None
        for name in ("train_images", "train_labels", "test_images", "test_labels"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(own_dataset, name))
        assert not loaded.train_images.flags.writeable
        assert (loaded.name, loaded.sha256) == (own_dataset.name, own_dataset.sha256)
