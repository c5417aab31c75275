"""A sweep: every run as its own `train` command makes it, whatever comes between."""

import pytest

from nnscratch.config import SETTINGS, TrainConfig
from nnscratch.errors import ConfigError
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import RunResult, best_run, summarise, sweep

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
        ({}, {"validation_size": (200, 1200)}, "below the 1,200.*validation_size 1200"),
        (
            {},
            {"hidden_size": (5, 10), "batch_size": (32, 1001)},
            "batch_size must be at most the 1,000 .* is 1,001; .*hidden_size 5, batch_size 1001",
        ),
    ],
)
def test_what_cannot_run_is_said_before_anything_runs(base, varied, said, own_dataset, tmp_path):
    grid = Grid(TrainConfig(**{"validation_size": 200, **base}), varied)
    with pytest.raises(ConfigError, match=said):
        sweep(grid, own_dataset, tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()
