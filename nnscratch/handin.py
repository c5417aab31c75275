"""A hand-in: a file in which somebody has written `Linear`, or another of the four classes.

Reading it runs it. Whatever goes wrong there, or later in a method, is told in one sentence with
the line of the file; no traceback through our own code helps whoever wrote it. This is no sandbox:
the code may do all that its user may.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType

import numpy as np

from nnscratch.errors import HandInError, Terminated
from nnscratch.files import open_plain

CLASSES_TO_WRITE = ("Linear", "ReLU", "SoftmaxCrossEntropy", "Network")
NOT_WRITTEN = "not written yet"
LONGEST = 200  # characters of their own words


def read_classes(path: Path | str) -> dict[str, type]:
    """Run a hand-in, and return those of the four classes that it defines, by name.

    It may import NumPy, the standard library and `nnscratch`; a class that is nnscratch's own, or
    is derived from one, does not count as written here. Its folder is not searched for other files.

    Raises:
        HandInError: there is no such file, it is no Python, it fails while it runs, or it defines
            none of the classes.
    """
    path = Path(path)
    code = _compiled(path)
    # Unlike any name that could be imported. Registered, because dataclasses look there.
    module = ModuleType(f"hand-in {os.path.realpath(path)}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        with np.errstate(), warnings.catch_warnings(), their_words_to_stderr():
            exec(code, vars(module))
        return _own_classes(module, path)
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, (KeyboardInterrupt, Terminated, HandInError)):
            raise
        raise _failed(error, path) from error


def _compiled(path: Path) -> CodeType:
    """Return the file's code, whose lines carry its full path."""
    try:
        with open_plain(path) as file:
            source = file.read()
        with warnings.catch_warnings(action="ignore"):
            return compile(source, os.path.realpath(path), "exec", dont_inherit=True)
    except FileNotFoundError as error:
        raise HandInError(
            "there is no such file",
            where=str(path),
            next_step="name a Python file in which Linear is written",
        ) from error
    except OSError as error:
        raise HandInError(
            f"the file cannot be read: {error.strerror or error}",
            where=str(path),
            next_step="name a Python file in which Linear is written",
        ) from error
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise HandInError(
            f"this is not Python: {line}{_one_line(error.msg)}",
            where=str(path),
            next_step="correct it there; running the file with python shows the place",
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; too deeply nested
        raise HandInError(
            f"this is not Python: {_one_line(str(error)) or type(error).__name__}",
            where=str(path),
            next_step="name a Python file in which Linear is written",
        ) from error


def _failed(error: BaseException, path: Path) -> HandInError:
    """Say how a file failed while it ran from top to bottom."""
    if isinstance(error, ModuleNotFoundError):
        missing = error.name or "a module"
        return HandInError(
            f"it imports {missing}, which is not here{_place(error, path)}",
            where=str(path),
            next_step="NumPy and the standard library will do; the classes belong in one file",
        )
    return HandInError(
        f"it fails as soon as it runs: {in_their_words(error, path)}",
        where=str(path),
        next_step="running the file with python shows the place",
    )


def _own_classes(module: ModuleType, path: Path) -> dict[str, type]:
    """Return those of the four classes that are written in the file; HandInError if none is."""
    found = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
    written = {name: kind for name, kind in found.items() if _is_written_in(module, kind)}
    own = {name: written[name] for name in CLASSES_TO_WRITE if name in written}
    if own:
        return own
    what = "it defines none of Linear, ReLU, SoftmaxCrossEntropy and Network"
    if borrowed := [name for name in CLASSES_TO_WRITE if name in found]:
        come = "come" if len(borrowed) > 1 else "comes"
        what += f": {_listed(borrowed)} in it {come} from elsewhere"
    elif written:
        what += f"; it defines {_listed(list(written))}"
    raise HandInError(
        what,
        where=str(path),
        next_step="write a class of that name; "
        "nnscratch grade --template linear.py makes a file to start from",
    )


def _is_written_in(module: ModuleType, kind: type) -> bool:
    """Tell whether a class is of this file, and not derived from one of ours."""
    rooms = [base.__module__.partition(".")[0] for base in kind.__mro__]
    return kind.__module__ == module.__name__ and "nnscratch" not in rooms


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# --------------------------------------------------------------------------- what their code raises


@contextmanager
def their_words_to_stderr() -> Iterator[None]:
    """Send what their code prints to stderr, so that stdout holds our results alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def in_their_words(error: BaseException, path: Path | str) -> str:
    """Say an error of theirs in one line, with the line of their file where it came up.

    `TypeError: unsupported operand … (linear.py, line 12)`, or `not written yet (linear.py, line
    12)` for NotImplementedError. The line is the innermost of their file.
    """
    if isinstance(error, HandInError):
        return error.what
    if isinstance(error, NotImplementedError):
        return NOT_WRITTEN + _place(error, path)
    try:
        said = _one_line(str(error))
    except Exception:  # an error class of their own, which fails in turn
        said = ""
    kind = type(error).__name__
    return (f"{kind}: {said}" if said else kind) + _place(error, path)


def _place(error: BaseException, path: Path | str) -> str:
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == os.path.realpath(path)
    ]
    return f" ({Path(path).name}, line {lines[-1]})" if lines else f" ({Path(path).name})"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
