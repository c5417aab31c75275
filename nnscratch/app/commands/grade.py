"""`nnscratch grade`: hand-ins of an exercise, checked and graded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnscratch.app.calling import command
from nnscratch.app.options import DataDir, Json
from nnscratch.config import DEFAULT_DATA_DIR

if TYPE_CHECKING:
    from nnscratch.lab.grading.grade import Grade

ARGUMENT = "PATH"


def grade(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Python files in which students have written their layers, or a folder of them.",
            metavar=f"{ARGUMENT}...",
            show_default=False,
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            help="Write the exercise to this file, to be filled in; then nothing is graded.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write the points of every hand-in, check by check, as CSV.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Json = False,
) -> None:
    """Grade hand-ins: files with a Linear, ReLU, SoftmaxCrossEntropy or Network of a student's own.

    Each is examined in a process of its own, for at most 10 seconds and with 1 GiB of memory. That
    keeps mistakes from doing harm, and is no sandbox: grade strangers' code in a container.
    Nothing is downloaded. The exit code is 0 if all have full marks, 1 if not.

    Examples:

        nnscratch grade --template linear.py

        nnscratch grade linear.py

        nnscratch grade submissions --csv points.csv
    """
    if template is not None:
        _write_template(template, paths)
        return
    if not paths:
        raise typer.BadParameter("name a file, or a folder of them", param_hint=ARGUMENT)
    from nnscratch.app import grades, terminal
    from nnscratch.lab.grading.marks import check_table, save_table
    from nnscratch.lab.grading.submissions import hand_ins, short_names

    files = hand_ins(paths)
    if csv:
        check_table(csv)
    names = short_names(files, paths)
    done = _graded(files, names, data_dir, json=json)
    if csv:
        save_table(csv, done)
        terminal.show_note(f"the points are in {csv}")
    if not json and len(done) == 1 and not paths[0].is_dir():
        grades.show_grade(done[0])
    elif not json:
        grades.show_class(done, names)
    if not all(one.full for one in done):
        raise typer.Exit(1)


def _graded(
    files: Sequence[Path], names: Sequence[str], data_dir: Path | None, *, json: bool
) -> list[Grade]:
    """Grade the files, and show how far that is."""
    from nnscratch import records
    from nnscratch.app import grades, progress, terminal
    from nnscratch.app.signals import signals
    from nnscratch.data import held_dataset
    from nnscratch.lab.grading.grade import DRAWN, chosen_pictures
    from nnscratch.lab.grading.grade import grade as grade_files

    dataset = held_dataset(data_dir)
    if dataset is None:
        terminal.show_note("there are no MNIST files, so hand-ins learn from the built-in digits")
    with progress.data_bars() as bars:
        pictures = chosen_pictures(dataset, lambda count: bars.on_drawn(count, DRAWN))
    with grades.GradeScreen(names) as screen:

        def on_grade(graded: Grade) -> None:
            screen.on_grade(graded)
            if json:
                terminal.show_json(records.grade(graded))

        return grade_files(files, pictures, on_grade=on_grade, on_wait=signals.check)


def _write_template(template: Path, paths: list[Path] | None) -> None:
    """Write the exercise, which goes with no other work."""
    from nnscratch.app import terminal
    from nnscratch.lab.grading.template import write_template

    if paths:
        raise typer.BadParameter("it goes with no other file", param_hint="--template")
    write_template(template)
    terminal.say(f"Wrote the exercise to {terminal.visible(str(template))}")
    name = f"./{template}" if str(template).startswith("-") else str(template)
    terminal.show_command("When it is filled in", command("grade", name))
