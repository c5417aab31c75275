"""`nnscratch draw`: open a page to draw on, and watch the network think and learn."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnscratch.app.options import AnsweringModel, DataDir, named_or_here
from nnscratch.config import DEFAULT_DATA_DIR

if TYPE_CHECKING:
    from types import ModuleType

TICK_SECONDS = 0.1


def draw(
    model: AnsweringModel = None,
    port: Annotated[
        int,
        typer.Option(
            help="Port of 127.0.0.1 to serve the page at; 0 takes a free one.",
            min=0,
            max=65535,
            metavar="INTEGER",
        ),
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Draw a digit in the browser, and watch the network think and learn.

    The page is served to this computer alone, and ends with Ctrl-C.
    Training fetches MNIST first if it is not there.

    Examples:

        nnscratch draw

        nnscratch draw --model model.npz --no-browser

        nnscratch draw --port 8000
    """
    server = _server()
    from nnscratch.app import terminal
    from nnscratch.app.calling import command
    from nnscratch.model_file import load_model

    name = named_or_here(model)
    settings = server.Settings(
        load_model(name), name, data_dir, Path.cwd(), lambda words: command(*words), _tell_fault
    )
    with server.serving(settings, server.listen(port)) as address:
        terminal.out.print(address, soft_wrap=True)
        terminal.out.file.flush()
        terminal.tell("The page is open for as long as this runs; Ctrl-C ends it.")
        if browser:
            threading.Thread(target=_open, args=(address,), daemon=True).start()
        while (
            True
        ):  # a signal ends it; one that came to another thread wakes nobody, so it is short
            threading.Event().wait(TICK_SECONDS)


def _server() -> ModuleType:
    """Return the server, or say which extra it needs."""
    try:
        from nnscratch.web import server
    except ImportError as error:
        from nnscratch.app.calling import python
        from nnscratch.errors import MissingExtraError

        raise MissingExtraError(
            "the page needs Starlette and uvicorn, and they are not installed",
            next_step=f"install them with: {python()} -m pip install 'nnscratch[web]'",
        ) from error
    return server


def _open(address: str) -> None:
    """Open the page, or say that there is no browser to open it."""
    import sys
    import webbrowser

    from nnscratch.app import terminal

    screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    # Without a screen, Linux would start a browser in this very terminal.
    if (screen or not sys.platform.startswith("linux")) and webbrowser.open(address):
        return
    terminal.show_note(f"no browser could be started; open {address} yourself")


def _tell_fault(error: Exception) -> None:
    """Tell of an error of ours that a request met; the page goes on."""
    import traceback

    from nnscratch.app import terminal
    from nnscratch.app.cli import DEBUG_VARIABLE

    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error)
    else:
        terminal.show_note(
            f"a request failed ({type(error).__name__}); {DEBUG_VARIABLE}=1 shows where"
        )
