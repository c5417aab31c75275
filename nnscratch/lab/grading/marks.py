"""The marks of a class as a CSV table: a line for each hand-in, a column for each check."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from nnscratch.files import cannot_write, check_output, write_atomically
from nnscratch.lab.grading.grade import Grade

WHAT = "the table of points"
COLUMNS = ("file", "points", "out_of", "verdict")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes what begins so


def check_table(path: Path) -> None:
    """Raise OutputError if the table could not be written there; done first."""
    check_output(path, WHAT, is_ours=_is_table)


def _is_table(path: Path) -> bool:
    """Tell whether a file begins with the columns that ours have."""
    header = ",".join(COLUMNS).encode()
    with path.open("rb") as file:
        return file.readline(1 << 20).startswith(header)


def save_table(path: Path, grades: Sequence[Grade]) -> None:
    """Write all points; a check that a hand-in did not have is an empty field.

    Raises:
        OutputError: it cannot be written there.
    """
    names = list(dict.fromkeys(check.name for grade in grades for check in grade.checks))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *map(_plain, names)])
    for grade in grades:
        points = {check.name: check.points for check in grade.checks}
        known = [_plain(grade.file), grade.points, grade.out_of, _plain(grade.verdict)]
        writer.writerow([*known, *(points.get(name, "") for name in names)])
    try:
        write_atomically(path, text.getvalue().encode(errors="backslashreplace"))
    except OSError as error:
        raise cannot_write(path, WHAT, error) from error


def _plain(text: str) -> str:
    """Return text that a spreadsheet takes for text, on one line."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(FORMULA) else line
