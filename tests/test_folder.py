"""The data folder: which one is meant, what it holds, and what is said of what it lacks."""

import gzip
import os
import shutil

import numpy as np
import pytest

from nnscratch.data import data_folder, load_dataset, missing_files
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.folder import foreign_files, held_files, kind_of
from nnscratch.errors import DataError

NAMES = [file.name for file in MNIST_FILES]


def kaggles(name: str) -> str:
    return {
        "train-images-idx3-ubyte": "train-images.idx3-ubyte",
        "train-labels-idx1-ubyte": "train-labels.idx1-ubyte",
        "t10k-images-idx3-ubyte": "t10k-images.idx3-ubyte",
        "t10k-labels-idx1-ubyte": "t10k-labels.idx1-ubyte",
    }[name]


@pytest.fixture
def folder(own_data, tmp_path):
    """A copy of the small data set, to be renamed, packed or taken apart."""
    return shutil.copytree(own_data, tmp_path / "copy")


def pack(path):
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


# ---------------------------------------------------------------------------- which one is meant


@pytest.mark.parametrize(
    ("argument", "variable", "path", "chosen_by"),
    [
        ("given", "elsewhere", "given", "argument"),
        ("data", None, "data", "argument"),
        (None, "elsewhere", "elsewhere", "environment"),
        (None, "", "data", "default"),
        (None, None, "data", "default"),
    ],
)
def test_an_argument_goes_before_the_environment_and_that_before_the_default(
    argument, variable, path, chosen_by, monkeypatch
):
    monkeypatch.delenv("NNSCRATCH_DATA_DIR", raising=False)
    if variable is not None:
        monkeypatch.setenv("NNSCRATCH_DATA_DIR", variable)
    folder = data_folder(argument)
    assert (str(folder.path), folder.chosen_by) == (path, chosen_by)
    assert folder.named == (chosen_by != "default")


def test_load_dataset_without_an_argument_follows_the_environment(
    own_data, own_dataset, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNSCRATCH_DATA_DIR", str(own_data))
    assert load_dataset().sha256 == own_dataset.sha256
    assert missing_files() == []


@pytest.mark.parametrize(
    ("argument", "variable", "useful", "useless"),
    [
        ("data", "set", "give the folder", "NNSCRATCH_DATA_DIR"),
        (None, "data", "set NNSCRATCH_DATA_DIR to", "--data-dir or"),
        (None, None, "--data-dir or NNSCRATCH_DATA_DIR", "give the folder"),
    ],
)
def test_the_error_advises_only_what_would_help(
    argument, variable, useful, useless, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNSCRATCH_DATA_DIR", raising=False)
    if variable:
        monkeypatch.setenv("NNSCRATCH_DATA_DIR", variable)
    with pytest.raises(DataError, match="does not exist") as caught:
        load_dataset(argument)
    assert caught.value.where == "data"
    assert useful in caught.value.next_step
    assert useless not in caught.value.next_step


def test_the_command_that_is_suggested_goes_for_that_folder(tmp_path):
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path / "my data")
    assert f"nnscratch download --data-dir '{tmp_path / 'my data'}'" in caught.value.next_step


# --------------------------------------------------------------------------------- what it holds


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("renamed", [NAMES, NAMES[1:3]], ids=["all", "some"])
def test_kaggles_spelling_is_known(packed, renamed, folder, own_dataset):
    for name in renamed:
        path = (folder / name).rename(folder / kaggles(name))
        if packed:
            pack(path)
    dataset = load_dataset(folder)
    assert dataset.sha256 == own_dataset.sha256
    assert np.array_equal(dataset.train_images, own_dataset.train_images)
    assert missing_files(folder) == []


def test_the_plain_file_is_taken_before_the_packed_and_the_published_spelling_first(folder):
    name = NAMES[3]
    stated_order = [name, kaggles(name), f"{name}.gz", f"{kaggles(name)}.gz"]
    for copy in stated_order:
        (folder / copy).write_bytes(b"")
    for copy in stated_order:
        assert held_files(folder)[name] == folder / copy
        (folder / copy).unlink()
    assert missing_files(folder) == [name]


def test_folders_of_the_files_names_as_in_kaggles_archive_are_passed_over(folder, own_dataset):
    for name in NAMES:
        (folder / name).rename(folder / kaggles(name))
        (folder / name).mkdir()
        shutil.copy(folder / kaggles(name), folder / name / name)
    assert load_dataset(folder).sha256 == own_dataset.sha256


def test_what_a_folder_is(folder, tmp_path):
    assert kind_of(tmp_path / "nowhere") == "absent"
    empty = tmp_path / "empty"
    (empty / "synthetic").mkdir(parents=True)
    (empty / ".DS_Store").write_bytes(b"")
    assert kind_of(empty) == "empty"
    (empty / "photos").mkdir()
    assert kind_of(empty) == "unknown"
    assert kind_of(folder) == "complete"
    (folder / NAMES[0]).unlink()
    assert kind_of(folder) == "incomplete"
    with pytest.raises(DataError, match="cannot be read"):
        kind_of(folder / NAMES[1])


@pytest.mark.mnist
def test_files_are_told_from_mnists_by_their_bytes(folder, mnist_dir):
    assert foreign_files(held_files(mnist_dir)) == []
    assert foreign_files(held_files(folder)) == NAMES


# ------------------------------------------------------------------------- what is said of a lack


def test_the_error_lists_what_is_there_and_what_is_missing(folder):
    (folder / NAMES[1]).unlink()
    pack(folder / NAMES[0])
    (folder / NAMES[3]).rename(folder / "labels.bin")
    with pytest.raises(DataError) as caught:
        load_dataset(folder)
    assert caught.value.what == f"{NAMES[1]} and {NAMES[3]} are missing"
    held = f"labels.bin, {NAMES[2]} and {NAMES[0]}.gz"
    assert caught.value.where == f"{folder}, which holds {held}"
    assert "nnscratch download" not in caught.value.next_step  # MNIST's would not go with these


def test_of_many_files_some_are_listed(tmp_path):
    for number in range(1010):
        (tmp_path / f"photo{number:04}.jpg").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path)
    assert caught.value.where.endswith("photo0006.jpg, photo0007.jpg and 1,002 more")
    assert all(name in caught.value.what for name in NAMES)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_broken_link_is_told_as_one(folder):
    (folder / NAMES[2]).unlink()
    (folder / NAMES[2]).symlink_to("gone")
    with pytest.raises(DataError, match="cannot be read: No such file") as caught:
        load_dataset(folder)
    assert caught.value.where == str(folder / NAMES[2])
