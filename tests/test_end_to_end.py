"""The main job on the real MNIST, by the commands as a user types them."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from nnscratch.data import load_dataset
from nnscratch.model_file import load_model
from nnscratch.products import scale_pixels

pytestmark = pytest.mark.mnist


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mnist_dir):
    """A folder with the model of `nnscratch train --lr 0.1 --epochs 20`, and what it printed."""
    import os
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("trained")
    done = subprocess.run(
        [sys.executable, "-m", "nnscratch", *"train --lr 0.1 --epochs 20 --json".split()],
        cwd=folder,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(mnist_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def test_twenty_epochs_reach_the_accuracy_that_is_promised(trained):
    _, lines = trained
    assert len(lines) == 21
    assert lines[-1]["dataset"] == "mnist"
    assert lines[-1]["test_accuracy"] >= 0.915


def test_evaluate_repeats_the_figure_exactly(trained, run, mnist_dir):
    folder, lines = trained
    report = json.loads(run("evaluate", folder / "model.npz", "--json", data_dir=mnist_dir).stdout)
    assert report["accuracy"] == lines[-1]["test_accuracy"]
    assert report["loss"] == lines[-1]["test_loss"]
    confusion = np.array(report["confusion_matrix"])
    assert confusion.sum() == 10000
    assert confusion.trace() == round(report["accuracy"] * 10000)


def test_200_pictures_in_both_polarities_get_the_labels_of_the_network(
    trained, run, mnist, tmp_path
):
    folder, _ = trained
    pictures, names = mnist.test_images[:200], []
    for number, picture in enumerate(pictures):
        for polarity, pixels in (("bright", picture), ("dark", 255 - picture)):
            names.append(tmp_path / f"{number:03}-{polarity}.png")
            Image.fromarray(pixels).save(names[-1])
    done = run("predict", "--model", folder / "model.npz", "--json", *names)
    digits = [json.loads(line)["digit"] for line in done.stdout.splitlines()]
    expected = load_model(folder / "model.npz").network.predict(scale_pixels(pictures))
    assert digits == expected.repeat(2).tolist()


def test_seventy_thousand_pictures_load_without_waiting(mnist_dir):
    # A bound that only a blunder breaks; the figure itself is measured in benchmarks/.
    started = time.perf_counter()
    load_dataset(mnist_dir)
    assert time.perf_counter() - started < 10


def test_the_model_on_board_is_as_good_as_its_file_says(mnist, bundled):
    from nnscratch.model_file import BUNDLED_MODEL

    said = load_model(BUNDLED_MODEL).test["accuracy"]
    assert said > 0.99
    assert bundled(mnist.test_images, mnist.test_labels) == pytest.approx(said, abs=3e-4)


def test_the_model_on_board_is_what_its_configuration_makes():
    from nnscratch.config import TrainConfig, config_from, load_settings
    from nnscratch.model_file import BUNDLED_MODEL

    settings = load_settings(ROOT / "configs" / "pretrained.toml")
    config = load_model(BUNDLED_MODEL).config
    assert isinstance(config, TrainConfig)
    assert config == config_from(settings)
