"""Calling code that somebody else wrote, and looking at what it gives before it is used.

Whatever goes wrong in it is told in one sentence with the line of its own file; a traceback through
our code would not help whoever wrote it. This is no sandbox: the code may do all that its user may.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nnscratch.errors import HandInError, Terminated
from nnscratch.products import Floats

LONGEST = 200  # characters of their own words
# What NumPy says of two matrices whose shapes do not go together.
MISFIT = re.compile(
    r"matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
    r"\(n\?,k\),\(k,m\?\)->\(n\?,m\?\) \(size (\d+) is different from (\d+)\)"
)


class TheirCode:
    """Calls what a file defines.

    Args:
        path: the file, as its user named it.
        around: entered whenever its code runs.
    """

    def __init__(
        self, path: str, around: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> None:
        self._path, self._around = path, around

    def run(self, name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return what a function of theirs gives; what it prints goes to stderr.

        Args:
            name: of the function, for whoever wrote it.

        Raises:
            HandInError: whatever it raises, SystemExit included.
        """
        try:
            with self._around(), prints_to_stderr(), no_sudden_end():
                return function(*arguments, **options)
        except (KeyboardInterrupt, Terminated):
            raise
        except NotImplementedError as error:
            raise HandInError(
                f"{name} is {in_their_words(error, self._path)}",
                where=self._path,
                next_step="write it; or delete the class from the file, and nnscratch's own "
                "takes its place",
            ) from error
        except BaseException as error:
            raise self._wrong(f"{name} fails: {in_their_words(error, self._path)}") from error

    def made(self, name: str, kind: type, *arguments: Any, **options: Any) -> Any:
        """Return an object of a class of theirs; it is given those options that it knows."""
        try:
            known = list(inspect.signature(kind).parameters)
        except (ValueError, TypeError):  # as of a class without an __init__ in Python
            known = []
        accepted = {option: value for option, value in options.items() if option in known}
        return self.run(f"{name}.__init__", kind, *arguments, **accepted)

    def call(self, name: str, theirs: Any, *arguments: Any) -> Any:
        """Return what a method gives; `name` is `Class.method`."""
        method = name.rpartition(".")[2]
        return self.run(name, lambda: getattr(theirs, method)(*arguments))

    def attribute(self, name: str, theirs: Any, attribute: str) -> Any:
        """Return an attribute of an object of theirs, called `name`; None if it has none."""
        return self.run(f"{name}.{attribute}", getattr, theirs, attribute, None)

    def array(self, name: str, value: Any, shape: tuple[int, ...]) -> Floats:
        """Return a value as an array of floats.

        Raises:
            HandInError: it is missing, not numbers, or of another shape.
        """
        if value is None:
            wanted = f"have the shape {shape}" if shape else "be one number"
            raise self._wrong(f"{name} is missing: it should {wanted}")
        try:
            array = np.asarray(value)
        except ValueError:  # rows of different length
            array = np.array(None)
        if array.dtype.kind not in "fiub":
            raise self._wrong(f"{name} should be an array of numbers, and is {_kind(value)}")
        if array.shape != shape:
            raise self._wrong(f"{name} should have the shape {shape}, and has {array.shape}")
        return array if array.dtype.kind == "f" else array.astype(float)

    def number(self, name: str, value: Any) -> float:
        """Return a value as one number; HandInError if it is none."""
        if value is not None and np.ndim(value):
            raise self._wrong(f"{name} should be one number, and has the shape {np.shape(value)}")
        return float(self.array(name, value, ()))

    def _wrong(self, what: str) -> HandInError:
        return HandInError(
            what,
            where=self._path,
            next_step=f"see what is wrong with: nnscratch grade {shlex.quote(self._path)}",
        )


def viewed_parameters(layer: Any) -> frozenset[str]:
    """Return which of W and b a new layer of theirs keeps views of, such as W.T, or functions with.

    Assigned anew, such an array would leave the view behind. A layer whose class looks after the
    name itself, by a property, is to be assigned to.
    """
    held = [value for value in _held(layer) if not isinstance(value, (int, float, str))]
    viewed = set()
    for name in ("W", "b"):
        own = getattr(layer, name, None)
        declared = inspect.getattr_static(type(layer), name, None)
        if isinstance(own, np.ndarray) and (
            declared is None or inspect.ismemberdescriptor(declared)
        ):
            sharing = [v for v in held if isinstance(v, np.ndarray) and np.may_share_memory(v, own)]
            if len(sharing) > 1 or any(callable(value) for value in held):
                viewed.add(name)
    return frozenset(viewed)


def _held(layer: Any) -> list[Any]:
    """Return what the attributes of an object hold, and what is in those that are collections."""
    slots = [name for kind in type(layer).__mro__ for name in getattr(kind, "__slots__", ())]
    own = [*getattr(layer, "__dict__", {}).values()]
    own += [getattr(layer, name, None) for name in slots if name not in ("__dict__", "__weakref__")]
    groups = [list(v.values()) if isinstance(v, dict) else v for v in own]
    return own + [item for group in groups if isinstance(group, (list, tuple)) for item in group]


def lend(layer: Any, viewed: frozenset[str], W: Floats, b: Floats) -> None:
    """Give a layer of theirs copies of W and b: assigned, or written into arrays with views."""
    for name, value in (("W", W), ("b", b)):
        if name in viewed:
            getattr(layer, name)[...] = value
        else:
            setattr(layer, name, value.copy())


# -------------------------------------------------------------------------------- in their words


def prints_to_stderr() -> AbstractContextManager[Any]:
    """Send what is printed to stderr, so that stdout holds our results alone."""
    return contextlib.redirect_stdout(sys.stderr)


@contextlib.contextmanager
def no_sudden_end() -> Iterator[None]:
    """Let os._exit raise SystemExit, so that their code cannot end us without a word."""
    end, process = os._exit, os.getpid()

    def raise_instead(status: int) -> NoReturn:
        if os.getpid() != process:  # a child that they have started ends as it should
            end(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = raise_instead
    try:
        yield
    finally:
        os._exit = end


def in_their_words(error: BaseException, path: Path | str) -> str:
    """Say an error of theirs in one line, with the innermost line of their file.

    `TypeError: unsupported operand … (linear.py, line 12)`, or for NotImplementedError
    `not written yet (linear.py, line 12)`.
    """
    if isinstance(error, HandInError):
        return error.what
    if isinstance(error, NotImplementedError):
        return "not written yet" + place(error, path)
    try:
        said = one_line(MISFIT.sub(_misfit, str(error)))
    except Exception:  # an error class of their own, which fails in turn
        said = ""
    kind = type(error).__name__
    return (f"{kind}: {said}" if said else kind) + place(error, path)


def _misfit(found: re.Match[str]) -> str:
    rows, columns = found.groups()
    counts = f"{columns} columns in the first, {rows} rows in the second"
    return f"matmul: two matrices that do not fit: {counts}"


def place(error: BaseException, path: Path | str) -> str:
    """Return ` (linear.py, line 12)`, or the file alone where the error is not from within it."""
    full = os.path.realpath(path)
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == full]
    return f" ({Path(path).name}, line {lines[-1]})" if lines else f" ({Path(path).name})"


def one_line(text: str) -> str:
    """Return a text in one line, cut where it is longer than anybody reads."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__}"
