"""What a sweep shows: a bar while it runs, then a table, a curve or a heat map, and the best."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from nnscratch.app.calling import command, settings_as_options
from nnscratch.app.charts import draw_curve, draw_heat_map
from nnscratch.app.progress import start
from nnscratch.app.terminal import (
    err,
    has_blocks,
    out,
    say,
    show_command,
    show_note,
    show_table,
    table,
    visible,
)
from nnscratch.app.views import show_if_chance
from nnscratch.config import SETTINGS, TrainConfig
from nnscratch.data import tested_on
from nnscratch.model import Model

if TYPE_CHECKING:
    from nnscratch.lab.journal import RunResult
    from nnscratch.lab.sweep import Summary

LISTED = 20
WIDE = 70  # columns, from which on there is room for more words
Varied = Mapping[str, tuple[Any, ...]]


class SweepScreen:
    """A bar of the runs at a terminal, and elsewhere one plain line a run.

    Used as a context manager; the methods `on_…` are what a sweep reports to.

    Args:
        runs: how many there are in all.
        varied: the settings that differ between them, with their values.
    """

    def __init__(self, runs: int, varied: Varied) -> None:
        self.runs, self.varied = runs, varied
        self.done = self.resumed = 0
        self.best: RunResult | None = None
        self.started = time.perf_counter()
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[best]}"),
            TextColumn("{task.fields[left]}"),
            console=err,
            disable=not err.is_terminal,
            transient=True,
        )
        self.task = self.progress.add_task(f"run 0/{runs}", total=runs, best="", left="")

    def __enter__(self) -> SweepScreen:
        start(self.progress)
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def on_resumed(self, results: Sequence[RunResult]) -> None:
        """Count the runs that were done before."""
        self.done = self.resumed = len(results)
        self.started = time.perf_counter()
        for result in results:
            self._remember(result)
        if results:
            show_note(f"{self.done:,} of {self.runs:,} runs are done already")
        self._update()

    def on_result(self, result: RunResult) -> None:
        """Count a run that was done now."""
        self.done += 1
        self._remember(result)
        if self.progress.disable:
            err.print(self._line(result), soft_wrap=True)
        self._update()

    def on_finishing(self, _best: RunResult) -> None:
        """Say that the best is trained once more, to be kept."""
        self.progress.update(self.task, left="keeping the best")

    def on_previous(self, path: Path, previous: Path) -> None:
        """Say what became of a model that stood where one of the sweep stands now."""
        show_note(f"the model that was {path} is now {previous}")

    def _remember(self, result: RunResult) -> None:
        if not result.diverged and (self.best is None or _accuracy(result) > _accuracy(self.best)):
            self.best = result

    def _update(self) -> None:
        self.progress.update(
            self.task,
            completed=self.done,
            description=f"run {self.done:,}/{self.runs:,}",
            best=self._best_so_far(),
            left=self._time_left(),
        )

    def _line(self, result: RunResult) -> str:
        came_to = "diverged" if result.diverged else f"validation {_accuracy(result):.2%}"
        options = _options(result.config, self.varied)
        return f"run {self.done}/{self.runs}  {came_to}  {result.seconds:.2f} s  {options}"

    def _best_so_far(self) -> str:
        if self.best is None:
            return ""
        shown = f"best so far {_accuracy(self.best):.2%}"
        if err.width < WIDE:
            return shown
        return f"{shown}  {_options(self.best.config, self.varied, with_seed=False)}"

    def _time_left(self) -> str:
        """Judge by the runs of this session: those in the journal took no time today."""
        fresh = self.done - self.resumed
        if fresh <= 0:
            return ""
        seconds = (time.perf_counter() - self.started) / fresh * (self.runs - self.done)
        return f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.0f} min left"


def _accuracy(result: RunResult) -> float:
    return result.validation_accuracy or 0.0


def _options(config: TrainConfig, varied: Varied, *, with_seed: bool = True) -> str:
    """Return what tells a run from the others: `--lr 0.1 --seed 3`."""
    words = []
    for key, values in varied.items():
        label = labels(values)[values.index(getattr(config, key))]
        words.append(f"{SETTINGS[key].flag} {visible(label)}")
    if with_seed:
        words.append(f"--seed {config.seed}")
    return " ".join(words)


def labels(values: Sequence[Any]) -> list[str]:
    """Return values as they are shown: reals with four digits, or with as many as differ.

    >>> labels([0.01, 0.0193069772888, 1.0])
    ['0.01', '0.01931', '1']
    """
    if not all(isinstance(value, float) for value in values):
        return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    for digits in range(4, 18):
        shown = [f"{value:.{digits}g}" for value in values]
        if len(set(shown)) == len(set(values)):
            break
    return shown


# ------------------------------------------------------------------------------- once all are done


def show_sweep(
    summaries: Sequence[Summary], varied: Varied, csv: Path, *, plotted: bool = False
) -> None:
    """Write the table of the best settings, and accuracy over one or two settings as a picture.

    Args:
        csv: where all results are.
        plotted: whether a picture of them is drawn to a file as well.
    """
    title = _count(len(summaries), "setting")
    if len(summaries) > LISTED:
        title = f"The best {LISTED} of {title}"
    seeds = summaries[0].runs
    say(f"{title} × {seeds} seeds: mean ± standard deviation" if seeds > 1 else title, style="bold")
    show_table(summary_table(summaries, varied))
    if len(summaries) > LISTED:
        show_note(f"the other {len(summaries) - LISTED:,} are in {csv}")
    if len(varied) <= 2:
        _show_picture(summaries, varied)
    elif not plotted:
        show_note("more than two settings vary: --plot draws a panel for each")


def summary_table(summaries: Sequence[Summary], varied: Varied) -> Table:
    """Make a table of the best settings, best first.

    Args:
        summaries: sorted.
        varied: the settings to be shown, with their values.
    """
    rows = table()
    for key in varied:
        rows.add_column(SETTINGS[key].flag, justify="right")
    accuracy = "validation accuracy" if out.width >= WIDE else "validation\naccuracy"
    for heading in (accuracy, "loss", "seconds"):
        rows.add_column(heading, justify="right")
    named = {key: dict(zip(values, labels(values), strict=True)) for key, values in varied.items()}
    for number, summary in enumerate(summaries[:LISTED]):
        cells = [visible(named[key][getattr(summary.config, key)]) for key in varied]
        style = "red" if summary.diverged else "bold green" if number == 0 else ""
        loss = "-" if summary.loss_mean is None else f"{summary.loss_mean:.4f}"
        rows.add_row(*cells, Text(came_to(summary), style), loss, f"{summary.seconds_mean:.2f}")
    return rows


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def came_to(summary: Summary) -> str:
    """Return the validation accuracy of a setting, with its spread, or that it diverged."""
    if summary.diverged == summary.runs:
        return "diverged"
    if summary.diverged:
        return f"{summary.diverged} of {summary.runs} diverged"
    spread = "" if summary.accuracy_sd is None else f" ± {summary.accuracy_sd * 100:.2f}"
    return f"{summary.accuracy_mean:.2%}{spread}"


def _show_picture(summaries: Sequence[Summary], varied: Varied) -> None:
    """Draw accuracy over one setting as a curve, over two as a heat map."""
    if len(varied) == 1:
        ((key, values),) = varied.items()
        _show_curve({getattr(one.config, key): one for one in summaries}, key, values)
    elif len(varied) == 2:
        _show_heat_map(summaries, varied)


def _show_curve(found: dict[Any, Summary], key: str, values: Sequence[Any]) -> None:
    ordered = in_order(values)
    means = [_mean(found[value]) for value in ordered]
    spreads = [found[value].accuracy_sd or 0.0 for value in ordered]
    say(f"Validation accuracy over {SETTINGS[key].flag}{_legend(means)}", style="bold")
    joined = isinstance(ordered[0], int | float)
    for line in draw_curve(labels(ordered), means, spreads, width=out.width, joined=joined):
        out.print(line, soft_wrap=True)
    say()


def _show_heat_map(summaries: Sequence[Summary], varied: Varied) -> None:
    """Draw it with the setting of more values downwards, as lines are what screens have most of."""
    down, across = sorted(varied, key=lambda key: -len(varied[key]))
    found = {
        (getattr(one.config, down), getattr(one.config, across)): _mean(one) for one in summaries
    }
    lines, columns = in_order(varied[down]), in_order(varied[across])
    shares = [[found[line, column] for column in columns] for line in lines]
    flags = f"{SETTINGS[down].flag} down, {SETTINGS[across].flag} across"
    known = [share for line in shares for share in line]
    say(f"Validation accuracy in %: {flags}{_legend(known)}", style="bold")
    show_table(draw_heat_map(labels(lines), labels(columns), shares))
    say()


def in_order(values: Sequence[Any]) -> list[Any]:
    """Return numbers from small to large, and names as they were given."""
    return list(values) if isinstance(values[0], str) else sorted(values)


def _legend(means: Sequence[float | None]) -> str:
    return f"; {'×' if has_blocks() else 'x'} diverged" if None in means else ""


def _mean(summary: Summary) -> float | None:
    return None if summary.diverged else summary.accuracy_mean


def show_best(
    best: RunResult, varied: Varied, model: Model, path: str, data: Sequence[str], tested: int
) -> None:
    """Write the best run, its test figure, and the command that trains the same model.

    Args:
        model: what the run came to, kept at `path`.
        data: options that name the data set, as the sweep was given them.
        tested: how many pictures it was tested on.
    """
    say(Text.assemble("Best on held-out pictures: ", (_options(best.config, varied), "bold")))
    if model.test:
        line = Text.assemble("Test accuracy ", (f"{model.test['accuracy']:.2%}", "bold green"))
        say(line.append(f" ({tested_on(model.dataset)}), loss {model.test['loss']:.4f}: {path}"))
        show_if_chance(model.test["loss"], tested)
    words = command("train", *settings_as_options(best.config, varied), *data)
    out.print(Text(f"To train it again: {words}"), soft_wrap=True)


def show_none() -> None:
    """Write that every run diverged: a result, if not the one that was wanted."""
    show_note("every run diverged, so no model is kept; smaller values of --lr may help")


def show_stopped(done: int, runs: int, folder: Path) -> None:
    """Write what an interrupted sweep has, and the command that goes on with it."""
    show_note(f"{done:,} of {_count(runs, 'run')} are done and kept in {folder}")
    show_command("To go on", command(*sys.argv[1:]))
