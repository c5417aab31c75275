"""The command line: which commands there are, and how each ends.

NumPy, Rich and the rest are imported when a command needs them, so that `--help` is quick.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from nnscratch import __version__
from nnscratch.app.commands.compare import compare
from nnscratch.app.commands.download import download
from nnscratch.app.commands.draw import draw
from nnscratch.app.commands.evaluate import evaluate
from nnscratch.app.commands.export import export
from nnscratch.app.commands.gradcheck import gradcheck
from nnscratch.app.commands.grade import grade
from nnscratch.app.commands.pack import pack
from nnscratch.app.commands.predict import predict
from nnscratch.app.commands.sweep import sweep
from nnscratch.app.commands.train import train
from nnscratch.app.options import Command, ListCommand, telling_how_called, without_types
from nnscratch.app.signals import signals
from nnscratch.app.streams import Outlet, ReaderLeft, install
from nnscratch.errors import NNScratchError, Terminated

DEBUG_VARIABLE = "NNSCRATCH_DEBUG"
EXIT_INTERRUPTED, EXIT_SIGNALLED = 130, 128


class Commands(TyperGroup):
    """Turns whatever a command raises into one message and an exit code."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, as help shows them."""
        return without_types(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as always."""
        with telling_how_called():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; no traceback leaves here unless NNSCRATCH_DEBUG asks for it."""
        # BLAS's own threads wait for each other, and round otherwise than one: docs/scaling.md.
        # Large products use the second core in a way of their own (cores.py).
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        signals.listen()
        try:
            with telling_how_called():
                return super().invoke(ctx)
        except (NNScratchError, KeyboardInterrupt, Terminated, MemoryError) as error:
            if os.environ.get(DEBUG_VARIABLE) == "1":
                raise
            raise typer.Exit(_tell(error)) from error


def _tell(error: BaseException) -> int:
    """Show an error and return the exit code that belongs to it."""
    from nnscratch.app import terminal

    if isinstance(error, KeyboardInterrupt):
        terminal.show_note("interrupted")
        return EXIT_INTERRUPTED
    if isinstance(error, Terminated):
        terminal.show_note("terminated")
        return EXIT_SIGNALLED + error.number
    if isinstance(error, MemoryError):
        error = NNScratchError("there is not enough memory", next_step="try smaller settings")
    assert isinstance(error, NNScratchError)
    terminal.show_error(error)
    return 1


app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> NoReturn:
    """Run the command line, and let the exit code tell of whatever could not be written."""
    outlets = install()
    try:
        app(prog_name="nnscratch")
    except SystemExit as end:
        code = end.code
    except ReaderLeft:
        code = 0
    except (KeyboardInterrupt, Terminated) as error:  # while a usage error was being shown
        code = _tell(error)
    signals.hear_no_more()
    sys.exit(_after_writing(code, *outlets))


def _after_writing(code: Any, stdout: Outlet, stderr: Outlet) -> Any:
    """Flush both streams; a result that could not be written is an error."""
    for outlet in (stdout, stderr):
        with contextlib.suppress(ReaderLeft):
            outlet.flush()
    failed = next((outlet for outlet in (stdout, stderr) if outlet.lost_something), None)
    if failed is None or code:
        return code
    from nnscratch.app.terminal import show_error

    show_error(
        NNScratchError(
            f"{failed.name} cannot be written: {failed.error.strerror if failed.error else ''}",
            next_step="send the output elsewhere; whatever files the command saves are saved",
        )
    )
    return 1


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nnscratch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Train, evaluate and use a 784-10-10 neural network for MNIST, written in NumPy."""


COMMANDS = (
    download, pack, train, evaluate, predict, draw, sweep, compare, gradcheck, grade, export,
)  # fmt: skip
for command in COMMANDS:
    app.command(cls=ListCommand if command is sweep else Command)(command)
