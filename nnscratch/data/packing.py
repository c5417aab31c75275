"""Labelled pictures packed into the four IDX files, for any program that reads MNIST's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.dataset import Dataset
from nnscratch.data.folder import is_labelled
from nnscratch.data.idx import encode_idx
from nnscratch.data.labelled import LAYOUT, OnRead, divided, load_labelled
from nnscratch.data.mirrors import OnNote
from nnscratch.errors import DataError, OutputError
from nnscratch.files import ANOTHER_PLACE, cannot_write, write_atomically

WHAT = "the four files"


def pack(
    source: Path,
    output: Path,
    seed: int = 0,
    *,
    on_read: OnRead = lambda done, total: None,
    on_note: OnNote = lambda text: None,
) -> Dataset:
    """Read a folder of labelled pictures, and write the four files, plain.

    Args:
        output: made if it is not there; must be empty, and outside `source`. If the work fails, so
            it is left.
        seed: divides pictures that are not in `train` and `test`, as `train --seed` does.
        on_read, on_note: as in `load_labelled`.

    Returns:
        The data set as it was written: learned from, it gives what the folder itself gives.

    Raises:
        DataError: the folder is not there, or does not hold labelled pictures as it should.
        OutputError: the place is not empty, lies inside the folder, or cannot be written.
    """
    _check_source(source)
    _check_outside(output, source)
    _check_empty(output)
    dataset = divided(load_labelled(source, on_read=on_read, on_note=on_note), seed)
    arrays = (
        dataset.train_images,
        dataset.train_labels,
        dataset.test_images,
        dataset.test_labels,
    )
    paths = [output / file.name for file in MNIST_FILES]
    with _folder(output, paths):
        for path, array in zip(paths, arrays, strict=True):
            write_atomically(path, encode_idx(array))
    return dataset


def _check_source(source: Path) -> None:
    if not os.path.lexists(source):
        what, next_step = "there is no such folder", "check the spelling"
    elif not is_labelled(source):
        what, next_step = "this is no folder of labelled pictures", LAYOUT
    else:
        return
    raise DataError(what, where=str(source), next_step=next_step)


def _check_outside(output: Path, source: Path) -> None:
    """Raise if the files would lie among the pictures, where they change what the folder is."""
    if Path(os.path.realpath(output)).is_relative_to(os.path.realpath(source)):
        raise OutputError(
            f"{WHAT} would lie inside the folder of the pictures",
            where=str(output),
            next_step="choose a place outside, with --output",
        )


def _check_empty(output: Path) -> None:
    try:
        if os.path.lexists(output) and any(output.iterdir()):
            raise OutputError(
                f"{WHAT} go into an empty folder, and this one is not",
                where=str(output),
                next_step=ANOTHER_PLACE,
            )
    except OSError as error:
        raise cannot_write(output, WHAT, error) from error


@contextmanager
def _folder(output: Path, paths: list[Path]) -> Iterator[None]:
    """Make the folder if need be; if the work fails, leave nothing of it."""
    made = not output.exists()
    try:
        output.mkdir(exist_ok=True)
        yield
    except BaseException as error:
        for path in paths:
            path.unlink(missing_ok=True)
        if made and output.is_dir():
            output.rmdir()
        if isinstance(error, OSError):
            raise cannot_write(output, WHAT, error) from error
        raise
