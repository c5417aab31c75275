"""What was read in a picture: the digit as the network saw it, or several digits row by row."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from nnscratch.app.drawings import (
    HALF_WIDTH,
    PICTURE_WIDTH,
    bar,
    draw,
    halved,
    show_side_by_side,
)
from nnscratch.app.terminal import out, say, show_note, tell, visible
from nnscratch.config import BUNDLED_NAME
from nnscratch.errors import NNScratchError
from nnscratch.model import UNSURE, Prediction, a_digit
from nnscratch.pictures.read import Prepared
from nnscratch.reading import ReadDigit, Reading


def show_prediction(name: str, answer: Prediction, model: str) -> None:
    """Write an answer at length: the picture as the network saw it, and what it makes of it."""
    image, facts = answer.picture.image, _facts(name, answer, model)
    if out.width >= PICTURE_WIDTH + 40:
        drawing = Table.grid(padding=(0, 3))
        drawing.add_row(Group(*draw(image)), facts)
        out.print(drawing)
    else:
        margin = max(0, PICTURE_WIDTH - out.width + 1) // 2  # the digit stands in the middle
        out.print(Group(*draw(image[:, margin : PICTURE_WIDTH - margin]), facts))
    for note in answer.notes:
        show_note(note)


def _facts(name: str, answer: Prediction, model: str) -> Group:
    article = a_digit(answer.digit).removesuffix(str(answer.digit))
    lines = [Text(visible(name)), Text()]
    lines.append(Text.assemble(f"This is {article}", (str(answer.digit), "bold green")))
    for digit in answer.probabilities.argsort()[::-1][:3]:
        share = float(answer.probabilities[digit])
        lines.append(Text.assemble(f"{digit}  ", (bar(share), "green"), f" {share:6.1%}"))
    lines += [Text(), *(Text(line, "dim") for line in _what_was_done(answer.picture))]
    return Group(*lines, Text(f"model: {_model_name(model)}", "dim"))


def _what_was_done(picture: Prepared) -> list[str]:
    if picture.unchanged:
        return ["MNIST-like already: taken as it is" + (", inverted" if picture.inverted else "")]
    left, top, right, bottom = picture.box
    done = [
        f"{'dark ink, inverted' if picture.inverted else 'bright ink'}",
        f"digit at {left},{top} to {right},{bottom} of {picture.size[0]}x{picture.size[1]}",
    ]
    return done + ([f"strokes {picture.stroke}"] if picture.stroke != "kept" else [])


def show_reading(name: str, read: Reading, model: str) -> None:
    """Write what was read at length: one digit as it was seen, or each of several, small."""
    if read.single:
        show_prediction(name, replace(read.single, notes=read.notes), model)
        return
    rows = [list(row) for _, row in itertools.groupby(read.digits, key=lambda one: one.row)]
    across = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    count = "1 digit" if len(read.digits) == 1 else f"{len(read.digits)} digits"
    say(f"{visible(name)}: {count} in {across}")
    say()
    for row in rows:
        say(Text("").join(Text(str(one.digit), _style(one)) for one in row))
    say()
    for row in rows:
        cells = []
        for one in row:
            caption = Text.assemble((_doubted(one), _style(one)), f" {one.probability:.1%}")
            cells.append(Group(*draw(halved(one.image)), caption, Text()))
        show_side_by_side(cells, HALF_WIDTH)
    ink = "dark ink" if read.inverted else "bright ink"
    if any(one.doubtful for one in read.digits):
        say(f"?: less than {UNSURE:.0%} sure, or shaped unlike any digit", style="dim")
    say(f"{ink}, model: {_model_name(model)}", style="dim")
    for note in read.notes:
        show_note(note)


def _doubted(one: ReadDigit) -> str:
    return f"{one.digit}?" if one.doubtful else str(one.digit)


def _style(one: ReadDigit) -> str:
    return "bold yellow" if one.doubtful else "bold green"


def show_reading_line(name: str, read: Reading) -> None:
    """Write what was read in one line, its doubts in brackets.

    The probability of several digits is that of the least likely one.
    """
    if read.single:
        show_prediction_line(name, replace(read.single, notes=read.notes))
        return
    least = min(one.probability for one in read.digits)
    line = Text()
    for before, one in zip((None, *read.digits), read.digits, strict=False):
        line.append(" / " if before and before.row != one.row else "")
        line.append(_doubted(one), _style(one))
    line.append(f"  {least:6.1%}  {visible(name)}")
    say(line.append("".join(f"  ({note})" for note in read.notes), "yellow"))


def show_prediction_line(name: str, answer: Prediction) -> None:
    """Write an answer in one line, its doubts in brackets."""
    line = Text.assemble(
        (str(answer.digit), "bold green"), f"  {answer.probability:6.1%}  {visible(name)}"
    )
    say(line.append("".join(f"  ({note})" for note in answer.notes), "yellow"))


def show_failure_line(name: str, error: NNScratchError) -> None:
    """Write in one line why there is no answer for a picture."""
    tell(Text.assemble(("Error: ", "bold red"), f"{visible(name)}: {visible(error.what)}"))


def show_model_name(model: str) -> None:
    """Write which model answers."""
    tell(f"Model: {_model_name(model)}", style="dim")


def _model_name(model: str) -> str:
    """Return a model's name without its folder, unless it is then taken for the one on board."""
    name = visible(Path(model).name)
    return model if name == BUNDLED_NAME else name
