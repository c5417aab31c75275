"""Models side by side: intervals and p values as SciPy has them, and plain words about chance."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from nnscratch import runs
from nnscratch.app.comparisons import verdict
from nnscratch.config import TrainConfig, as_dict
from nnscratch.data.idx import encode_idx
from nnscratch.errors import ArrayError
from nnscratch.lab.compare import (
    Measured,
    compare,
    holm,
    kept_models,
    mcnemar,
    measure,
    wilson,
)
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import sweep
from nnscratch.model import Model, build_network
from nnscratch.model_file import load_model, save_model


def measured(name, right, **settings):
    return Measured(name, TrainConfig(**settings), "mnist", [], np.array(right, bool), 0.5)


def test_the_interval_is_that_of_scipy(rng):
    for samples in (1, 2, 7, 400, 10_000, 3_000_000):
        for right in {0, 1, samples - 1, samples, *rng.integers(0, samples + 1, 30).tolist()}:
            low, high = wilson(right, samples)
            theirs = binomtest(right, samples).proportion_ci(method="wilson")
            assert low == pytest.approx(theirs.low, rel=1e-9, abs=1e-12)
            assert high == pytest.approx(theirs.high, rel=1e-9, abs=1e-12)
            assert 0 <= low <= right / samples <= high <= 1


def test_p_is_that_of_scipy_for_every_small_table():
    for first in range(40):
        for second in range(40):
            if first + second:
                theirs = binomtest(first, first + second).pvalue
                assert mcnemar(first, second) == pytest.approx(theirs, rel=1e-10)


def test_p_is_that_of_scipy_for_random_tables(rng):
    for reach in (100, 1_000, 10_000, 1_000_000):
        for first, second in rng.integers(0, reach, (50, 2)).tolist():
            near = second + abs(first - second) // max(1, int(math.sqrt(reach) / 2))
            for other in (second, near):
                theirs = binomtest(other, other + second).pvalue if other + second else 1
                assert mcnemar(other, second) == pytest.approx(theirs, rel=1e-7, abs=1e-300)


def test_p_of_huge_counts_neither_overflows_nor_fails():
    assert mcnemar(10**9, 0) == 0
    assert mcnemar(10**9, 10**9) == 1
    # 2·10⁹ tosses deviate by √(5·10⁸) ≈ 22,361; this is 1.96 of it.
    off = round(1.959963985 * math.sqrt(5e8))
    assert mcnemar(10**9 + off, 10**9 - off) == pytest.approx(0.05, abs=1e-4)


def test_p_does_not_mind_the_order_and_falls_as_the_gap_grows():
    assert mcnemar(12, 30) == mcnemar(30, 12)
    values = [mcnemar(100 - gap, 100 + gap) for gap in range(101)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1
    assert mcnemar(0, 0) == 1


def test_holms_correction_is_the_one_of_the_textbook():
    # Holm by definition: reject while p_(i) ≤ α / (m − i + 1). The corrected p is the least α.
    rng = np.random.default_rng(3)
    for m in range(1, 9):
        p_values = rng.random(m) ** 3
        corrected = holm(p_values.tolist())
        for alpha in np.linspace(0.001, 0.999, 200):
            rejected = set()
            for rank, index in enumerate(np.argsort(p_values)):
                if p_values[index] > alpha / (m - rank):
                    break
                rejected.add(int(index))
            assert rejected == {i for i, p in enumerate(corrected) if p <= alpha}
    assert holm([]) == []


def test_the_best_comes_first_and_each_other_is_held_against_it():
    best = measured("b", [1] * 30 + [0] * 10, hidden_size=20)
    close = measured("c", [1] * 29 + [0] * 10 + [1] * 0 + [0])
    poor = measured("a", [0] * 25 + [1] * 5 + [1] * 3 + [0] * 7)
    found = compare([poor, best, close])
    assert [model.name for model in found.models] == ["b", "c", "a"]
    near, far = found.differences
    assert (near.best_only, near.other_only) == (1, 0)
    assert near.is_chance
    assert (far.best_only, far.other_only) == (25, 3)
    assert far.p == pytest.approx(binomtest(3, 28).pvalue)
    assert far.p_corrected == 2 * far.p
    assert not far.is_chance
    assert found.samples == 40


def test_of_equals_the_one_named_first_comes_first_and_nothing_is_claimed():
    found = compare([measured("z", [1, 0, 1]), measured("a", [0, 1, 1])])
    assert [model.name for model in found.models] == ["z", "a"]
    assert found.differences[0].p == 1
    assert found.differences[0].is_chance


def test_the_settings_that_differ_are_named_in_the_order_of_the_models():
    first = measured("a", [0, 0], learning_rate=0.3, seed=1)
    second = measured("b", [1, 1], learning_rate=0.1, seed=1)
    assert compare([first, second]).differing == {"learning_rate": (0.1, 0.3)}
    assert compare([first, first]).differing == {}


def test_models_measured_on_other_pictures_are_refused():
    with pytest.raises(ArrayError):
        compare([measured("a", [1]), measured("b", [1, 0])])


# ---------------------------------------------------------------------------------------- in words


def test_the_verdict_is_one_sentence():
    good, poor = [1] * 9_000 + [0] * 1_000, [1] * 8_910 + [0] * 1_090
    two = compare([measured("a.npz", poor), measured("b.npz", good)])
    assert verdict(two) == "b.npz is better: 0.9 points, p < 0.001"
    for best_only, other_only, words in (
        (20, 12, "b.npz and a.npz: no difference that 10,000 pictures could show (p = 0.22)"),
        (25, 8, "b.npz is better: 0.2 points, p = 0.005"),
        (30, 8, "b.npz is better: 0.2 points, p < 0.001"),
        (6, 0, "b.npz is better: 0.06 points, p = 0.031"),
    ):
        right = [1] * (9_000 - best_only) + [0] * best_only + [1] * other_only
        other = measured("a.npz", right + [0] * (1_000 - other_only))
        assert verdict(compare([other, measured("b.npz", good)])) == words


def test_the_verdict_on_several_models_counts_those_that_are_worse():
    good, poor = measured("b.npz", [1] * 90 + [0] * 10), [0] * 90 + [0] * 10
    none = compare([good, replace(good, name="a"), replace(good, name="c")])
    assert verdict(none) == ("b.npz and the 2 others: no difference that 100 pictures could show")
    some = compare([good, replace(good, name="a"), measured("c", poor)])
    assert verdict(some) == (
        "b.npz is better than c; between it and a, no difference that 100 pictures could show"
    )
    ten = [measured(name, poor) for name in "cdefg"]
    assert "better than c, d, e and 2 more; between" in verdict(
        compare([good, replace(good, name="a"), *ten])
    )
    every = compare([good, measured("a", poor), measured("c", poor)])
    assert verdict(every) == "b.npz is better than each of the 2 others"


# ------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def models(own_dataset, tmp_path_factory):
    """A folder of models: long and short, wide, deskewed, another seed, one interrupted."""
    folder = tmp_path_factory.mktemp("models")
    base = TrainConfig(epochs=8, validation_size=200)
    for name, settings in {
        "long": {},
        "short": {"epochs": 1, "learning_rate": 0.001},
        "wide": {"hidden_size": 30},
        "deskewed": {"deskew": True},
        "seed": {"seed": 1},
    }.items():
        runs.train(runs.start(replace(base, **settings)), own_dataset, folder / f"{name}.npz")

    def interrupt(result):
        if result.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.train(runs.start(base), own_dataset, folder / "cut.npz", on_epoch=interrupt)
    return folder


def test_the_better_of_two_is_named_with_points_and_p(run, models, own_data, own_dataset):
    done = run("compare", "short.npz", "long.npz", data_dir=own_data, cwd=models)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("long.npz is better: ")
    assert "p < 0.001" in done.stdout.splitlines()[0]
    assert "--lr" in done.stdout
    assert "--epochs" in done.stdout
    assert "--hidden" not in done.stdout
    assert "Holm" not in done.stdout
    low, high = wilson(
        int((load_model(models / "long.npz").predict(own_dataset.test_images)
             == own_dataset.test_labels).sum()), 400)  # fmt: skip
    assert f"{100 * low:.2f}-{high:.2%}" in done.stdout


def test_each_model_sees_pictures_as_it_does(models, own_dataset):
    images, labels = own_dataset.test_images, own_dataset.test_labels
    for name in ("deskewed", "wide", "long"):
        model = load_model(models / f"{name}.npz")
        found = measure(name, model, images, labels)
        assert found.accuracy == model.test["accuracy"]
        assert (found.right == (model.predict(images) == labels)).all()


def test_json_is_one_object_with_every_figure(run, models, own_data):
    names = ["long.npz", "short.npz", "wide.npz", "deskewed.npz"]
    done = run("compare", *names, "--json", data_dir=own_data, cwd=models)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["samples"] == 400
    assert record["dataset"] == "custom"
    assert sorted(model["model"] for model in record["models"]) == sorted(names)
    accuracies = [model["accuracy"] for model in record["models"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert record["best"] == record["models"][0]["model"]
    for model, difference in zip(record["models"][1:], record["differences"], strict=True):
        counts = difference["best_only"], difference["other_only"]
        theirs = binomtest(counts[0], sum(counts)).pvalue if sum(counts) else 1
        assert difference["model"] == model["model"]
        assert difference["p"] == pytest.approx(theirs)
        assert difference["p_corrected"] >= difference["p"]
        gap = accuracies[0] - model["accuracy"]
        assert difference["accuracy_difference"] == pytest.approx(gap)
    wide = next(model for model in record["models"] if model["model"] == "wide.npz")
    assert wide["settings"] == as_dict(load_model(models / "wide.npz").config)
    assert wide["history"] == load_model(models / "wide.npz").history
    assert set(record["differing"]) == {"learning_rate", "epochs", "hidden_size", "deskew"}


def test_of_several_the_correction_is_named(run, models, own_data):
    done = run("compare", "long.npz", "short.npz", "seed.npz", data_dir=own_data, cwd=models)
    assert done.returncode == 0, done.stderr
    assert "corrected for 2 tests (Holm)" in done.stdout


def test_identical_models_do_not_differ(run, models, own_data, tmp_path):
    save_model(tmp_path / "copy.npz", load_model(models / "long.npz"))
    done = run("compare", models / "long.npz", "copy.npz", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.endswith("copy.npz get the very same pictures right")
    assert "Their settings are the same." in done.stdout


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["long.npz"], "one model alone"),
        (["long.npz", "./long.npz"], "the same file twice"),
        (["pretrained", "pretrained"], "the same file twice"),
        ([], "Missing argument"),
    ],
)
def test_fewer_than_two_models_are_a_usage_error(run, models, own_data, names, words):
    done = run("compare", *names, data_dir=own_data, cwd=models)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_model_that_is_not_there_or_is_none_is_named(run, models, own_data, tmp_path):
    for name in ("missing.npz", "text.npz"):
        (tmp_path / "text.npz").write_text("no model")
        done = run("compare", models / "long.npz", name, data_dir=own_data)
        assert done.returncode == 1
        assert name in done.stderr
        assert "next: " in done.stderr
        assert "Traceback" not in done.stderr


def test_an_interrupted_run_is_compared_and_called_so(run, models, own_data):
    done = run(
        "compare", "long.npz", "cut.interrupted.npz", "--json", data_dir=own_data, cwd=models
    )
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)["notes"]
    assert "cut.interrupted.npz is an interrupted run: 2 of 8 epochs are finished" in notes


def test_models_of_other_data_sets_are_measured_on_the_same_pictures(
    run, models, own_data, own_dataset
):
    done = run("compare", "long.npz", "pretrained", "--json", data_dir=own_data, cwd=models)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert any("learned from custom and mnist+synthetic" in note for note in record["notes"])
    assert set(record["differing"]["dataset"]) == {"custom", "mnist+synthetic"}
    bundled = next(model for model in record["models"] if model["model"] == "pretrained")
    images, labels = own_dataset.test_images, own_dataset.test_labels
    assert bundled["accuracy"] == load_model("pretrained").score(images, labels)


def test_a_model_of_other_files_is_noted(run, models, own_dataset, own_data, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in own_data.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "train-labels-idx1-ubyte").write_bytes(encode_idx(own_dataset.train_labels[::-1]))
    done = run("compare", models / "long.npz", models / "wide.npz", "--json", data_dir=other)
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)["notes"]
    assert sum("learned from other files than those of this custom" in note for note in notes) == 2


@pytest.mark.slow
def test_the_curves_are_drawn_and_only_a_plot_of_ours_is_replaced(run, models, own_data, tmp_path):
    names = models / "long.npz", models / "wide.npz"
    for _ in range(2):
        done = run("compare", *names, "--plot", "c.png", data_dir=own_data)
        assert done.returncode == 0, done.stderr
        assert "the curves are in c.png" in done.stderr
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "c.png").write_bytes(b"a photo")
    done = run("compare", *names, "--plot", "c.png", data_dir=own_data)
    assert done.returncode == 1
    assert done.stdout == ""
    assert (tmp_path / "c.png").read_bytes() == b"a photo"


# ------------------------------------------------------------------------------ folders of a sweep


@pytest.fixture(scope="module")
def swept(own_dataset, tmp_path_factory):
    """Two folders of sweeps: with every model, and with the best alone."""
    folder = tmp_path_factory.mktemp("swept")
    base = TrainConfig(epochs=3, validation_size=200)
    grid = Grid(base, {"learning_rate": (0.01, 0.1), "hidden_size": (5, 10)}, (0,))
    for name, keep_all in (("all", True), ("best", False)):
        sweep(grid, own_dataset, folder / name, keep_all=keep_all)
    return folder


@pytest.mark.slow
def test_a_folder_stands_for_the_models_that_a_sweep_kept_there(run, swept, own_data):
    done = run("compare", "all", "--json", data_dir=own_data, cwd=swept)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert set(record["differing"]) == {"learning_rate", "hidden_size"}
    settings = {tuple(model["settings"].values()) for model in record["models"]}
    assert len(settings) == len(record["models"]) == 4
    assert len(record["differences"]) == 3


def test_a_folder_and_files_go_together_and_none_is_there_twice(run, swept, own_data):
    names = ["best", "all/run-0001.npz", "all"]
    done = run("compare", *names, "--json", data_dir=own_data, cwd=swept)
    assert done.returncode == 0, done.stderr
    found = [model["model"] for model in json.loads(done.stdout)["models"]]
    assert len(found) == len(set(found)) == 5
    assert str(Path("best", "best.npz")) in found


def test_interrupted_runs_and_earlier_models_are_left_out_of_a_folder(swept, tmp_path):
    model = (swept / "best" / "best.npz").read_bytes()
    for name in ("a.interrupted.npz", "a.previous.npz", "b.npz", "copy.npz"):
        (tmp_path / name).write_bytes(model)
    np.savez(tmp_path / "arrays.npz", x=np.zeros(3))
    (tmp_path / "text.npz").write_text("no model")
    assert kept_models(tmp_path) == [tmp_path / "b.npz"]


def test_a_folder_with_one_model_or_none_is_not_compared(run, swept, own_data, tmp_path):
    done = run("compare", "best", data_dir=own_data, cwd=swept)
    assert done.returncode == 2
    assert "one model alone" in done.stderr
    done = run("compare", tmp_path, "pretrained", data_dir=own_data)
    assert done.returncode == 1
    assert "holds no model" in done.stderr
    assert str(tmp_path) in done.stderr


def test_of_many_models_the_best_are_shown_and_all_are_in_the_json(run, own_data, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(23):
        config = TrainConfig(seed=number)
        network = build_network(config, rng=rng)
        save_model(tmp_path / f"m{number:02}.npz", Model(network, config, "custom"))
    done = run("compare", tmp_path, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert "the best 20 of 23 models are shown" in done.stderr
    assert done.stdout.count(".npz  ") == 40
    done = run("compare", tmp_path, "--json", data_dir=own_data)
    assert len(json.loads(done.stdout)["models"]) == 23
