"""Settings: what is refused, by which name, and what the presets say."""

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import typer.main

from conftest import ROOT
from nnscratch.app.cli import app
from nnscratch.config import TrainConfig, as_dict, as_options, config_from, load_settings
from nnscratch.errors import ConfigError

BAD = {
    "learning_rate": [0, -1, float("nan"), float("inf"), "0.1", True, 10**400],
    "epochs": [0, -3, 1.5, True, "20"],
    "batch_size": [0, 2.0],
    "hidden_size": [0],
    "momentum": [-0.1, 1, 1.5, float("nan")],
    "weight_decay": [-1e-9, float("inf")],
    "schedule": ["linear", 3, ""],
    "augment": [1, "yes"],
    "deskew": [0],
    "teacher": ["", 3, None],
    "validation_size": [-1, 0.5],
    "seed": [-1, 1.0],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in BAD for value in BAD[key]])
def test_a_bad_value_is_refused_by_name_with_what_is_allowed(key, value):
    with pytest.raises(ConfigError) as caught:
        config_from({key: value})
    assert caught.value.key == key
    assert key in caught.value.what
    assert "must be" in caught.value.what


def test_an_unknown_key_is_refused_and_the_known_ones_listed():
    with pytest.raises(ConfigError, match="lerning_rate") as caught:
        config_from({"lerning_rate": 0.1})
    assert "learning_rate" in caught.value.next_step


def test_a_whole_number_serves_as_a_float():
    assert type(config_from({"learning_rate": 1}).learning_rate) is float


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.longdouble])
def test_numpys_floats_are_numbers(kind):
    rate = TrainConfig(learning_rate=kind(0.5)).learning_rate
    assert rate == 0.5
    assert type(rate) is float


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.intp])
def test_numpys_integers_are_whole_numbers_and_serve_as_floats(kind):
    config = TrainConfig(epochs=kind(3), learning_rate=kind(3))
    assert (config.epochs, config.learning_rate) == (3, 3.0)
    assert (type(config.epochs), type(config.learning_rate)) == (int, float)
    json.dumps(as_dict(config))


@pytest.mark.parametrize("value", [np.float64("nan"), np.float32("inf"), np.array([0.1]), 1j, None])
def test_numpys_other_values_are_not(value):
    with pytest.raises(ConfigError, match="learning_rate must be a finite number above 0"):
        TrainConfig(learning_rate=value)


def test_replacing_a_value_checks_it_again():
    with pytest.raises(ConfigError):
        replace(TrainConfig(), epochs=0)


def test_the_default_preset_repeats_the_defaults():
    path = ROOT / "configs" / "default.toml"
    assert tomllib.loads(path.read_text(encoding="utf-8")) == as_dict(TrainConfig())


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda p: p.name)
def test_every_preset_is_sound_and_gives_a_reason_for_each_value(path):
    settings = load_settings(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert settings.keys() <= as_dict(TrainConfig()).keys()
    assert sum(line.startswith("#") for line in lines) >= 5


@pytest.mark.parametrize(
    "content", [b"", b"# only a comment", b"epochs", b"epochs = 0", b"\xff\xfe", b"a = 1"]
)
def test_a_bad_file_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert caught.value.where == str(path)
    assert caught.value.next_step


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "none.toml")


def test_an_options_name_in_a_file_is_answered_with_the_settings_name():
    with pytest.raises(ConfigError) as caught:
        config_from({"lr": 0.1})
    assert caught.value.next_step == "the setting of --lr is called learning_rate"


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(learning_rate=1 / 3, epochs=7, batch_size=1, hidden_size=256, seed=2**32 - 1),
        TrainConfig(learning_rate=1e-7, momentum=0.9, weight_decay=1e-5, schedule="cosine"),
        TrainConfig(augment=True, deskew=True, refuse=True, teacher="pretrained"),
    ],
    ids=["defaults", "of the page", "of a recipe", "switches"],
)
@pytest.mark.parametrize("always", [(), ("learning_rate", "seed", "deskew")], ids=["few", "more"])
def test_settings_as_options_are_understood_by_train_as_the_same_settings(config, always):
    words = as_options(config, always)
    assert config != TrainConfig() or bool(words) == bool(always)
    parsed = typer.main.get_command(app).commands["train"].make_context("train", words).params
    kinds = {key: type(value) for key, value in as_dict(config).items()}
    assert TrainConfig(**{key: kind(parsed[key]) for key, kind in kinds.items()}) == config
