"""A data folder: which of the four files it holds, read and loaded. Nothing is written here.

A file is never trusted because it is there. Files whose hashes are the published ones are `mnist`;
other sound files of that shape are `custom`; the rest is an error.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

from nnscratch.config import DATA_DIR_VARIABLE, DEFAULT_DATA_DIR
from nnscratch.data.catalogue import MNIST_FILES, MNISTFile
from nnscratch.data.dataset import Dataset, damaged, dataset_from
from nnscratch.errors import DataError

LARGEST_FILE_BYTES = 1 << 30


def load_dataset(data_dir: Path | str = DEFAULT_DATA_DIR) -> Dataset:
    """Load the four IDX files of a folder, plain or `.gz`.

    Returns:
        `mnist` if all four have the published hashes, else `custom`.

    Raises:
        DataError: a file is missing, cannot be read or is damaged; the file is named.
    """
    folder = Path(data_dir)
    raw = {file.name: _read_plain(folder, file.name) for file in MNIST_FILES}
    return dataset_from(raw, {name: find(folder, name) or folder / name for name in raw})


def missing_files(data_dir: Path) -> list[str]:
    """Name those of the four files that a folder holds neither plain nor packed."""
    return [file.name for file in MNIST_FILES if find(data_dir, file.name) is None]


def find(folder: Path, name: str) -> Path | None:
    """Return where a file lies, plain or packed, or None."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if os.path.lexists(path)), None)


def _read_plain(folder: Path, name: str) -> bytes:
    path = find(folder, name)
    if path is None:
        raise DataError(
            f"the file {name} is missing",
            where=str(folder),
            next_step="fetch it with: nnscratch download; or name the folder that holds the four "
            f"MNIST files with --data-dir or {DATA_DIR_VARIABLE}",
        )
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise damaged(path, f"it is larger than {LARGEST_FILE_BYTES >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error
    return unpack(data, path) if path.suffix == ".gz" else data


def unpack(data: bytes, path: Path) -> bytes:
    """Undo gzip, never past a limit: a few kilobytes can unpack to gigabytes."""
    stream = zlib.decompressobj(wbits=31)
    try:
        raw = stream.decompress(data, LARGEST_FILE_BYTES + 1)
    except zlib.error as error:
        raise damaged(path, "it is not sound gzip") from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise damaged(path, f"it unpacks to more than {LARGEST_FILE_BYTES >> 30} GiB")
    if not stream.eof:
        raise damaged(path, "the gzip data ends too soon")
    if stream.unused_data:
        raise damaged(path, "something follows the gzip data")
    return raw


def is_published(folder: Path, file: MNISTFile) -> bool | None:
    """Tell whether the folder's copy is MNIST's; None if it has none."""
    path = find(folder, file.name)
    if path is None:
        return None
    packed = path.suffix == ".gz"
    size, sha256 = (file.gz_bytes, file.gz_sha256) if packed else (file.raw_bytes, file.raw_sha256)
    try:
        if path.stat().st_size != size:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error


def folder_error(what: str, path: Path, error: OSError) -> DataError:
    """Say that a data folder is the trouble, and how to choose another."""
    return DataError(
        f"{what}: {error.strerror or error}",
        where=str(path),
        next_step=f"choose another folder with --data-dir or {DATA_DIR_VARIABLE}",
    )
