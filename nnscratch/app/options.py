"""Options that several commands share, and those that are made from the settings."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from nnscratch.config import (
    DATA_DIR_VARIABLE,
    SETTINGS,
    TrainConfig,
)
from nnscratch.errors import ConfigError

if TYPE_CHECKING:
    from nnscratch.data import Dataset


def given_or_none(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Let a command tell an option that was given from its default, which becomes None."""
    source = ctx.get_parameter_source(param.name or "")
    return None if source is not None and source.name == "DEFAULT" else value


DataDir = Annotated[
    Path | None,
    typer.Option(
        help=f"Folder of the four MNIST files, plain or .gz; also {DATA_DIR_VARIABLE}.",
        metavar="FOLDER",
        callback=given_or_none,
    ),
]
DatasetName = Literal["auto", "mnist", "synthetic"]
Json = Annotated[bool, typer.Option("--json/--no-json", help="Write JSON alone to stdout.")]
PlotFile = Annotated[
    Path | None,
    typer.Option(help="Draw it to this PNG, SVG or PDF.", show_default=False, metavar="FILE"),
]


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every setting, with the default and help of `config.py`.

    The command's `given` receives those that were typed, as {field: value}. Numbers come as text,
    so that whatever was typed can be shown in an error.
    """

    @functools.wraps(function)
    def command(ctx: typer.Context, **values: Any) -> None:
        given = {}
        for key in SETTINGS:
            value = values.pop(key)
            source = ctx.get_parameter_source(key)
            if source is not None and source.name == "COMMANDLINE":
                given[key] = _number(key, value)
        function(given=given, **values)

    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    rest = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != "given"
    ]
    parameters = [context, *map(_option_of, SETTINGS), *rest]
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
    else:
        options["metavar"] = {int: "INTEGER", float: "NUMBER"}[setting.type]
        default = f"{default:g}"
    annotation = Annotated[kind, typer.Option(*names, **options)]
    return inspect.Parameter(
        key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _number(key: str, value: Any) -> Any:
    """Return a number for a text that is one; anything else as it is, for `config.py` to refuse."""
    kind = SETTINGS[key].type
    if kind not in (int, float) or not isinstance(value, str):
        return value
    try:
        return kind(value)
    except ValueError:
        return value


@contextmanager
def blaming_the_flag(given: dict[str, Any]) -> Iterator[None]:
    """Turn a bad setting into a usage error if it was given as an option."""
    try:
        yield
    except ConfigError as error:
        flag = SETTINGS[error.key].flag if error.key in SETTINGS else ""
        if error.key not in given or error.where:
            if flag:
                error.next_step = error.next_step or f"change it there, or with {flag}"
            raise
        raise typer.BadParameter(
            error.what.removeprefix(f"{error.key} "), param_hint=flag
        ) from error


class Command(TyperCommand):
    """A command as all of ours are."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options; a switch shows no type, which would invite `--augment true`."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return list(parameters)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as always; an unknown `--learning-rate` is answered with "did you mean --lr"."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # the parser's own kind, which Typer does not export
            key = getattr(error, "option_name", "").lstrip("-").replace("-", "_")
            if key in SETTINGS:
                error.possibilities = [SETTINGS[key].flag]  # type: ignore[attr-defined]
            raise


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
            on_note=terminal.show_note,
        )
