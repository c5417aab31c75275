"""`nnscratch predict`: say which digit a picture shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscratch.app.options import (
    Json,
)
from nnscratch.errors import NNScratchError

if TYPE_CHECKING:
    from nnscratch.model import Model


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures of one digit each, folders of them, or - for stdin.",
            metavar="IMAGE",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Model file to ask, or `pretrained`.",
            show_default="model.npz, else pretrained",
            metavar="FILE",
        ),
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="The ink is dark, or bright.",
            show_default="found out for each picture",
            metavar="",
        ),
    ] = None,
    save_prepared: Annotated[
        Path | None,
        typer.Option(
            help="Write the 28x28 that the network saw to this file.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Tell which digit a picture shows.

    Paper or screen, dark ink or bright, any size: the picture is brought into MNIST's form first.

    Examples:

        nnscratch predict image.png

        nnscratch predict scans/ --model model.npz --json
    """
    from nnscratch import records
    from nnscratch.app import terminal, views
    from nnscratch.model_file import load_model

    alone = len(images) == 1 and not os.path.isdir(images[0])
    if save_prepared:
        if not alone:
            raise typer.BadParameter("it takes one picture alone", param_hint="--save-prepared")
        from nnscratch.files import check_output

        check_output(save_prepared, "the picture", is_ours=lambda path: False)
    name = model or ("model.npz" if Path("model.npz").exists() else "pretrained")
    loaded, failed = load_model(name), False
    if not (alone or json):
        views.show_model_name(name)
    for image, answer in _answers(images, loaded, invert):
        if isinstance(answer, NNScratchError):
            failed = True
            if json:
                terminal.show_json(records.failure(image, answer))
            elif alone:
                terminal.show_error(answer)
            else:
                views.show_failure_line(image, answer)
            continue
        if json:
            terminal.show_json(records.prediction(image, name, answer))
        elif alone:
            views.show_prediction(image, answer, name)
        else:
            views.show_prediction_line(image, answer)
        if save_prepared:
            from nnscratch.pictures.decode import save_picture

            save_picture(answer.picture.image, save_prepared)
            terminal.show_note(f"what the network saw is in {save_prepared}")
    if failed:
        raise typer.Exit(1)


def _answers(images: list[str], model: Model, invert: bool | None) -> Iterator[tuple[str, Any]]:
    """Give for each picture its name and what the model makes of it, or the error."""

    from nnscratch.pictures.decode import list_pictures, read_stream

    for given in images:
        try:
            names = list(map(str, list_pictures(Path(given)))) if os.path.isdir(given) else [given]
        except NNScratchError as error:
            yield given, error
            continue
        for name in names:
            try:
                source = read_stream(sys.stdin.buffer) if name == "-" else name
                yield name, model.read(source, invert=invert, name=name)
            except NNScratchError as error:
                yield name, error
