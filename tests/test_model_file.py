"""The model file: what goes in comes out, the bytes repeat, and nothing foreign gets in."""

import json
import os

import numpy as np
import pytest

from nnscratch.config import TrainConfig
from nnscratch.core import Network
from nnscratch.errors import ModelFileError, OutputError
from nnscratch.model import Model
from nnscratch.model_file import check_model_output, load_model, save_model

HASHES = {"train-images-idx3-ubyte": "00"}
HISTORY = [{"epoch": 1, "train_loss": 0.5, "validation_loss": None, "validation_accuracy": None}]


@pytest.fixture
def model(rng):
    network = Network(6, rng=rng)
    config = TrainConfig(hidden_size=6, epochs=1, learning_rate=0.25)
    test = {"loss": 0.1, "accuracy": 0.97}
    return Model(network, config, "mnist", HASHES, HISTORY, test)


def test_what_was_saved_is_loaded(model, tmp_path):
    save_model(tmp_path / "m.npz", model)
    loaded = load_model(tmp_path / "m.npz")
    for name, value in model.network.parameters.items():
        assert np.array_equal(loaded.network.parameters[name], value)
        assert loaded.network.parameters[name].dtype == np.float32
    for name in ("config", "dataset", "sha256", "history", "test"):
        assert getattr(loaded, name) == getattr(model, name)


def test_a_file_for_resume_keeps_velocity_and_generator(model, tmp_path):
    rng = np.random.default_rng(3)
    velocity = model.network.theta + 1
    kept = Model(
        model.network, model.config, "mnist", HASHES, HISTORY, None, {"velocity": velocity},
        rng.bit_generator.state,
    )  # fmt: skip
    save_model(tmp_path / "m.npz", kept)
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.generator == rng.bit_generator.state
    assert np.array_equal(loaded.memory["velocity"], velocity)


def test_numpy_opens_it_and_finds_four_arrays_and_metadata(model, tmp_path):
    save_model(tmp_path / "m.npz", model)
    with np.load(tmp_path / "m.npz") as file:
        assert set(file.files) == {"W_h", "b_h", "W_o", "b_o", "metadata"}
        metadata = json.loads(str(file["metadata"]))
    assert metadata["format_version"] == 2
    assert metadata["config"]["learning_rate"] == 0.25


def test_the_same_model_gives_the_same_bytes_under_any_name(model, tmp_path):
    save_model(tmp_path / "a.npz", model)
    save_model(tmp_path / "b", model)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a.npz", "b"]


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"PK\x03\x04", b"\x80\x04K\x01.", b"\x93NUMPY\x01\x00"]
)
def test_what_is_not_a_model_is_refused(tmp_path, content):
    path = tmp_path / "m.npz"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert caught.value.where == str(path)
    assert "pickle" not in str(caught.value)


def test_a_pickle_inside_is_never_run(model, tmp_path):
    class Payload:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "owned"),))

    arrays = {**model.network.parameters, "metadata": np.array([Payload()], dtype=object)}
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ModelFileError):
        load_model(tmp_path / "m.npz")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda a: a.pop("b_h"), "b_h is missing"),
        (lambda a: a.update(extra=np.zeros(1)), "extra"),
        (lambda a: a.update(W_h=a["W_h"][:5]), "W_h"),
        (lambda a: a.update(W_h=np.asfortranarray(a["W_h"])), "W_h"),
        (lambda a: a.update(b_o=a["b_o"].astype(np.float64)), "b_o"),
        (lambda a: a.update(b_o=a["b_o"].astype(">f4")), "b_o"),
        (lambda a: a.update(W_o=np.full_like(a["W_o"], np.nan)), "W_o"),
        (lambda a: a.update(W_o=np.full_like(a["W_o"], np.inf)), "W_o"),
        (lambda a: a.update(metadata=np.array("[1]")), "metadata"),
        (lambda a: a.update(metadata=np.array("{")), "metadata"),
        (lambda a: a.update(metadata=np.array(7)), "metadata"),
        (lambda a: a.update(metadata=_edited(a, format_version=3)), "newer"),
        (lambda a: a.update(metadata=_edited(a, config={"hidden_size": 10**12})), "hidden_size"),
        (lambda a: a.update(metadata=_edited(a, config={"epochs": -1})), "epochs"),
        (lambda a: a.update(metadata=_edited(a, dataset="mnist")), "data set"),
    ],
)
def test_a_wrong_member_is_refused_by_name(model, tmp_path, change, named):
    save_model(tmp_path / "m.npz", model)
    with np.load(tmp_path / "m.npz") as file:
        arrays = dict(file)
    change(arrays)
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / "m.npz")
    assert named in caught.value.what


def _edited(arrays, **changes):
    return np.array(json.dumps({**json.loads(str(arrays["metadata"])), **changes}))


def test_a_compressed_member_is_refused_before_it_is_unpacked(model, tmp_path):
    arrays = {**model.network.parameters, "metadata": np.array("x")}
    np.savez_compressed(tmp_path / "m.npz", **arrays)
    with pytest.raises(ModelFileError, match="compressed"):
        load_model(tmp_path / "m.npz")


def test_a_missing_model_is_told_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / "none.npz")
    assert "nnscratch train" in caught.value.next_step


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path):
    for path in (tmp_path / "missing" / "m.npz", tmp_path):
        with pytest.raises(OutputError):
            check_model_output(path, TrainConfig())
    check_model_output(tmp_path / "m.npz", TrainConfig())
    assert not os.listdir(tmp_path)


def test_a_missing_model_is_told_with_a_command_that_can_be_pasted(tmp_path):
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / "my model.npz")
    assert caught.value.next_step.endswith("my model.npz'")
