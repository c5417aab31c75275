"""Pictures to hand in: the course of a training run, and a report on a model, drawn by matplotlib.

Plain values in, a PNG, SVG or PDF file out, by its suffix. matplotlib is an optional extra, and
imported only here and in sweep_plots.py.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.app.calling import python
from nnscratch.arrays import Images
from nnscratch.config import TrainConfig, as_dict
from nnscratch.data import described
from nnscratch.errors import MissingExtraError, OutputError
from nnscratch.explain import Explanation
from nnscratch.files import cannot_write, check_output, write_atomically
from nnscratch.metrics import Report
from nnscratch.model import Model, Why

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
# Told apart by the colour-blind.
BLUE, ORANGE, RED, GREY = "#0072B2", "#D55E00", "#B2182B", "#555555"
DOTS_PER_INCH = 100
MISTAKES_ON_A_SHEET = 20
UNITS_ON_A_SHEET = 10
# What every plot of ours says of its maker, near its beginning or, in a PDF, near its end.
SIGNATURES = (
    b"tEXtSoftware\0nnscratch",
    b"<dc:title>nnscratch</dc:title>",
    b"/Creator (nnscratch)",
)
SIGNED_BYTES = 1 << 16


@dataclass(frozen=True)
class Mistake:
    """A picture that was taken for another digit: (28, 28) uint8, and how sure the network was."""

    image: NDArray[np.uint8]
    true: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class ReportData:
    """Everything on the sheet of `save_report`.

    Attributes:
        title: one line above all.
        notes: lines for the margin: settings, data set, test figures.
        confusion: (10, 10) counts, rows true.
        f1: (10,) fractions.
        units: (n, 28, 28) weights of hidden units; votes: (n, 10) their output weights.
        mistakes: the most confident first.
    """

    title: str
    notes: Sequence[str]
    confusion: NDArray[np.int64]
    f1: Sequence[float]
    units: NDArray[Any]
    votes: NDArray[Any]
    mistakes: Sequence[Mistake]


def report_data(
    model: Model, report: Report, images: Images, dataset: str, split: str
) -> ReportData:
    """Gather what `save_report` draws: a model measured on `images`, (n, 28, 28) uint8."""
    chosen, config = model.outspoken_units(), model.config
    notes = [f"{key.replace('_', ' ')}: {value}" for key, value in as_dict(config).items()]
    notes += ["", f"learned from: {model.dataset}", f"measured on: {described(dataset, split)}"]
    notes += [f"pictures: {len(report.labels):,}", f"accuracy: {report.accuracy:.2%}"]
    notes += [f"loss: {report.loss:.4f} nats per sample"]
    mistakes = [
        Mistake(
            images[index],
            int(report.labels[index]),
            int(report.predicted[index]),
            float(report.probability[index]),
        )
        for index in report.mistakes(MISTAKES_ON_A_SHEET)
    ]
    return ReportData(
        title=f"784-{config.hidden_size}-10 on {described(dataset, split)}: "
        f"{report.accuracy:.2%} recognised",
        notes=notes,
        confusion=report.confusion,
        f1=[score.f1 for score in report.per_class],
        units=model.network.parameters["W_h"][chosen].reshape(-1, 28, 28),
        votes=model.network.parameters["W_o"].T[chosen],
        mistakes=mistakes,
    )


def check_plot(path: Path) -> None:
    """Raise before any work is done if a picture could not be drawn there.

    Raises:
        OutputError: a suffix that is none of ours, a place that cannot be written, or a file
            that no plot of ours is.
        MissingExtraError: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"a plot cannot be saved as {path.suffix or 'a file without a suffix'}",
            where=str(path),
            next_step=f"name it with one of: {', '.join(SUFFIXES)}",
        )
    check_output(path, "the plot", is_ours=_is_ours)
    new_figure(1, 1)


def _is_ours(path: Path) -> bool:
    data = path.read_bytes()
    ends = data[:SIGNED_BYTES] + data[-SIGNED_BYTES:]
    return any(signature in ends for signature in SIGNATURES)


def curves_title(config: TrainConfig) -> str:
    """Name a run by the settings that matter most."""
    return (
        f"784-{config.hidden_size}-10, learning rate {config.learning_rate:g}, batch "
        f"{config.batch_size}, {config.schedule}, seed {config.seed}"
    )


def save_curves(path: Path, title: str, history: Sequence[dict[str, Any]]) -> None:
    """Draw training and validation loss, and validation accuracy, over epochs."""
    figure = new_figure(12, 4.5)
    loss, accuracy = figure.subplots(1, 2)
    epochs = [entry["epoch"] for entry in history]
    marker = "o" if len(epochs) < 3 else ""
    loss.plot(epochs, [entry["train_loss"] for entry in history], BLUE, marker=marker,
              label="training")  # fmt: skip
    if history[0]["validation_loss"] is not None:
        for axes, key in ((loss, "validation_loss"), (accuracy, "validation_accuracy")):
            values = [entry[key] for entry in history]
            axes.plot(epochs, values, ORANGE, ls="--", marker=marker, label="validation")
        accuracy.yaxis.set_major_formatter("{x:.1%}")
    else:
        accuracy.text(0.5, 0.5, "nothing was held out", ha="center", transform=accuracy.transAxes)
    loss.legend(frameon=False)
    loss.set(title="Loss", xlabel="epoch", ylabel="mean cross-entropy (nats per sample)")
    accuracy.set(title="Validation accuracy", xlabel="epoch", ylabel="share recognised")
    for axes in (loss, accuracy):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    save_figure(figure, path)


def save_report(path: Path, data: ReportData) -> None:
    """Draw one sheet: confusion matrix, F1, hidden units, the worst mistakes, and the settings."""
    figure = new_figure(12, 13)
    rows: Any = figure.subfigures(3, 1, height_ratios=(5.2, 4.4, 3.6))
    top = rows[0].subfigures(1, 3, width_ratios=(5.4, 3.2, 2.6))
    _draw_confusion(top[0].subplots(), data.confusion)
    _draw_f1(top[1].subplots(), data.f1)
    top[2].text(0.02, 0.9, "\n".join(data.notes), va="top", fontsize=9.5, color=GREY,
                linespacing=1.5)  # fmt: skip
    _draw_units(rows[1], data.units, data.votes)
    _draw_mistakes(rows[2], data.mistakes)
    figure.suptitle(data.title, fontsize=15)
    save_figure(figure, path)


def save_account(path: Path, reason: Why) -> None:
    """Draw why a model says one digit and not another: pixels, units, and what would tip it."""
    account, tipping = reason.account, reason.tipping
    digit, against = account.digit, account.against
    figure = new_figure(13, 4.6)
    seen, pixels, units, tipped = figure.subplots(1, 4, width_ratios=(3, 3, 3.2, 3))
    seen.imshow(reason.seen, cmap="gray_r", vmin=0, vmax=255)
    seen.set_title("What the network saw" + (",\nsheared upright" if reason.deskewed else ""))
    _draw_signed(pixels, account.pixels, reason.seen)
    sums = f"{account.pixels.sum():+.2f}, and {account.constant:+.2f} for a blank page"
    pixels.set_title(f"Ink for {digit} (red) and {against} (blue):\n{sums}")
    _draw_shares(units, account)
    if tipping is None:
        tipped.set_title(f"No change of ink was found\nthat makes it say {against}")
    else:
        _draw_signed(tipped, tipping.change, reason.seen)
        tipped.set_title(f"Ink more (red) and less (blue):\nthen it just says {against}")
    for axes in (seen, pixels, tipped):
        axes.set_axis_off()
    figure.suptitle(f"Why {digit} and not {against}? It leads by {account.lead:.4f}", fontsize=14)
    save_figure(figure, path)


def _draw_signed(axes: Axes, values: NDArray[Any], seen: Images) -> None:
    """Draw values in red and blue, with the outline of the digit that was seen."""
    reach = np.abs(values).max() or 1
    axes.imshow(values, cmap="RdBu_r", vmin=-reach, vmax=reach)
    if seen.max() > 127:
        axes.contour(seen, [127], colors=GREY, linewidths=0.8)


def _draw_shares(axes: Axes, account: Explanation) -> None:
    """Draw what each hidden unit adds to the lead, the largest share on top."""
    shown = account.units[:UNITS_ON_A_SHEET]
    rest = sum(unit.share for unit in account.units[UNITS_ON_A_SHEET:])
    names = [f"unit {unit.index}" for unit in shown]
    shares = [unit.share for unit in shown]
    if len(account.units) > len(shown):
        names, shares = [*names, f"{len(account.units) - len(shown)} more"], [*shares, rest]
    names, shares = [*names, "bias"], [*shares, account.bias]
    colours = [RED if share > 0 else BLUE for share in shares]
    axes.barh(range(len(shares)), shares, color=colours)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(title="Shares of the hidden units", xlabel=f"together {account.lead:+.4f}")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_confusion(axes: Axes, confusion: NDArray[np.int64]) -> None:
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    axes.imshow(shares**0.4, cmap="Blues", vmin=0, vmax=1)  # the root lets rare mistakes be seen
    for true, predicted in np.ndindex(10, 10):
        count = confusion[true, predicted]
        if count:
            colour = "white" if shares[true, predicted] > 0.2 else "black"
            text = f"{count}\n{shares[true, predicted]:.1%}"
            axes.text(predicted, true, text, ha="center", va="center", fontsize=6.5, color=colour)
    axes.set(title="Confusion: counts and shares of each row", xlabel="predicted", ylabel="true")
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))


def _draw_f1(axes: Axes, f1: Sequence[float]) -> None:
    axes.barh(range(10), f1, color=BLUE)
    for digit, value in enumerate(f1):
        axes.text(value - 0.01 * (1 if value > 0.3 else -1), digit, f"{value:.1%}", va="center",
                  ha="right" if value > 0.3 else "left", fontsize=8.5,
                  color="white" if value > 0.3 else "black")  # fmt: skip
    axes.set(title="F1 of each digit", xlabel="F1", ylabel="digit", xlim=(0, 1))
    axes.set_yticks(range(10))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_units(figure: Any, units: NDArray[Any], votes: NDArray[Any]) -> None:
    figure.suptitle("What hidden units look for (red: ink wanted, blue: ink unwanted)", fontsize=12)
    for axes, unit, vote in zip(figure.subplots(2, 5).ravel(), units, votes, strict=False):
        reach = np.abs(unit).max() or 1
        axes.imshow(unit, cmap="RdBu_r", vmin=-reach, vmax=reach)
        order = vote.argsort()
        axes.set_title(f"for {_digits(order[::-1][:2])}, against {_digits(order[:2])}", fontsize=9)
    for axes in figure.axes:
        axes.set_axis_off()


def _digits(digits: NDArray[Any]) -> str:
    return " ".join(map(str, digits))


def _draw_mistakes(figure: Any, mistakes: Sequence[Mistake]) -> None:
    figure.suptitle("The most confident mistakes: true → predicted", fontsize=12)
    for axes, mistake in zip(figure.subplots(2, 10).ravel(), mistakes, strict=False):
        axes.imshow(mistake.image, cmap="gray_r")
        axes.set_title(f"{mistake.true} → {mistake.predicted}, {mistake.probability:.0%}",
                       fontsize=8)  # fmt: skip
    for axes in figure.axes:
        axes.set_axis_off()


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, at 100 pixels each.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    # matplotlib refuses to load if the environment names a backend that is not there, as Jupyter's
    # does; a figure that only becomes a file needs none.
    os.environ["MPLBACKEND"] = "Agg"
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "plots need matplotlib, and it is not installed",
            next_step=f"install it with: {python()} -m pip install 'nnscratch[plot]'",
        ) from error
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, signed as ours, whole or not at all; the suffix says as what.

    Raises:
        OutputError: it cannot be written there.
    """
    packed = io.BytesIO()
    kind = path.suffix.lower().removeprefix(".")
    # Signed, and without a date: the same figures give the same bytes.
    signed = {
        "png": {"Software": "nnscratch"},
        "svg": {"Creator": "nnscratch", "Date": None},
        "pdf": {"Creator": "nnscratch", "CreationDate": None},
    }[kind]
    figure.savefig(packed, format=kind, metadata=signed)
    try:
        write_atomically(path, packed.getvalue())
    except OSError as error:
        raise cannot_write(path, "the plot", error) from error
