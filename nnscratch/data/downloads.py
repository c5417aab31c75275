"""MNIST brought into a folder: fetched, verified, stored plain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnscratch.config import DEFAULT_DATA_DIR
from nnscratch.data.catalogue import MIRRORS, MNIST_FILES
from nnscratch.data.fetch import Mirrors, OnBytes, OnNote, Patience
from nnscratch.data.folder import find, folder_error, is_published, unpack
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
    data_dir: Path | str = DEFAULT_DATA_DIR,
    *,
    mirrors: Sequence[str] = MIRRORS,
    force: bool = False,
    patience: Patience | None = None,
    on_bytes: OnBytes = lambda name, received, total: None,
    on_note: OnNote = lambda text: None,
) -> list[Fetched]:
    """Fetch the files that a folder lacks, verify them, and store them plain.

    Args:
        data_dir: made if it is not there.
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
    folder = Path(data_dir)
    present = {file.name: is_published(folder, file) for file in MNIST_FILES}
    foreign = [name for name, published in present.items() if published is False]
    if foreign and not force:
        raise DataError(
            f"not MNIST's, and left alone: {', '.join(foreign)}",
            where=str(folder),
            next_step="replace it with: nnscratch download --force; or use another --data-dir",
        )
    _make_folder(folder)
    sources = Mirrors(mirrors, patience or Patience(), on_bytes, on_note)
    if not all(present.values()):
        sources.check_network()
    fetched = []
    for file in MNIST_FILES:
        path = folder / file.name
        if not present[file.name]:
            _store(path, unpack(sources.fetch(file), path))
        status = "verified" if present[file.name] else "fetched"
        fetched.append(Fetched(file.name, find(folder, file.name) or path, status, file.raw_bytes))
    return fetched


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_error("the folder cannot be made", folder, error) from error
    sweep_stale(folder)


def _store(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise folder_error("the file cannot be written", path.parent, error) from error
