"""Pictures of experiments: what stands in their axes is what was found, and they are ours."""

import itertools

import numpy as np
import pytest
from PIL import Image

from nnscratch.app.plots import check_plot
from nnscratch.app.sweep_plots import (
    MODELS_DRAWN,
    comparison_figure,
    save_comparison,
    save_sweep_plot,
    sweep_figure,
)
from nnscratch.config import TrainConfig
from nnscratch.errors import OutputError
from nnscratch.lab.compare import Measured
from nnscratch.lab.sweep import Summary

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def summary(mean, sd=0.01, diverged=0, runs=5, **settings):
    return Summary(TrainConfig(**settings), runs, mean, sd, 0.3, 1.0, diverged)


def of_rates(runs=5, sd=0.01):
    means = (0.7, 0.85, 0.92, 0.94, None)
    found = [
        summary(mean, sd if mean else None, 0 if mean else runs, runs, learning_rate=rate)
        for rate, mean in zip(RATES, means, strict=True)
    ]
    return sorted(found, key=lambda s: -(s.accuracy_mean or 0))


def of_all(varied):
    rng = np.random.default_rng(1)
    found = [
        summary(float(rng.uniform(0.1, 0.99)), **dict(zip(varied, values, strict=True)))
        for values in itertools.product(*varied.values())
    ]
    return sorted(found, key=lambda s: -s.accuracy_mean)


def line(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


def test_one_setting_is_a_curve_with_a_band_and_what_diverged_is_marked():
    (axes,) = sweep_figure(of_rates(), {"learning_rate": RATES}).axes
    assert axes.get_xscale() == "log"
    x, y = line(axes, "mean").get_data()
    np.testing.assert_array_equal(x, RATES)
    np.testing.assert_array_equal(y, [0.7, 0.85, 0.92, 0.94, np.nan])
    (band,) = axes.collections
    corners = band.get_paths()[0].vertices
    assert {0.69, 0.71, 0.93, 0.95} <= set(corners[:, 1].round(6))
    assert line(axes, "diverged").get_xdata() == [1.0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"{r:g}" for r in RATES]
    assert "--lr" in axes.get_xlabel()


def test_each_point_of_a_curve_has_its_figure():
    (axes,) = sweep_figure(of_rates(), {"learning_rate": RATES}).axes
    figures = {text.xy: text.get_text() for text in axes.texts if hasattr(text, "xy")}
    expected = zip(RATES, (0.7, 0.85, 0.92, 0.94), strict=False)
    assert figures == {(rate, mean): f"{mean:.1%}" for rate, mean in expected}


def test_where_a_network_only_guesses_the_chance_is_drawn():
    poor = [summary(0.9, learning_rate=0.1), summary(0.11, learning_rate=1.0)]
    (axes,) = sweep_figure(poor, {"learning_rate": (0.1, 1.0)}).axes
    assert line(axes, "one guess of ten").get_ydata() == [0.1, 0.1]
    (axes,) = sweep_figure(of_rates(), {"learning_rate": RATES}).axes
    assert "one guess of ten" not in [found.get_label() for found in axes.lines]


def test_the_best_stands_in_the_title():
    title = sweep_figure(of_rates(), {"learning_rate": RATES}).get_suptitle()
    assert "mean of 5 seeds" in title
    assert "94.00% ± 1.00% at learning rate 0.3" in title


def test_one_seed_has_no_band():
    (axes,) = sweep_figure(of_rates(1, None), {"learning_rate": RATES}).axes
    assert len(axes.collections) == 0


def test_where_some_of_the_runs_diverged_their_number_is_told():
    found = [summary(0.9, learning_rate=0.1), summary(0.8, 0.1, 2, learning_rate=1.0)]
    (axes,) = sweep_figure(found, {"learning_rate": (0.1, 1.0)}).axes
    assert "2 of 5" in [text.get_text() for text in axes.texts]
    np.testing.assert_array_equal(line(axes, "mean").get_ydata(), [0.9, 0.8])


@pytest.mark.parametrize(
    ("key", "values", "scale"),
    [
        ("hidden_size", (5, 10, 20), "linear"),
        ("hidden_size", (5, 50, 500), "log"),
        ("momentum", (0.0, 0.5, 0.9), "linear"),
        ("weight_decay", (0.0, 1e-5, 1e-3), "linear"),
        ("augment", (False, True), "linear"),
        ("schedule", ("constant", "cosine"), "linear"),
    ],
)
def test_every_kind_of_setting_has_an_axis(key, values, scale):
    found = of_all({key: values})
    (axes,) = sweep_figure(found, {key: values}).axes
    mean = {getattr(s.config, key): s.accuracy_mean for s in found}
    assert axes.get_xscale() == scale
    np.testing.assert_array_equal(line(axes, "mean").get_ydata(), [mean[v] for v in values])
    assert len(axes.get_xticklabels()) == len(values)
    x = line(axes, "mean").get_xdata()
    assert (np.diff(x) > 0).all()


def test_two_settings_are_a_heat_map_of_every_combination():
    varied = {"hidden_size": (5, 10, 20), "learning_rate": RATES}
    found = of_all(varied)
    axes, _ = sweep_figure(found, varied).axes
    (image,) = axes.images
    for s in found:
        row = varied["hidden_size"].index(s.config.hidden_size)
        column = RATES.index(s.config.learning_rate)
        assert image.get_array()[row, column] == pytest.approx(1 - s.accuracy_mean)
        assert any(f"{s.accuracy_mean:.2%}" in text.get_text() for text in axes.texts)
    assert "--lr" in axes.get_xlabel()
    assert "--hidden" in axes.get_ylabel()


def test_a_cell_that_diverged_has_a_cross_and_no_colour():
    found = of_all({"learning_rate": (0.1, 1.0), "hidden_size": (5, 10)})
    lost = summary(None, None, 5, learning_rate=1.0, hidden_size=5)
    found = [s for s in found if vars(s.config) != vars(lost.config)] + [lost]
    axes, _ = sweep_figure(found, {"learning_rate": (0.1, 1.0), "hidden_size": (5, 10)}).axes
    assert axes.images[0].get_array().mask.tolist() == [[False, True], [False, False]]
    assert [(*cross.get_xdata(), *cross.get_ydata()) for cross in axes.lines] == [(1, 0)]


def test_of_more_settings_each_has_a_panel_through_the_best():
    varied = {"learning_rate": RATES, "hidden_size": (5, 10, 20), "augment": (False, True)}
    found = of_all(varied)
    best = found[0].config
    panels = sweep_figure(found, varied).axes
    assert len(panels) == 3
    for axes, (key, values) in zip(panels, varied.items(), strict=True):
        through = {
            getattr(s.config, key): s.accuracy_mean
            for s in found
            if all(getattr(s.config, k) == getattr(best, k) for k in varied if k != key)
        }
        curve = line(axes, "mean, the other settings as in the best").get_ydata()
        np.testing.assert_array_equal(curve, [through[value] for value in values])
        assert len(line(axes, "all combinations").get_ydata()) == len(found)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("suffix", MAGIC)
def test_every_sweep_is_drawn_to_a_file_of_ours(suffix, tmp_path):
    path = tmp_path / f"s{suffix}"
    everything_diverged = [summary(None, None, 5, learning_rate=rate) for rate in (1.0, 10.0)]
    two = {"learning_rate": (1.0, 10.0), "hidden_size": (5, 10)}
    both = [
        summary(None, None, 5, learning_rate=rate, hidden_size=size)
        for rate, size in itertools.product(*two.values())
    ]
    for found, varied in (
        (of_rates(), {"learning_rate": RATES}),
        (everything_diverged, {"learning_rate": (1.0, 10.0)}),
        (both, two),
        ([summary(0.9)], {}),
        ([summary(0.9)], {"seed": (0, 1), "epochs": (20,)}),
    ):
        save_sweep_plot(path, found, varied)
        assert path.read_bytes().startswith(MAGIC[suffix])
        check_plot(path)  # ours, and may be replaced


def test_a_large_sweep_is_drawn_with_few_ticks_and_no_figures(tmp_path):
    varied = {
        "learning_rate": tuple(np.geomspace(0.001, 1, 40).tolist()),
        "hidden_size": tuple(range(5, 30)),
    }
    figure = sweep_figure(of_all(varied), varied)
    axes, _ = figure.axes
    assert len(axes.get_xticks()) <= 12
    assert not axes.texts
    save_sweep_plot(tmp_path / "s.png", of_all(varied), varied)
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.width == 1200


def test_the_same_figures_give_the_same_bytes(tmp_path):
    for name in "ab":
        save_sweep_plot(tmp_path / f"{name}.png", of_rates(), {"learning_rate": RATES})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_cannot_be_written_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputError):
        save_sweep_plot(tmp_path / "missing" / "s.png", of_rates(), {"learning_rate": RATES})


# ----------------------------------------------------------------------------------------- compare

KEYS = ("epoch", "train_loss", "validation_loss", "validation_accuracy")


def measured(name, epochs, right):
    history = [
        dict(zip(KEYS, (n, 1 / n, 1.1 / n, 1 - 0.5 / n), strict=True)) for n in range(1, epochs + 1)
    ]
    answers = np.arange(100) < right
    return Measured(name, TrainConfig(epochs=max(1, epochs)), "mnist", history, answers, 0.3)


def test_the_curves_of_models_are_laid_over_one_another():
    models = [measured("b.npz", 8, 95), measured("a.npz", 3, 90)]
    figure = comparison_figure("b.npz is better", models)
    loss, accuracy, test = figure.axes
    assert figure.get_suptitle() == "b.npz is better"
    assert [len(curve.get_xdata()) for curve in loss.lines] == [8, 8, 3, 3]
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [1 - 0.5 / n for n in range(1, 9)])
    assert len({curve.get_color() for curve in accuracy.lines}) == 2
    assert [label.get_text() for label in test.get_yticklabels()] == ["b.npz", "a.npz"]
    for bar, model in zip(test.collections, models, strict=True):
        (ends,) = bar.get_segments()
        np.testing.assert_allclose(ends[:, 0], model.interval)


def test_models_without_curves_and_odd_names_are_drawn_too(tmp_path):
    nothing_held = {**measured("x", 1, 80).history[0], "validation_loss": None}
    nothing_held["validation_accuracy"] = None
    models = [
        measured("$a$_{b.npz", 0, 90),
        measured("數字\n.npz", 2, 85),
        Measured("x" * 90, TrainConfig(), "mnist", [nothing_held], np.arange(100) < 80, 0.4),
    ]
    save_comparison(tmp_path / "c.png", "$\\frac{ is better", models)
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.width == 1200


def test_of_many_models_as_many_are_drawn_as_there_are_colours():
    models = [measured(f"{n}.npz", 3, 90 - n) for n in range(20)]
    figure = comparison_figure("0.npz is better", models)
    assert len(figure.axes[2].get_yticklabels()) == MODELS_DRAWN
    assert f"The best {MODELS_DRAWN} of 20 models" in figure.get_suptitle()
