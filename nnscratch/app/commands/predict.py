"""`nnscratch predict`: say which digit a picture shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscratch.app.options import Json
from nnscratch.errors import NNScratchError

if TYPE_CHECKING:
    from nnscratch.model import Model

HERE = "model.npz"  # the model that answers where none is named and this file is there


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures of one digit each, folders of pictures, or - for stdin.",
            metavar="IMAGE",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Model file to ask, or `pretrained`; if not given, model.npz, or else pretrained.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="The ink is dark, or light; if not given, detected for each picture.",
            show_default=False,
            metavar="",
        ),
    ] = None,
    why: Annotated[
        bool,
        typer.Option(
            "--why/--no-why",
            help="Account for the answer: which pixels and hidden units made the difference.",
        ),
    ] = False,
    against: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=9,
            help="Why not this digit? If not given, the runner-up. Implies --why.",
            show_default=False,
            metavar="DIGIT",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the account of one picture to this PNG, SVG or PDF. Implies --why.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    save_prepared: Annotated[
        Path | None,
        typer.Option(
            help="Save the 28x28 picture that the network saw to this file.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say which digit a picture shows.

    Drawn, scanned or photographed, dark on light or light on dark, of any size:
    the picture is first converted to the form of the MNIST pictures.

    Examples:

        nnscratch predict image.png

        nnscratch predict image.png --why --against 9

        nnscratch predict scans/ --model model.npz --json
    """
    from nnscratch import records
    from nnscratch.app import accounts, terminal, views
    from nnscratch.model_file import BUNDLED_NAME, load_model

    alone = len(images) == 1 and not os.path.isdir(images[0])
    why = why or against is not None or plot is not None
    _check_outputs(images[0] if alone else None, save_prepared, plot)
    name = model or (HERE if Path(HERE).is_file() else BUNDLED_NAME)
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
        reason = loaded.why(answer.picture.image, against) if why else None
        if reason and against == answer.digit:
            told = f"it says {against} itself; the account is against {reason.account.against}"
            answer = replace(answer, notes=(*answer.notes, told))
        if reason and plot:
            from nnscratch.app.plots import save_account

            save_account(plot, reason)
            terminal.show_note(f"the account is in {plot}")
        if save_prepared:
            from nnscratch.pictures.decode import save_picture

            save_picture(answer.picture.image, save_prepared)
            terminal.show_note(f"what the network saw is in {save_prepared}")
        if json:
            terminal.show_json(records.prediction(image, name, answer, reason))
        elif alone:
            views.show_prediction(image, answer, name)
        else:
            views.show_prediction_line(image, answer)
        if reason and not json:
            accounts.show_why(reason)
    if failed:
        raise typer.Exit(1)


def _check_outputs(image: str | None, save_prepared: Path | None, plot: Path | None) -> None:
    """Refuse, before any work, to replace a picture that is not ours, or the one that is read.

    Args:
        image: the one picture that is read; None if there are several.
    """
    for flag, path in (("--save-prepared", save_prepared), ("--plot", plot)):
        if path and image is None:
            raise typer.BadParameter("it takes one picture alone", param_hint=flag)
    if not (save_prepared or plot):
        return
    from nnscratch.files import check_distinct

    read = None if image in (None, "-") else Path(str(image))
    check_distinct({"IMAGE": read, "--save-prepared": save_prepared, "--plot": plot})
    if save_prepared:
        from nnscratch.pictures.decode import check_picture_output

        check_picture_output(save_prepared)
    if plot:
        from nnscratch.app.plots import check_plot

        check_plot(plot)


def _answers(images: list[str], model: Model, invert: bool | None) -> Iterator[tuple[str, Any]]:
    """Give for each picture its name and what the model makes of it, or the error."""
    from nnscratch.app import terminal
    from nnscratch.pictures.decode import list_pictures, read_stream

    for given in images:
        try:
            names = list(map(str, list_pictures(Path(given)))) if os.path.isdir(given) else [given]
        except NNScratchError as error:
            yield given, error
            continue
        for name in names:
            try:
                if name == "-" and sys.stdin.isatty():
                    terminal.show_note("reading a picture from the keyboard; Ctrl-D ends it")
                source = read_stream(sys.stdin.buffer) if name == "-" else name
                yield name, model.read(source, invert=invert, name=name)
            except NNScratchError as error:
                yield name, error
