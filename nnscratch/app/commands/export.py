"""`nnscratch export`: a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nnscratch.app.options import Json
from nnscratch.config import BUNDLED_NAME


def export(
    model: Annotated[
        str,
        typer.Argument(
            help="Model file that `train` saved, or `pretrained` for the bundled one.",
            metavar="MODEL",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to save it; if not given, beside the model: model.onnx for model.npz.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Export a model as an ONNX file, which other programs and languages can run.

    It takes pictures of 28×28 and gives labels and probabilities; pixels are scaled inside.
    If the model wants its pictures straightened first, the file and a note say so.

    Examples:

        nnscratch export model.npz

        nnscratch export pretrained -o digits.onnx
    """
    from nnscratch import records
    from nnscratch.app import terminal, views
    from nnscratch.app.calling import python
    from nnscratch.errors import MissingExtraError
    from nnscratch.model_file import load_model
    from nnscratch.onnx_file import SUFFIX, export_model

    loaded = load_model(model)
    path = output or _beside(model, SUFFIX)
    try:
        exported = export_model(path, loaded)
    except MissingExtraError as error:
        error.where = str(path)
        error.next_step = f"install it with: {python()} -m pip install 'nnscratch[onnx]'"
        raise
    if loaded.generator is not None:
        done = f"{len(loaded.history)} of {loaded.config.epochs}"
        terminal.show_note(f"{model} is an interrupted run: {done} epochs are finished")
    for note in exported.notes:
        terminal.show_note(note)
    if json:
        terminal.show_json(records.export(loaded, model, str(path), exported, terminal.notes))
    else:
        views.show_export(loaded, str(path), exported)


def _beside(model: str, suffix: str) -> Path:
    """Return where the export of a model goes: of the bundled one, into this folder."""
    return Path(f"{model}{suffix}") if model == BUNDLED_NAME else Path(model).with_suffix(suffix)
