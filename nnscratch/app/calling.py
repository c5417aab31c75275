"""How nnscratch was called, so that a command it advises can be pasted where it was called from."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from nnscratch.config import BUNDLED_NAME, SETTINGS, TrainConfig, as_dict

ADVISED = re.compile(r"(?<=: )nnscratch(?= [a-z])")


def command(*words: str) -> str:
    """Return a command of ours as it works here: `.venv/bin/nnscratch evaluate model.npz`."""
    return f"{own_name()} {shlex.join(words)}"


def settings_as_options(config: TrainConfig, always: Iterable[str] = ()) -> list[str]:
    """Return the options that give these settings: those that are not the defaults, and `always`.

    >>> settings_as_options(TrainConfig(deskew=True), always=["learning_rate"])
    ['--lr', '0.1', '--deskew']
    """
    words = []
    for key, value in as_dict(config).items():
        flag = SETTINGS[key].flag
        if value == getattr(TrainConfig, key) and key not in always:
            continue
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        else:
            is_file = key in ("teacher", "start") and value != BUNDLED_NAME
            words += [flag, as_model(value) if is_file else str(value)]
    return words


def as_called(text: str) -> str:
    """Return an error or a note whose advice (`train one with: nnscratch train`) works here."""
    return ADVISED.sub(lambda _: own_name(), text)


def as_model(path: str) -> str:
    """Return a model's path as an argument that is neither an option nor the model on board."""
    return f"./{path}" if path == "pretrained" else as_argument(path)


def as_argument(path: str) -> str:
    """Return a path as an argument that is no option: `-x.py` → `./-x.py`."""
    return f"./{path}" if path.startswith("-") else path


def own_name() -> str:
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
    for name in ("python", "python3", executable.name):
        found = shutil.which(name)
        # A name elsewhere on the path may lead to the same program, and not to our environment.
        if found and Path(found).parent == executable.parent and _same_file(found, executable):
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
