"""The page of JSON in a model file: what the model is, where it comes from, how good it is.

It is written by one version and read by another, and what is read is checked piece by piece: the
readers raise UnsoundError with a sentence that says what is missing or odd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nnscratch import __version__
from nnscratch.archive import UnsoundError
from nnscratch.config import BUNDLED_NAME, NO_START, NO_TEACHER, TrainConfig, as_dict, config_from
from nnscratch.core import CLASSES, IN_FEATURES
from nnscratch.data.dataset import DATASET_NAMES
from nnscratch.errors import ConfigError
from nnscratch.handin import CLASSES_TO_WRITE
from nnscratch.model import Model

HISTORY_KEYS = {"epoch", "train_loss", "validation_loss", "validation_accuracy"}


def metadata_of(model: Model) -> dict[str, Any]:
    """Return all that is to be said of a model, in the oldest format version that can say it."""
    config = as_dict(model.config)
    name = config.pop("teacher")  # a model without a teacher has the bytes that it always had
    taught = {"teacher": {"name": name, "sha256": model.teacher_sha256}}
    origin = config.pop("start")
    started = {"start": {"name": origin, "sha256": model.start_sha256}}
    if not config["refuse"]:
        del config["refuse"]
    calibration: dict[str, Any] = {}
    if model.rejector is not None or model.temperature != 1:
        rejector = model.rejector and {
            "units": len(model.rejector.hidden.b),
            "threshold": model.rejector.threshold,
        }
        calibration = {"temperature": model.temperature, "rejector": rejector}
    return {
        "format_version": 3 if calibration else 2,
        "nnscratch_version": __version__,
        "network": describe_network(model.config.hidden_size),
        "dataset": {"name": model.dataset, "sha256": model.sha256},
        "preprocessing": {"scale": "pixels / 255", "deskew": model.config.deskew},
        "config": config,
        "history": model.history,
        "test": model.test,
        **(taught if name != NO_TEACHER else {}),
        **(started if origin != NO_START else {}),
        **calibration,
        **({"own_classes": list(model.own_classes)} if model.own_classes else {}),
    }


def describe_network(hidden_size: int) -> dict[str, Any]:
    """Say what a network computes, so that no reader takes it for something else."""
    return {
        "layers": [IN_FEATURES, hidden_size, CLASSES],
        "hidden_activation": "relu",
        "output_activation": "softmax",
        "loss": "cross-entropy",
    }


def read_config(metadata: Mapping[str, Any]) -> TrainConfig:
    """Return the settings that the model was trained with, each in its range."""
    settings = metadata.get("config")
    if not isinstance(settings, dict) or {"teacher", "start"} & settings.keys():
        raise UnsoundError("metadata holds no settings")
    try:
        models = {"teacher": read_teacher(metadata)["name"], "start": read_start(metadata)["name"]}
        return config_from({**settings, **models})
    except ConfigError as error:
        raise UnsoundError(f"metadata: {error.what}") from error


def read_teacher(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the name and the hash of the teacher; its name is no path, but `pretrained` or it."""
    return _read_named(metadata, "teacher", "which teacher it had")


def read_start(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the name and the hash of the model whose weights the run began with, likewise."""
    return _read_named(metadata, "start", "which model it started from")


def _read_named(metadata: Mapping[str, Any], key: str, said: str) -> dict[str, str]:
    if key not in metadata:
        return {"name": NO_TEACHER, "sha256": ""}
    named = metadata[key]
    if not (
        isinstance(named, dict)
        and isinstance(named.get("sha256"), str)
        and re.fullmatch("[0-9a-f]{64}", named["sha256"])
        and named.get("name") in (BUNDLED_NAME, named["sha256"])
    ):
        raise UnsoundError(f"metadata does not say {said}")
    return {"name": named["name"], "sha256": named["sha256"]}


def read_dataset(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name of the data set that was learned from, and the hashes of its files."""
    dataset = metadata.get("dataset")
    if (
        not isinstance(dataset, dict)
        or dataset.get("name") not in DATASET_NAMES
        or not isinstance(dataset.get("sha256"), dict)
    ):
        raise UnsoundError("metadata does not say which data set it learned from")
    return dataset


def read_results(metadata: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    """Return the history, an object per epoch, and the test result, None if there was no test."""
    history, test = metadata.get("history"), metadata.get("test")
    if not isinstance(history, list) or not all(map(_is_epoch, history)):
        raise UnsoundError("metadata holds no sound history")
    if test is not None and (
        not isinstance(test, dict)
        or not all(isinstance(test.get(key), float) for key in ("loss", "accuracy"))
    ):
        raise UnsoundError("metadata holds no sound test result")
    return history, test


def read_own_classes(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which classes an unfinished run took from somebody's file; mostly none."""
    names = metadata.get("own_classes", [])
    if not isinstance(names, list) or not all(name in CLASSES_TO_WRITE for name in names):
        raise UnsoundError("metadata does not say which classes were somebody's own")
    return tuple(names)


def _is_epoch(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == HISTORY_KEYS
        and type(entry["epoch"]) is int
        and type(entry["train_loss"]) is float
        and all(entry[key] is None or type(entry[key]) is float for key in HISTORY_KEYS - {"epoch"})
    )
