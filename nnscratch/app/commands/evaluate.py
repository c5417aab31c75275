"""`nnscratch evaluate`: measure a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from nnscratch.app.options import (
    DataDir,
    DatasetName,
    Json,
    obtain,
)
from nnscratch.config import DEFAULT_DATA_DIR


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="Model file that `train` saved, or `pretrained` for the bundled one.",
            metavar="MODEL",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            help="Data set to evaluate on: auto, mnist, synthetic or mnist+synthetic.",
            show_default=False,
            metavar="NAME",
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    split: Annotated[
        Literal["test", "train"],
        typer.Option(help="Part of the data set: test or train.", metavar="NAME"),
    ] = "test",
    mistakes: Annotated[
        int,
        typer.Option(min=0, help="Draw this many of the most confident mistakes.", metavar="N"),
    ] = 0,
    why: Annotated[
        bool,
        typer.Option(
            "--why/--no-why",
            help="With --mistakes: account for each of them against the true digit.",
        ),
    ] = False,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="Draw what the hidden units look for.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw a one-page report to this PNG, SVG or PDF.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Evaluate a model: accuracy, loss, figures for each digit, and the confusion matrix.

    The pictures are those of the data set that the model learned from, unless another is named,
    or a folder that holds one; the test pictures of mnist+synthetic are MNIST's.
    Of a folder of labelled pictures without train/ and test/, all are used.

    Examples:

        nnscratch evaluate model.npz

        nnscratch evaluate model.npz --mistakes 6 --why --weights

        nnscratch evaluate model.npz --split train --json

        nnscratch evaluate model.npz --data-dir mine/
    """
    from nnscratch import records
    from nnscratch.app import terminal, views
    from nnscratch.data import ARRAYS, tested_on, to_measure_on
    from nnscratch.model_file import load_model

    if why and not mistakes:
        raise typer.BadParameter("it accounts for mistakes: add --mistakes N", param_hint="--why")
    if plot:
        from nnscratch.app.plots import check_plot

        check_plot(plot)
    loaded = load_model(model)
    wanted = dataset or to_measure_on(loaded.dataset, data_dir)
    data = obtain(data_dir, tested_on(wanted) if split == "test" or wanted == ARRAYS else wanted)
    if wanted == ARRAYS:
        terminal.show_note(
            f"{model} learned from arrays, which no folder holds; it is measured on {data.name}"
        )
    images, labels = (
        (data.test_images, data.test_labels)
        if split == "test"
        else (data.train_images, data.train_labels)
    )
    measured = "all" if data.undivided else split
    views.note_what_was_learned(model, loaded, data)
    report = loaded.evaluate(images, labels)
    reasons = None
    if why:
        chosen = report.mistakes(mistakes)
        reasons = [loaded.why(images[index], int(labels[index])) for index in chosen]
    if json:
        terminal.show_json(
            records.report(
                report, loaded, model, data.name, measured, mistakes, terminal.notes, reasons
            )
        )
    else:
        views.show_report(report, loaded, model, data.name, measured)
        if mistakes:
            views.show_mistakes(report, images, mistakes, reasons)
        if weights:
            views.show_weights(loaded)
        if data.name == "synthetic":
            views.show_not_mnist(model)
    if plot:
        from nnscratch.app.plots import report_data, save_report

        save_report(plot, report_data(loaded, report, images, data.name, measured))
        terminal.show_note(f"the report is in {plot}")
