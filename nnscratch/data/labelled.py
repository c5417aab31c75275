"""A folder of labelled pictures as a data set, each prepared as `predict` prepares it.

mine/0 … mine/9          the pictures of each digit, or
mine/labels.csv          a table of their files and labels: see table.py
mine/train, mine/test    one of the two in each; without them a share is drawn for the test
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.dataset import PICTURES, Dataset
from nnscratch.data.folder import DIGITS, LABELS, PARTS, entries, has_labels, in_words, some_of
from nnscratch.data.idx import encode_idx
from nnscratch.data.mirrors import OnNote
from nnscratch.data.table import Listed, list_table
from nnscratch.errors import DataError, PictureError

TEST_SHARE = 10  # one in ten
STREAM = 20  # keeps the generator apart from those of the run itself
LAYOUT = "put the pictures into folders 0 to 9, or list them in labels.csv under `file,label`"

OnRead = Callable[[int, int], None]


def load_labelled(
    path: Path,
    *,
    on_read: OnRead = lambda done, total: None,
    on_note: OnNote = lambda text: None,
) -> Dataset:
    """Read and prepare all pictures of a folder.

    Args:
        on_read: called after each picture, with how many are done and how many there are.
        on_note: called with a line for what was left out, being no picture or no digit; and with
            one for folders that are not named after a digit.

    Returns:
        A data set called `pictures`. Without `train` and `test` it is undivided.

    Raises:
        DataError: the folder is laid out in two ways at once, or has `train` or `test` alone; a
            row of its table is wrong; or it holds no picture of a digit.
    """
    parts = _parts(path)
    listed = {part: list_pictures(path / part) for part in parts}
    total, done = sum(map(len, listed.values())), 0

    def on_one() -> None:
        nonlocal done
        done += 1
        on_read(done, total)

    arrays: list[NDArray[np.uint8]] = []
    left_out: list[str] = []
    for part, pictures in listed.items():
        arrays += _read_all(path / part, pictures, part, left_out, on_one)
    if others := _passed_over(path, parts):
        why = "is passed over: its name is no label"
        if len(others) > 1:
            why = "are passed over: their names are no labels"
        on_note(f"{some_of(others)} {why}")
    if left_out:
        was = "was" if len(left_out) == 1 else "were"
        on_note("\n".join([f"{len(left_out):,} of {total:,} pictures {was} left out:", *left_out]))
    if parts == PARTS:
        return _dataset(*arrays)
    return replace(_dataset(*arrays, *arrays), undivided=True)


def _read_all(
    path: Path,
    pictures: Sequence[Listed],
    part: str,
    left_out: list[str],
    on_one: Callable[[], None],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the pictures of one part, prepared, with their labels; add to what is left out."""
    from nnscratch.pictures.read import load_picture  # Pillow: other data sets do without

    images, labels, reasons = [], [], []
    for name, label in pictures:
        try:
            images.append(load_picture(path / name).image)
            labels.append(label)
        except PictureError as error:
            reasons.append(error.what)
            left_out.append(f"{Path(part, name).as_posix()}: {error.what}")
        on_one()
    if not images:
        raise _none_usable(path, pictures, reasons)
    return np.stack(images), np.array(labels, np.uint8)


def divided(dataset: Dataset, seed: int) -> Dataset:
    """Divide a set that is undivided: a tenth of it, at least one picture, is for the test.

    Args:
        seed: decides which; the pictures keep their order.

    Returns:
        The set as it is, if it has a test set of its own.

    Raises:
        DataError: it has one picture alone.
    """
    if not dataset.undivided:
        return dataset
    count = len(dataset.train_images)
    if count < 2:
        raise DataError(
            "one picture alone cannot be learned from and tested on", next_step="add more pictures"
        )
    order = np.random.default_rng([seed, STREAM]).permutation(count)
    tested = max(1, count // TEST_SHARE)
    test, train = np.sort(order[:tested]), np.sort(order[tested:])
    images, labels = dataset.train_images, dataset.train_labels
    return _dataset(images[train], labels[train], images[test], labels[test])


def _dataset(*arrays: NDArray[np.uint8]) -> Dataset:
    """Return the data set of four arrays; its hashes are those of the files `pack` makes of it."""
    sha256 = {
        file.name: hashlib.sha256(encode_idx(array)).hexdigest()
        for file, array in zip(MNIST_FILES, arrays, strict=True)
    }
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(PICTURES, train_images, train_labels, test_images, test_labels, sha256)


# ---------------------------------------------------------------------------- what is in the folder


def _parts(path: Path) -> tuple[str, ...]:
    """Return `train` and `test`, or the folder alone, as ""."""
    parts = tuple(part for part in PARTS if has_labels(path / part))
    if parts and has_labels(path):
        raise _two_ways(path, [*_ways(path), *(f"{part}/" for part in parts)])
    if len(parts) == 1:
        other = PARTS[1 - PARTS.index(parts[0])]
        raise DataError(
            f"it has labelled pictures in {parts[0]}/, and none in {other}/",
            where=str(path),
            next_step=f"add {other}/, or name {path / parts[0]} itself: a tenth of its pictures "
            "is then kept for the test",
        )
    return parts or ("",)


def list_pictures(path: Path) -> list[Listed]:
    """Return every picture that a folder holds, with its label, in an order that never changes.

    Raises:
        DataError: a row of the table is wrong, or there are a table and folders.
    """
    ways = _ways(path)
    if len(ways) > 1:
        raise _two_ways(path, ways)
    if (path / LABELS).exists():
        return list_table(path)
    return [
        (f"{digit}/{name}", int(digit))
        for digit in DIGITS
        if (path / digit).is_dir()
        for name in entries(path / digit)
    ]


def _passed_over(path: Path, parts: Sequence[str]) -> list[str]:
    """Return the folders whose names are no labels, of those that lie beside labels."""
    places: dict[str, tuple[str, ...]] = {"": PARTS} if parts == PARTS else {}
    for part in parts:
        if not (path / part / LABELS).exists():  # a table may name files in any folder
            places[part] = DIGITS
    return [
        f"{Path(part, name).as_posix()}/"
        for part, known in places.items()
        for name in entries(path / part)
        if name not in known and (path / part / name).is_dir()
    ]


def _ways(path: Path) -> list[str]:
    folders = [f"{digit}/" for digit in DIGITS if (path / digit).is_dir()]
    table = [LABELS] if (path / LABELS).exists() else []
    return table + ([in_words(folders)] if folders else [])


# ------------------------------------------------------------------------------------- its errors


def _two_ways(path: Path, ways: Sequence[str]) -> DataError:
    return DataError(
        f"the pictures are labelled in two ways: by {' and by '.join(ways)}",
        where=str(path),
        next_step="keep one of them, and move the other elsewhere",
    )


def _none_usable(path: Path, pictures: Sequence[Listed], reasons: Sequence[str]) -> DataError:
    """Make the error for a folder without one usable picture; the first is an example."""
    if not pictures:
        return DataError("there are no pictures", where=str(path), next_step=LAYOUT)
    place, what = str(path / pictures[0][0]), f"the only picture cannot be used: {reasons[0]}"
    if len(pictures) > 1:
        what = f"none of the {len(pictures):,} pictures can be used; of the first: {reasons[0]}"
    return DataError(
        what,
        where=place,
        next_step=f"see what is made of it with: {shlex.join(['nnscratch', 'predict', place])}",
    )
