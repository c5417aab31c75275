"""What each command shows: results as lines and tables, from the values that the package gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group
from rich.table import Table
from rich.text import Text

from nnscratch.app.accounts import show_mistakes_explained
from nnscratch.app.calling import as_model, command
from nnscratch.app.drawings import (
    CROP,
    curve,
    draw,
    draw_signed,
    show_side_by_side,
)
from nnscratch.app.terminal import (
    say,
    show_command,
    show_note,
    show_table,
    table,
    visible,
)
from nnscratch.arrays import Images
from nnscratch.config import TrainConfig, as_options
from nnscratch.core import CLASSES, IN_FEATURES
from nnscratch.data import Dataset, Fetched, described, divided, tested_on
from nnscratch.data.dataset import PICTURES
from nnscratch.gradcheck import BlockCheck
from nnscratch.metrics import Report
from nnscratch.model import Model, Why
from nnscratch.onnx_file import Exported
from nnscratch.runs import Finished, Kept
from nnscratch.training import EpochResult

ALWAYS_SHOWN = ("learning_rate", "epochs", "batch_size", "seed")
ENOUGH_PICTURES = 100  # for a test loss to say whether anything was learned


def show_fetched(file: Fetched) -> None:
    """Write where a file is, and whether it was fetched or already there."""
    words = {"fetched": "fetched and verified", "verified": "there and verified"}
    say(f"{visible(str(file.path))}  {file.size_bytes:,} bytes  {words[file.status]}")


def show_packed(dataset: Dataset, folder: str) -> None:
    """Write how many pictures were packed, and the command that learns from them."""
    train, test = len(dataset.train_images), len(dataset.test_images)
    noun = "picture" if train == 1 else "pictures"
    say(f"{visible(folder)}: {train:,} {noun} to learn from, {test:,} to be tested on")
    show_command("Next", command("train", "--data-dir", folder))


# ------------------------------------------------------------------------------------------- train


def show_if_chance(loss: float, count: int) -> None:
    """Warn of a model that has learned nothing: ten equal guesses have a loss of ln 10.

    Args:
        count: how many pictures it was tested on; of a handful, the loss says too little.
    """
    if count >= ENOUGH_PICTURES and loss >= math.log(CLASSES):
        show_note(
            f"the test loss, {loss:.2f}, is no better than chance (ln 10 = 2.30); a smaller "
            "--lr may help"
        )


def show_kept(kept: Kept, again: Sequence[str] = ()) -> None:
    """Write where an interrupted run is kept, and the command that goes on with it.

    Args:
        again: options that the file does not hold, and that are to be given once more.
    """
    if kept.path is None:
        show_note("no epoch was finished, so nothing is kept")
        return
    finished = "1 finished epoch is" if kept.epochs == 1 else f"{kept.epochs} finished epochs are"
    earlier = f"; an earlier interrupted run is now {kept.previous}" if kept.previous else ""
    show_note(f"the {finished} kept in {kept.path}{earlier}; no other file was changed")
    teacher = ("--teacher", as_model(kept.teacher)) if kept.teacher else ()
    files = ("--resume", str(kept.path), "--output", str(kept.output))
    words = command("train", *files, *teacher, *again)
    show_command("To go on", words)


def show_curves(history: Sequence[EpochResult]) -> None:
    """Draw loss and accuracy over the epochs as small curves, one line each."""
    series: dict[str, list[float | None]] = {
        "train loss": [result.train_loss for result in history],
        "validation loss": [result.validation_loss for result in history],
        "validation accuracy": [result.validation_accuracy for result in history],
    }
    for name, values in series.items():
        known = [value for value in values if value is not None]
        if len(known) > 1:
            show = "{:.2%}".format if "accuracy" in name else "{:.4f}".format
            line = Text.assemble(f"{name:>19}  {show(known[0])} ", (curve(known), "cyan"))
            say(line.append(f" {show(known[-1])}"))


def show_trained(finished: Finished, path: str) -> None:
    """Write what a training run came to, and the command that looks closer."""
    report, model = finished.report, finished.model
    show_if_chance(report.loss, len(report.labels))
    show_curves(finished.history)
    right, count = int(report.confusion.trace()), len(report.labels)
    line = Text.assemble("Test accuracy ", (f"{report.accuracy:.2%}", "bold green"))
    seen = f"{right:,} of {count:,} {described(tested_on(model.dataset), 'test', count)}"
    line.append(f" ({seen}), loss {report.loss:.4f}")
    say(line)
    saved = f"Saved {path}: {_width(model)}, {model.network.theta.size:,} parameters, "
    timed = sum(result.seconds is not None for result in finished.history)
    resumed = f"its last {timed} epochs " if timed < len(finished.history) else ""
    saved += f"{resumed}trained in {finished.seconds:.1f} s"
    say(saved + (f"; the earlier model is now {finished.previous}" if finished.previous else ""))
    show_command("Next", command("evaluate", as_model(path)))


def _width(model: Model) -> str:
    return f"{IN_FEATURES}-{model.config.hidden_size}-{CLASSES}"


# ---------------------------------------------------------------------------------------- evaluate


def show_not_mnist(model: str) -> None:
    """Write how a model of the built-in digits is measured on real ones."""
    on_real_ones = command("evaluate", model, "--dataset", "mnist")
    say(f"These are built-in digits. On real ones: {on_real_ones}")


def note_what_was_learned(path: str, model: Model, data: Dataset) -> None:
    """Say so if most of the pictures that a model is measured on are those it learned from."""
    count = len(data.train_images)
    if not data.undivided or count < 2:
        return
    parts = divided(data, model.config.seed)
    if parts.sha256 == model.sha256:
        show_note(f"{path} learned from {len(parts.train_images):,} of these {count:,} pictures")


def show_report(report: Report, model: Model, path: str, dataset: str, split: str) -> None:
    """Write accuracy, loss, settings, the figures of each digit and the confusion matrix."""
    line = Text.assemble("Accuracy ", (f"{report.accuracy:.2%}", "bold green"))
    count = len(report.labels)
    measured = f"{count:,} {described(dataset, split, count)}"
    say(line.append(f", loss {report.loss:.4f}: {path} on {measured}"))
    say(f"{_width(model)}, learned from {model.dataset}: {_settings(model)}", style="dim")
    show_table(_digit_table(report))
    show_table(_confusion_table(report))
    show_table(_reliability_table(report))


def _settings(model: Model) -> str:
    """Return the settings as options: those that always matter, and others that are not usual."""
    shown = replace(model.config, hidden_size=TrainConfig.hidden_size)  # the width says it
    return " ".join(as_options(shown, ALWAYS_SHOWN))


def show_mistakes(
    report: Report, images: Images, count: int, reasons: Sequence[Why] | None = None
) -> None:
    """Draw the most confident mistakes, as many beside each other as the screen has room for.

    Args:
        reasons: an account of each against the true digit, to be drawn below it; None for none.
    """
    chosen = report.mistakes(count)
    title = "The most confident mistakes: what is there, what it was taken for, how surely"
    say(title, style="bold")
    captions = []
    for index in chosen:
        caption = Text.assemble((str(report.labels[index]), "bold green"), " taken for ")
        caption.append(str(report.predicted[index]), "bold red")
        captions.append(caption.append(f", {report.probability[index]:.1%}"))
    if reasons is not None:
        if reasons and reasons[0].deskewed:
            say("Each is sheared upright, as this model sees it", style="dim")
        show_mistakes_explained(reasons, captions)
        return
    pictures = (draw(images[index][CROP, CROP]) for index in chosen)
    cells = (Group(*p, caption, Text()) for p, caption in zip(pictures, captions, strict=True))
    show_side_by_side(list(cells))


def show_weights(model: Model) -> None:
    """Draw what the hidden units with the most say look for, and the digits they vote on."""
    chosen, of = model.outspoken_units(), model.config.hidden_size
    units = model.network.parameters["W_h"][chosen].reshape(-1, 28, 28)
    votes = model.network.parameters["W_o"].T[chosen]
    title = "What the hidden units look for" if len(units) == of else (
        f"What the {len(units)} of {of} hidden units with the most say look for"
    )  # fmt: skip
    say(f"{title}: red (+) wants ink, blue (-) wants none", style="bold")
    cells = []
    for number, (unit, vote) in zip(chosen, zip(units, votes, strict=True), strict=True):
        order = [str(digit) for digit in vote.argsort()]
        caption = Text.assemble(f"{number}: for ", (" ".join(order[:-4:-1]), "bold red"))
        caption.append(", not ").append(" ".join(order[:3]), "bold blue")
        cells.append(Group(*draw_signed(unit[CROP, CROP]), caption, Text()))
    show_side_by_side(cells)


def _digit_table(report: Report) -> Table:
    rows = table("Per digit")
    for heading in ("digit", "precision", "recall", "F1", "pictures"):
        rows.add_column(heading, justify="right")
    for score in report.per_class:
        figures = (f"{value:.2%}" for value in (score.precision, score.recall, score.f1))
        rows.add_row(str(score.digit), *figures, f"{score.support:,}")
    return rows


def _reliability_table(report: Report) -> Table:
    error = f"{report.calibration_error:.2%}"
    rows = table(f"How sure, how often right: {error} apart on average")
    for heading in ("probability", "answers", "mean probability", "right"):
        rows.add_column(heading, justify="right")
    for tenth in report.reliability:
        figures = ("-", "-")
        if tenth.probability is not None and tenth.accuracy is not None:
            figures = (f"{tenth.probability:.2%}", f"{tenth.accuracy:.2%}")
        span = f"{tenth.low:.0%} to {tenth.high:.0%}"
        rows.add_row(span, f"{tenth.count:,}" if tenth.count else ".", *figures)
    return rows


def _confusion_table(report: Report) -> Table:
    rows = table("Confusion matrix: rows true, columns predicted")
    rows.add_column("", justify="right", style="bold")
    for digit in range(10):
        rows.add_column(str(digit), justify="right")
    for digit, row in enumerate(report.confusion):
        support = max(1, int(row.sum()))
        cells = (_confusion_cell(int(n), n / support, digit == k) for k, n in enumerate(row))
        rows.add_row(str(digit), *cells)
    return rows


def _confusion_cell(count: int, share: float, right: bool) -> Text:
    if right:
        return Text(str(count), style="bold green")
    style = "dim" if share < 0.01 else "yellow" if share < 0.03 else "bold red"
    return Text(str(count) if count else ".", style=style)


# --------------------------------------------------------------------------------------- gradcheck


def _as_samples(source: str) -> str:
    return source if source == PICTURES else f"{source} samples"


def show_gradcheck(blocks: Sequence[BlockCheck], count: int, samples: str) -> None:
    """Write a table of the errors of each block, and the verdict."""
    rows = table(f"Gradients against central differences, float64, {count} {_as_samples(samples)}")
    rows.add_column("block")
    for heading in ("shape", "compared", "absolute error", "relative error", "verdict"):
        rows.add_column(heading, justify="right")
    for block in blocks:
        rows.add_row(
            block.name,
            "×".join(map(str, block.shape)),
            f"{block.compared} {'directions' if block.along_directions else 'entries'}",
            f"{block.absolute_error:.1e}",
            f"{block.relative_error:.1e}",
            Text("agrees", "green") if block.passed else Text("WRONG", "bold red"),
        )
    show_table(rows)
    wrong = ", ".join(block.name for block in blocks if not block.passed)
    verdict = ("Wrong: " + wrong, "bold red") if wrong else ("All gradients agree.", "bold green")
    say(Text.assemble(verdict))


# ------------------------------------------------------------------------------------------ export


def show_export(model: Model, path: str, exported: Exported) -> None:
    """Write where the export is, and what goes into it and comes out."""
    size = f"{exported.size_bytes:,} bytes"
    say(f"Exported {visible(path)}: {_width(model)}, {size}", style="green")
    say("In:  images uint8 (n, 28, 28), ink bright on a dark ground")
    say("Out: labels int64 (n,), probabilities float32 (n, 10)")
