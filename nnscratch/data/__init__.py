"""MNIST: fetched, verified by hash, cached in a folder, loaded into memory.

A file in the folder is never trusted because it is there. Files whose hashes are the published
ones are `mnist`; other sound files of that shape are `custom`; the rest is an error. Loading
writes nothing; only `download` does.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnscratch.config import DATA_DIR_VARIABLE, DEFAULT_DATA_DIR
from nnscratch.data.fetch import MIRRORS, MNIST_FILES, Mirrors, MNISTFile, OnBytes, OnNote, Patience
from nnscratch.data.idx import decode_idx, encode_idx
from nnscratch.data.synthetic import SYNTHETIC_VERSION, synthetic_digits
from nnscratch.errors import DataError, DownloadError
from nnscratch.files import sweep_stale, write_atomically

LARGEST_FILE_BYTES = 1 << 30
SYNTHETIC_FOLDER = "synthetic"


@dataclass(frozen=True)
class Dataset:
    """Pictures and labels to learn from and to be tested on.

    Attributes:
        name: `mnist`, `custom` or `synthetic`.
        train_images, test_images: (n, 28, 28) uint8, ink bright on a dark ground.
        train_labels, test_labels: (n,) uint8, 0 … 9.
        sha256: of each plain IDX file, by its name.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    sha256: dict[str, str]


# ---------------------------------------------------------------------------------------- loading


def load_dataset(data_dir: Path | str = DEFAULT_DATA_DIR) -> Dataset:
    """Load the four IDX files of a folder, plain or `.gz`.

    Returns:
        `mnist` if all four have the published hashes, else `custom`.

    Raises:
        DataError: a file is missing, cannot be read or is damaged; the file is named.
    """
    folder = Path(data_dir)
    return _dataset_from(
        folder, {file.name: _read_plain(folder, file.name) for file in MNIST_FILES}
    )


def _dataset_from(folder: Path, raw: dict[str, bytes]) -> Dataset:
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in raw.items()}
    published = all(sha256[file.name] == file.raw_sha256 for file in MNIST_FILES)
    train_images, train_labels = _images_and_labels(folder, "train", raw)
    test_images, test_labels = _images_and_labels(folder, "t10k", raw)
    return Dataset(
        "mnist" if published else "custom",
        train_images,
        train_labels,
        test_images,
        test_labels,
        sha256,
    )


def missing_files(data_dir: Path) -> list[str]:
    """Name those of the four files that a folder holds neither plain nor packed."""
    return [file.name for file in MNIST_FILES if _find(data_dir, file.name) is None]


def differing_files(dataset: Dataset) -> list[str]:
    """Name those of a data set's files that are not MNIST's."""
    return [file.name for file in MNIST_FILES if dataset.sha256.get(file.name) != file.raw_sha256]


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if os.path.lexists(path)), None)


def _read_plain(folder: Path, name: str) -> bytes:
    path = _find(folder, name)
    if path is None:
        raise DataError(
            f"the file {name} is missing",
            where=str(folder),
            next_step="fetch it with: nnscratch download; or name the folder that holds the four "
            f"MNIST files with --data-dir or {DATA_DIR_VARIABLE}",
        )
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise _damaged(path, f"it is larger than {LARGEST_FILE_BYTES >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error
    return _unpack(data, path) if path.suffix == ".gz" else data


def _unpack(data: bytes, path: Path) -> bytes:
    """Undo gzip, never past a limit: a few kilobytes can unpack to gigabytes."""
    stream = zlib.decompressobj(wbits=31)
    try:
        raw = stream.decompress(data, LARGEST_FILE_BYTES + 1)
    except zlib.error as error:
        raise _damaged(path, "it is not sound gzip") from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise _damaged(path, f"it unpacks to more than {LARGEST_FILE_BYTES >> 30} GiB")
    if not stream.eof:
        raise _damaged(path, "the gzip data ends too soon")
    if stream.unused_data:
        raise _damaged(path, "something follows the gzip data")
    return raw


def _images_and_labels(
    folder: Path, part: str, raw: dict[str, bytes]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image_name, label_name = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    image_path = str(_find(folder, image_name) or folder / image_name)
    label_path = str(_find(folder, label_name) or folder / label_name)
    images = decode_idx(raw[image_name], rank=3, where=image_path)
    labels = decode_idx(raw[label_name], rank=1, where=label_path)
    if images.shape[1:] != (28, 28):
        found = "×".join(map(str, images.shape[1:]))
        raise _damaged(image_path, f"the pictures should be 28×28, and are {found}")
    if len(images) != len(labels):
        raise _damaged(label_path, f"there are {len(images):,} pictures but {len(labels):,} labels")
    if labels.max() > 9:
        raise _damaged(label_path, f"labels should be 0 to 9, and one is {labels.max()}")
    return images, labels


def _damaged(path: Path | str, what: str) -> DataError:
    return DataError(
        f"the file is damaged: {what}",
        where=str(path),
        next_step="replace the file, or fetch MNIST afresh with: nnscratch download --force",
    )


def folder_error(what: str, path: Path, error: OSError) -> DataError:
    """Say that a data folder is the trouble, and how to choose another."""
    return DataError(
        f"{what}: {error.strerror or error}",
        where=str(path),
        next_step=f"choose another folder with --data-dir or {DATA_DIR_VARIABLE}",
    )


def obtain_dataset(
    data_dir: Path | str = DEFAULT_DATA_DIR,
    wanted: str = "auto",
    *,
    on_bytes: OnBytes = lambda name, received, total: None,
    on_drawn: Callable[[int], None] = lambda count: None,
    on_note: OnNote = lambda text: None,
) -> Dataset:
    """Load the wanted data set, fetching or drawing it first if the folder does not hold it.

    Args:
        wanted: `mnist`; `custom`, the folder's own files; `synthetic`, the built-in digits; or
            `auto`: what the folder holds, else MNIST, else, where no mirror can be reached, the
            built-in digits.
        on_bytes, on_note: as in `download`; `on_note` also hears of anything that is not MNIST.
        on_drawn: called with the number of built-in digits drawn since the last call.

    Raises:
        DataError: the wanted set is not to be had.
    """
    folder = Path(data_dir)
    if wanted == "synthetic":
        return _synthetic(folder, on_drawn, on_note)
    if wanted != "custom" and missing_files(folder):
        try:
            download(folder, on_bytes=on_bytes, on_note=on_note)
        except DownloadError as error:
            if wanted == "mnist":
                raise
            on_note(_without_mnist(error))
            return _synthetic(folder, on_drawn, on_note)
    dataset = load_dataset(folder)
    if wanted == "auto" and dataset.name == "custom":
        on_note(f"{folder}: not MNIST's files; using them as a data set of your own")
    if wanted not in ("auto", dataset.name):
        raise _not_wanted(dataset, wanted, folder)
    return dataset


def _without_mnist(error: DownloadError) -> str:
    return (
        f"MNIST could not be fetched ({error.what}), so the built-in digits are used instead.\n"
        f"{error.where}\n"
        "To get MNIST later: nnscratch download, or copy the four files from elsewhere (a USB "
        "stick will do) and name their folder with --data-dir."
    )


def _synthetic(folder: Path, on_drawn: Callable[[int], None], on_note: OnNote) -> Dataset:
    """Load the built-in digits from `synthetic/` in the folder, drawn first if not there."""
    cache = folder / SYNTHETIC_FOLDER
    try:
        if (cache / "VERSION").read_text(encoding="ascii") == SYNTHETIC_VERSION:
            return replace(load_dataset(cache), name="synthetic")
    except (OSError, UnicodeDecodeError, DataError):
        pass  # not there, or damaged: it costs seconds to draw them again
    raw = _drawn(on_drawn)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "VERSION").unlink(missing_ok=True)
        for name, data in {**raw, "VERSION": SYNTHETIC_VERSION.encode()}.items():
            write_atomically(cache / name, data)
    except OSError as error:
        on_note(f"{cache}: the built-in digits cannot be kept there: {error.strerror or error}")
    return replace(_dataset_from(cache, raw), name="synthetic")


def _drawn(on_drawn: Callable[[int], None]) -> dict[str, bytes]:
    arrays = synthetic_digits(on_drawn)
    return {file.name: encode_idx(array) for file, array in zip(MNIST_FILES, arrays, strict=True)}


def _not_wanted(dataset: Dataset, wanted: str, folder: Path) -> DataError:
    if wanted == "custom":
        return DataError(
            "the model learned from a data set of its own, and this folder holds MNIST",
            where=str(folder),
            next_step="name the folder with --data-dir, or measure it on this one: --dataset mnist",
        )
    return DataError(
        f"these files are not MNIST's: {', '.join(differing_files(dataset))}",
        where=str(folder),
        next_step="use them as they are with --dataset auto, or replace them with: "
        "nnscratch download --force",
    )


# ------------------------------------------------------------------------------------ downloading


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
    present = {file.name: _is_published(folder, file) for file in MNIST_FILES}
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
            _store(path, _unpack(sources.fetch(file), path))
        status = "verified" if present[file.name] else "fetched"
        fetched.append(Fetched(file.name, _find(folder, file.name) or path, status, file.raw_bytes))
    return fetched


def _is_published(folder: Path, file: MNISTFile) -> bool | None:
    """Tell whether the folder's copy is MNIST's; None if it has none."""
    path = _find(folder, file.name)
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
