"""A data folder: which one is meant, and which of the four files it holds. Nothing is written here.

A file may be spelt `train-images-idx3-ubyte`, as published, or `train-images.idx3-ubyte`, as Kaggle
has it, and may be plain or `.gz`. Where a folder holds one file several times, the plain one is
taken before the packed one, and of two alike the published spelling. Without any of the four, a
folder may hold labelled pictures: see labelled.py.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nnscratch.config import DATA_DIR_VARIABLE, DEFAULT_DATA_DIR
from nnscratch.data.catalogue import MNIST_FILES, MNISTFile
from nnscratch.errors import DataError

SYNTHETIC_FOLDER = "synthetic"
NOT_DATA = (SYNTHETIC_FOLDER, "Thumbs.db", "desktop.ini")  # and whatever starts with a dot
MOST_LISTED = 8
DIGITS = tuple("0123456789")  # folders of pictures, by their label
LABELS = "labels.csv"
PARTS = ("train", "test")

Kind = Literal["absent", "empty", "complete", "incomplete", "labelled", "unknown"]


@dataclass(frozen=True)
class Folder:
    """A data folder, and who chose it.

    Attributes:
        path: it need not exist.
        chosen_by: `argument` (on the command line: `--data-dir`), `environment` or `default`.
    """

    path: Path
    chosen_by: Literal["argument", "environment", "default"]

    @property
    def named(self) -> bool:
        """Whether the user chose it. Only `download` writes into such a folder."""
        return self.chosen_by != "default"


def data_folder(data_dir: Path | str | None = None) -> Folder:
    """Tell which data folder is meant: the argument, else NNSCRATCH_DATA_DIR, else `data`."""
    if data_dir is not None:
        return Folder(Path(data_dir), "argument")
    if from_environment := os.environ.get(DATA_DIR_VARIABLE):
        return Folder(Path(from_environment), "environment")
    return Folder(DEFAULT_DATA_DIR, "default")


# --------------------------------------------------------------------------------- what it holds


def held_files(path: Path) -> dict[str, Path]:
    """Return where each of the four files lies that a folder holds, by its published name."""
    places = {file.name: _find(path, file) for file in MNIST_FILES}
    return {name: place for name, place in places.items() if place}


def missing_files(data_dir: Path | str | None = None) -> list[str]:
    """Name those of the four files that a folder does not hold, in either spelling."""
    held = held_files(data_folder(data_dir).path)
    return [file.name for file in MNIST_FILES if file.name not in held]


def foreign_files(held: dict[str, Path]) -> list[str]:
    """Name those of the held files that are not MNIST's; their bytes are read and hashed."""
    return [
        file.name
        for file in MNIST_FILES
        if file.name in held and not _is_published(held[file.name], file)
    ]


def kind_of(path: Path) -> Kind:
    """Tell what a folder holds: all four files, some, labelled pictures, nothing, or the unknown.

    This is the only place that decides it.

    Raises:
        DataError: it is no folder, or cannot be listed.
    """
    held = held_files(path)
    if held:
        return "complete" if len(held) == len(MNIST_FILES) else "incomplete"
    if is_labelled(path):
        return "labelled"
    names = _names_in(path)
    if names is None:
        return "absent"
    return "unknown" if names else "empty"


def is_labelled(path: Path) -> bool:
    """Tell whether a folder holds labelled pictures, and none of the four files."""
    return any(map(has_labels, (path, *(path / part for part in PARTS)))) and not held_files(path)


def has_labels(path: Path) -> bool:
    """Tell whether pictures in a folder have labels: a table of them, or folders 0 to 9."""
    return os.path.lexists(path / LABELS) or any(os.path.isdir(path / digit) for digit in DIGITS)


def entries(path: Path) -> list[str]:
    """List what could be data in a folder, in an order that is the same on every system.

    Raises:
        DataError: it cannot be listed.
    """
    return sorted(name.removesuffix("/") for name in _names_in(path) or ())


def _find(path: Path, file: MNISTFile) -> Path | None:
    plain = [path / spelling for spelling in file.spellings]
    packed = [path / f"{spelling}.gz" for spelling in file.spellings]
    # A broken link counts, so that it is told as one. Kaggle's archive has folders of these names.
    return next((p for p in (*plain, *packed) if os.path.lexists(p) and not os.path.isdir(p)), None)


def _is_published(path: Path, file: MNISTFile) -> bool:
    packed = path.suffix == ".gz"
    size, sha256 = (file.gz_bytes, file.gz_sha256) if packed else (file.raw_bytes, file.raw_sha256)
    try:
        if path.stat().st_size != size:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error


def _names_in(path: Path) -> list[str] | None:
    """List what could be data, folders with a slash at the end; None if the folder is not there."""
    try:
        entries = sorted(path.iterdir())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise folder_error("the data folder cannot be read", path, error) from error
    entries = [e for e in entries if e.name not in NOT_DATA and not e.name.startswith(".")]
    return [f"{entry.name}/" if os.path.isdir(entry) else entry.name for entry in entries]


# ------------------------------------------------------------------------------------- its errors


def lacks_files(folder: Folder) -> DataError:
    """Make the error for a folder that does not hold all four files: what is there, what is not."""
    held, names = held_files(folder.path), _names_in(folder.path)
    missing = [file.name for file in MNIST_FILES if file.name not in held]
    ways = [f"fetch MNIST with: {download_command(folder.path)}", _elsewhere(folder)]
    if names is None:
        return DataError(
            "the data folder does not exist",
            where=str(folder.path),
            next_step="; or ".join(["check the spelling", *ways]),
        )
    if not held:
        ways.append("sort labelled pictures of your own into folders 0 to 9")
    if foreign_files(held):
        del ways[0]  # MNIST's file would not go with theirs
    return DataError(
        f"{in_words(missing)} {'is' if len(missing) == 1 else 'are'} missing",
        where=f"{folder.path}, which {_contents(names)}",
        next_step="; or ".join(["copy what is missing into the folder", *ways]),
    )


def folder_error(what: str, path: Path, error: OSError) -> DataError:
    """Make the error for a folder or file that the system refuses: how to choose another."""
    return DataError(
        f"{what}: {error.strerror or error}",
        where=str(path),
        next_step="choose another folder with --data-dir, or (where that is not given) with "
        f"{DATA_DIR_VARIABLE}",
    )


def download_command(path: Path, *options: str) -> str:
    """Return the command that downloads into a folder, to be pasted into a shell."""
    place = [] if path == data_folder().path else ["--data-dir", str(path)]
    return shlex.join(["nnscratch", "download", *options, *place])


def in_words(names: list[str]) -> str:
    """Join names as a sentence does.

    >>> in_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def some_of(names: list[str]) -> str:
    """Join names as a sentence does, the first few of many."""
    more = len(names) - MOST_LISTED
    return in_words(names[:MOST_LISTED] + ([f"{more:,} more"] if more > 0 else []))


def _contents(names: list[str]) -> str:
    return f"holds {some_of(names)}" if names else "is empty"


def _elsewhere(folder: Folder) -> str:
    holder = "the folder that holds the four files"
    how = {
        "argument": f"give {holder} instead",
        "environment": f"set {DATA_DIR_VARIABLE} to {holder}",
        "default": f"name {holder} with --data-dir or {DATA_DIR_VARIABLE}",
    }
    return how[folder.chosen_by]
