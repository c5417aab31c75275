"""The benchmarks measure what is there: each of them runs, on a handful of pictures."""

import importlib
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import chromium
from conftest import ROOT
from nnscratch import Network, TrainConfig, load_model
from nnscratch.data import Dataset
from nnscratch.data.negatives import make_negatives
from nnscratch.data.synthetic import draw_digits
from nnscratch.products import scale_pixels

FOLDER = ROOT / "benchmarks"
# What is too heavy to install for a test is tried only where it is installed anyway.
IN_ENVIRONMENTS_OF_THEIR_OWN = ("jax", "torch", "keras")


@pytest.fixture
def benchmark(monkeypatch):
    """Import a benchmark as it is imported when it runs: from its own folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture
def few(own_dataset):
    d = own_dataset
    return Dataset(
        "mnist", d.train_images[:300], d.train_labels[:300], d.test_images, d.test_labels, {}
    )


def test_every_benchmark_is_tried_here():
    here = Path(__file__).read_text(encoding="utf-8")
    for path in FOLDER.glob("*.py"):
        assert f'benchmark("{path.stem}")' in here, path.name


@pytest.mark.parametrize("name", ["nnscratch", "control", "scikit-learn"])
@pytest.mark.filterwarnings("ignore")  # scikit-learn says that two epochs do not converge
def test_a_trainer_trains_at_the_width_and_batch_that_are_asked_for(benchmark, few, name):
    trainers = benchmark("trainers")
    seconds, accuracy = trainers.TRAINERS[name][0](few, trainers.Work(2, hidden=12, batch=20))
    assert len(seconds) == 2
    assert min(seconds) > 0
    assert name == "control" or accuracy > 0.3


def test_no_other_peer_is_forgotten(benchmark):
    modules = {module for _, module in benchmark("trainers").TRAINERS.values()}
    assert modules == {"nnscratch", "numpy", "sklearn", *IN_ENVIRONMENTS_OF_THEIR_OWN}


def test_the_grid_has_our_milliseconds_and_each_peers_ratio(benchmark):
    compare = benchmark("compare")
    taken = {("nnscratch", 10): 0.05, ("JAX", 10): 0.1, ("nnscratch", 1024): 2, ("JAX", 1024): 1}
    names = ["nnscratch", "JAX"]
    rows = compare.measure_grid(
        names, 3, [(10, 64), (1024, 128)], measure=lambda name, work: taken[name, work.hidden]
    )
    assert compare.grid_table(rows, names).splitlines() == [
        "| hidden | batch | nnscratch, ms | JAX |",
        "|---:|---:|---:|---:|",
        "| 10 | 64 | 50 | 2.00 |",
        "| 1,024 | 128 | 2,000 | 0.50 |",
    ]
    assert len(set(compare.GRID)) == 13


@pytest.mark.mnist
def test_a_comparison_starts_its_workers_and_understands_them(mnist_dir):
    # In a process of its own: a child's peak memory starts at that of the process that starts it.
    done = subprocess.run(
        [sys.executable, "-c", """if True:
            import compare, trainers
            print(compare.epoch_seconds("nnscratch", trainers.Work(2, 10, 1024)))
            print(*compare.whole_run("nnscratch", 1))
        """],
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(mnist_dir), "PYTHONPATH": str(ROOT)},
        cwd=FOLDER, check=True, capture_output=True, text=True,
    )  # fmt: skip
    epoch_seconds, accuracy, seconds, megabytes = map(float, done.stdout.split())
    assert epoch_seconds > 0
    assert accuracy > 0.8
    assert seconds > 0
    assert 50 < megabytes < 500


def test_a_recipe_is_measured(benchmark, few):
    accuracy = benchmark("accuracy")
    config = TrainConfig(epochs=2, batch_size=20, validation_size=0)
    row = accuracy.measure(accuracy.Recipe("short", "--epochs 2", config), few, few, 2)
    assert len(row["accuracies"]) == 2
    assert row["test_accuracy"] == statistics.mean(row["accuracies"]) > 0.3
    assert {"wide", "best", "taught", "textbook"} <= {recipe.name for recipe in accuracy.RECIPES}


def test_one_size_of_the_scaling_is_measured(benchmark):
    assert 0 < benchmark("scaling").one(samples=300, batch=50, hidden=7) < 10


def test_accounts_are_added_up(benchmark, few, rng):
    accounts = benchmark("accounts")
    network = Network(5, rng=rng, dtype=np.float64)
    A = scale_pixels(few.test_images[:3], network.theta.dtype)
    assert max(accounts.largest_misses(network, A)) < 1e-10
    assert 1 <= len(accounts.tipped(network, A)) <= 3


def test_real_pictures_are_scored(benchmark):
    handwriting, model = benchmark("handwriting"), load_model("pretrained")
    samples = sorted((ROOT / "data" / "samples").glob("*.png"))
    for how in (handwriting.naive, *(handwriting.up_to(n) for n in range(6))):
        images = handwriting.prepared(samples, how)
        assert images.any(axis=(1, 2)).all()
        assert handwriting.right(model, images, np.zeros(len(images))).dtype == bool


def test_ways_to_refuse_are_compared_and_a_folder_is_read(benchmark, tmp_path, capsys):
    no_digit, rng = benchmark("no_digit"), np.random.default_rng(3)
    labels = (np.arange(200) % 10).astype(np.uint8)
    digits = draw_digits(labels, rng)
    none, kinds = make_negatives(digits, labels, 110, rng)
    both, answers = np.concatenate([digits, none]), np.append(labels, np.full(110, 10))
    model = load_model("pretrained")
    exposed = no_digit.exposed(both, answers.astype(np.intp), 1)
    scores = {
        "energy": no_digit.energy(exposed),
        "distance": no_digit.distance(model.network, digits, labels),
        "head": no_digit.head(model.network, both, answers.astype(np.intp), 1),
    }
    for score in scores.values():
        assert np.isfinite(score(none)).all()
    no_digit.show_methods(scores, digits, none, kinds)
    assert "joined halves" in capsys.readouterr().out
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(tmp_path / "blank.png")
    (tmp_path / "labels.csv").write_text("file,what\nblank.png,paper\n", encoding="utf-8")
    no_digit.show_folder(model, tmp_path)
    assert "1 of 1 refused" in capsys.readouterr().out


def test_pictures_of_several_digits_are_scored_whole_and_by_digit(benchmark):
    several, model = benchmark("several"), load_model("pretrained")
    samples = ROOT / "data" / "samples"
    name = sorted(path.name for path in samples.glob("*.png"))[0]
    digit = model.read(samples / name).digit
    rows = [{"file": name, "text": f"{digit}{row}"} for row in ("", "/7")]
    rows += [{"file": "not there.png", "text": "12"}]
    scores = several.score(model, samples, rows)
    assert [(one.right, one.digits, one.wrong) for one in scores] == [
        (True, 1, 0), (False, 2, 1), (False, 2, 2),
    ]  # fmt: skip
    assert several.cells(scores)[:3] == ("3", "33.3%", "40.0%")
    for step in several.STEPS:
        assert len(several.score(model, samples, rows, [step])) == 3
    assert several.distance("12345", "1345") == several.distance("17", "117") == 1


@pytest.mark.slow
def test_a_sweep_is_timed_against_its_runs_one_by_one(
    benchmark, own_data, own_dataset, tmp_path, monkeypatch
):
    sweep = benchmark("sweep")
    monkeypatch.setenv("NNSCRATCH_DATA_DIR", str(own_data))
    grid = sweep.grid_of(3, epochs=1, validation=200)
    assert len(grid) == 3
    assert sweep.seconds_one_by_one(grid, tmp_path) > 0
    assert (tmp_path / "model.npz").exists()
    assert sweep.seconds_at_once(grid, own_dataset, tmp_path) > 0
    assert len((tmp_path / "sweep" / "runs.jsonl").read_text().splitlines()) == 3


@pytest.mark.slow
def test_the_way_from_a_stroke_to_its_answer_is_timed(benchmark):
    pytest.importorskip("starlette")
    if not chromium.is_there():
        pytest.skip(chromium.MISSING)
    times = benchmark("page").measure(1)
    assert len(times) > 40
    assert all(0 < request <= shown for shown, request in times)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells of memory and threads")
def test_the_server_is_soaked(benchmark, own_data, monkeypatch, capsys):
    pytest.importorskip("starlette")
    draw = benchmark("draw")
    monkeypatch.setenv("NNSCRATCH_DATA_DIR", str(own_data))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    few = {"epochs": 1, "validation": 200, "batch-size": 1}
    with draw.serving() as server:
        assert draw.run(server, **few) == "done"
        threads = server.threads()
        draw.close_a_tab(server, **few)
        assert min(draw.looks(server, 3) + draw.looks_while_training(server, 2, **few)) > 0
        assert draw.settled(server).endswith(f"{threads:3d} threads")
        assert 30 < server.megabytes() < 400
    assert draw.in_words([3.0, 1.0, 2.0]) == "median 2 ms, 99% 2 ms, most 3 ms"
    assert capsys.readouterr().out == ""
