"""Grades on the screen: one hand-in check by check, a class as a table, a bar meanwhile."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from nnscratch.app.progress import start
from nnscratch.app.terminal import err, has_blocks, out, say, show_table, table, visible
from nnscratch.lab.grading.checks import Check
from nnscratch.lab.grading.grade import NOT_CHECKED, Grade, commonest

INDENT = 5
LISTED_ERRORS = 10
LEAST_VERDICT, LONGEST_NAME = 30, 32  # columns


class GradeScreen:
    """A bar of the hand-ins at a terminal, and elsewhere one plain line each if there are several.

    Used as a context manager.

    Args:
        names: what they are called, in their order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.done = names, 0
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[last]}"),
            console=err,
            disable=not err.is_terminal,
            transient=True,
        )
        self.task = self.progress.add_task(self._counted(), total=len(names), last="")

    def __enter__(self) -> GradeScreen:
        start(self.progress)
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def on_grade(self, grade: Grade) -> None:
        """Count a hand-in that is graded."""
        name = visible(self.names[self.done])
        self.done += 1
        points = f"{grade.points} of {grade.out_of}"
        if self.progress.disable and len(self.names) > 1:
            err.print(f"{self._counted()}  {name}  {points}", soft_wrap=True)
        last = f"{_shortened(name, LONGEST_NAME)}  {points}"
        self.progress.update(self.task, completed=self.done, description=self._counted(), last=last)

    def _counted(self) -> str:
        return f"graded {self.done:,}/{len(self.names):,}"


def show_grade(grade: Grade) -> None:
    """Write every check of one hand-in; below one that failed, why, and where to read on."""
    say(visible(grade.file), style="bold")
    reached = any(not check.reason.startswith(NOT_CHECKED) for check in grade.checks)
    if reached:
        _show_checks(grade.checks)
    if not reached or grade.refused:
        _show_indented(visible(grade.verdict), "yellow", indent=2)
    say(f"{grade.points} of {grade.out_of} points", style="bold green" if grade.full else "bold")


def _show_checks(checks: Sequence[Check]) -> None:
    """Write a line for each check; what kept several from being done is said once."""
    widest = max(len(check.name) for check in checks)
    told: set[str] = set()
    for check in checks:
        say(_line(check, widest))
        if check.reason and not (check.reason.startswith(NOT_CHECKED) and check.reason in told):
            _show_indented(visible(check.reason), "" if check.passed else "yellow")
            if check.read_on:
                _show_indented(f"read on: {check.read_on}", "dim")
        told.add(check.reason)


def _line(check: Check, widest: int) -> Text:
    signs = ("✓", "✗") if has_blocks() else ("ok", "no")
    sign = (signs[not check.passed], "green" if check.passed else "bold red")
    points = f"{check.points:>3} of {check.out_of}"
    return Text.assemble("  ", sign, "  ", visible(check.name).ljust(widest), "  ", points)


def _show_indented(text: str, style: str, indent: int = INDENT) -> None:
    """Write text below a check, wrapped at a terminal."""
    width = max(out.width - indent, 20)
    for line in textwrap.wrap(text, width) if out.is_terminal else [text]:
        say(Text(" " * indent + line, style=style))


def show_class(grades: Sequence[Grade], names: Sequence[str]) -> None:
    """Write the table of a class, its mean, and the errors that several have made."""
    rows = table()
    rows.add_column("hand-in")
    rows.add_column("points", justify="right")
    rows.add_column("verdict")
    shown = [_shortened(visible(name), LONGEST_NAME) for name in names]
    points = [f"{grade.points} of {grade.out_of}" for grade in grades]
    taken = max(map(len, ["hand-in", *shown])) + max(map(len, ["points", *points])) + 10
    room = max(out.width - taken, LEAST_VERDICT)
    for name, grade, count in zip(shown, grades, points, strict=True):
        said = grade.verdict.replace(f"({Path(grade.file).name}, line ", "(line ")
        verdict = Text(_shortened(visible(said), room), "green" if grade.full else "")
        rows.add_row(name, count, verdict)
    show_table(rows)
    full = sum(grade.full for grade in grades)
    shares = [grade.points / grade.out_of for grade in grades if grade.out_of]
    mean = sum(shares) / len(shares) if shares else 0.0
    percent = round(100 * mean) if mean == 1 else min(round(100 * mean), 99)
    say(f"{len(grades):,} hand-ins: {full:,} with full marks, {percent}% of the points on average",
        style="bold")  # fmt: skip
    _show_commonest(grades)


def _show_commonest(grades: Sequence[Grade]) -> None:
    errors = commonest(grades)
    if errors:
        title = "What went wrong more than once"
        rows = table(title)
        rows.min_width = len(title)
        rows.add_column("hand-ins", justify="right")
        rows.add_column("error")
        for name, count in errors[:LISTED_ERRORS]:
            rows.add_row(str(count), visible(name))
        show_table(rows)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
