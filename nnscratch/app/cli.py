"""The command line: which commands there are, and how each ends.

NumPy, Rich and the rest are imported when a command needs them, so that `--help` is quick.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from nnscratch import __version__
from nnscratch.app.commands.download import download
from nnscratch.app.commands.evaluate import evaluate
from nnscratch.app.commands.gradcheck import gradcheck
from nnscratch.app.commands.predict import predict
from nnscratch.app.commands.train import train
from nnscratch.app.options import Command, telling_how_called, without_types
from nnscratch.errors import NNScratchError, Terminated

DEBUG_VARIABLE = "NNSCRATCH_DEBUG"
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143


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
        for stream in (sys.stdout, sys.stderr):
            # A screen that lacks a letter shows a question mark in its place.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        # Two threads may take half as long as one, and may take twice as long: docs/scaling.md
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        signal.signal(signal.SIGTERM, _terminate)
        try:
            with telling_how_called():
                return super().invoke(ctx)
        except (
            NNScratchError, KeyboardInterrupt, Terminated, BrokenPipeError, MemoryError
        ) as error:  # fmt: skip
            if os.environ.get(DEBUG_VARIABLE) == "1":
                raise
            raise typer.Exit(_tell(error)) from error


def _terminate(*_: object) -> NoReturn:
    raise Terminated


def _tell(error: BaseException) -> int:
    """Show an error and return the exit code that belongs to it."""
    from nnscratch.app import terminal

    if isinstance(error, BrokenPipeError):
        terminal.silence_stdout()
        return 0
    if isinstance(error, KeyboardInterrupt):
        terminal.show_note("interrupted")
        return EXIT_INTERRUPTED
    if isinstance(error, Terminated):
        terminal.show_note("terminated")
        return EXIT_TERMINATED
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


def main() -> None:
    """Run the command line."""
    app(prog_name="nnscratch")


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


for command in (download, train, evaluate, predict, gradcheck):
    app.command(cls=Command)(command)
