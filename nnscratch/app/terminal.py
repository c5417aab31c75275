"""The screen: two streams, errors in three parts, notes, JSON, and the commands that are advised.

Results go to `out` (stdout), everything else to `err` (stderr). Markup is off: a file called
`[bold].png` is printed as it is.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nnscratch.errors import NNScratchError


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

notes: list[str] = []  # every note shown so far, for the JSON


def say(line: Text | str = "", *, style: str = "") -> None:
    """Write a line of a result to stdout, never wrapped."""
    out.print(Text(line, style=style) if isinstance(line, str) else line, soft_wrap=True)


def tell(line: Text | str, *, style: str = "") -> None:
    """Write a line about the work to stderr, wrapped between words on a terminal."""
    text = Text(line, style=style) if isinstance(line, str) else line
    err.print(text, soft_wrap=not err.is_terminal)


def show_error(error: NNScratchError) -> None:
    """Write the three parts of an error: what, where, what to do next."""
    err.print(Text.assemble(("Error: ", "bold red"), error.what), soft_wrap=True)
    for name, text in (("where", error.where), ("next", error.next_step)):
        for line in text.splitlines():
            err.print(Text.assemble((f"{name:>5}: ", "dim"), line), soft_wrap=True)


def show_note(text: str) -> None:
    """Write one quiet line, and remember it for the JSON."""
    notes.append(text)
    tell(Text.assemble(("Note: ", "yellow"), text))


def show_json(value: dict[str, Any]) -> None:
    """Write one JSON object on one line of stdout, at once."""
    out.print(json.dumps(value, allow_nan=False), soft_wrap=True)
    out.file.flush()


def table(title: str) -> Table:
    """Return an empty table as all of ours look."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE)


def has_blocks() -> bool:
    """Tell whether the screen knows block letters."""
    return out.encoding.lower().startswith("utf")


def has_colours() -> bool:
    """Tell whether stdout shows colours; NO_COLOR and pipes have none."""
    return out.color_system is not None and not out.no_color


# ----------------------------------------------------------------------------- advised commands


def command(*words: str) -> str:
    """Write a command of ours so that it can be pasted where this one was called from."""
    return f"{_own_name()} {shlex.join(words)}"


def _own_name() -> str:
    """Return what calls nnscratch here: its name if the shell finds it, else as it was called."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{python()} -m nnscratch"
    found = shutil.which("nnscratch")
    if called.stem != "nnscratch" or (found and _same_file(found, called)):
        return "nnscratch"
    return shlex.quote(str(called))


def python() -> str:
    """Return what calls this Python: its name if the shell finds it, else its path."""
    executable = Path(sys.executable)
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found and Path(found) == executable:
            return name
    try:
        return shlex.quote(str(executable.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(executable))


def _same_file(first: str | Path, second: Path) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False
