"""Every setting of a training run: its default, its range, its option and its help, once.

The keys of a TOML file are the field names; a file may leave out any of them. Nothing else in the
package knows a default or a range: the command line's options are made from what stands here.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from nnscratch.errors import ConfigError

DEFAULT_DATA_DIR = Path("data")
DATA_DIR_VARIABLE = "NNSCRATCH_DATA_DIR"

Schedule = Literal["constant", "cosine"]
SCHEDULES = get_args(Schedule)
LARGEST_WIDTH = 100_000  # some 80 million weights, 640 MB with their gradients
LARGEST_COUNT = 1_000_000_000
LARGEST_SEED = 2**32 - 1
LARGEST_FILE_BYTES = 1 << 16
COMPARE = "compare it with configs/default.toml"
NO_TEACHER = NO_START = "none"
BUNDLED_NAME = "pretrained"  # names the model on board, whatever files lie about


@dataclass(frozen=True)
class Setting:
    """One setting: its type, a test, the range in words, its option and what help says of it."""

    type: type
    words: str
    test: Callable[[Any], bool]
    flag: str
    help: str
    choices: tuple[str, ...] = ()


def _whole(lowest: int, highest: int, flag: str, help: str) -> Setting:
    words = f"a whole number from {lowest} to {highest:,}"
    return Setting(int, words, lambda value: lowest <= value <= highest, flag, help)


def _real(words: str, test: Callable[[Any], bool], flag: str, help: str) -> Setting:
    return Setting(float, words, test, flag, help)


def _switch(flag: str, help: str) -> Setting:
    return Setting(bool, "true or false", lambda value: True, flag, help)


SETTINGS: dict[str, Setting] = {
    "learning_rate": _real(
        "a finite number above 0", lambda value: value > 0, "--lr", "Learning rate, above 0."
    ),
    "epochs": _whole(1, LARGEST_COUNT, "--epochs", "Passes over the training pictures."),
    "batch_size": _whole(1, LARGEST_COUNT, "--batch-size", "Pictures per step."),
    "hidden_size": _whole(1, LARGEST_WIDTH, "--hidden", "Hidden units."),
    "momentum": _real(
        "a number from 0 to below 1",
        lambda value: 0 <= value < 1,
        "--momentum",
        "Fraction of the previous step to add to each step, from 0 to below 1.",
    ),
    "weight_decay": _real(
        "a finite number, 0 or more",
        lambda value: value >= 0,
        "--weight-decay",
        "How strongly the weights are pulled towards 0.",
    ),
    "schedule": Setting(
        str,
        " or ".join(SCHEDULES),
        lambda value: value in SCHEDULES,
        "--schedule",
        "constant, or cosine: the learning rate falls to 0 along half a cosine.",
        SCHEDULES,
    ),
    "augment": _switch("--augment", "Train on random variants of each picture."),
    "deskew": _switch("--deskew", "Straighten slanted digits, in training and afterwards."),
    "teacher": Setting(
        str,
        "the name of a model file, `pretrained` or `none`",
        lambda value: bool(value),
        "--teacher",
        "Learn from what this model says of each picture: a model file, or pretrained.",
    ),
    "start": Setting(
        str,
        "the name of a model file, `pretrained` or `none`",
        lambda value: bool(value),
        "--start",
        "Go on from the weights of this finished model: a model file, or pretrained.",
    ),
    "refuse": _switch("--refuse", "Learn, after training, to refuse what is no digit."),
    "validation_size": _whole(
        0, LARGEST_COUNT, "--validation", "Training pictures held out to watch progress."
    ),
    "seed": _whole(0, LARGEST_SEED, "--seed", "Fixes every random choice."),
}


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run; every value is checked.

    Attributes:
        learning_rate: η, the step along the negative gradient, > 0.
        epochs: how often every training sample is visited, ≥ 1.
        batch_size: samples per step, ≥ 1 and at most the training samples; of fewer, the default
            means all.
        hidden_size: hidden units, ≥ 1.
        momentum: share of the last step that is kept, 0 ≤ momentum < 1.
        weight_decay: λ ≥ 0; adds λ·W to the gradient of each weight, never to a bias.
        schedule: `constant`, or `cosine`: the rate falls to 0 along half a cosine.
        augment: train on small random variants of each picture, anew every epoch.
        deskew: shear each picture upright before it is used, in training and ever after.
        teacher: whose answers are learned from, instead of the labels: a model file, `pretrained`,
            or `none`. A finished model has the SHA-256 of the file here, not its path.
        start: whose weights the run begins with: a model file, `pretrained`, or `none` for fresh
            ones. Its width and its deskewing are taken over. A finished model has the SHA-256 of
            the file here, not its path.
        refuse: when the weights are final, learn what is no digit, and how sure to be.
        validation_size: samples held out of the training set to watch progress, ≥ 0. The default is
            for large sets: of fewer than ten times as many, it means a tenth.
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
    schedule: Schedule = "constant"
    augment: bool = False
    deskew: bool = False
    teacher: str = NO_TEACHER
    start: str = NO_START
    refuse: bool = False
    validation_size: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        for key, setting in SETTINGS.items():
            object.__setattr__(self, key, _checked(key, getattr(self, key), setting))


def _checked(key: str, value: Any, setting: Setting) -> Any:
    """Return a value as a plain Python one, or refuse it; NumPy's numbers are numbers."""
    plain = _as_type(value, setting.type)
    if plain is None or not setting.test(plain):
        raise ConfigError(f"{key} must be {setting.words}, and is {value!r}", key=key)
    return plain


def _as_type(value: Any, kind: type) -> Any:
    """Return `value` as int, float, bool or str without changing what it says; None if not so."""
    if type(value) is bool or kind in (bool, str):
        return value if type(value) is kind else None
    if kind is int:
        return int(value) if isinstance(value, numbers.Integral) else None
    if not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number may be too large for a float
        return None
    return number if math.isfinite(number) else None


def number_from(key: str, text: str) -> Any:
    """Return the number that a text says; what is none as it is, for `TrainConfig` to refuse.

    >>> number_from("epochs", "12"), number_from("epochs", "twelve")
    (12, 'twelve')
    """
    try:
        number = SETTINGS[key].type(text)
    except ValueError:
        return text
    return number if abs(number) < math.inf else text  # 1e999 is shown as it was typed


def config_from(settings: Mapping[str, object], *, where: str = "") -> TrainConfig:
    """Make a TrainConfig of a table of settings; what the table leaves out keeps its default.

    Raises:
        ConfigError: a key that is not a setting, or a value that is not allowed.

    >>> config_from({"epochs": 3}).epochs
    3
    """
    check_names(settings, where=where)
    try:
        return TrainConfig(**settings)  # type: ignore[arg-type]
    except ConfigError as error:
        error.where = where
        raise


def check_names(keys: Iterable[str], *, where: str = "") -> None:
    """Raise ConfigError for the first key that is no setting."""
    for key in keys:
        if key not in SETTINGS:
            raise ConfigError(
                f"there is no setting called {key!r}",
                key=key,
                where=where,
                next_step=_meant(key) or f"the settings are: {', '.join(SETTINGS)}",
            )


def _meant(key: str) -> str:
    """Say what a setting is called in a file, if it was given its option's name."""
    flag = "--" + key.lstrip("-").replace("_", "-")
    names = [name for name, setting in SETTINGS.items() if setting.flag == flag]
    return f"the setting of {flag} is called {names[0]}" if names else ""


def load_settings(path: Path) -> dict[str, object]:
    """Read the settings a TOML file gives, checked; see TrainConfig for the keys.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds a bad key or value.
    """
    settings = read_toml(path, COMPARE)
    try:
        config_from(settings, where=str(path))
    except ConfigError as error:
        error.next_step = error.next_step or COMPARE
        raise
    return settings


def read_toml(path: Path, next_step: str) -> dict[str, object]:
    """Read a small TOML file that says something.

    Raises:
        ConfigError: it cannot be read, is not TOML, or is empty; with the next step given here.
    """
    import tomllib  # of all commands, only those with --config need these

    from nnscratch.files import open_plain

    try:
        with open_plain(path) as file:
            text = file.read(LARGEST_FILE_BYTES + 1)
        if len(text) > LARGEST_FILE_BYTES:
            raise ValueError(f"it is larger than {LARGEST_FILE_BYTES >> 10} kB")
        table: dict[str, object] = tomllib.loads(text.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # UTF-8 and TOML errors are ValueErrors
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"the configuration cannot be read: {reason}", where=str(path), next_step=next_step
        ) from error
    if not table:
        raise ConfigError("the configuration is empty", where=str(path), next_step=next_step)
    return table


def as_dict(config: TrainConfig) -> dict[str, Any]:
    """Return the settings as a plain table, in the order of their definition."""
    return dataclasses.asdict(config)


def as_options(config: TrainConfig, always: Collection[str] = ()) -> list[str]:
    """Return the settings as words of the command line: what is no default, and `always`.

    >>> as_options(TrainConfig(epochs=3, deskew=True), always=["seed"])
    ['--epochs', '3', '--deskew', '--seed', '0']
    """
    words = []
    for key, value in as_dict(config).items():
        if key in always or value != getattr(TrainConfig, key):
            flag = SETTINGS[key].flag
            if isinstance(value, bool):
                words.append(flag if value else flag.replace("--", "--no-", 1))
            else:
                words += [flag, str(value)]
    return words
