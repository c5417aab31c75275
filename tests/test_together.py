"""MNIST and drawn digits together: what is learned from, and what it is measured on."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from nnscratch import runs
from nnscratch.config import TrainConfig
from nnscratch.data import obtain_dataset
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.idx import encode_idx
from nnscratch.data.synthetic import added_digits
from nnscratch.errors import DataError

pytestmark = pytest.mark.mnist


@pytest.fixture(scope="module")
def place(tmp_path_factory, mnist_dir):
    """A folder to work in whose default data folder holds MNIST and may be written into."""
    place = tmp_path_factory.mktemp("together")
    (place / "data").mkdir()
    for path in mnist_dir.iterdir():
        if path.name.startswith(tuple(file.name for file in MNIST_FILES)):
            (place / "data" / path.name).symlink_to(path)
    return place


@pytest.fixture(scope="module")
def together(place):
    """The set as the default folder gives it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("NNSCRATCH_DATA_DIR", raising=False)
        return obtain_dataset(None, "mnist+synthetic")


def test_mnist_comes_first_and_the_test_set_is_mnists(together, mnist):
    images, labels = added_digits()
    assert together.name == "mnist+synthetic"
    assert (together.drawn, mnist.drawn) == (12_000, 0)
    assert together.train_images.shape == (72_000, 28, 28)
    assert np.array_equal(together.train_images[:60_000], mnist.train_images)
    assert np.array_equal(together.train_labels[:60_000], mnist.train_labels)
    assert np.array_equal(together.train_images[60_000:], images)
    assert np.array_equal(together.train_labels[60_000:], labels)
    assert np.array_equal(together.test_images, mnist.test_images)
    assert np.array_equal(together.test_labels, mnist.test_labels)


def test_its_hashes_are_those_of_every_file_and_of_what_was_drawn(together, mnist):
    names = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    added = {
        f"synthetic/{name}": hashlib.sha256(encode_idx(array)).hexdigest()
        for name, array in zip(names, added_digits(), strict=True)
    }
    assert together.sha256 == {**mnist.sha256, **added}


@pytest.mark.slow
def test_a_model_of_both_is_measured_on_mnist(place, run):
    said = run(*"train --dataset mnist+synthetic --epochs 1".split(), cwd=place)
    assert "of 10,000 mnist test pictures" in said.stdout, said.stderr
    saved = json.loads(run("evaluate", "model.npz", "--json", cwd=place).stdout)
    assert (saved["dataset"], saved["split"], saved["samples"]) == ("mnist", "test", 10_000)
    assert f"{saved['accuracy']:.2%}" in said.stdout
    learned = run("evaluate", "model.npz", "--split", "train", "--json", cwd=place)
    learned = json.loads(learned.stdout)
    assert (learned["dataset"], learned["samples"]) == ("mnist+synthetic", 72_000)
    named = run(*"evaluate model.npz --dataset mnist+synthetic --json".split(), cwd=place)
    assert json.loads(named.stdout)["accuracy"] == saved["accuracy"]


@pytest.mark.slow
def test_an_interrupted_run_on_both_goes_on_with_both_and_with_nothing_else(
    together, mnist, tmp_path
):
    config, output, kept = TrainConfig(epochs=2, batch_size=128), tmp_path / "m.npz", []
    runs.train(runs.start(config), together, output)
    whole = output.read_bytes()

    def interrupt(_result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.train(runs.start(config), together, output, on_epoch=interrupt, on_kept=kept.append)
    run = runs.resume(kept[0].path)
    assert run.dataset == "mnist+synthetic"
    with pytest.raises(DataError, match="not the files"):
        runs.train(run, mnist, output)
    others = {**together.sha256, "synthetic/train-images-idx3-ubyte": "drawn otherwise"}
    with pytest.raises(DataError, match="not the files"):
        runs.train(runs.resume(kept[0].path), replace(together, sha256=others), output)
    runs.train(runs.resume(kept[0].path), together, output)
    assert output.read_bytes() == whole
