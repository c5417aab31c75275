"""A run that starts from a finished model: its weights, its width, its deskewing, and its name."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from nnscratch import runs
from nnscratch.archive import pack as packed
from nnscratch.config import TrainConfig
from nnscratch.data import Dataset
from nnscratch.errors import ConfigError, ModelFileError
from nnscratch.model_file import load_model, save_model
from nnscratch.training import fit, held_out, hold_out, suited

CONFIG = TrainConfig(epochs=2, validation_size=200)
HASH = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def first(own_dataset, tmp_path_factory):
    """The file of a finished model of 7 units that deskews."""
    path = tmp_path_factory.mktemp("first") / "first.npz"
    runs.train(runs.start(replace(CONFIG, hidden_size=7, deskew=True)), own_dataset, path)
    return path


def test_a_run_goes_on_from_a_models_weights_with_fresh_memory(first, own_dataset, tmp_path):
    run = runs.start(replace(CONFIG, start=str(first), epochs=3, momentum=0.9))
    model = load_model(first)
    assert (run.state.network.theta == model.network.theta).all()
    assert not run.state.memory["velocity"].any()
    assert (run.config.hidden_size, run.config.deskew) == (7, True)
    finished = runs.train(run, own_dataset, tmp_path / "second.npz")
    assert len(finished.history) == 3
    assert finished.history[0].train_loss < model.history[0]["train_loss"]
    assert (finished.model.network.theta != model.network.theta).any()


def test_the_model_says_what_it_started_from_and_never_where_that_lay(first, own_dataset, tmp_path):
    sha256 = hashlib.sha256(first.read_bytes()).hexdigest()
    for name, expected in ((str(first), sha256), ("pretrained", "pretrained")):
        run = runs.start(replace(CONFIG, start=name, epochs=1))
        runs.train(run, own_dataset, tmp_path / "m.npz")
        loaded = load_model(tmp_path / "m.npz")
        assert loaded.config.start == expected
        assert loaded.start_sha256 == run.start_sha256
        assert str(first.parent).encode() not in (tmp_path / "m.npz").read_bytes()
    assert len(loaded.start_sha256) == 64


def test_a_model_that_started_afresh_has_the_bytes_that_it_always_had(first):
    with np.load(first) as file:
        metadata = json.loads(str(file["metadata"]))
    assert "start" not in metadata
    assert "start" not in metadata["config"]


@pytest.mark.parametrize("start", [None, "x", {"name": "m.npz", "sha256": HASH}, {"name": HASH}])
def test_a_start_that_is_a_path_or_nothing_sound_is_refused(first, tmp_path, start):
    with np.load(first) as file:
        members = {name: file[name] for name in file.files}
    metadata = {**json.loads(str(members["metadata"])), "start": start}
    members["metadata"] = np.array(json.dumps(metadata))
    (tmp_path / "m.npz").write_bytes(packed(members))
    with pytest.raises(ModelFileError, match="does not say which model it started from"):
        load_model(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("settings", "asked", "what"),
    [
        ({"hidden_size": 20}, (), "hidden_size must be 7, .* and is 20"),
        ({}, ("hidden_size",), "hidden_size must be 7, .* and is 10"),
        ({}, ("deskew",), "deskew must be true, .* and is false"),
    ],
)
def test_a_setting_that_contradicts_the_model_is_refused_by_name(first, settings, asked, what):
    with pytest.raises(ConfigError, match=what):
        runs.start(replace(CONFIG, start=str(first), **settings), asked=asked)


def test_an_interrupted_run_is_no_start_and_goes_on_without_the_model(own_dataset, first, tmp_path):
    kept = []

    def interrupt(_result):
        raise KeyboardInterrupt

    config = replace(CONFIG, start=str(first), epochs=3)
    whole = runs.train(runs.start(config), own_dataset, tmp_path / "whole.npz")
    with pytest.raises(KeyboardInterrupt):
        runs.train(
            runs.start(config), own_dataset, tmp_path / "m.npz",
            on_epoch=interrupt, on_kept=kept.append,
        )  # fmt: skip
    with pytest.raises(ModelFileError, match="an interrupted run, not a finished model"):
        runs.start(replace(CONFIG, start=str(kept[0].path)))
    resumed = runs.train(runs.resume(kept[0].path), own_dataset, tmp_path / "m.npz")
    assert (resumed.model.network.theta == whole.model.network.theta).all()
    assert (tmp_path / "m.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.slow
def test_the_command_refuses_by_the_options_name(first, own_data, run):
    fine = run("train", "--start", first, "--epochs", 1, "--validation", 200, data_dir=own_data)
    assert fine.returncode == 0
    for words in (["--hidden", 10], ["--no-deskew"]):
        done = run("train", "--start", first, *words, data_dir=own_data)
        assert done.returncode == 2
        assert "as in the model to start from" in " ".join(done.stderr.split())
    assert run("train", "--start", "no.npz", data_dir=own_data).returncode == 1
    assert run("sweep", "--start", first, data_dir=own_data).returncode == 2


# --------------------------------------------------------------------------------------- small sets


def test_of_few_samples_a_tenth_is_held_out_unless_a_number_was_chosen():
    assert held_out(60_000, TrainConfig()) == 5000
    assert held_out(200, TrainConfig()) == 20
    assert held_out(9, TrainConfig()) == 0
    assert held_out(200, TrainConfig(validation_size=150)) == 150
    assert suited(TrainConfig(), 60_000) == TrainConfig()
    assert suited(TrainConfig(), 20) == TrainConfig(validation_size=2, batch_size=18)
    asked = suited(TrainConfig(), 200, asked=["validation_size"])
    with pytest.raises(ConfigError, match="validation_size must be below the 200"):
        hold_out(200, asked)


def test_two_hundred_pictures_are_learned_from_with_the_defaults(own_dataset, tmp_path):
    few = replace_arrays(own_dataset, 200)
    finished = runs.train(
        runs.start(replace(CONFIG, validation_size=5000)), few, tmp_path / "m.npz"
    )
    assert load_model(tmp_path / "m.npz").config.validation_size == 20
    state = runs.start(TrainConfig(epochs=2)).state
    results = list(fit(state, few.train_images, few.train_labels, TrainConfig(epochs=2)))
    assert (state.network.theta == finished.model.network.theta).all()
    assert results[-1].validation_accuracy == finished.history[-1].validation_accuracy


@pytest.mark.slow
def test_a_number_that_was_chosen_stays_an_error(own_data, run):
    for command in ("train", "sweep"):
        done = run(command, "--validation", 5000, data_dir=own_data)
        assert done.returncode == 2
        assert "--validation" in done.stderr
    fine = run("train", "--epochs", 1, data_dir=own_data)
    assert "120 of 1,200 training pictures are held out: a tenth, not 5,000" in fine.stderr


def test_a_path_is_no_name_for_a_start(first, tmp_path):
    model = load_model(first)
    odd = replace(model, config=replace(model.config, start="somewhere/m.npz"), start_sha256=HASH)
    with pytest.raises(ModelFileError, match="which model it started from"):
        save_model(tmp_path / "m.npz", odd)


def replace_arrays(dataset: Dataset, count: int) -> Dataset:
    return replace(
        dataset,
        train_images=dataset.train_images[:count],
        train_labels=dataset.train_labels[:count],
    )
