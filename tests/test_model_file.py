"""The model file: what goes in comes out, the bytes repeat, and nothing foreign gets in."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nnscratch import __version__
from nnscratch.classifier import DigitClassifier
from nnscratch.config import TrainConfig, as_dict
from nnscratch.core import Network
from nnscratch.errors import ModelFileError, OutputError
from nnscratch.model import Model
from nnscratch.model_file import (
    BUNDLED_MODEL,
    check_model_output,
    is_model,
    load_model,
    save_model,
)
from nnscratch.products import scale_pixels
from nnscratch.reject import Rejector

HASHES = {"train-images-idx3-ubyte": "00"}
HISTORY = [{"epoch": 1, "train_loss": 0.5, "validation_loss": None, "validation_accuracy": None}]


@pytest.fixture
def model(rng):
    network = Network(6, rng=rng)
    config = TrainConfig(hidden_size=6, epochs=1, learning_rate=0.25)
    test = {"loss": 0.1, "accuracy": 0.97}
    return Model(network, config, "mnist", HASHES, HISTORY, test)


@pytest.fixture
def saved(model, tmp_path):
    save_model(tmp_path / "m.npz", model)
    return tmp_path / "m.npz"


@pytest.fixture
def kept(model):
    """What an interrupted run leaves."""
    state = np.random.default_rng(3).bit_generator.state
    velocity = model.network.theta + 1
    return replace(model, test=None, memory={"velocity": velocity}, generator=state)


def test_what_was_saved_is_loaded(model, tmp_path):
    save_model(tmp_path / "m.npz", model)
    loaded = load_model(tmp_path / "m.npz")
    for name, value in model.network.parameters.items():
        assert np.array_equal(loaded.network.parameters[name], value)
        assert loaded.network.parameters[name].dtype == np.float32
    for name in ("config", "dataset", "sha256", "history", "test"):
        assert getattr(loaded, name) == getattr(model, name)


def test_a_file_for_resume_keeps_velocity_and_generator(kept, tmp_path):
    save_model(tmp_path / "k.npz", kept)
    loaded = load_model(tmp_path / "k.npz")
    assert loaded.generator == kept.generator
    assert np.array_equal(loaded.memory["velocity"], kept.memory["velocity"])
    assert loaded.test is None
    assert set(unpacked(tmp_path / "k.npz")) == {
        "W_h", "b_h", "W_o", "b_o", "metadata", "generator",
        "velocity_W_h", "velocity_b_h", "velocity_W_o", "velocity_b_o",
    }  # fmt: skip


def test_numpy_opens_it_and_finds_four_arrays_and_metadata(model, tmp_path):
    save_model(tmp_path / "m.npz", model)
    with np.load(tmp_path / "m.npz") as file:
        assert set(file.files) == {"W_h", "b_h", "W_o", "b_o", "metadata"}
        metadata = json.loads(str(file["metadata"]))
    settings = as_dict(model.config)
    # So that the bytes are those of earlier versions.
    assert settings.pop("teacher") == "none"
    assert settings.pop("start") == "none"
    assert settings.pop("refuse") is False
    assert metadata == {
        "format_version": 2,
        "nnscratch_version": __version__,
        "network": {
            "layers": [784, 6, 10],
            "hidden_activation": "relu",
            "output_activation": "softmax",
            "loss": "cross-entropy",
        },
        "dataset": {"name": "mnist", "sha256": HASHES},
        "preprocessing": {"scale": "pixels / 255", "deskew": False},
        "config": settings,
        "history": HISTORY,
        "test": {"loss": 0.1, "accuracy": 0.97},
    }


def test_the_same_model_gives_the_same_bytes_under_any_name(model, tmp_path):
    save_model(tmp_path / "a.npz", model)
    save_model(tmp_path / "b", model)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a.npz", "b"]


NOT_OURS = "it is damaged, or not a model file"


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"PK\x03\x04", b"\x80\x04K\x01.", b"\x93NUMPY\x01\x00"]
)
def test_what_is_not_a_model_is_refused(tmp_path, content):
    path = tmp_path / "m.npz"
    path.write_bytes(content)
    refused(path, NOT_OURS)


def refused(path, reason):
    """Loading fails, for exactly this reason, and says where and what to do next."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert caught.value.what == f"the model cannot be read: {reason}"
    assert caught.value.where == str(path)
    assert caught.value.next_step == "train a new one with: nnscratch train; or name another file"


def test_a_pickle_inside_is_never_run(model, tmp_path):
    class Payload:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "owned"),))

    arrays = {**model.network.parameters, "metadata": np.array([Payload()], dtype=object)}
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ModelFileError):
        load_model(tmp_path / "m.npz")
    assert not (tmp_path / "owned").exists()


def unpacked(path):
    with np.load(path) as file:
        return dict(file)


def edited(arrays, **changes):
    """The metadata with other values; a value of None takes the key out."""
    metadata = {**json.loads(str(arrays["metadata"])), **changes}
    return np.array(
        json.dumps({key: value for key, value in metadata.items() if value is not None})
    )


def one(arrays, name, value):
    """An array of which a single number is another."""
    changed = arrays[name].copy()
    changed.flat[changed.size // 2] = value
    return {name: changed}


def metadata(**changes):
    return lambda arrays: {"metadata": edited(arrays, **changes)}


def network(**changes):
    described = {
        "layers": [784, 6, 10],
        "hidden_activation": "relu",
        "output_activation": "softmax",
        "loss": "cross-entropy",
    }
    return metadata(network={**described, **changes})


def epoch(**changes):
    return metadata(history=[{**HISTORY[0], **changes}])


OTHER_NETWORK = "its network computes something that this nnscratch does not know"
OTHER_PICTURES = "it prepares pictures in a way that this nnscratch does not know"
NO_VERSION = "metadata gives no format version"
NO_SETTINGS = "metadata holds no settings"
NO_DATASET = "metadata does not say which data set it learned from"
NO_HISTORY = "metadata holds no sound history"
NO_CLASSES = "metadata does not say which classes were somebody's own"
NO_RESULT = "metadata holds no sound test result"
TOO_LARGE = "its weights are so large that a picture's outputs would not be finite"
NO_STATE = "the member generator is no state of a random generator"


def newer(version):
    return (
        f"it has format version {version}, and this nnscratch reads up to 3; a newer one is needed"
    )


def infinite(name):
    return f"the member {name} holds a value that is not a finite number"


# Of each case: what differs from a sound file (None takes a member out), and the whole sentence.
WRONG = {
    "no b_h": (lambda a: {"b_h": None}, "the member b_h is missing"),
    "no metadata": (lambda a: {"metadata": None}, "the member metadata is missing"),
    "a fifth array": (
        lambda a: {"extra": np.zeros(1)},
        "it has a member that no model has: 'extra.npy'",
    ),
    "velocity without a generator": (
        lambda a: {"velocity_W_h": a["W_h"]},
        "it has a member that no model has: 'velocity_W_h.npy'",
    ),
    "a generator without velocity": (
        lambda a: {"generator": np.array("{}")},
        "the member velocity_W_h is missing",
    ),
    "W_h too short": (
        lambda a: {"W_h": a["W_h"][:5]},
        "the member W_h should be (6, 784), and is (5, 784)",
    ),
    "b_h flat": (lambda a: {"b_h": a["b_h"][:, 0]}, "the member b_h should be (6, 1), and is (6,)"),
    "W_h by columns": (
        lambda a: {"W_h": np.asfortranarray(a["W_h"])},
        "the member W_h is stored column by column, and ours never are",
    ),
    "b_o in float64": (
        lambda a: {"b_o": a["b_o"].astype(np.float64)},
        "the member b_o should hold <f4, and holds <f8",
    ),
    "b_o of big-endian": (
        lambda a: {"b_o": a["b_o"].astype(">f4")},
        "the member b_o should hold <f4, and holds >f4",
    ),
    **{
        f"one {value} in {name}": (lambda a, n=name, v=value: one(a, n, v), infinite(name))
        for name in ("W_h", "b_h", "W_o", "b_o")
        for value in (np.nan, np.inf, -np.inf)
    },
    "enormous W_h": (lambda a: one(a, "W_h", 3e38), TOO_LARGE),
    "enormous b_h": (lambda a: one(a, "b_h", -3e38), TOO_LARGE),
    "enormous b_o": (lambda a: one(a, "b_o", 3e38), TOO_LARGE),
    "enormous together": (
        lambda a: {"W_h": a["W_h"] * 0 + 1e17, "W_o": a["W_o"] * 0 - 1e18},
        TOO_LARGE,
    ),
    "metadata a list": (
        lambda a: {"metadata": np.array("[1]")},
        "the member metadata is not a JSON object",
    ),
    "metadata cut short": (
        lambda a: {"metadata": np.array("{")},
        "the member metadata is not JSON",
    ),
    "metadata nested deep": (
        lambda a: {"metadata": np.array("[" * 200_000)},
        "the member metadata is not JSON",
    ),
    "metadata a number": (lambda a: {"metadata": np.array(7)}, "the member metadata is not a text"),
    "metadata of bytes": (
        lambda a: {"metadata": np.array(b"{}")},
        "the member metadata is not a text",
    ),
    "metadata of two texts": (
        lambda a: {"metadata": np.array(["{}", "{}"])},
        "the member metadata is not a text",
    ),
    "metadata of big-endian": (
        lambda a: {"metadata": a["metadata"].astype(a["metadata"].dtype.newbyteorder(">"))},
        "the member metadata is not a text",
    ),
    "no version": (metadata(format_version=None), NO_VERSION),
    "version 0": (metadata(format_version=0), NO_VERSION),
    "version true": (metadata(format_version=True), NO_VERSION),
    "version 2.0": (metadata(format_version=2.0), NO_VERSION),
    "version 4": (metadata(format_version=4), newer(4)),
    "version 99": (metadata(format_version=99), newer(99)),
    "tanh": (network(hidden_activation="tanh"), OTHER_NETWORK),
    "sigmoid outputs": (network(output_activation="sigmoid"), OTHER_NETWORK),
    "two hidden layers": (network(layers=[784, 6, 6, 10]), OTHER_NETWORK),
    "other widths": (network(layers=[784, 7, 10]), OTHER_NETWORK),
    "another loss": (network(loss="squares"), OTHER_NETWORK),
    "more than we know": (network(dropout=0.5), OTHER_NETWORK),
    "nothing said of the network": (metadata(network=None), OTHER_NETWORK),
    "pixels / 127.5": (metadata(preprocessing={"scale": "pixels / 127.5"}), OTHER_PICTURES),
    "deskewed or not": (
        metadata(preprocessing={"scale": "pixels / 255", "deskew": True}),
        OTHER_PICTURES,
    ),
    "nothing said of pictures": (metadata(preprocessing=None), OTHER_PICTURES),
    "no settings": (metadata(config=None), NO_SETTINGS),
    "settings a list": (metadata(config=[1]), NO_SETTINGS),
    "a width out of range": (
        metadata(config={"hidden_size": 10**12}),
        "metadata: hidden_size must be a whole number from 1 to 100,000, and is 1000000000000",
    ),
    "a setting that is not one": (
        metadata(config={"dropout": 0.5}),
        "metadata: there is no setting called 'dropout'",
    ),
    "no data set": (metadata(dataset=None), NO_DATASET),
    "a data set by name alone": (metadata(dataset="mnist"), NO_DATASET),
    "a data set of no known name": (metadata(dataset={"name": "x", "sha256": {}}), NO_DATASET),
    "a data set without hashes": (metadata(dataset={"name": "mnist"}), NO_DATASET),
    "no history": (metadata(history=None), NO_HISTORY),
    "a history that is no list": (metadata(history={}), NO_HISTORY),
    "an epoch that is a number": (metadata(history=[1]), NO_HISTORY),
    "an epoch with too much": (epoch(seconds=1.0), NO_HISTORY),
    "an epoch with too little": (metadata(history=[{"epoch": 1}]), NO_HISTORY),
    "an epoch that is counted true": (epoch(epoch=True), NO_HISTORY),
    "an epoch of 1.0": (epoch(epoch=1.0), NO_HISTORY),
    "an epoch without a loss": (epoch(train_loss=None), NO_HISTORY),
    "an epoch with a text": (epoch(validation_loss="0.1"), NO_HISTORY),
    "a class that is none of the four": (metadata(own_classes=["Linear", "evil"]), NO_CLASSES),
    "own classes in one text": (metadata(own_classes="Linear"), NO_CLASSES),
    "a result that is a number": (metadata(test=0.97), NO_RESULT),
    "a result without accuracy": (metadata(test={"loss": 0.1}), NO_RESULT),
    "a result in words": (metadata(test={"loss": 0.1, "accuracy": "good"}), NO_RESULT),
}


def with_changes(path, changes):
    arrays = {**unpacked(path), **changes}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


def test_rewriting_a_model_without_a_change_leaves_it_sound(saved):
    with_changes(saved, {})
    load_model(saved)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_member_is_refused_with_its_own_sentence(saved, case):
    change, reason = WRONG[case]
    with_changes(saved, change(unpacked(saved)))
    refused(saved, reason)


@pytest.mark.parametrize("name", ["mnist", "custom", "synthetic", "mnist+synthetic"])
def test_each_data_set_has_its_name(saved, name):
    with_changes(saved, metadata(dataset={"name": name, "sha256": {}})(unpacked(saved)))
    assert load_model(saved).dataset == name


HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize("name", ["pretrained", HASH])
def test_a_model_that_had_a_teacher_says_which(model, tmp_path, name):
    taught = replace(model, config=replace(model.config, teacher=name), teacher_sha256=HASH)
    save_model(tmp_path / "m.npz", taught)
    loaded = load_model(tmp_path / "m.npz")
    assert (loaded.config.teacher, loaded.teacher_sha256) == (name, HASH)


@pytest.mark.parametrize(
    "teacher",
    [
        {}, [], HASH, {"name": "pretrained"}, {"name": "/a/path.npz", "sha256": HASH},
        {"name": "pretrained", "sha256": "short"}, {"name": "none", "sha256": ""},
        {"name": "pretrained", "sha256": 3}, {"name": [], "sha256": HASH},
    ],
)  # fmt: skip
def test_a_teacher_that_is_a_path_or_nothing_sound_is_refused(saved, teacher):
    with_changes(saved, metadata(teacher=teacher)(unpacked(saved)))
    refused(saved, "metadata does not say which teacher it had")


# A file kept for --resume, with the same kind of change.
WRONG_FOR_RESUME = {
    "no velocity": (lambda a: {"velocity_b_o": None}, "the member velocity_b_o is missing"),
    "one NaN": (lambda a: one(a, "velocity_W_o", np.nan), infinite("velocity_W_o")),
    "too short": (
        lambda a: {"velocity_b_h": a["b_h"][:2]},
        "the member velocity_b_h should be (6, 1), and is (2, 1)",
    ),
    "generator a number": (
        lambda a: {"generator": np.array(3)},
        "the member generator is not a text",
    ),
    "generator cut short": (
        lambda a: {"generator": np.array('{"bit')},
        "the member generator is not JSON",
    ),
    "generator empty": (lambda a: {"generator": np.array("{}")}, NO_STATE),
    **{
        f"generator with {key} {value!r}": (
            lambda a, key=key, value=value: {"generator": edited_state(a, key, value)},
            NO_STATE,
        )
        for key, value in [
            ("bit_generator", "MT19937"),
            ("state", {}),
            ("state", None),
            ("state", {"state": -1, "inc": 1}),
            ("state", {"state": "x", "inc": 1}),
            ("state", {"state": 1 << 200, "inc": 1}),
            ("uinteger", "x"),
        ]
    },
}


def edited_state(arrays, key, value):
    return np.array(json.dumps({**json.loads(str(arrays["generator"])), key: value}))


@pytest.mark.parametrize("case", WRONG_FOR_RESUME)
def test_a_wrong_member_of_a_kept_run_is_refused_with_its_own_sentence(tmp_path, kept, case):
    change, reason = WRONG_FOR_RESUME[case]
    save_model(tmp_path / "k.npz", kept)
    with_changes(tmp_path / "k.npz", change(unpacked(tmp_path / "k.npz")))
    refused(tmp_path / "k.npz", reason)


# ------------------------------------------------------------------------------ the file as a whole


@pytest.mark.parametrize("name", ["metadata", "generator"])
def test_a_text_that_is_too_large_is_refused(tmp_path, kept, name):
    save_model(tmp_path / "k.npz", kept)
    with_changes(tmp_path / "k.npz", {name: np.array("x" * (1 << 24))})
    refused(tmp_path / "k.npz", f"the member {name} is too large")


def test_a_flipped_byte_is_damage(saved):
    data = bytearray(saved.read_bytes())
    data[2000] ^= 1
    saved.write_bytes(data)
    refused(saved, NOT_OURS)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path)
    assert caught.value.where == str(tmp_path)
    assert "cannot be read: " in caught.value.what


def test_a_compressed_member_is_refused_before_it_is_unpacked(model, tmp_path):
    arrays = {**model.network.parameters, "metadata": np.array("x")}
    np.savez_compressed(tmp_path / "m.npz", **arrays)
    refused(tmp_path / "m.npz", "the member W_h is compressed, and ours never are")


def test_a_missing_model_is_told_with_a_command_that_can_be_pasted(tmp_path):
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / "my model.npz")
    assert caught.value.what == "there is no such model"
    assert caught.value.where == str(tmp_path / "my model.npz")
    said = caught.value.next_step
    assert said == f"train one with: nnscratch train --output '{tmp_path / 'my model.npz'}'"


# ------------------------------------------------------------------------------------- versions


def test_the_model_on_board_is_of_version_3_and_knows_what_is_no_digit():
    arrays = unpacked(BUNDLED_MODEL)
    metadata = json.loads(str(arrays["metadata"]))
    model = load_model(BUNDLED_MODEL)
    assert metadata["format_version"] == 3
    assert metadata["temperature"] == model.temperature
    assert metadata["rejector"]["threshold"] == model.rejector.threshold
    for name, value in model.network.parameters.items():
        assert np.array_equal(value, arrays[name])
    for name, value in model.rejector.parameters.items():
        assert np.array_equal(value, arrays[f"reject_{name}"])
    assert model.network.deskewed == model.config.deskew
    assert BUNDLED_MODEL.stat().st_size < 1_750_000


def test_the_text_pretrained_is_no_place_to_save_to(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for save in (lambda name: save_model(name, model), DigitClassifier.load("pretrained").save):
        with pytest.raises(OutputError, match="names the model on board"):
            save("pretrained")
        assert list(tmp_path.iterdir()) == []
    save_model(Path("pretrained"), model)
    assert len(load_model(Path("pretrained")).network.hidden.b) == 6


def test_the_name_pretrained_is_the_model_on_board_whatever_lies_about(saved, monkeypatch):
    monkeypatch.chdir(saved.parent)
    saved.rename("pretrained")
    on_board = load_model(BUNDLED_MODEL).network.theta
    assert np.array_equal(load_model("pretrained").network.theta, on_board)
    assert len(load_model(Path("pretrained").absolute()).network.hidden.b) == 6


@pytest.mark.parametrize("key", ["network", "preprocessing"])
def test_a_file_of_version_1_need_not_say_what_it_computes(saved, model, key):
    with_changes(saved, metadata(format_version=1, **{key: None})(unpacked(saved)))
    assert np.array_equal(load_model(saved).network.theta, model.network.theta)


# --------------------------------------------------------------------------------- what is refused


@pytest.fixture
def refusing(model, rng):
    rejector = Rejector(5, rng=rng)
    rejector.threshold = 0.75
    return replace(model, temperature=1.25, rejector=rejector)


def test_what_rejects_and_the_temperature_come_back(refusing, tmp_path, rng):
    save_model(tmp_path / "m.npz", refusing)
    loaded = load_model(tmp_path / "m.npz")
    images = rng.integers(0, 256, (7, 28, 28)).astype(np.uint8)
    assert loaded.temperature == 1.25
    assert np.array_equal(loaded.strangeness(images), refusing.strangeness(images))
    assert np.array_equal(loaded.predict_proba(images), refusing.predict_proba(images))


def test_a_temperature_alone_is_kept_as_well(model, tmp_path):
    save_model(tmp_path / "m.npz", replace(model, temperature=0.5))
    assert load_model(tmp_path / "m.npz").temperature == 0.5
    assert load_model(tmp_path / "m.npz").rejector is None


def test_an_older_file_never_refuses_and_is_as_sure_as_it_was(saved, model, rng):
    loaded, images = load_model(saved), rng.integers(0, 256, (7, 28, 28)).astype(np.uint8)
    assert loaded.rejector is None
    assert loaded.temperature == 1
    assert np.isneginf(loaded.strangeness(images)).all()
    expected = model.network.predict_proba(scale_pixels(images))
    assert np.array_equal(loaded.predict_proba(images), expected)


DIFFER = "metadata and members differ about what rejects"
UNSOUND_REJECTORS = {
    "no temperature": ({"temperature": None}, "metadata gives no sound temperature"),
    "a whole temperature": ({"temperature": 1}, "metadata gives no sound temperature"),
    "no warmth": ({"temperature": 0.0}, "metadata gives no sound temperature"),
    "NaN": ({"temperature": float("nan")}, "metadata gives no sound temperature"),
    "no word of it": ({"rejector": None}, DIFFER),
    "no units": (
        {"rejector": {"units": 0, "threshold": 1.0}},
        "metadata gives the rejector no sound number of units",
    ),
    "a text": ({"rejector": "yes"}, "metadata gives the rejector no sound number of units"),
    "another width": (
        {"rejector": {"units": 6, "threshold": 1.0}},
        "the member reject_W_h should be (6, 784), and is (5, 784)",
    ),
    "an infinite threshold": (
        {"rejector": {"units": 5, "threshold": float("inf")}},
        "metadata gives the rejector no sound threshold",
    ),
}


@pytest.mark.parametrize("case", UNSOUND_REJECTORS)
def test_an_unsound_rejector_is_refused_with_its_own_sentence(case, refusing, tmp_path):
    path, (changes, reason) = tmp_path / "m.npz", UNSOUND_REJECTORS[case]
    save_model(path, refusing)
    with_changes(path, metadata(**changes)(unpacked(path)))
    refused(path, reason)


def test_a_rejector_lacks_no_member(refusing, tmp_path):
    save_model(tmp_path / "m.npz", refusing)
    with_changes(tmp_path / "m.npz", {"reject_b_o": None})
    refused(tmp_path / "m.npz", "the member reject_b_o is missing")


# ------------------------------------------------------------------------------- what is not saved


UNSAVABLE = {
    "a NaN": (lambda m: m.network.hidden.W.put(7, np.nan), infinite("W_h")),
    "an infinite bias": (lambda m: m.network.output.b.put(0, np.inf), infinite("b_o")),
    "enormous weights": (lambda m: m.network.hidden.W.fill(3e38), TOO_LARGE),
    "a data set of no known name": (lambda m: replace(m, dataset="fashion"), NO_DATASET),
    "an epoch with its time": (
        lambda m: replace(m, history=[{**HISTORY[0], "seconds": 1.0}]),
        NO_HISTORY,
    ),
    "a result of another kind": (lambda m: replace(m, test={"loss": 1}), NO_RESULT),
    "a value that JSON does not know": (
        lambda m: replace(m, test={"loss": np.float32(1), "accuracy": 0.5}),
        "Object of type float32 is not JSON serializable",
    ),
    "a generator without memory": (
        lambda m: replace(m, generator=np.random.default_rng(0).bit_generator.state),
        "the member velocity_W_h is missing",
    ),
    "a float64 that float32 cannot hold": (
        lambda m: replace(m, network=enormous(m.network.astype(float))),
        infinite("b_h"),
    ),
}


def enormous(network):
    network.hidden.b[:] = 1e200
    return network


@pytest.mark.parametrize("case", UNSAVABLE)
def test_what_would_not_load_is_not_saved_and_an_earlier_model_stays(saved, model, case):
    change, reason = UNSAVABLE[case]
    before = saved.read_bytes()
    with pytest.raises(ModelFileError) as caught:
        save_model(saved, change(model) or model)
    assert caught.value.what == f"the model cannot be saved: {reason}"
    assert caught.value.next_step == "train it again, if need be with a smaller rate"
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    assert saved.read_bytes() == before


def test_a_memory_that_does_not_fit_is_not_saved(tmp_path, kept):
    for velocity in (kept.memory["velocity"][:-1], kept.memory["velocity"] * np.nan):
        with pytest.raises(ModelFileError, match="the model cannot be saved"):
            save_model(tmp_path / "k.npz", replace(kept, memory={"velocity": velocity}))
    assert not os.listdir(tmp_path)


def test_a_very_long_history_is_saved_and_loaded(tmp_path, model):
    history = [{**HISTORY[0], "epoch": number} for number in range(1, 20_001)]
    save_model(tmp_path / "m.npz", replace(model, history=history))
    assert load_model(tmp_path / "m.npz").history == history


# ------------------------------------------------------------------- an earlier file of that name


@pytest.mark.parametrize(
    ("name", "kept_as"),
    [("m.npz", "m.previous.npz"), ("m", "m.previous.npz"), ("a.npz.npz", "a.npz.previous.npz")],
)
def test_an_earlier_model_is_kept_beside_the_new_one(tmp_path, model, name, kept_as):
    assert save_model(tmp_path / name, model) is None
    before = (tmp_path / name).read_bytes()
    other = replace(model, dataset="custom")
    assert save_model(tmp_path / name, other) == tmp_path / kept_as
    assert (tmp_path / kept_as).read_bytes() == before
    assert load_model(tmp_path / name).dataset == "custom"


def test_an_empty_file_is_written_over(tmp_path, model):
    (tmp_path / "m.npz").touch()
    assert save_model(tmp_path / "m.npz", model) is None
    assert load_model(tmp_path / "m.npz").dataset == "mnist"


@pytest.mark.parametrize("act", [save_model, lambda path, m: check_model_output(path, m.config)])
def test_a_file_that_is_no_model_is_never_replaced(tmp_path, model, act):
    (tmp_path / "photo.npz").write_bytes(b"a photograph")
    with pytest.raises(OutputError) as caught:
        act(tmp_path / "photo.npz", model)
    assert caught.value.what == "the model would replace a file that nnscratch did not make"
    assert caught.value.where == str(tmp_path / "photo.npz")
    assert (tmp_path / "photo.npz").read_bytes() == b"a photograph"


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path):
    for path in (tmp_path / "missing" / "m.npz", tmp_path):
        with pytest.raises(OutputError) as caught:
            check_model_output(path, TrainConfig())
        assert caught.value.what.startswith("the model cannot be saved: ")
        assert caught.value.where == str(path)
    check_model_output(tmp_path / "m.npz", TrainConfig())
    assert not os.listdir(tmp_path)


def test_saving_into_a_folder_that_is_not_there_is_an_error_of_ours(tmp_path, model):
    with pytest.raises(OutputError) as caught:
        save_model(tmp_path / "missing" / "m.npz", model)
    assert caught.value.what == "the model cannot be saved: No such file or directory"
    assert caught.value.where == str(tmp_path / "missing" / "m.npz")


@pytest.mark.parametrize("name", ["m.previous.npz", "m.interrupted.npz"])
def test_a_name_beside_the_model_that_is_taken_is_told_before_training(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match="folder"):
        check_model_output(
            tmp_path / "m.npz", TrainConfig(), siblings=(tmp_path / "m.interrupted.npz",)
        )


def test_only_a_zip_with_a_models_members_is_a_model(tmp_path, saved):
    assert is_model(saved)
    assert is_model(BUNDLED_MODEL)
    np.savez(tmp_path / "other.npz", W_h=np.zeros(3))
    (tmp_path / "text").write_text("W_h")
    for path in (tmp_path / "other.npz", tmp_path / "text", tmp_path / "none", tmp_path):
        assert not is_model(path)
    with_changes(saved, metadata(format_version=99)(unpacked(saved)))
    assert is_model(saved)  # a newer one is ours as well
