"""`nnscratch evaluate`: measure a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nnscratch.app.options import (
    DataDir,
    DatasetName,
    Json,
    PlotFile,
    obtain,
)
from nnscratch.config import DEFAULT_DATA_DIR

if TYPE_CHECKING:
    pass


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="Model file, as `train` saved it, or `pretrained`.",
            metavar="MODEL",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        DatasetName | None,
        typer.Option(help="Which pictures to measure on.", show_default="what it learned from"),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    split: Annotated[
        Literal["test", "train"], typer.Option(help="Which part of the data set.")
    ] = "test",
    mistakes: Annotated[
        int,
        typer.Option(min=0, help="Draw this many of the most confident mistakes.", metavar="N"),
    ] = 0,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="Draw what hidden units look for.")
    ] = False,
    plot: PlotFile = None,
    json: Json = False,
) -> None:
    """Measure a trained model: accuracy, loss, each digit, and what was taken for what.

    Examples:

        nnscratch evaluate model.npz

        nnscratch evaluate model.npz --mistakes 6 --weights

        nnscratch evaluate model.npz --split train --json
    """
    from nnscratch import records
    from nnscratch.app import terminal, views
    from nnscratch.model_file import load_model

    if plot:
        from nnscratch.app.plots import check_plot

        check_plot(plot)
    loaded = load_model(model)
    data = obtain(data_dir, dataset or loaded.dataset)
    images, labels = (
        (data.test_images, data.test_labels)
        if split == "test"
        else (data.train_images, data.train_labels)
    )
    report = loaded.evaluate(images, labels)
    if json:
        terminal.show_json(records.report(report, loaded, model, data.name, split, mistakes))
    else:
        views.show_report(report, loaded, model, data.name, split)
        if mistakes:
            views.show_mistakes(report, images, mistakes)
        if weights:
            views.show_weights(loaded)
        if data.name == "synthetic":
            views.show_not_mnist(model)
    if plot:
        from nnscratch.app.plots import report_data, save_report

        save_report(plot, report_data(loaded, report, images, data.name, split))
        terminal.show_note(f"the report is in {plot}")
