"""Pictures of experiments: a sweep over its settings, and models over one another.

Drawn by matplotlib, with what plots.py has for every picture. The colours are those of Okabe and
Ito, which the colour-blind tell apart.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.app.plots import BLUE, GREY, ORANGE, new_figure, save_figure
from nnscratch.app.terminal import visible
from nnscratch.config import SETTINGS
from nnscratch.core import CLASSES
from nnscratch.lab.compare import Measured
from nnscratch.lab.sweep import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
MODELS_DRAWN = len(COLOURS)
LONGEST_NAME = 28  # letters
BY_FACTORS = ("learning_rate", "weight_decay")  # settings that are varied by factors, not steps
WIDEST_LINEAR = 20  # as soon as the largest value is so many times the smallest, by factors too
CELLS_WITH_FIGURES = 120
TICKS = 12
BEHIND_FIGURES = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
ACROSS = 3
SMALLEST_ERROR = 1e-4
FAR_DOWN = 0.5  # an accuracy below it is worth comparing with chance

Varied = Mapping[str, Sequence[Any]]


# ------------------------------------------------------------------------------------------- sweep


def save_sweep_plot(path: Path, summaries: Sequence[Summary], varied: Varied) -> None:
    """Draw what a sweep found, as `sweep_figure` does.

    Raises:
        OutputError: it cannot be written there.
        MissingExtraError: matplotlib is not installed.
    """
    save_figure(sweep_figure(summaries, varied), path)


def sweep_figure(summaries: Sequence[Summary], varied: Varied) -> Figure:
    """Draw validation accuracy over the settings that vary.

    One setting is a curve with a band of ± one standard deviation; two are a heat map; of more,
    each has a curve, on which the others are as in the best combination, amid dots of all the rest.
    What diverged is marked: that is a result too.

    Args:
        summaries: one for each combination, the best first.
        varied: the values of each setting; `seed`, over which the figures are means, is no axis.
    """
    axes_of = {key: tuple(v) for key, v in varied.items() if len(v) > 1 and key != "seed"}
    if len(axes_of) == 2:
        figure = new_figure(12, 6.5)
        _draw_heat_map(figure, summaries, axes_of)
    else:
        panels = max(1, len(axes_of))
        rows = math.ceil(panels / ACROSS)
        across = math.ceil(panels / rows)
        figure = new_figure(12, 1.2 + 4.6 * rows)
        drawn: list[Axes] = figure.subplots(rows, across, squeeze=False).ravel().tolist()
        for axes, (key, values) in zip(drawn, axes_of.items(), strict=False):
            _draw_curve(axes, key, values, summaries, alone=panels == 1)
        for axes in drawn[panels:]:
            axes.set_axis_off()
        if not axes_of:
            _draw_one(drawn[0], summaries[0])
        for axes in drawn[::across]:
            axes.set_ylabel("share recognised of the pictures held out")
        _add_legend(figure, drawn[: len(axes_of)])
    figure.suptitle(_sweep_title(summaries, axes_of))
    return figure


def _sweep_title(summaries: Sequence[Summary], axes_of: Varied) -> str:
    best, seeds = summaries[0], max(summary.runs for summary in summaries)
    runs = f"mean of {seeds} seeds" if seeds > 1 else "one seed"
    title = f"Validation accuracy, {runs}"
    if best.accuracy_mean is None:
        return f"{title}: every run diverged"
    spread = f" ± {best.accuracy_sd:.2%}" if best.accuracy_sd is not None else ""
    settings = ", ".join(f"{_name(key)} {_text(getattr(best.config, key))}" for key in axes_of)
    at = f" at {settings}" if settings else ""
    return f"{title}. Best: {best.accuracy_mean:.2%}{spread}{at}"


def _draw_one(axes: Axes, summary: Summary) -> None:
    """Draw the one combination there is, where nothing varies but the seed."""
    mean, sd = _column([summary], "accuracy_mean"), _column([summary], "accuracy_sd")
    axes.errorbar([0], mean, yerr=sd, fmt="o", color=BLUE, capsize=6)
    axes.set_xticks([])
    _in_percent(axes)


def _draw_curve(
    axes: Axes, key: str, values: Sequence[Any], summaries: Sequence[Summary], *, alone: bool
) -> None:
    """Draw accuracy over one setting, the others as in the best combination."""
    place = _axis(axes, key, values)
    best = {name: value for name, value in asdict(summaries[0].config).items() if name != key}
    found = {getattr(s.config, key): s for s in summaries if _has(s, best)}
    on_curve = [found[value] for value in values if value in found]
    if not alone:
        everywhere = [place[getattr(summary.config, key)] for summary in summaries]
        axes.plot(everywhere, _column(summaries, "accuracy_mean"), ".", color=GREY, alpha=0.35,
                  label="all combinations")  # fmt: skip
    x = np.array([place[getattr(s.config, key)] for s in on_curve], float)
    mean, sd = _column(on_curve, "accuracy_mean"), _column(on_curve, "accuracy_sd")
    if not np.isnan(sd).all():
        axes.fill_between(x, mean - sd, mean + sd, color=BLUE, alpha=0.2, linewidth=0,
                          label="± one standard deviation")  # fmt: skip
    label = "mean" if alone else "mean, the other settings as in the best"
    axes.plot(x, mean, "o-", color=BLUE, label=label)
    if (mean < FAR_DOWN).any():
        axes.axhline(1 / CLASSES, color=GREY, linestyle=":", label="one guess of ten")
    if alone and len(x) <= TICKS:
        for at, value in zip(x[~np.isnan(mean)], mean[~np.isnan(mean)], strict=True):
            axes.annotate(f"{value:.1%}", (at, value), (0, 8), textcoords="offset points",
                          ha="center", color=BLUE, bbox=BEHIND_FIGURES)  # fmt: skip
    _mark_diverged(axes, x, on_curve)
    _in_percent(axes)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _in_percent(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _column(summaries: Sequence[Summary], name: str) -> NDArray[np.float64]:
    """Return one figure of every summary; None becomes nan, where nothing is drawn."""
    return np.array([getattr(summary, name) for summary in summaries], np.float64)


def _has(summary: Summary, settings: Mapping[str, Any]) -> bool:
    return all(
        getattr(summary.config, key) == value for key, value in settings.items() if key != "seed"
    )


def _mark_diverged(axes: Axes, x: Any, summaries: Sequence[Summary]) -> None:
    """Put a cross at the foot where runs diverged, and say how many of how many."""
    foot = axes.get_xaxis_transform()
    label: str | None = "diverged"
    for place, summary in zip(x, summaries, strict=True):
        if summary.diverged:
            axes.plot([place], [0.03], "X", color=ORANGE, markersize=11, transform=foot,
                      clip_on=False, label=label)  # fmt: skip
            label = None
            if summary.diverged < summary.runs:
                share = f"{summary.diverged} of {summary.runs}"
                axes.text(place, 0.07, share, ha="center", color=ORANGE, transform=foot)


def _add_legend(figure: Figure, drawn: Sequence[Axes]) -> None:
    entries: dict[str, Any] = {}
    for axes in drawn:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if entries:
        figure.legend(list(entries.values()), list(entries), loc="outside lower center",
                      ncols=len(entries), frameon=False)  # fmt: skip


def _axis(axes: Axes, key: str, values: Sequence[Any]) -> dict[Any, float]:
    """Set the x-axis up for one setting; return where each of its values is."""
    by_factors = _by_factors(key, values)
    is_number = all(type(value) in (int, float) for value in values)
    if by_factors:
        axes.set_xscale("log")
        axes.minorticks_off()
    if by_factors or (is_number and key not in BY_FACTORS):
        place = {value: float(value) for value in values}
    else:  # names, switches, or factors that begin with 0: side by side
        place = {value: float(index) for index, value in enumerate(values)}
    shown = _thinned(values)
    axes.set_xticks([place[value] for value in shown], [_text(value) for value in shown])
    axes.set_xlabel(f"{_name(key)} ({SETTINGS[key].flag})")
    return place


def _by_factors(key: str, values: Sequence[Any]) -> bool:
    """Tell whether a setting belongs on a logarithmic axis."""
    if not all(type(value) in (int, float) and value > 0 for value in values):
        return False
    return key in BY_FACTORS or max(values) >= WIDEST_LINEAR * min(values)


def _thinned(values: Sequence[Any]) -> Sequence[Any]:
    return values[:: math.ceil(len(values) / TICKS)]


def _draw_heat_map(figure: Figure, summaries: Sequence[Summary], axes_of: Varied) -> None:
    """Draw two settings against each other, the one with more values along x.

    The colour is the share of errors, by factors: from 6% to 5% is a step as from 12% to 10%.
    """
    # The first of equals comes along x: sorting keeps their order.
    (key_x, along_x), (key_y, along_y) = sorted(axes_of.items(), key=lambda item: -len(item[1]))
    found = {(getattr(s.config, key_y), getattr(s.config, key_x)): s for s in summaries}
    grid = [[found.get((y, x)) for x in along_x] for y in along_y]
    accuracy = np.array([[s and s.accuracy_mean for s in row] for row in grid], float)
    error = np.ma.masked_invalid(np.maximum(1 - accuracy, SMALLEST_ERROR))
    axes = figure.subplots()
    axes.set_facecolor("#DDDDDD")
    image = axes.imshow(error, cmap="cividis_r", norm="log", origin="lower", aspect="auto")
    shade = np.ma.filled(image.norm(error), 0)  # 1 is the darkest
    for (row, column), summary in np.ndenumerate(np.array(grid, dtype=object)):
        if summary is None:
            continue
        if summary.accuracy_mean is None:
            axes.plot([column], [row], "X", color=ORANGE, markersize=11)
        elif error.size <= CELLS_WITH_FIGURES:
            axes.text(column, row, _cell(summary), ha="center", va="center", fontsize=10,
                      color="white" if shade[row, column] > 0.5 else "black")  # fmt: skip
    for axis, key, values in ((axes.xaxis, key_x, along_x), (axes.yaxis, key_y, along_y)):
        shown = _thinned(values)
        axis.set_ticks([values.index(value) for value in shown], [_text(v) for v in shown])
        axis.set_label_text(f"{_name(key)} ({SETTINGS[key].flag})")
    if error.count():
        bar = figure.colorbar(image, ax=axes, label="errors on the pictures held out")
        bar.ax.yaxis.set_major_formatter("{x:.1%}")
        bar.ax.yaxis.set_minor_formatter("{x:.1%}")
    if any(summary.diverged for summary in summaries):
        figure.text(0.01, 0.01, "✕ diverged", color=ORANGE)


def _cell(summary: Summary) -> str:
    text = f"{summary.accuracy_mean:.2%}"
    if summary.accuracy_sd is not None:
        text += f"\n± {100 * summary.accuracy_sd:.2f}"
    if summary.diverged:
        text += f"\n{summary.diverged} of {summary.runs} diverged"
    return text


def _name(key: str) -> str:
    return key.replace("_", " ")


def _text(value: Any) -> str:
    """Return a value as a tick has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else _shortened(str(value))


# ----------------------------------------------------------------------------------------- compare


def save_comparison(path: Path, title: str, models: Sequence[Measured]) -> None:
    """Draw models over one another, as `comparison_figure` does.

    Raises:
        OutputError: it cannot be written there.
        MissingExtraError: matplotlib is not installed.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a letter in a name that its font lacks
        save_figure(comparison_figure(title, models), path)


def comparison_figure(title: str, models: Sequence[Measured]) -> Figure:
    """Draw the learning curves of models over one another, and accuracy with its interval.

    Args:
        models: the most accurate first; as many as there are colours are drawn.
    """
    figure = new_figure(12, 5)
    loss, accuracy, test = figure.subplots(1, 3)
    drawn = list(zip(models, COLOURS, strict=False))
    for place, (model, colour) in enumerate(drawn):
        epochs = [entry["epoch"] for entry in model.history]
        marker = "o" if len(epochs) < 3 else ""
        for axes, key, line in (
            (loss, "train_loss", "-"),
            (loss, "validation_loss", "--"),
            (accuracy, "validation_accuracy", "--"),
        ):
            values = np.array([entry[key] for entry in model.history], float)
            if not np.isnan(values).all():
                axes.plot(epochs, values, line, color=colour, marker=marker)
        low, high = model.interval
        around = [[model.accuracy - low], [high - model.accuracy]]
        test.errorbar([model.accuracy], [place], xerr=around, fmt="o", color=colour, capsize=4)
    test.set_yticks(range(len(drawn)), [_shortened(model.name) for model, _ in drawn])
    for label, (_, colour) in zip(test.get_yticklabels(), drawn, strict=True):
        label.set_color(colour)
    test.set_ylim(len(drawn) - 0.5, -0.5)
    loss.set(title="Loss: training —, validation - -", xlabel="epoch",
             ylabel="mean cross-entropy (nats per sample)")  # fmt: skip
    accuracy.set(title="Validation accuracy", xlabel="epoch")
    test.set(title="Test accuracy, 95% interval")
    accuracy.yaxis.set_major_formatter("{x:.1%}")
    test.xaxis.set_major_formatter("{x:.1%}")
    test.xaxis.get_major_locator().set_params(nbins=5)
    for axes in (loss, accuracy):
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in (loss, accuracy, test):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    if len(models) > len(drawn):
        title += f"\nThe best {len(drawn)} of {len(models):,} models"
    figure.suptitle(_plain(title))
    return figure


def _shortened(name: str) -> str:
    """Return the end of a name, which tells files apart better than its beginning."""
    name = visible(name)
    return _plain(name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}")


def _plain(text: str) -> str:
    """Return text that matplotlib shows as it is: between two dollars it would see mathematics."""
    return text.replace("$", r"\$")
