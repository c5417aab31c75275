"""What the user sees: tables, bars and errors, drawn with Rich from plain values.

Results go to `out` (stdout), everything else to `err` (stderr). Markup is off: a file called
`[bold].png` is printed as it is.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from nnscratch.errors import NNScratchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nnscratch.core import Floats
    from nnscratch.data import Fetched
    from nnscratch.gradcheck import BlockCheck
    from nnscratch.pictures.read import Prepared
    from nnscratch.training import EpochResult, Report

SECONDS_BETWEEN_UPDATES = 0.1


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """End quietly: whoever read the pipe has seen enough."""
        silence_stdout()
        raise SystemExit(0)


def silence_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush finds no broken pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


out = _Console(markup=False, highlight=False, emoji=False)
err = _Console(markup=False, highlight=False, emoji=False, stderr=True)


def show_error(error: NNScratchError) -> None:
    """Write the three parts of an error: what, where, what to do next."""
    err.print(Text.assemble(("Error: ", "bold red"), error.what), soft_wrap=True)
    for name, text in (("where", error.where), ("next", error.next_step)):
        for line in text.splitlines():
            err.print(Text.assemble((f"{name:>5}: ", "dim"), line), soft_wrap=True)


def show_note(text: str) -> None:
    """Write one quiet line."""
    err.print(Text.assemble(("Note: ", "yellow"), text), soft_wrap=True)


def show_json(value: dict[str, Any]) -> None:
    """Write one JSON object on one line of stdout, at once."""
    out.print(json.dumps(value, allow_nan=False), soft_wrap=True)
    out.file.flush()


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE)


# ---------------------------------------------------------------------------------------- download


@contextmanager
def download_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Draw a bar per file (bytes, speed, time left); gives the function to call with bytes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:

        def advance(name: str, received: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=received)

        yield advance


@contextmanager
def drawing_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar while the built-in digits are drawn; gives the function to call with a count."""
    columns = (TextColumn("drawing digits"), BarColumn(bar_width=None), MofNCompleteColumn())
    progress = Progress(*columns, console=err, disable=not err.is_terminal, transient=True)
    task = progress.add_task("", total=total)

    def advance(count: int) -> None:
        progress.start()
        progress.advance(task, count)

    try:
        yield advance
    finally:
        progress.stop()


def show_fetched(files: list[Fetched]) -> None:
    """Write one line a file: where it is, and whether it was fetched or already there."""
    words = {"fetched": "fetched and verified", "verified": "there and verified"}
    for file in files:
        out.print(f"{file.path}  {file.size_bytes:,} bytes  {words[file.status]}", soft_wrap=True)


# ------------------------------------------------------------------------------------------- train

CURVE_WIDTH = 40
EPOCH_HEADER = "   epoch  train loss  validation loss  validation accuracy  seconds"


class TrainingScreen:
    """One line an epoch, and on a terminal a live bar below them.

    Used as a context manager; `on_samples` and `on_epoch` are what a training loop reports to.
    """

    def __init__(self, epochs: int, samples: int, epochs_done: int = 0) -> None:
        columns = (
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
        )
        self.epochs, self.samples = epochs, samples
        self.progress = Progress(*columns, console=err, disable=not err.is_terminal, transient=True)
        self.task = self.progress.add_task(
            "",
            total=epochs * samples,
            completed=epochs_done * samples,
            epoch=epochs_done + 1,
            epochs=epochs,
            figures="",
        )
        self.done = epochs_done * samples
        self.shown_at = self.started = time.perf_counter()
        self.done_at_start = self.done
        self.figures = ""

    def __enter__(self) -> TrainingScreen:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def on_samples(self, count: int) -> None:
        """Move the bar; drawn ten times a second, however small the batches are."""
        self.done += count
        now = time.perf_counter()
        if now - self.shown_at > SECONDS_BETWEEN_UPDATES:
            self.shown_at = now
            rate = (self.done - self.done_at_start) / (now - self.started)
            self.progress.update(
                self.task, completed=self.done, figures=f"{self.figures}{rate:,.0f} samples/s"
            )

    def on_epoch(self, result: EpochResult) -> None:
        """Leave one line of the table, under its header if it is the first."""
        if not self.figures:
            err.print(Text(EPOCH_HEADER, style="bold"), soft_wrap=True)
        err.print(epoch_line(result, self.epochs), soft_wrap=True)
        self.figures = f"loss {result.train_loss:.4f}  "
        if result.validation_accuracy is not None:
            self.figures += f"validation {result.validation_accuracy:.2%}  "
        self.progress.update(self.task, epoch=min(result.epoch + 1, self.epochs))


def epoch_line(result: EpochResult, epochs: int) -> str:
    """Return one epoch's figures, aligned under EPOCH_HEADER."""
    losses = [_loss(value) for value in (result.train_loss, result.validation_loss)]
    share = "-" if result.validation_accuracy is None else f"{result.validation_accuracy:.2%}"
    epoch = f"{result.epoch}/{epochs}"
    return f"{epoch:>8}  {losses[0]:>10}  {losses[1]:>15}  {share:>19}  {result.seconds:>7.2f}"


def _loss(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if value < 1e4 else f"{value:.1e}"


def show_if_chance(loss: float) -> None:
    """Warn of a model that has learned nothing: ten equal guesses have a loss of ln 10."""
    if loss >= math.log(10):
        show_note(
            f"the test loss, {loss:.2f}, is no better than chance (ln 10 = 2.30); a smaller "
            "--lr may help"
        )


def show_kept(epochs: int, path: str, output: str) -> None:
    """Write where an interrupted run is kept, and the command that goes on with it."""
    finished = "1 finished epoch is" if epochs == 1 else f"{epochs} finished epochs are"
    show_note(f"the {finished} kept in {path}; no other file was changed")
    command = _command("train", "--resume", path, "--output", output)
    err.print(Text(f"To go on: {command}"), soft_wrap=True)


def _command(*words: str) -> str:
    """Write a command so that it can be pasted into a shell, whatever its files are called."""
    return shlex.join(["nnscratch", *words])


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
            line = Text.assemble(f"{name:>19}  {show(known[0])} ", (_curve(known), "cyan"))
            out.print(line.append(f" {show(known[-1])}"), soft_wrap=True)


def _curve(values: list[float]) -> str:
    """Draw values as letters of different height, at most CURVE_WIDTH of them."""
    heights = "▁▂▃▄▅▆▇█" if _has_blocks() else "_.-~=^*#"
    if len(values) > CURVE_WIDTH:
        step = (len(values) - 1) / (CURVE_WIDTH - 1)
        values = [values[round(place * step)] for place in range(CURVE_WIDTH)]
    low, span = min(values), (max(values) - min(values)) or 1
    return "".join(heights[round((value - low) / span * 7)] for value in values)


def show_trained(report: Report, dataset: str, path: str, hidden: int, seconds: float) -> None:
    """Write what a training run came to, and the command that looks closer."""
    right, count = int(report.confusion.trace()), len(report.labels)
    line = Text.assemble("Test accuracy ", (f"{report.accuracy:.2%}", "bold green"))
    line.append(f" ({right:,} of {count:,} {dataset} test pictures), loss {report.loss:.4f}")
    out.print(line, soft_wrap=True)
    weights = hidden * (784 + 1) + 10 * (hidden + 1)
    out.print(
        f"Saved {path}: 784-{hidden}-10, {weights:,} parameters, trained in {seconds:.1f} s",
        soft_wrap=True,
    )
    err.print(Text(f"Next: {_command('evaluate', path)}", style="dim"), soft_wrap=True)


# ---------------------------------------------------------------------------------------- evaluate


def show_not_mnist(model: str) -> None:
    """Write how a model of the built-in digits is measured on real ones."""
    command = _command("evaluate", model, "--dataset", "mnist")
    out.print(f"These are built-in digits. On real ones: {command}", soft_wrap=True)


def show_report(report: Report, model: str, dataset: str, split: str) -> None:
    """Write accuracy, loss, the figures of each digit and the confusion matrix."""
    line = Text.assemble("Accuracy ", (f"{report.accuracy:.2%}", "bold green"))
    line.append(f", loss {report.loss:.4f}: {model} on {len(report.labels):,} {dataset} {split} ")
    line.append("pictures")
    out.print(line, soft_wrap=True)
    out.print(_digit_table(report))
    out.print(_confusion_table(report))


def show_mistakes(report: Report, images: NDArray[np.uint8], count: int) -> None:
    """Draw the most confident mistakes, as many beside each other as the screen has room for."""
    chosen = report.mistakes(count)
    title = "The most confident mistakes: what is there, what it was taken for, how surely"
    out.print(Text(title, style="bold"), soft_wrap=True)
    cells = []
    for index in chosen:
        caption = Text.assemble((str(report.labels[index]), "bold green"), " taken for ")
        caption.append(str(report.predicted[index]), "bold red")
        caption.append(f", {report.probability[index]:.1%}")
        cells.append(Group(*draw(images[index][CROP, CROP]), caption, Text()))
    _show_side_by_side(cells)


def show_weights(units: NDArray[Any], votes: NDArray[Any], of: int) -> None:
    """Draw what hidden units look for, with the digits they vote for and against.

    Args:
        units: (n, 28, 28) weights; votes: (n, 10) output weights.
        of: how many hidden units there are in all.
    """
    title = "What the hidden units look for" if len(units) == of else (
        f"What the {len(units)} of {of} hidden units with the most say look for"
    )  # fmt: skip
    out.print(Text(f"{title}: red (+) wants ink, blue (-) wants none", style="bold"),
              soft_wrap=True)  # fmt: skip
    cells = []
    for number, (unit, vote) in enumerate(zip(units, votes, strict=True)):
        order = [str(digit) for digit in vote.argsort()]
        caption = Text.assemble(f"{number}: for ", (" ".join(order[:-4:-1]), "bold red"))
        caption.append(", not ").append(" ".join(order[:3]), "bold blue")
        cells.append(Group(*_draw_signed(unit[CROP, CROP]), caption, Text()))
    _show_side_by_side(cells)


def _show_side_by_side(cells: list[Group]) -> None:
    across = max(1, (out.width + 2) // (CELL_WIDTH + 2))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for start in range(0, len(cells), across):
        grid.add_row(*cells[start : start + across])
    out.print(grid)


def _digit_table(report: Report) -> Table:
    table = _table("Per digit")
    for heading in ("digit", "precision", "recall", "F1", "pictures"):
        table.add_column(heading, justify="right")
    for score in report.per_class:
        figures = (f"{value:.2%}" for value in (score.precision, score.recall, score.f1))
        table.add_row(str(score.digit), *figures, f"{score.support:,}")
    return table


def _confusion_table(report: Report) -> Table:
    table = _table("Confusion matrix: rows true, columns predicted")
    table.add_column("", justify="right", style="bold")
    for digit in range(10):
        table.add_column(str(digit), justify="right")
    for digit, row in enumerate(report.confusion):
        support = max(1, int(row.sum()))
        cells = (_confusion_cell(int(n), n / support, digit == k) for k, n in enumerate(row))
        table.add_row(str(digit), *cells)
    return table


def _confusion_cell(count: int, share: float, right: bool) -> Text:
    if right:
        return Text(str(count), style="bold green")
    style = "dim" if share < 0.01 else "yellow" if share < 0.03 else "bold red"
    return Text(str(count) if count else ".", style=style)


# ----------------------------------------------------------------------------------------- predict

UNSURE = 0.6
Answers = Iterable[tuple[str, "Prepared | NNScratchError", "Floats"]]


def show_predictions(answers: Answers, model: str, save_prepared: Path | None) -> int:
    """Write each answer at length: the picture as the network saw it, and what it makes of it."""
    failed = 0
    for name, picture, probabilities in answers:
        if isinstance(picture, NNScratchError):
            show_error(picture)
            failed += 1
            continue
        drawing = Table.grid(padding=(0, 3))
        facts = _facts(name, picture, probabilities, model)
        if out.width >= PICTURE_WIDTH + 40:
            drawing.add_row(Group(*draw(picture.image)), facts)
        else:
            drawing.add_row(Group(*draw(picture.image), facts))
        out.print(drawing)
        for warning in _doubts(picture, probabilities):
            show_note(warning)
        if save_prepared is not None:
            _save_picture(picture, save_prepared)
    return failed


def _facts(name: str, picture: Prepared, probabilities: Floats, model: str) -> Group:
    likeliest = probabilities.argsort()[::-1][:3]
    lines = [Text(name), Text()]
    lines.append(Text.assemble("This is a ", (str(likeliest[0]), "bold green")))
    lines += [_bar(int(digit), float(probabilities[digit])) for digit in likeliest]
    lines += [Text(), *(Text(line, "dim") for line in _what_was_done(picture))]
    lines.append(Text(f"model: {Path(model).name}", "dim"))
    return Group(*lines)


def _bar(digit: int, probability: float) -> Text:
    block = "█" if _has_blocks() else "#"
    return Text.assemble(f"{digit}  ", (f"{block * round(20 * probability):<20}", "green"),
                         f" {probability:6.1%}")  # fmt: skip


def _what_was_done(picture: Prepared) -> list[str]:
    if picture.unchanged:
        return ["MNIST-like already: taken as it is" + (", inverted" if picture.inverted else "")]
    left, top, right, bottom = picture.box
    done = [
        f"{'dark ink, inverted' if picture.inverted else 'bright ink'}",
        f"digit at {left},{top} to {right},{bottom} of {picture.size[0]}x{picture.size[1]}",
    ]
    return done + ([f"strokes {picture.stroke}"] if picture.stroke != "kept" else [])


def _doubts(picture: Prepared, probabilities: Floats) -> list[str]:
    doubts = []
    if probabilities.max() < UNSURE:
        first, second = probabilities.argsort()[::-1][:2]
        doubts.append(f"unsure: it may be a {first} or a {second}")
    if picture.shapes > 1:
        doubts.append(f"{picture.shapes} shapes were seen, and only the largest was read")
    return doubts


def _save_picture(picture: Prepared, path: Path) -> None:
    from nnscratch.pictures.decode import save_picture

    save_picture(picture.image, path)
    show_note(f"what the network saw is in {path}")


def show_prediction_table(answers: Answers, model: str) -> int:
    """Write one line for each picture; a picture's error goes to stderr."""
    failed = 0
    err.print(Text(f"Model: {Path(model).name}", style="dim"), soft_wrap=True)
    for name, picture, probabilities in answers:
        if isinstance(picture, NNScratchError):
            failed += 1
            err.print(Text.assemble(("Error: ", "bold red"), f"{name}: {picture.what}"),
                      soft_wrap=True)  # fmt: skip
            continue
        digit = int(probabilities.argmax())
        line = Text.assemble((str(digit), "bold green"), f"  {probabilities[digit]:6.1%}  {name}")
        line.append("".join(f"  ({doubt})" for doubt in _doubts(picture, probabilities)), "yellow")
        out.print(line, soft_wrap=True)
    return failed


def show_predictions_json(answers: Answers, model: str) -> int:
    """Write one JSON object for each picture."""
    failed = 0
    for name, picture, probabilities in answers:
        if isinstance(picture, NNScratchError):
            failed += 1
            show_json({"image": name, "error": picture.what})
            continue
        digit = int(probabilities.argmax())
        show_json(
            {
                "image": name,
                "model": model,
                "digit": digit,
                "probability": float(probabilities[digit]),
                "probabilities": [float(value) for value in probabilities],
            }
        )
    return failed


# ------------------------------------------------------------------------ digits in the terminal

PICTURE_WIDTH = 28
CROP, CELL_WIDTH = slice(2, 26), 24
SHADES = " .:-=+*#%@"


def draw(image: NDArray[np.uint8]) -> list[Text]:
    """Draw a picture (height even, width) with two pixels to a letter.

    In grey where there are colours, in black and white where there are only half-blocks, and in
    letters of different weight where there is only ASCII.
    """
    pairs = zip(image[::2], image[1::2], strict=True)
    return [_draw_line(upper, lower) for upper, lower in pairs]


def _draw_line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    line = Text(no_wrap=True)
    for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
        if not _has_blocks():
            line.append(SHADES[(top + bottom) * len(SHADES) // 512])
        elif out.color_system is None:
            line.append(" ▄▀█"[2 * (top > 127) + (bottom > 127)])
        else:
            line.append("▀", f"rgb({top},{top},{top}) on rgb({bottom},{bottom},{bottom})")
    return line


def _draw_signed(weights: NDArray[Any]) -> list[Text]:
    """Draw a (height even, width) array of weights: red above 0, blue below, white at 0."""
    scaled = weights / (abs(weights).max() or 1)
    lines = []
    for upper, lower in zip(scaled[::2], scaled[1::2], strict=True):
        line = Text(no_wrap=True)
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            if out.color_system is None or not _has_blocks():
                mean = (top + bottom) / 2
                line.append(" " if abs(mean) < 0.15 else "+" if mean > 0 else "-")
            else:
                line.append("▀", f"rgb({_red_or_blue(top)}) on rgb({_red_or_blue(bottom)})")
        lines.append(line)
    return lines


def _red_or_blue(value: float) -> str:
    """Blend from white to red (value 1) or blue (value −1)."""
    end = (178, 24, 43) if value > 0 else (33, 102, 172)
    return ",".join(str(round(247 + (tone - 247) * abs(value) ** 0.7)) for tone in end)


def _has_blocks() -> bool:
    return out.encoding.lower().startswith("utf")


# --------------------------------------------------------------------------------------- gradcheck


def show_gradcheck(blocks: list[BlockCheck], count: int, samples: str) -> None:
    """Write a table of the errors of each block, and the verdict."""
    table = _table(f"Gradients against central differences, float64, {count} {samples} samples")
    table.add_column("block")
    for heading in ("shape", "compared", "absolute error", "relative error", "verdict"):
        table.add_column(heading, justify="right")
    for block in blocks:
        table.add_row(
            block.name,
            "×".join(map(str, block.shape)),
            f"{block.compared} {'directions' if block.along_directions else 'entries'}",
            f"{block.absolute_error:.1e}",
            f"{block.relative_error:.1e}",
            Text("agrees", "green") if block.passed else Text("WRONG", "bold red"),
        )
    out.print(table)
    wrong = ", ".join(block.name for block in blocks if not block.passed)
    verdict = ("Wrong: " + wrong, "bold red") if wrong else ("All gradients agree.", "bold green")
    out.print(Text.assemble(verdict), soft_wrap=True)
