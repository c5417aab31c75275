"""Options that several commands share, and those that are made from the settings."""

from __future__ import annotations

import functools
import inspect
import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from nnscratch.app.calling import own_name
from nnscratch.app.signals import signals
from nnscratch.config import BUNDLED_NAME, DATA_DIR_VARIABLE, SETTINGS, TrainConfig, number_from
from nnscratch.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nnscratch.core import Network
    from nnscratch.data import Dataset

NOT_SWEPT = ("start",)  # a sweep compares settings from fresh weights on


SLOW_SECONDS = 2.0  # until a file of layers that is still running is named


def given_or_none(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Let a command tell an option that was given from its default, which becomes None."""
    source = ctx.get_parameter_source(param.name or "")
    return None if source is not None and source.name == "DEFAULT" else value


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the four MNIST files, plain or .gz, or with labelled pictures; also "
        f"{DATA_DIR_VARIABLE}.",
        metavar="FOLDER",
        callback=given_or_none,
    ),
]
DatasetName = Literal["auto", "mnist", "synthetic", "mnist+synthetic"]
Json = Annotated[
    bool, typer.Option("--json/--no-json", help="Print JSON, and nothing else, to stdout.")
]


Layers = Annotated[
    Path | None,
    typer.Option(
        help="Python file with a Linear, ReLU, SoftmaxCrossEntropy or Network of your own, which "
        "takes the place of ours. Its code is run.",
        show_default=False,
        metavar="FILE",
    ),
]


HERE = "model.npz"  # the model that answers where none is named and this file is there
AnsweringModel = Annotated[
    str | None,
    typer.Option(
        help="Model file to ask, or `pretrained`; if not given, model.npz, or else pretrained.",
        show_default=False,
        metavar="FILE",
    ),
]


def named_or_here(model: str | None) -> str:
    """Return the model that is to answer: as it was named, or the one that lies here, or ours."""
    return model or (HERE if Path(HERE).is_file() else BUNDLED_NAME)


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every setting, with the default and help of `config.py`.

    The command's `given` receives those that were typed, as {field: value}. Numbers come as text,
    so that whatever was typed can be shown in an error.
    """
    return _with_settings(function, _option_of, _number)


def with_lists_of_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every setting that takes several values: `--lr 0.01,0.1`.

    The command's `given` receives those that were typed, as {field: tuple of values}. What is no
    such list is a usage error that names the option.
    """
    return _with_settings(function, _list_option_of, _values, leave_out=NOT_SWEPT)


def _with_settings(
    function: Callable[..., None],
    option_of: Callable[[str], inspect.Parameter],
    value_of: Callable[[str, Any], Any],
    leave_out: Collection[str] = (),
) -> Callable[..., None]:
    keys = [key for key in SETTINGS if key not in leave_out]

    @functools.wraps(function)
    def command(ctx: typer.Context, **values: Any) -> None:
        given = {}
        for key in keys:
            value = values.pop(key)
            source = ctx.get_parameter_source(key)
            if source is not None and source.name == "COMMANDLINE":
                given[key] = value_of(key, value)
        function(given=given, **values)

    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    rest = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != "given"
    ]
    parameters = [context, *map(option_of, keys), *rest]
    parameters = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in parameters]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _option_of(key: str) -> inspect.Parameter:
    """Return the option of one setting."""
    setting, default = SETTINGS[key], getattr(TrainConfig, key)
    names = [setting.flag]
    kind: Any = str
    options: dict[str, Any] = {"help": setting.help}
    if setting.type is bool:
        kind, names = bool, [f"{setting.flag}/--no-{setting.flag.removeprefix('--')}"]
    elif setting.choices:
        kind = Literal[setting.choices]
        options["metavar"] = "NAME"
    else:
        options["metavar"] = {int: "INTEGER", float: "NUMBER", str: "MODEL"}[setting.type]
        default = default if setting.type is str else f"{default:g}"
    annotation = Annotated[kind, typer.Option(*names, **options)]
    return inspect.Parameter(
        key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _list_option_of(key: str) -> inspect.Parameter:
    """Return the option that takes several values of one setting, as text."""
    setting, default = SETTINGS[key], getattr(TrainConfig, key)
    names = {int: "INTEGERS", float: "NUMBERS", bool: "true,false", str: "MODELS"}
    metavar = "NAMES" if setting.choices else names[setting.type]
    annotation = Annotated[str, typer.Option(setting.flag, help=setting.help, metavar=metavar)]
    shown = str(default).lower() if setting.type in (bool, str) else f"{default:g}"
    return inspect.Parameter(
        key, inspect.Parameter.KEYWORD_ONLY, default=shown, annotation=annotation
    )


def _values(key: str, text: str) -> tuple[Any, ...]:
    """Return the values that a text lists; one that does not is a usage error."""
    from nnscratch.lab.grid import parse_values

    with blaming_the_flag({key: text}):
        return parse_values(key, text)


def _number(key: str, value: Any) -> Any:
    """Return a number for a text that is one; anything else as it is, for `config.py` to refuse."""
    numeric = SETTINGS[key].type in (int, float)
    return number_from(key, value) if numeric and isinstance(value, str) else value


@contextmanager
def blaming_the_flag(given: dict[str, Any]) -> Iterator[None]:
    """Turn a bad setting into a usage error if it was given as an option."""
    try:
        yield
    except ConfigError as error:
        if error.key not in SETTINGS:
            raise
        flag, rest = SETTINGS[error.key].flag, error.what.removeprefix(f"{error.key} ")
        if error.key in given and not error.where:
            from nnscratch.app.terminal import visible

            raise typer.BadParameter(visible(rest), param_hint=flag) from error
        if error.where:
            error.next_step = error.next_step or f"change it there, or with {flag}"
        else:  # a default, or a file's value that does not go with the data
            error.what = f"{flag} {rest}"
            error.next_step = error.next_step or f"choose another value with {flag}"
        raise


@contextmanager
def naming_the_folder(data_dir: Path | None) -> Iterator[None]:
    """Let an error about the data that names no place name their folder."""
    try:
        yield
    except DataError as error:
        if not error.where:
            from nnscratch.data.folder import data_folder

            error.where = str(data_folder(data_dir).path)
        raise


def without_types(parameters: list[Any]) -> list[Any]:
    """Take the types out of help where they only confuse: `<bool>` invites `--augment true`."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        elif parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: ""
    return parameters


@contextmanager
def telling_how_called() -> Iterator[None]:
    """Let a usage error advise `--help` with a command that works where this one was called.

    Its words lose what names the parser's own kind of error, and tells a user nothing.
    """
    try:
        yield
    except Exception as error:  # the parser's own kind, which Typer does not export
        if message := getattr(error, "message", ""):
            error.message = message.removeprefix("Value error, ")  # type: ignore[attr-defined]
        context = getattr(error, "ctx", None)
        if context is not None:
            context.find_root().info_name = own_name()
        raise


class Command(TyperCommand):
    """A command as all of ours are."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, as help shows them."""
        return without_types(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as always; an unknown `--learning-rate` is answered with "did you mean --lr"."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # the parser's own kind, which Typer does not export
            key = getattr(error, "option_name", "").lstrip("-").replace("-", "_")
            if key in SETTINGS:
                error.possibilities = [SETTINGS[key].flag]  # type: ignore[attr-defined]
            raise


class ListCommand(Command):
    """A command whose settings are lists; it also takes them as `train` does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as always, once switches have a value and ranges are in one piece."""
        return super().parse_args(ctx, spelled_out(args))


def spelled_out(args: list[str]) -> list[str]:
    """Return arguments with `true` or `false` for a switch alone, and ranges in one piece.

    >>> spelled_out(["--lr", "0.01..1", "x8", "--deskew", "--no-augment"])
    ['--lr', '0.01..1 x8', '--deskew', 'true', '--augment', 'false']
    """
    switches = [setting.flag for setting in SETTINGS.values() if setting.type is bool]
    plain: list[str] = []
    for place, word in enumerate(args):
        after = args[place + 1] if place + 1 < len(args) else "-"
        if word in switches and after.startswith("-"):
            plain += [word, "true"]
        elif word.replace("--no-", "--", 1) in switches and word not in switches:
            plain += [word.replace("--no-", "--", 1), "false"]
        elif plain and ".." in plain[-1] and re.fullmatch(r"x\d+", word):
            plain[-1] += f" {word}"
        else:
            plain.append(word)
    return plain


def network_kind(layers: Path | None) -> Callable[..., Network]:
    """Return what makes a network: our class, or one with the classes of a file in it."""
    from nnscratch.core import Network

    if layers is None:
        return Network
    from nnscratch.app import terminal
    from nnscratch.handin import OwnNetwork, read_classes

    said = f"{layers} has not come to its last line yet; Ctrl-C ends it"
    patience = threading.Timer(SLOW_SECONDS, terminal.show_note, [said])
    patience.daemon = True
    patience.start()
    try:
        classes = read_classes(layers)
    finally:
        patience.cancel()
    return functools.partial(OwnNetwork, classes, around=signals.at_once)


def obtain(data_dir: Path | None, wanted: str) -> Dataset:
    """Load a data set, showing what is fetched or drawn."""
    from nnscratch.app import progress, terminal
    from nnscratch.data import obtain_dataset

    with progress.data_bars() as bars:
        return obtain_dataset(
            data_dir,
            wanted,
            on_bytes=bars.on_bytes,
            on_drawn=bars.on_drawn,
            on_read=bars.on_read,
            on_note=terminal.show_note,
        )
