"""Pictures and labels to learn from and to be tested on, decoded from four IDX files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.idx import decode_idx
from nnscratch.errors import DataError


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


def differing_files(dataset: Dataset) -> list[str]:
    """Name those of a data set's files that are not MNIST's."""
    return [file.name for file in MNIST_FILES if dataset.sha256.get(file.name) != file.raw_sha256]


def _images_and_labels(
    part: str, raw: Mapping[str, bytes], paths: Mapping[str, Path]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image_name, label_name = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    image_path, label_path = str(paths[image_name]), str(paths[label_name])
    images = decode_idx(raw[image_name], rank=3, where=image_path)
    labels = decode_idx(raw[label_name], rank=1, where=label_path)
    if images.shape[1:] != (28, 28):
        found = "×".join(map(str, images.shape[1:]))
        raise damaged(image_path, f"the pictures should be 28×28, and are {found}")
    if len(images) != len(labels):
        raise damaged(label_path, f"there are {len(images):,} pictures but {len(labels):,} labels")
    if labels.max() > 9:
        raise damaged(label_path, f"labels should be 0 to 9, and one is {labels.max()}")
    return images, labels


def damaged(path: Path | str, what: str) -> DataError:
    """Make the error for a file whose content cannot be right."""
    return DataError(
        f"the file is damaged: {what}",
        where=str(path),
        next_step="replace the file, or fetch MNIST afresh with: nnscratch download --force",
    )
