"""`nnscratch pack`: labelled pictures as the four IDX files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nnscratch.app.options import Json, naming_the_folder
from nnscratch.config import LARGEST_SEED, TrainConfig


def pack(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of labelled pictures: subfolders 0 to 9, or labels.csv; perhaps in "
            "train/ and test/.",
            metavar="FOLDER",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Where to write the files: a new or empty folder.",
            metavar="FOLDER",
        ),
    ] = Path("idx"),
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=LARGEST_SEED,
            help="Decides which tenth of the pictures is for the test, as in `train`.",
            metavar="INTEGER",
        ),
    ] = TrainConfig.seed,
    json: Json = False,
) -> None:
    """Write labelled pictures of your own as four IDX files, the format of MNIST.

    Each picture is converted to the form of the MNIST pictures, as `predict` does it.
    The folder that is written can be named with --data-dir.

    Examples:

        nnscratch pack mine/ -o mine-idx/

        nnscratch pack mine/ -o mine-idx/ --seed 1
    """
    from nnscratch import records
    from nnscratch.app import progress, terminal, views
    from nnscratch.data.packing import pack as pack_pictures

    with naming_the_folder(folder), progress.data_bars() as bars:
        dataset = pack_pictures(
            folder, output, seed, on_read=bars.on_read, on_note=terminal.show_note
        )
    if json:
        terminal.show_json(records.packed(dataset, str(output), terminal.notes))
    else:
        views.show_packed(dataset, str(output))
