"""The table of a folder of pictures, labels.csv: which file shows which digit.

It is CSV in UTF-8, with commas or semicolons. The first line names the columns `file` and `label`,
in any order; others are passed over. The files are named from the folder of the table on.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from nnscratch.data.folder import DIGITS, LABELS, folder_error
from nnscratch.errors import DataError
from nnscratch.files import open_plain

LARGEST_TABLE_BYTES = 1 << 26
COLUMNS = ("file", "label")
EXAMPLE = "begin it with the line file,label and go on with lines such as scans/001.png,3"
FROM_HERE = "name the files as seen from this folder, such as scans/001.png"

Listed = tuple[str, int]  # a picture's name, from the folder on, and its label


def list_table(path: Path) -> list[Listed]:
    """Return every picture that the table of a folder lists, in its order.

    Raises:
        DataError: the table cannot be read, or a row is wrong; the line is named.
    """
    table = path / LABELS
    rows = _rows(table)
    line, header = next(rows, (1, []))
    of_file, of_label = _columns(table, line, header)
    seen: dict[str, int] = {}
    listed = []
    for line, row in rows:
        if len(row) != len(header):
            there = "there is 1" if len(row) == 1 else f"there are {len(row)}"
            raise _wrong(table, line, f"there should be {len(header)} columns, and {there}")
        name, label = row[of_file], row[of_label]
        if label not in DIGITS:
            raise _wrong(table, line, f"the label should be 0 to 9, and is {label!r}")
        _check_name(path, name, table, line)
        place = os.path.normcase(os.path.normpath(name))  # ./a.png is a.png
        if place in seen:
            raise _wrong(table, line, f"{name} is already on line {seen[place]}")
        seen[place] = line
        listed.append((name, int(label)))
    return listed


def _columns(table: Path, line: int, header: list[str]) -> tuple[int, ...]:
    """Return where the two columns are, however their names are capitalised."""
    names = [name.lower() for name in header]
    if len(names) == 1 and "\t" in names[0]:
        what = "the columns are separated by tabs, and should be by commas or semicolons"
        raise _wrong(table, line, what, "save the table as CSV with commas")
    for column in COLUMNS:
        if names.count(column) > 1:
            what = f"{names.count(column)} columns are called `{column}`"
            raise _wrong(table, line, what, "keep one of them")
        if column not in names:
            what = "the first line should name the columns `file` and `label`"
            raise _wrong(table, line, what, EXAMPLE)
    return tuple(map(names.index, COLUMNS))


def _rows(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells, blanks around them taken off; empty lines are passed over.

    A spreadsheet that writes commas in numbers puts semicolons between cells: the header tells.
    """
    text = _text(table)
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1  # a cell in quotation marks may go on over several
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise _wrong(table, line, _plainly(error)) from error
        if row is None:
            return
        if any(row):
            yield line, [cell.strip() for cell in row]


def _text(table: Path) -> str:
    try:
        with open_plain(table) as file:
            data = file.read(LARGEST_TABLE_BYTES + 1)
    except OSError as error:
        raise folder_error("the table cannot be read", table, error) from error
    if len(data) > LARGEST_TABLE_BYTES:
        raise _wrong(table, 0, f"it is larger than {LARGEST_TABLE_BYTES >> 20} MB")
    if b"\0" in data:
        raise _wrong(table, 0, "it is not UTF-8, but perhaps UTF-16", "save it as CSV in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _wrong(table, line, "it is not UTF-8", "save it as CSV in UTF-8") from error


def _plainly(error: csv.Error) -> str:
    """Say what the csv module has found, in words that name the quotation mark at fault."""
    said = str(error)
    if "end of data" in said or "field larger" in said:
        return 'a quotation mark (") is opened and never closed'
    if "expected after" in said:
        return 'after a closing quotation mark (") something other than a new column follows'
    return said


def _check_name(path: Path, name: str, table: Path, line: int) -> None:
    if not name:
        raise _wrong(table, line, "it names no file")
    if Path(name).anchor:
        raise _wrong(table, line, f"{name} is an absolute path", FROM_HERE)
    if ".." in Path(name).parts:
        raise _wrong(table, line, f"{name} leads out of this folder", FROM_HERE)
    if not os.path.isfile(path / name):
        raise _wrong(table, line, f"there is no file {name}", FROM_HERE)


def _wrong(
    table: Path, line: int, what: str, next_step: str = "correct the table, and try again"
) -> DataError:
    where = f"{table}, line {line}" if line else str(table)
    return DataError(what, where=where, next_step=next_step)
