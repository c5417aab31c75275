"""Which files are hand-ins: those that are named, and those of a folder, one for each student."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nnscratch.errors import HandInError

USUAL_NAME = "linear.py"
LINEAR = re.compile(rb"^class Linear\b", re.MULTILINE)
LOOKED_AT = 1 << 20  # bytes of a file
NOTEBOOK, EXPORT = ".ipynb", "export a notebook as .py"
NO_PYTHON, LINK = "not graded, since they are no Python files", "not followed, since they are links"
OnSkipped = Callable[[Path, str], None]


def hand_ins(named: Sequence[Path], on_skipped: OnSkipped = lambda path, why: None) -> list[Path]:
    """Return the hand-ins of files and folders, each once.

    Args:
        on_skipped: called with what a class holds beside its hand-ins, and NO_PYTHON or LINK.

    A folder is a class. In it, each `*.py` is a hand-in, and so is one file of each folder:
    `linear.py` or, where there is none, the first in which a class `Linear` stands, or the first
    of all. Of a folder, they are ordered by name. What is hidden, and `__MACOSX` and the like, is
    passed over; a student's folder without Python is returned itself, to be marked as that. A link
    to a folder is not followed, since it may lead anywhere.

    Raises:
        HandInError: nothing is there by that name, or a folder holds no hand-in.
    """
    found: dict[str, Path] = {}
    for path in named:
        if not os.path.exists(path):
            raise HandInError(
                "there is no such file or folder",
                where=str(path),
                next_step="name Python files, or a folder of them",
            )
        for file in _of_class(path, on_skipped) if path.is_dir() else [path]:
            # Path.resolve would raise where links go round in a circle.
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _of_class(folder: Path, on_skipped: OnSkipped) -> list[Path]:
    try:
        entries = sorted(filter(_counts, folder.iterdir()))
    except OSError as error:
        raise HandInError(
            f"the folder cannot be read: {error.strerror or error}", where=str(folder)
        ) from error
    files = []
    for path in entries:
        is_folder = os.path.isdir(path)
        if is_folder and path.is_symlink():
            on_skipped(path, LINK)
        elif is_folder:
            files.append(_of_student(path))
        elif _is_python(path):
            files.append(path)
        else:
            on_skipped(path, NO_PYTHON)
    if not any(map(_is_python, files)):
        name = "name the folder that holds the hand-ins, one file or one folder for each"
        raise HandInError(
            "the folder holds no Python file",
            where=str(folder),
            next_step=f"{name}; {EXPORT}" if _has_notebook(folder) else name,
        )
    return files


def _of_student(folder: Path) -> Path:
    """Return the file of a folder that is the hand-in; the folder if there is none."""
    files = sorted(_python_files(folder))
    usual = [file for file in files if file.name == USUAL_NAME]
    return next(iter([*usual, *filter(_has_linear, files), *files]), folder)


def _python_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if (
            _is_python(path)
            and path.is_file()
            and all(map(_counts, map(Path, path.relative_to(folder).parts)))
        ):
            yield path


def _is_python(path: Path) -> bool:
    return path.suffix.lower() == ".py"


def _has_notebook(folder: Path) -> bool:
    return any(path.suffix == NOTEBOOK for path in folder.rglob("*"))


def why_no_hand_in(folder: Path) -> str:
    """Say why a student's folder is marked as itself."""
    return "no Python file in it" + (f": {EXPORT}" if _has_notebook(folder) else "")


def _counts(path: Path) -> bool:
    return not path.name.startswith((".", "__"))


def _has_linear(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return LINEAR.search(opened.read(LOOKED_AT)) is not None
    except OSError:
        return False


def short_names(files: Sequence[Path], named: Sequence[Path]) -> list[str]:
    """Return how a table calls them: within the folder that was named, or that holds them all."""
    folder = str(named[0])
    if len(named) > 1 or not named[0].is_dir():
        try:
            folder = os.path.commonpath([file.absolute().parent for file in files])
        except ValueError:  # several drives of Windows
            return [str(file) for file in files]
    return [os.path.relpath(file, folder) for file in files]
