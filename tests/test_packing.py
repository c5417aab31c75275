"""Labelled pictures as four IDX files, from which the same model is learned."""

import json
from dataclasses import replace

import pytest

from conftest import listing
from nnscratch.data import divided, load_dataset
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.packing import pack
from nnscratch.errors import DataError, OutputError
from nnscratch.model_file import load_model, to_bytes
from test_labelled import fill


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("mine"), 40)


def test_the_packed_files_are_the_pictures_as_train_divides_them(mine, tmp_path):
    written = pack(mine, tmp_path / "idx", seed=3)
    assert sorted(path.name for path in (tmp_path / "idx").iterdir()) == sorted(
        file.name for file in MNIST_FILES
    )
    read = load_dataset(tmp_path / "idx")
    assert read.name == "custom"
    assert read.sha256 == written.sha256 == divided(load_dataset(mine), seed=3).sha256
    assert (len(read.train_images), len(read.test_images)) == (36, 4)


@pytest.mark.slow
def test_what_is_packed_gives_the_same_model_but_for_the_name_of_the_set(mine, run, tmp_path):
    done = run("pack", mine, "-o", "idx", "--json")
    told = json.loads(done.stdout)
    assert (told["train_samples"], told["test_samples"]) == (36, 4)
    for folder, model in ((mine, "a.npz"), ("idx", "b.npz")):
        assert run("train", "--data-dir", folder, "--epochs", 2, "-o", model).returncode == 0
    one, other = load_model(tmp_path / "a.npz"), load_model(tmp_path / "b.npz")
    assert (one.dataset, other.dataset) == ("pictures", "custom")
    assert to_bytes(replace(one, dataset="custom")) == (tmp_path / "b.npz").read_bytes()


def test_a_folder_that_holds_anything_is_left_alone(mine, own_data, tmp_path):
    (tmp_path / ".hidden").write_text("mine")
    with pytest.raises(OutputError, match="go into an empty folder"):
        pack(mine, tmp_path)
    with pytest.raises(OutputError, match="cannot be saved"):
        pack(mine, tmp_path / ".hidden")
    with pytest.raises(OutputError, match="cannot be saved"):
        pack(mine, tmp_path / "missing" / "idx")
    with pytest.raises(DataError, match="no folder of labelled pictures"):
        pack(own_data, tmp_path / "idx")
    with pytest.raises(DataError, match="there is no such folder"):
        pack(tmp_path / "nope", tmp_path / "idx")
    (tmp_path / "bad" / "5").mkdir(parents=True)
    with pytest.raises(DataError, match="there are no pictures"):
        pack(tmp_path / "bad", tmp_path / "idx")
    assert [path.name for path in listing(tmp_path)] == [".hidden", "bad", "5"]


def test_the_files_never_lie_among_the_pictures(run, tmp_path):
    fill(tmp_path / "mine", 3)
    (tmp_path / "mine" / "5").mkdir(exist_ok=True)
    for output in ("mine", "mine/idx", "mine/5/idx", "mine/../mine/idx"):
        with pytest.raises(OutputError, match="inside the folder of the pictures"):
            pack(tmp_path / "mine", tmp_path / output)
    done = run("pack", ".", cwd=tmp_path / "mine")
    assert done.returncode == 1
    assert "choose a place outside, with --output" in done.stderr
    assert not (tmp_path / "mine" / "idx").exists()
    assert run("pack", "mine", "-o", "mine-idx").returncode == 0
