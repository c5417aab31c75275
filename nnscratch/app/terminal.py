"""The screen: two streams, errors in three parts, notes, tables and JSON.

Results go to `out` (stdout), everything else to `err` (stderr). Markup is off: a file called
`[bold].png` is printed as it is. At a terminal prose is wrapped between words; elsewhere a line is
never broken, and nowhere is a path.
"""

from __future__ import annotations

import json
import re
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from nnscratch.app.calling import as_called
from nnscratch.errors import NNScratchError

out = Console(markup=False, highlight=False, emoji=False)
err = Console(markup=False, highlight=False, emoji=False, stderr=True)

WIDEST = 1000  # columns
LONGEST_SHOWN = 500  # letters of one thing from outside

# Control characters, and those that turn the direction of writing, as letters that can be seen.
CONTROLS = {code: 0x2400 + code for code in range(32) if code != 10} | {0x7F: 0x2421}
CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�")

notes: list[str] = []  # every note shown so far, for the JSON


def visible(text: str) -> str:
    """Return text from outside as it may be shown: on one line, no control codes, not endless.

    JSON is not shortened: it never passes here.
    """
    if len(text) > LONGEST_SHOWN:
        half = LONGEST_SHOWN // 2
        text = f"{text[:half]} … {text[-half:]}"
    return text.translate(CONTROLS).replace("\n", "␊")


def say(line: Text | str = "", *, style: str = "") -> None:
    """Write a line of a result to stdout."""
    _write(out, Text(line, style=style) if isinstance(line, str) else line)


def tell(line: Text | str, *, style: str = "") -> None:
    """Write a line about the work to stderr."""
    _write(err, Text(line, style=style) if isinstance(line, str) else line)


def _write(console: Console, line: Text) -> None:
    line.plain = line.plain.translate(CONTROLS)
    pieces = _wrapped(line, console.width) if console.is_terminal else [line]
    for piece in pieces:
        console.print(piece, soft_wrap=True)


def _wrapped(line: Text, width: int) -> list[Text]:
    """Break a text between words; one longer than the screen, such as a path, stays in one piece.

    A terminal copies such a word whole, which it could not if we had broken it.
    """
    pieces = []
    for part in line.split("\n", allow_blank=True):
        begin, breaks = 0, []
        for word in re.finditer(r"\S+", part.plain):
            if word.start() > begin and cell_len(part.plain[begin : word.end()]) > width:
                begin = word.start()
                breaks.append(begin)
        for piece in part.divide(breaks):
            piece.rstrip()
            pieces.append(piece)
    return pieces


def show_error(error: NNScratchError) -> None:
    """Write the three parts of an error: what, where, what to do next."""
    tell(Text.assemble(("Error: ", "bold red"), visible(error.what)))
    for name, text in (("where", error.where), ("next", as_called(error.next_step))):
        for line in text.split("\n") if text else ():
            tell(Text.assemble((f"{name:>5}: ", "dim"), visible(line)))


def show_note(text: str) -> None:
    """Write one quiet line, and remember it for the JSON."""
    text = as_called(text)
    notes.append(text)
    lines = "\n".join(visible(line) for line in text.split("\n"))
    tell(Text.assemble(("Note: ", "yellow"), lines))


def show_command(label: str, words: str) -> None:
    """Write a command to go on with, in one piece, to be pasted."""
    err.print(Text(f"{label}: {words}", style="dim"), soft_wrap=True)


def show_table(rows: Table) -> None:
    """Write a table whole, even where the screen is narrower."""
    options = out.options.update(width=WIDEST)
    options = options.update(width=max(out.width, out.measure(rows, options=options).maximum))
    out.print(Segments(out.render(rows, options)), soft_wrap=True, end="")


def show_json(value: dict[str, Any]) -> None:
    """Write one JSON object on one line of stdout, at once."""
    out.print(json.dumps(value, allow_nan=False), soft_wrap=True)
    out.file.flush()


def table(title: str | None = None) -> Table:
    """Return an empty table as all of ours look."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE)


def has_blocks() -> bool:
    """Tell whether the screen knows block letters."""
    return out.encoding.lower().startswith("utf")


def has_colours() -> bool:
    """Tell whether stdout shows colours; NO_COLOR and pipes have none."""
    return out.color_system is not None and not out.no_color
