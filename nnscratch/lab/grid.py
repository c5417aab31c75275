"""Which runs a sweep makes: every combination of the values given, each with every seed.

Values are text, as typed: `0.01,0.03,0.1`, or a range in logarithmic steps, `0.01..1 x8`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nnscratch.config import NO_START, SETTINGS, TrainConfig, config_from, number_from, read_toml
from nnscratch.errors import ConfigError

LARGEST_SWEEP = 100_000  # runs; more are a slip of the keyboard
LARGEST_RANGE = 1000
RANGE = re.compile(r"(?P<first>\S+?)\s*(?<!\.)\.\.(?!\.)\s*(?P<last>\S+?)\s*x\s*(?P<count>\d+)")
DIGITS = 6  # of a value within a range, as many as are shown

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Grid:
    """The runs of a sweep.

    Attributes:
        base: the settings that all runs share; what `varied` names, and the seed, do not matter.
        varied: the values of each setting that differs between runs, by its name.
        seeds: every combination is run once with each.

    Raises:
        ConfigError: a setting that does not exist, no value, a value out of range, a value or seed
            twice, or too many runs.

    >>> grid = Grid(TrainConfig(), {"hidden_size": (5, 10)}, seeds=(0, 1, 2))
    >>> len(grid), [config.hidden_size for config in grid.settings()]
    (6, [5, 10])
    """

    base: TrainConfig
    varied: Mapping[str, Values] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if "seed" in self.varied:
            raise ConfigError("the seeds of a sweep are not varied, but repeated", key="seed")
        if "start" in self.varied or self.base.start != NO_START:
            raise ConfigError("a sweep begins with fresh weights, and takes no start", key="start")
        varied = {key: _checked(key, values) for key, values in self.varied.items()}
        object.__setattr__(self, "varied", varied)
        object.__setattr__(self, "seeds", _checked("seed", self.seeds))
        if len(self) > LARGEST_SWEEP:
            raise ConfigError(
                f"the sweep would have {len(self):,} runs, and may have {LARGEST_SWEEP:,}",
                next_step="give fewer values or seeds",
            )

    def __len__(self) -> int:
        return math.prod(map(len, self.varied.values())) * len(self.seeds)

    def settings(self) -> list[TrainConfig]:
        """Return every combination, with the first seed; the last setting changes fastest."""
        shared = replace(self.base, seed=self.seeds[0])
        combinations = itertools.product(*self.varied.values())
        return [
            replace(shared, **dict(zip(self.varied, values, strict=True)))
            for values in combinations
        ]

    def runs(self) -> list[TrainConfig]:
        """Return every run: the combinations in their order, each with all seeds."""
        return [replace(one, seed=seed) for one in self.settings() for seed in self.seeds]


def make_grid(values: Mapping[str, Values], seeds: int | None = None) -> Grid:
    """Return the sweep that options or a file ask for.

    Args:
        values: by setting; a setting with one value is shared by all runs, one with several is
            varied. Several values of `seed` are the seeds. `seeds`, as a file may have it, is as
            the argument.
        seeds: how many seeds, counted from `seed` on; goes before the file's.

    Raises:
        ConfigError: as Grid; or both several seeds and their number are given.

    >>> make_grid({"learning_rate": (0.1, 1.0), "seed": (7,)}, seeds=2).seeds
    (7, 8)
    """
    values = dict(values)
    counted = values.pop("seeds", (None,))[0] if seeds is None else seeds
    values.pop("seeds", None)
    first = values.pop("seed", (TrainConfig.seed,))
    if counted is not None:
        if len(first) > 1:
            raise ConfigError(
                "the seeds are listed, and so is their number", key="seed", next_step="give one"
            )
        first = tuple(range(first[0], first[0] + _count_of_seeds(counted)))
    shared = {key: given[0] for key, given in values.items() if len(given) == 1}
    varied = {key: given for key, given in values.items() if len(given) != 1}
    return Grid(config_from(shared), varied, first)


def _count_of_seeds(count: Any) -> int:
    if type(count) is not int or not 1 <= count <= LARGEST_SWEEP:
        raise ConfigError(
            f"seeds must be a whole number from 1 to {LARGEST_SWEEP:,}, and is {count!r}",
            key="seeds",
        )
    return count


def _checked(key: str, values: Iterable[Any]) -> Values:
    """Return the values as plain ones, each once."""
    found = tuple(getattr(config_from({key: value}), key) for value in values)
    if not found:
        raise ConfigError(f"{key} has no value", key=key)
    return tuple(dict.fromkeys(found))


def parse_values(key: str, text: str) -> Values:
    """Return the values of a setting that a text lists, each once, in its order.

    Args:
        text: values with commas between them; each may be a range, `first..last xN`: N values in
            logarithmic steps (so that each is the same multiple of the one before it), rounded
            to six digits, or to whole numbers, of which there may then be fewer.

    Raises:
        ConfigError: something that is no value, or one out of range.

    >>> parse_values("learning_rate", "0.01,0.1..10 x3")
    (0.01, 0.1, 1.0, 10.0)
    >>> parse_values("hidden_size", "5..20 x4")
    (5, 8, 13, 20)
    """
    values: list[Any] = []
    for piece in map(str.strip, text.split(",")):
        if not piece:
            raise ConfigError(
                f"{key} must be values with commas between them, and is {text!r}",
                key=key,
                next_step="write a value before and after each comma, without blanks",
            )
        numeric = SETTINGS[key].type in (int, float)
        if numeric and ".." in piece:
            values += _range(key, piece)
        else:
            values.append(_value(key, piece))
    return _checked(key, values)


def _value(key: str, text: str) -> Any:
    """Return what a text says; what is no value as it is, for `config.py` to refuse."""
    kind = SETTINGS[key].type
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    return text if kind is str else number_from(key, text)


def _range(key: str, text: str) -> list[Any]:
    """Return the values of a range in logarithmic steps."""
    match = RANGE.fullmatch(text)
    if not match:
        raise ConfigError(
            f"{key} must be a range like 0.01..1 x8, and is {text!r}",
            key=key,
            next_step="write the first value, two dots, the last, an x and how many",
        )
    ends = _checked(key, [_value(key, match["first"]), _value(key, match["last"])])
    first, last, count = ends[0], ends[-1], int(match["count"])
    if first == last:
        raise ConfigError(
            f"{key} must be a range between two values, and is {text!r}",
            key=key,
            next_step="give one value alone without dots",
        )
    if not (first > 0 and last > 0):
        raise ConfigError(
            f"{key} must be a range above 0, and is {text!r}",
            key=key,
            next_step="logarithmic steps cannot begin at 0: list the values, with commas",
        )
    if not 2 <= count <= LARGEST_RANGE:
        raise ConfigError(
            f"{key} must be a range of 2 to {LARGEST_RANGE:,} values, and is {text!r}", key=key
        )
    steps = [first * (last / first) ** (number / (count - 1)) for number in range(1, count - 1)]
    if SETTINGS[key].type is int:
        return [first, *map(round, steps), last]
    return [first, *(float(f"{step:.{DIGITS}g}") for step in steps), last]


def load_grid(path: Path) -> dict[str, Values]:
    """Read the values of a sweep from a TOML file, for `make_grid`.

    Each setting has a value, a list of them, or a text as `parse_values` takes; `seeds` may say
    how many seeds there are.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds a bad key or value.
    """
    table = read_toml(path, "write, for example: learning_rate = [0.01, 0.1, 1]")
    try:
        return {key: _listed(key, given) for key, given in table.items()}
    except ConfigError as error:
        error.where = str(path)
        raise


def _listed(key: str, given: Any) -> Values:
    items = given if isinstance(given, list) else [given]
    if key == "seeds":
        if len(items) != 1:
            raise ConfigError("seeds must be one number; a list of them is called seed", key=key)
        return (_count_of_seeds(items[0]),)
    if key not in SETTINGS:
        config_from({key: given})  # says what it should have been
    values: list[Any] = []
    for item in items:
        values += parse_values(key, item) if isinstance(item, str) else [item]
    return _checked(key, values)
