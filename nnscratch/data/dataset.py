"""Pictures and labels to learn from and to be tested on, loaded from four IDX files of a folder.

A file is never trusted because it is there. Files whose hashes are the published ones are `mnist`;
other sound files of that shape are `custom`; the rest is an error. Nothing is written here.
"""

from __future__ import annotations

import hashlib
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.folder import (
    Folder,
    data_folder,
    download_command,
    folder_error,
    held_files,
    is_labelled,
    lacks_files,
)
from nnscratch.data.idx import decode_idx, encode_idx
from nnscratch.errors import DataError, IDXError
from nnscratch.files import open_plain

LARGEST_FILE_BYTES = 1 << 30
TOGETHER = "mnist+synthetic"
ARRAYS = "arrays"  # what somebody gave from Python: no folder holds it
PICTURES = "pictures"
DATASET_NAMES = ("mnist", "custom", "synthetic", TOGETHER, PICTURES, ARRAYS)


@dataclass(frozen=True)
class Dataset:
    """Pictures and labels to learn from and to be tested on.

    Attributes:
        name: `mnist`, `custom`, `synthetic`, `mnist+synthetic`, `pictures`; or `arrays`.
        train_images, test_images: (n, 28, 28) uint8, ink bright on a dark ground.
        train_labels, test_labels: (n,) uint8, 0 … 9.
        sha256: of each plain IDX file, by its published name; files of the built-in digits that
            are used beside MNIST's have `synthetic/` before it. Of labelled pictures, of the files
            that they would make.
        drawn: how many training pictures, the last ones, were drawn and added to written ones.
        undivided: both parts are the whole set, and whoever learns from it is to divide it first.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    sha256: dict[str, str]
    drawn: int = 0
    undivided: bool = False


def load_dataset(data_dir: Path | str | None = None) -> Dataset:
    """Load the four IDX files of a folder, plain or `.gz`, in either spelling, or its pictures.

    Args:
        data_dir: if None, the folder that NNSCRATCH_DATA_DIR names, else `data`.

    Returns:
        `mnist` if all four have the published hashes, else `custom`; of a folder of labelled
        pictures, `pictures`. What is left out of those is told by a warning.

    Raises:
        DataError: a file is missing, cannot be read or is damaged; the file is named.
    """
    return load_folder(data_folder(data_dir), on_note=_warn)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=5)  # where load_dataset was called


def load_folder(
    folder: Folder,
    *,
    on_read: Callable[[int, int], None] = lambda done, total: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> Dataset:
    """Load what a folder holds; see `load_dataset`, and `load_labelled` for the callbacks."""
    if is_labelled(folder.path):
        from nnscratch.data.labelled import load_labelled  # which makes a Dataset, too

        return load_labelled(folder.path, on_read=on_read, on_note=on_note)
    paths = held_files(folder.path)
    if len(paths) < len(MNIST_FILES):
        raise lacks_files(folder)
    return dataset_from({name: _read_plain(path) for name, path in paths.items()}, paths)


def dataset_from(raw: Mapping[str, bytes], paths: Mapping[str, Path]) -> Dataset:
    """Decode the four files and check them against each other.

    Args:
        raw: the plain bytes of each file, by its published name.
        paths: where each was read, for the errors.

    Returns:
        `mnist` if all four have the published hashes, else `custom`.

    Raises:
        DataError: a file is damaged, or does not go with another; the file is named.
    """
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in raw.items()}
    published = all(sha256[file.name] == file.raw_sha256 for file in MNIST_FILES)
    train_images, train_labels = _images_and_labels("train", raw, paths)
    test_images, test_labels = _images_and_labels("t10k", raw, paths)
    return Dataset(
        "mnist" if published else "custom",
        train_images,
        train_labels,
        test_images,
        test_labels,
        sha256,
    )


def put_together(mnist: Dataset, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Dataset:
    """Return MNIST's training pictures followed by drawn ones, with MNIST's test set."""
    train = [file.name for file in MNIST_FILES if file.name.startswith("train")]
    added = {
        f"synthetic/{name}": hashlib.sha256(encode_idx(array)).hexdigest()
        for name, array in zip(train, (images, labels), strict=True)
    }
    return replace(
        mnist,
        name=TOGETHER,
        train_images=np.concatenate([mnist.train_images, images]),
        train_labels=np.concatenate([mnist.train_labels, labels]),
        sha256=mnist.sha256 | added,
        drawn=len(images),
    )


def described(name: str, split: str, count: int | None = None) -> str:
    """Say which pictures a model was measured on; `count` of them, for the singular.

    >>> described("mnist", "test"), described("pictures", "all", 1)
    ('mnist test pictures', 'picture of your own')
    """
    noun = "picture" if count == 1 else "pictures"
    if name != PICTURES:
        return f"{name} {split} {noun}"
    return f"{noun} of your own" if split == "all" else f"{split} {noun} of your own"


def tested_on(name: str) -> str:
    """Name the set whose test pictures a data set is tested on.

    >>> tested_on("mnist+synthetic"), tested_on("synthetic"), tested_on("arrays")
    ('mnist', 'synthetic', 'auto')
    """
    return {TOGETHER: "mnist", ARRAYS: "auto"}.get(name, name)


def differing_files(dataset: Dataset) -> list[str]:
    """Name those of a data set's files that are not MNIST's."""
    return [file.name for file in MNIST_FILES if dataset.sha256.get(file.name) != file.raw_sha256]


def _read_plain(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise _damaged(path, f"it is larger than {LARGEST_FILE_BYTES >> 30} GiB")
        with open_plain(path) as file:
            data = file.read()
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error
    return unpack(data, path) if path.suffix == ".gz" else data


def unpack(data: bytes, path: Path) -> bytes:
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
    part: str, raw: Mapping[str, bytes], paths: Mapping[str, Path]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image_name, label_name = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    images = _decoded(raw[image_name], 3, paths[image_name])
    labels = _decoded(raw[label_name], 1, paths[label_name])
    if images.shape[1:] != (28, 28):
        found = "×".join(map(str, images.shape[1:]))
        raise _damaged(paths[image_name], f"the pictures should be 28×28, and are {found}")
    if len(images) != len(labels):
        numbers = f"there are {len(images):,} pictures but {len(labels):,} labels"
        raise _damaged(paths[label_name], numbers)
    if labels.max() > 9:
        raise _damaged(paths[label_name], f"labels should be 0 to 9, and one is {labels.max()}")
    return images, labels


def _decoded(data: bytes, rank: int, path: Path) -> NDArray[np.uint8]:
    try:
        return decode_idx(data, rank=rank, where=str(path))
    except IDXError as error:
        error.next_step = _replace_it(path)
        raise


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"the file is damaged: {what}", where=str(path), next_step=_replace_it(path))


def _replace_it(path: Path) -> str:
    command = download_command(path.parent, "--force")
    return f"replace the file, or fetch MNIST's in its place with: {command}"
