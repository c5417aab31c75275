"""The data set that is wanted: loaded, or else fetched, or else drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nnscratch.data.builtin import built_in_digits
from nnscratch.data.catalogue import MIRRORS
from nnscratch.data.dataset import (
    PICTURES,
    TOGETHER,
    Dataset,
    differing_files,
    load_folder,
    put_together,
)
from nnscratch.data.downloads import download
from nnscratch.data.folder import (
    Folder,
    data_folder,
    download_command,
    foreign_files,
    held_files,
    in_words,
    is_labelled,
    kind_of,
    lacks_files,
    missing_files,
)
from nnscratch.data.mirrors import OnBytes, OnNote, Patience
from nnscratch.data.synthetic import added_digits
from nnscratch.errors import DataError, DownloadError


def obtain_dataset(
    data_dir: Path | str | None = None,
    wanted: str = "auto",
    *,
    mirrors: Sequence[str] = MIRRORS,
    patience: Patience | None = None,
    on_bytes: OnBytes = lambda name, received, total: None,
    on_drawn: Callable[[int], None] = lambda count: None,
    on_read: Callable[[int, int], None] = lambda done, total: None,
    on_note: OnNote = lambda text: None,
) -> Dataset:
    """Load the wanted data set, fetching or drawing it first if the folder does not hold it.

    Args:
        data_dir: if None, the folder that NNSCRATCH_DATA_DIR names, else `data`. A folder that was
            named, either way, is fetched into only if it is empty or not there, and is never
            passed over for the built-in digits.
        wanted: `mnist`; `custom`, the folder's own files; `pictures`, the labelled pictures in it;
            `synthetic`, the built-in digits;
            `mnist+synthetic`, to learn from both and be tested on MNIST; or `auto`: what the folder
            holds, else MNIST, else, where no mirror can be reached and no folder was named, the
            built-in digits.
        mirrors, patience, on_bytes, on_note: as in `download`; `on_note` also hears of anything
            that is not MNIST.
        on_drawn: called with the number of built-in digits drawn since the last call.
        on_read: called with how many labelled pictures are read, and how many there are.

    Raises:
        DataError: the wanted set is not to be had; says what the folder holds and what it lacks.
    """
    folder = data_folder(data_dir)
    if is_labelled(folder.path):
        if wanted in ("auto", PICTURES):
            return load_folder(folder, on_read=on_read, on_note=on_note)
        if wanted != "synthetic" or folder.chosen_by == "argument":
            raise _not_so_labelled(wanted, folder)
    elif wanted == PICTURES:
        raise _no_pictures(folder)
    if wanted == "synthetic":
        return built_in_digits(folder, on_drawn=on_drawn, on_note=on_note)
    if wanted == TOGETHER:
        mnist = obtain_dataset(
            data_dir,
            "mnist",
            mirrors=mirrors,
            patience=patience,
            on_bytes=on_bytes,
            on_note=on_note,
        )
        return put_together(mnist, *added_digits(on_drawn))
    complete = kind_of(folder.path) == "complete"
    if wanted == "custom" and not complete:
        raise _not_held(folder)
    if not complete:
        try:
            _refuse_to_mix(folder)
            download(
                folder.path, mirrors=mirrors, patience=patience, on_bytes=on_bytes, on_note=on_note
            )
        except DownloadError as error:
            if folder.named or wanted == "mnist":
                raise _not_filled(folder, error) from error
            on_note(_without_mnist(error, folder))
            return built_in_digits(folder, on_drawn=on_drawn, on_note=on_note)
    dataset = load_folder(folder)
    if wanted == "auto" and dataset.name == "custom":
        on_note(f"{folder.path}: not MNIST's files; using them as a data set of your own")
    if wanted not in ("auto", dataset.name):
        raise _not_wanted(dataset, wanted, folder)
    return dataset


def to_measure_on(learned_from: str, data_dir: Path | str | None = None) -> str:
    """Return which data set a model is to be measured on, where none was asked for by name.

    A folder that was given, or that holds labelled pictures, decides; else the set that the model
    learned from.

    Args:
        learned_from: the name of that set.
        data_dir: as in `obtain_dataset`.
    """
    folder = data_folder(data_dir)
    given = folder.chosen_by == "argument" and held_files(folder.path)
    return "auto" if given or is_labelled(folder.path) else learned_from


def held_dataset(
    data_dir: Path | str | None = None, *, on_note: OnNote = lambda text: None
) -> Dataset | None:
    """Load what a folder holds, and fetch nothing.

    Args:
        on_note: called with a line for labelled pictures that were left out.

    Returns:
        None if the folder is empty, or is the default one and lacks files.

    Raises:
        DataError: a folder that was named lacks files or does not exist, or a file is damaged.
    """
    folder = data_folder(data_dir)
    kind = kind_of(folder.path)
    if kind == "empty" or (kind != "complete" and not folder.named):
        return None
    return load_folder(folder, on_note=on_note)


def _not_so_labelled(wanted: str, folder: Folder) -> DataError:
    return DataError(
        f"{wanted} was asked for, and this folder holds labelled pictures",
        where=str(folder.path),
        next_step="leave out --dataset to use them, or name another folder with --data-dir",
    )


def _no_pictures(folder: Folder) -> DataError:
    return DataError(
        "the model learned from labelled pictures, and this folder holds none",
        where=str(folder.path),
        next_step="name their folder with --data-dir; or measure the model on another set, with "
        "--dataset",
    )


def _refuse_to_mix(folder: Folder) -> None:
    """Raise if a download would mix MNIST with what the user keeps in the folder."""
    theirs = folder.named and kind_of(folder.path) in ("incomplete", "unknown")
    if theirs or foreign_files(held_files(folder.path)):
        raise lacks_files(folder)


def _not_filled(folder: Folder, error: DownloadError) -> DownloadError:
    kind = kind_of(folder.path)  # incomplete if some of the files came
    absent = kind == "absent"
    state = {"absent": "does not exist", "empty": "is empty"}.get(kind, "is incomplete")
    check = "check the spelling of the folder, and the network" if absent else "check the network"
    return DownloadError(
        f"the data folder {state}, and MNIST could not be fetched into it: {error.what}",
        where=f"{folder.path}\n{error.where}",
        next_step=f"{check}; or copy the four files there from elsewhere; or train on the built-in "
        "digits with --dataset synthetic",
    )


def _without_mnist(error: DownloadError, folder: Folder) -> str:
    some = kind_of(folder.path) == "incomplete"
    lacking = f"{folder.path}: lacks {in_words(missing_files(folder.path))}\n" if some else ""
    return (
        f"MNIST could not be fetched ({error.what}), so the built-in digits are used instead.\n"
        f"{lacking}{error.where}\n"
        f"To get MNIST later: {download_command(folder.path)}, or copy the four files from "
        "elsewhere (a USB stick will do) and name their folder with --data-dir."
    )


def _not_held(folder: Folder) -> DataError:
    error = lacks_files(folder)
    error.next_step = "name the folder of the data set that the model learned from with --data-dir"
    return error


def _not_wanted(dataset: Dataset, wanted: str, folder: Folder) -> DataError:
    if wanted == "custom":
        return DataError(
            "the model learned from a data set of its own, and this folder holds MNIST",
            where=str(folder.path),
            next_step="name the folder with --data-dir, or measure it on this one: --dataset mnist",
        )
    return DataError(
        f"these files are not MNIST's: {in_words(differing_files(dataset))}",
        where=str(folder.path),
        next_step="use them as they are with --dataset auto, or replace them with: "
        f"{download_command(folder.path, '--force')}",
    )
