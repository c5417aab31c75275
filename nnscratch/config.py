"""Every hyper-parameter of a training run, in one frozen record, with what each may be.

The keys of a TOML file are the field names; a file may leave out any of them. Nothing else in the
package knows a default or a range.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnscratch.errors import ConfigError

DEFAULT_DATA_DIR = Path("data")
DATA_DIR_VARIABLE = "NNSCRATCH_DATA_DIR"

SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class Allowed:
    """What one setting may be: its type, a test, and the range in words."""

    type: type
    words: str
    test: Callable[[Any], bool]


def _whole(lowest: int) -> Allowed:
    return Allowed(int, f"a whole number, {lowest} or more", lambda value: value >= lowest)


_SWITCH = Allowed(bool, "true or false", lambda value: True)

ALLOWED: dict[str, Allowed] = {
    "learning_rate": Allowed(float, "a finite number above 0", lambda value: value > 0),
    "epochs": _whole(1),
    "batch_size": _whole(1),
    "hidden_size": _whole(1),
    "momentum": Allowed(float, "a number from 0 to below 1", lambda value: 0 <= value < 1),
    "weight_decay": Allowed(float, "a finite number, 0 or more", lambda value: value >= 0),
    "schedule": Allowed(str, " or ".join(SCHEDULES), lambda value: value in SCHEDULES),
    "augment": _SWITCH,
    "deskew": _SWITCH,
    "validation_size": _whole(0),
    "seed": _whole(0),
}


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run; every value is checked.

    Attributes:
        learning_rate: η, the step along the negative gradient, > 0.
        epochs: how often every training sample is visited, ≥ 1.
        batch_size: samples per step, ≥ 1 and at most the training samples.
        hidden_size: hidden units, ≥ 1.
        momentum: share of the last step that is kept, 0 ≤ momentum < 1.
        weight_decay: λ ≥ 0; adds λ·W to the gradient of each weight, never to a bias.
        schedule: `constant`, or `cosine`: the rate falls to 0 along half a cosine.
        augment: train on small random variants of each picture, anew every epoch.
        deskew: shear each picture upright before it is used, in training and ever after.
        validation_size: samples held out of the training set to watch progress, ≥ 0.
        seed: ≥ 0; decides the held-out samples, the starting weights and every shuffle.

    Raises:
        ConfigError: naming the setting, the value and what is allowed.
    """

    learning_rate: float = 0.1
    epochs: int = 20
    batch_size: int = 32
    hidden_size: int = 10
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    augment: bool = False
    deskew: bool = False
    validation_size: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        for key, allowed in ALLOWED.items():
            object.__setattr__(self, key, _checked(key, getattr(self, key), allowed))


def _checked(key: str, value: object, allowed: Allowed) -> object:
    if allowed.type is float and type(value) is int:
        value = float(value) if abs(value) < 1e300 else math.inf
    fits = type(value) is allowed.type and allowed.test(value)
    if isinstance(value, float):
        fits = fits and math.isfinite(value)
    if not fits:
        raise ConfigError(f"{key} must be {allowed.words}, and is {value!r}", key=key)
    return value


def config_from(settings: Mapping[str, object], *, where: str = "") -> TrainConfig:
    """Make a TrainConfig of a table of settings; what the table leaves out keeps its default.

    Raises:
        ConfigError: a key that is not a setting, or a value that is not allowed.

    >>> config_from({"epochs": 3}).epochs
    3
    """
    for key in settings:
        if key not in ALLOWED:
            raise ConfigError(
                f"there is no setting called {key!r}",
                key=key,
                where=where,
                next_step=f"the settings are: {', '.join(ALLOWED)}",
            )
    try:
        return TrainConfig(**settings)  # type: ignore[arg-type]
    except ConfigError as error:
        error.where = where
        raise


def load_settings(path: Path) -> dict[str, object]:
    """Read the settings a TOML file gives, checked; see TrainConfig for the keys.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds a bad key or value.
    """
    next_step = "compare it with configs/default.toml"
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"the configuration cannot be read: {reason}", where=str(path), next_step=next_step
        ) from error
    if not settings:
        raise ConfigError("the configuration is empty", where=str(path), next_step=next_step)
    try:
        config_from(settings, where=str(path))
    except ConfigError as error:
        error.next_step = error.next_step or next_step
        raise
    return settings


def as_dict(config: TrainConfig) -> dict[str, Any]:
    """Return the settings as a plain table, in the order of their definition."""
    return dataclasses.asdict(config)
