"""`nnscratch download`: fetch the four files and verify them."""

from __future__ import annotations

from typing import Annotated

import typer

from nnscratch.app.options import DataDir, Json
from nnscratch.config import DEFAULT_DATA_DIR


def download(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            help="Address to download from instead of the built-in ones; repeatable. Plain http "
            "is safe, because every file is checked against its known hash.",
            show_default=False,
            metavar="URL",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force/--no-force", help="Replace files that are not MNIST's."),
    ] = False,
    json: Json = False,
) -> None:
    """Download the four MNIST files and verify them.

    Files that are already there and sound are not downloaded again.

    Examples:

        nnscratch download

        nnscratch download --data-dir ~/mnist --mirror http://10.0.0.5:8000/
    """
    from nnscratch import data, records
    from nnscratch.app import progress, terminal, views
    from nnscratch.data.catalogue import MIRRORS

    with progress.data_bars() as bars:
        files = data.download(
            data_dir,
            mirrors=mirror or MIRRORS,
            force=force,
            on_bytes=bars.on_bytes,
            on_note=terminal.show_note,
        )
    for file in files:
        if json:
            terminal.show_json(records.fetched(file))
        else:
            views.show_fetched(file)
