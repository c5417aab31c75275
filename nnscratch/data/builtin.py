"""The built-in digits as a data set: drawn, and in the default folder kept for the next time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.dataset import Dataset, dataset_from, load_dataset
from nnscratch.data.folder import SYNTHETIC_FOLDER, Folder
from nnscratch.data.idx import encode_idx
from nnscratch.data.mirrors import OnNote
from nnscratch.data.synthetic import SYNTHETIC_VERSION, synthetic_digits
from nnscratch.errors import DataError
from nnscratch.files import write_atomically


def built_in_digits(folder: Folder, *, on_drawn: Callable[[int], None], on_note: OnNote) -> Dataset:
    """Load the built-in digits from `synthetic/` in the folder, or draw them.

    What was drawn is kept there, unless the user named the folder: then it is theirs.

    Args:
        on_drawn: called with the number of digits drawn since the last call.
        on_note: called with a line where they cannot be kept.
    """
    cache = folder.path / SYNTHETIC_FOLDER
    try:
        if (cache / "VERSION").read_text(encoding="ascii") == SYNTHETIC_VERSION:
            return replace(load_dataset(cache), name="synthetic")
    except (OSError, UnicodeDecodeError, DataError):
        pass  # not there, or damaged: it costs seconds to draw them again
    arrays = synthetic_digits(on_drawn)
    raw = {file.name: encode_idx(array) for file, array in zip(MNIST_FILES, arrays, strict=True)}
    if not folder.named:
        _keep(cache, raw, on_note)
    return replace(dataset_from(raw, {name: cache / name for name in raw}), name="synthetic")


def _keep(cache: Path, raw: Mapping[str, bytes], on_note: OnNote) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "VERSION").unlink(missing_ok=True)
        for name, data in {**raw, "VERSION": SYNTHETIC_VERSION.encode()}.items():
            write_atomically(cache / name, data)
    except OSError as error:
        on_note(f"{cache}: the built-in digits cannot be kept there: {error.strerror or error}")
