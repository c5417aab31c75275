"""Bars and lines while there is work: downloads, drawing digits, and epochs.

At a terminal a bar lives below the lines, and in a notebook below the cell; elsewhere there is one
plain line for each epoch. Only one bar lives at a time.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from nnscratch.app.terminal import err, visible
from nnscratch.model import Prediction, a_digit
from nnscratch.training import EpochResult

SECONDS_BETWEEN_UPDATES = 0.1
NOTEBOOK_WIDTH = 80
NOTEBOOK_HTML = '<pre style="line-height: normal">{code}</pre>'
SECONDS_WITHOUT_BAR = 1.0
EPOCH_HEADER = "   epoch  train loss  validation loss  validation accuracy  seconds"


def start(progress: Progress) -> None:
    """Let a bar live, if the system has a thread for it; else lines must do."""
    try:
        progress.start()
    except RuntimeError:
        progress.live.stop()
        progress.disable = True


class DataBars:
    """Bars while a data set is fetched (one a file) or drawn; none appears if neither is needed."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.tasks: dict[str, TaskID] = {}
        self.reading_since: float | None = None

    def on_bytes(self, name: str, received: int, total: int) -> None:
        """Move the bar of a file to `received` bytes."""
        if name not in self.tasks:
            self._show(name, total, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        assert self.progress is not None
        self.progress.update(self.tasks[name], completed=received)

    def on_drawn(self, count: int, total: int = 70_000) -> None:
        """Move the bar of the built-in digits on by `count`."""
        name = "drawing digits"
        if name not in self.tasks:
            self.close()  # that of a download that failed
            self._show(name, total, MofNCompleteColumn())
        assert self.progress is not None
        self.progress.advance(self.tasks[name], count)

    def on_read(self, done: int, total: int) -> None:
        """Move the bar of labelled pictures, which appears if they take more than a second."""
        name, now = "reading pictures", time.perf_counter()
        self.reading_since = self.reading_since or now
        if name not in self.tasks:
            if now - self.reading_since < SECONDS_WITHOUT_BAR:
                return
            self._show(name, total, MofNCompleteColumn())
        assert self.progress is not None
        self.progress.update(self.tasks[name], completed=done)

    def _show(self, name: str, total: int, *columns: ProgressColumn) -> None:
        if self.progress is None:
            self.progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                *columns,
                console=err,
                disable=not err.is_terminal,
            )
            start(self.progress)
        self.tasks[name] = self.progress.add_task(name, total=total)

    def close(self) -> None:
        """Leave the bars as they are, and the screen to whoever comes next."""
        if self.progress is not None:
            self.progress.stop()
        self.progress = None
        self.tasks.clear()


@contextmanager
def data_bars() -> Iterator[DataBars]:
    """Give bars for the time that a data set is made ready."""
    bars = DataBars()
    try:
        yield bars
    finally:
        bars.close()


class TrainingScreen:
    """One line an epoch, and on a terminal a live bar below them.

    Used as a context manager; `on_samples` and `on_epoch` are what a training run reports to.
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
            epoch=min(epochs_done + 1, epochs),
            epochs=epochs,
            figures="",
        )
        self.done = epochs_done * samples
        self.shown_at = self.started = time.perf_counter()
        self.done_at_start = self.done
        self.figures = ""

    def __enter__(self) -> TrainingScreen:
        start(self.progress)
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

    def on_refusing(self, count: int, total: int) -> None:
        """Say that what is no digit is being learned, and how fast."""
        if not count:
            self.leave(
                Text("Learning what is no digit; with 60,000 pictures that takes some minutes")
            )
            self.shown_at = self.started = time.perf_counter()
            self.done = self.done_at_start = 0
            self.figures = "no digit  "
            self.progress.update(self.task, completed=0, total=total)
        self.on_samples(count)

    def on_epoch(self, result: EpochResult, watched: tuple[str, Prediction] | None = None) -> None:
        """Leave one line of the table, under its header if it is the first.

        Args:
            watched: a picture's name, and what the network of this epoch makes of it, for one line
                more.
        """
        if not self.figures:
            self.leave(Text(EPOCH_HEADER, style="bold"))
        self.leave(Text(epoch_line(result, self.epochs)))
        if watched:
            self.leave(watched_line(*watched))
        self.figures = f"loss {result.train_loss:.4f}  "
        if result.validation_accuracy is not None:
            self.figures += f"validation {result.validation_accuracy:.2%}  "
        self.progress.update(self.task, epoch=min(result.epoch + 1, self.epochs))

    def leave(self, line: Text) -> None:
        """Write a line that stays."""
        err.print(line, soft_wrap=True)


class NotebookScreen(TrainingScreen):
    """The same lines and the same bar as one output of a notebook's cell, drawn anew as they grow.

    Rich's own way of doing this needs ipywidgets, and warns where they are missing.
    """

    def __init__(self, epochs: int, samples: int) -> None:
        super().__init__(epochs, samples)
        self.lines: list[Text] = []
        self.output: Any = None

    def __enter__(self) -> NotebookScreen:
        from IPython import display

        show: Any = display.display  # untyped
        self.output = show(self._drawn(), raw=True, display_id=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.output.update(self._drawn(bar=False), raw=True)

    def on_samples(self, count: int) -> None:
        """Move the bar."""
        shown_at = self.shown_at
        super().on_samples(count)
        if self.shown_at != shown_at:
            self.output.update(self._drawn(), raw=True)

    def leave(self, line: Text) -> None:
        """Keep a line above the bar."""
        self.lines.append(line)
        self.output.update(self._drawn(), raw=True)

    def _drawn(self, *, bar: bool = True) -> dict[str, str]:
        """Return what is to be seen, as HTML without a colour for text or paper, and as text."""
        parts = [*self.lines, self.progress.get_renderable()] if bar else self.lines
        page = Console(
            file=io.StringIO(), record=True, force_jupyter=False, width=NOTEBOOK_WIDTH,
            markup=False, highlight=False, emoji=False,
        )  # fmt: skip
        page.print(Group(*parts))
        html = page.export_html(inline_styles=True, code_format=NOTEBOOK_HTML, clear=False)
        return {"text/html": html, "text/plain": page.export_text()}


def training_progress(epochs: int, samples: int) -> TrainingScreen:
    """Show the progress of a training run: a line an epoch, and a bar where there is room for one.

        with training_progress(config.epochs, samples) as progress:
            for result in fit(state, images, labels, config, on_samples=progress.on_samples):
                progress.on_epoch(result)

    Args:
        samples: how many pictures an epoch has; those held out are none of them.

    Returns:
        A context manager. In a notebook the bar is HTML; at a terminal it is drawn on stderr;
        elsewhere there are only the lines.
    """
    return NotebookScreen(epochs, samples) if err.is_jupyter else TrainingScreen(epochs, samples)


def epoch_line(result: EpochResult, epochs: int) -> str:
    """Return one epoch's figures, aligned under EPOCH_HEADER."""
    losses = [_loss(value) for value in (result.train_loss, result.validation_loss)]
    share = "-" if result.validation_accuracy is None else f"{result.validation_accuracy:.2%}"
    seconds = "-" if result.seconds is None else f"{result.seconds:.2f}"
    epoch = f"{result.epoch}/{epochs}"
    return f"{epoch:>8}  {losses[0]:>10}  {losses[1]:>15}  {share:>19}  {seconds:>7}"


def watched_line(name: str, answer: Prediction) -> Text:
    """Return what is made of a picture, aligned under the figures of its epoch."""
    said = f"{a_digit(answer.digit)}, {answer.probability:.1%}"
    return Text(f"{'':8}  {visible(name)}: {said}", "cyan")


def _loss(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if value < 1e4 else f"{value:.1e}"
