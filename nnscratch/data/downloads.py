"""MNIST brought into a folder: fetched, verified, stored plain."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nnscratch.data.catalogue import MIRRORS, MNIST_FILES
from nnscratch.data.dataset import unpack
from nnscratch.data.folder import (
    data_folder,
    download_command,
    folder_error,
    foreign_files,
    held_files,
    in_words,
)
from nnscratch.data.mirrors import Mirrors, OnBytes, OnNote, Patience
from nnscratch.errors import DataError
from nnscratch.files import sweep_stale, write_atomically


@dataclass(frozen=True)
class Fetched:
    """What became of one file: `status` is `fetched` or `verified` (it was there)."""

    name: str
    path: Path
    status: str
    size_bytes: int


def download(
    data_dir: Path | str | None = None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    force: bool = False,
    patience: Patience | None = None,
    on_bytes: OnBytes = lambda name, received, total: None,
    on_note: OnNote = lambda text: None,
) -> list[Fetched]:
    """Fetch the files that a folder lacks, verify them, and store them plain.

    Args:
        data_dir: made if it is not there, and removed again if nothing could be fetched. If None,
            the folder that NNSCRATCH_DATA_DIR names, else `data`.
        mirrors: addresses that end in `/`, tried in order; one that fails goes to the end.
        force: replace files that are there and are not MNIST's.
        on_bytes: called with (file name, bytes received, bytes in all).
        on_note: called with a line about each mirror that failed where another did not.

    Returns:
        One entry a file. Files that were there and verified were not fetched again.

    Raises:
        DownloadError: no mirror gave a file; lists what each said.
        DataError: the folder cannot be written, or holds a file that is not MNIST's.
    """
    path = data_folder(data_dir).path
    held = held_files(path)
    foreign = foreign_files(held)
    if foreign and not force:
        raise DataError(
            f"not MNIST's, and left alone: {in_words(foreign)}",
            where=str(path),
            next_step=f"replace with: {download_command(path, '--force')}; or download into "
            "another folder with --data-dir",
        )
    wanted = [file for file in MNIST_FILES if file.name not in held or file.name in foreign]
    with _made(path):
        sources = Mirrors(mirrors, patience or Patience(), on_bytes, on_note)
        if wanted:
            sources.check_network()
        for file in wanted:
            _store(path / file.name, unpack(sources.fetch(file), path / file.name))
    return [
        Fetched(file.name, path / file.name, "fetched", file.raw_bytes)
        if file in wanted
        else Fetched(file.name, held[file.name], "verified", file.raw_bytes)
        for file in MNIST_FILES
    ]


@contextmanager
def _made(path: Path) -> Iterator[None]:
    """Make a folder; if the work in it fails, remove what was made and is still empty."""
    new = [place for place in (path, *path.parents) if not os.path.exists(place)]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_error("the folder cannot be made", path, error) from error
    sweep_stale(path)
    try:
        yield
    except BaseException:
        _remove_empty(new)
        raise


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return  # something was stored in it, perhaps by another process


def _store(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise folder_error("the file cannot be written", path.parent, error) from error
