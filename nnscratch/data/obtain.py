"""The data set that is wanted: loaded, or else fetched, or else drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nnscratch.config import DEFAULT_DATA_DIR
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.dataset import Dataset, dataset_from, differing_files, load_dataset
from nnscratch.data.downloads import download
from nnscratch.data.fetch import OnBytes, OnNote
from nnscratch.data.folder import missing_files
from nnscratch.data.idx import encode_idx
from nnscratch.data.synthetic import SYNTHETIC_VERSION, synthetic_digits
from nnscratch.errors import DataError, DownloadError
from nnscratch.files import write_atomically

SYNTHETIC_FOLDER = "synthetic"


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
    return replace(dataset_from(raw, {file: cache / file for file in raw}), name="synthetic")


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
