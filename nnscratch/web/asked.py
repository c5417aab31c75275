"""What a request may ask for: its JSON, read strictly, and each field checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from nnscratch.config import SETTINGS, TrainConfig
from nnscratch.core import CLASSES
from nnscratch.errors import ConfigError
from nnscratch.model import Model
from nnscratch.pictures.ink import Grey
from nnscratch.pictures.strokes import MOST_POINTS, MOST_STROKES, PEN, draw_strokes
from nnscratch.web.guard import Refused

MOST_EPOCHS, MOST_HIDDEN, MOST_UNITS = 200, 256, 20
LIMITS = {
    "strokes": MOST_STROKES,
    "points": MOST_POINTS,
    "epochs": MOST_EPOCHS,
    "hidden": MOST_HIDDEN,
}
OF_A_RUN = ("learning_rate", "hidden_size", "batch_size", "epochs", "validation_size", "seed")
FIELDS = {SETTINGS[key].flag.removeprefix("--"): key for key in OF_A_RUN}
DRAWN = ("strokes", "pen")

LONGEST_NAME = 100
SUFFIX = ".npz"
# What Windows takes for a device, whatever its suffix.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
NOT_IN_A_NAME = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')


def parse(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds.

    Raises:
        Refused: 400: it is no JSON in UTF-8, no object, or holds what no JSON may: NaN, Infinity.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "the request is no JSON", "send one JSON object in UTF-8") from None
    if not isinstance(value, dict):
        raise Refused(400, "the request is no JSON object", "send one object with named fields")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def drawing(asked: Mapping[str, Any]) -> Grey:
    """Draw the strokes that a request sends.

    Raises:
        Refused: 413: too many strokes or points; 422: there are none.
        ArrayError: they are not as `draw_strokes` wants them.
    """
    strokes = asked.get("strokes")
    if not isinstance(strokes, list):
        raise _wrong("strokes", "a list of lists of points")
    points = sum(len(stroke) for stroke in strokes if isinstance(stroke, list))
    if len(strokes) > MOST_STROKES or points > MOST_POINTS:
        raise Refused(
            413,
            f"at most {MOST_STROKES} strokes and {MOST_POINTS:,} points are taken",
            "clear the drawing and begin anew",
        )
    return draw_strokes(strokes, asked.get("pen", PEN))


def network(asked: Mapping[str, Any], usual: str) -> str:
    """Return the name of the network that is asked about."""
    name = asked.get("network", usual)
    if not isinstance(name, str):
        raise _wrong("network", "the name of a network")
    return name


def units(asked: Mapping[str, Any], model: Model) -> list[int] | None:
    """Return the hidden units that are asked for, such as "3,17"; None: no certain ones."""
    if "units" not in asked:
        return None
    numbers = asked["units"].split(",")
    hidden = range(model.config.hidden_size)
    if len(numbers) > MOST_UNITS or not all(
        re.fullmatch("[0-9]{1,6}", number) and int(number) in hidden for number in numbers
    ):
        raise _wrong("units", f"at most {MOST_UNITS} numbers of hidden units, such as 3,17")
    return [int(number) for number in numbers]


def explain(asked: Mapping[str, Any]) -> bool:
    """Return whether the account and the ladder are wanted; they are unless it is said."""
    value = asked.get("explain", True)
    if not isinstance(value, bool):
        raise _wrong("explain", "true or false")
    return value


def digit(asked: Mapping[str, Any], key: str) -> int:
    """Return a digit, 0 … 9."""
    value = asked.get(key)
    if type(value) is not int or not 0 <= value < CLASSES:
        raise _wrong(key, "a digit from 0 to 9")
    return value


def against(asked: Mapping[str, Any]) -> int | None:
    """Return the digit that an account is to be against; None if none is named."""
    return None if asked.get("against") is None else digit(asked, "against")


def learning_rate(asked: Mapping[str, Any]) -> float:
    """Return the learning rate of one step, as `config.py` allows it."""
    return _config({"learning_rate": asked.get("lr", TrainConfig.learning_rate)}).learning_rate


def config(asked: Mapping[str, Any]) -> TrainConfig:
    """Return the settings of a run, whose fields have the names of the command's options.

    Raises:
        Refused: 422: a field of another name, or a value that is not allowed.
    """
    for key in asked:
        if key not in (*FIELDS, *DRAWN):
            raise Refused(422, f"there is no field called {key[:40]!r}", "leave it out")
    settings = _config({FIELDS[key]: asked[key] for key in asked if key in FIELDS})
    for key, value, most in (
        ("epochs", settings.epochs, MOST_EPOCHS),
        ("hidden", settings.hidden_size, MOST_HIDDEN),
    ):
        if value > most:
            raise Refused(
                422, f"{key} is at most {most} on the page", "train longer or wider in a terminal"
            )
    return settings


def _config(settings: dict[str, Any]) -> TrainConfig:
    try:
        return TrainConfig(**settings)
    except ConfigError as error:
        raise Refused(422, in_the_pages_words(error), "change that field") from None


def in_the_pages_words(error: ConfigError) -> str:
    """Return what is wrong with a setting, called as the page calls it."""
    if error.key not in SETTINGS:
        return error.what
    field = SETTINGS[error.key].flag.removeprefix("--")
    return f"{field} {error.what.removeprefix(f'{error.key} ')[:200]}"


def file_name(asked: Mapping[str, Any]) -> str:
    """Return the name under which a model is to be saved: a name and never a path.

    A name without the suffix of a model gets it.

    Raises:
        Refused: 422: it is no such name on every system.
    """
    name = asked.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise _wrong("name", f"a file's name of 1 to {LONGEST_NAME} letters")
    if (
        NOT_IN_A_NAME.search(name)
        or name.startswith((".", "-", " "))
        or name.endswith((".", " "))
        or DEVICES.fullmatch(name)
    ):
        raise Refused(
            422,
            "the name must be that of a file, without folders, such as mine.npz",
            "choose another name",
        )
    return name if name.endswith(SUFFIX) else name + SUFFIX


def _wrong(key: str, words: str) -> Refused:
    return Refused(422, f"{key} must be {words}", "change that field")
