"""How well are real pictures of several digits read, and what is each step worth?

    python benchmarks/several.py FOLDER

FOLDER holds pictures and a `labels.csv` with the columns `file`, `text` (rows separated by `/`),
`source` and `kind`. Scored are the whole, then the same with each step of `nnscratch.page` left
out; and the whole per source and per kind. A picture is right if its text is, row by row; digits
are scored by 1 − edit distance / digits, whatever the rows.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from nnscratch import load_model
from nnscratch.errors import NNScratchError
from nnscratch.model import Model
from nnscratch.page import STEPS, read_page
from nnscratch.pictures.decode import read_grey
from nnscratch.reading import LONGEST_SIDE, read_digits


@dataclass(frozen=True)
class Score:
    """How one picture was read."""

    row: dict[str, str]
    text: str
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the whole text is right."""
        return self.text == self.row["text"]

    @property
    def digits(self) -> int:
        """How many digits there are."""
        return len(self.row["text"].replace("/", ""))

    @property
    def wrong(self) -> int:
        """How many digits are missing, invented or mistaken."""
        return distance(self.text.replace("/", ""), self.row["text"].replace("/", ""))


def distance(first: str, second: str) -> int:
    """Return how many characters must be put in, left out or changed (Levenshtein 1966).

    >>> distance("kitten", "sitting")
    3
    """
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def read_text(model: Model, path: Path, skip: Collection[str] | None = None) -> str:
    """Read a picture; with `skip`, as a page of several digits, without some steps."""
    try:
        if skip is None:
            text = read_digits(model, path).text
        else:
            grey, _ = read_grey(path, str(path), LONGEST_SIDE)
            text = read_page(model, grey, skip=skip).text
    except NNScratchError:
        return ""
    return text.replace("\n", "/")


def score(
    model: Model, folder: Path, rows: list[dict[str, str]], skip: Collection[str] | None = None
) -> list[Score]:
    """Read all pictures."""
    scores = []
    for row in rows:
        started = time.perf_counter()
        text = read_text(model, folder / row["file"], skip)
        scores.append(Score(row, text, time.perf_counter() - started))
    return scores


def cells(scores: list[Score]) -> tuple[str, str, str, str]:
    """Return pictures, whole pictures right, digits right, and seconds a picture, for a table."""
    whole = sum(score.right for score in scores) / len(scores)
    digits = 1 - sum(score.wrong for score in scores) / sum(score.digits for score in scores)
    seconds = sum(score.seconds for score in scores) / len(scores)
    return f"{len(scores)}", f"{whole:.1%}", f"{digits:.1%}", f"{seconds:.2f}"


def main(
    folder: Annotated[Path, typer.Argument(help="Pictures and labels.csv.")],
    model_file: Annotated[str, typer.Option("--model", help="Which model reads.")] = "pretrained",
    mistakes: Annotated[bool, typer.Option(help="List what was read wrong.")] = False,
    steps: Annotated[bool, typer.Option(help="Leave out each step in turn.")] = True,
) -> None:
    """Score a folder of labelled pictures of several digits."""
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    model = load_model(model_file)
    whole = score(model, folder, rows)
    table = Table(box=box.SIMPLE)
    for heading in ("", "pictures", "whole right", "digits right", "seconds"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("the whole", *cells(whole))
    for step in STEPS if steps else ():
        table.add_row(f"without {step}", *cells(score(model, folder, rows, [step])))
    for column in ("source", "kind"):
        table.add_section()
        for name in dict.fromkeys(row[column] for row in rows):
            table.add_row(name, *cells([one for one in whole if one.row[column] == name]))
    console = Console(width=100)
    console.print(table)
    for one in whole if mistakes else []:
        if not one.right:
            console.print(f"{one.row['file']}: {one.row['text']} read as {one.text or 'nothing'}")


if __name__ == "__main__":
    typer.run(main)
