"""`nnscratch compare`: models side by side, and whether the difference is more than chance."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnscratch.app.options import DataDir, DatasetName, Json, obtain
from nnscratch.config import BUNDLED_NAME, DEFAULT_DATA_DIR
from nnscratch.errors import ModelFileError

if TYPE_CHECKING:
    from nnscratch.data import Dataset
    from nnscratch.model import Model

ARGUMENT = "MODEL"


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Model files, or folders that `sweep` filled; `pretrained` is the bundled model.",
            metavar=ARGUMENT,
            show_default=False,
        ),
    ],
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            help="Data set whose test pictures decide: auto, mnist, synthetic or mnist+synthetic.",
            show_default=False,
            metavar="NAME",
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the learning curves over one another to this PNG, SVG or PDF.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare models: settings, accuracy, and whether the difference is more than chance.

    Each is measured on the same test pictures, those of the data set that the models learned from.
    Accuracy has its 95% interval; each model is held against the best by McNemar's exact test.

    Examples:

        nnscratch compare a.npz b.npz

        nnscratch compare a.npz b.npz c.npz --json

        nnscratch compare a.npz sweep --plot curves.png
    """
    from nnscratch import records
    from nnscratch.app import comparisons, terminal
    from nnscratch.lab.compare import compare as compare_models
    from nnscratch.lab.compare import measure
    from nnscratch.model_file import load_model

    names = _files(models)
    if plot:
        from nnscratch.app.plots import check_plot

        check_plot(plot)
    loaded = {name: load_model(name) for name in names}
    data = _test_set(loaded, dataset, data_dir)
    comparison = compare_models(
        [measure(name, model, data.test_images, data.test_labels) for name, model in loaded.items()]
    )
    if json:
        terminal.show_json(records.comparison(comparison, data.name, terminal.notes))
    else:
        comparisons.show_comparison(comparison, data.name, "all" if data.undivided else "test")
    if plot:
        from nnscratch.app.sweep_plots import save_comparison

        save_comparison(plot, comparisons.verdict(comparison), comparison.models)
        terminal.show_note(f"the curves are in {plot}")


def _files(named: Sequence[str]) -> list[str]:
    """Return the models of what was named, if they are two or more, each of them once.

    One that was named by itself is not taken from its folder once more.
    """
    from nnscratch.lab.compare import kept_models

    folders = [name for name in named if name != BUNDLED_NAME and os.path.isdir(name)]
    files: dict[str, str] = {}
    for name in named:
        if name in folders:
            continue
        place = _place(name)
        if place in files:
            first = files[place]
            both = name if name == first else f"{first} and {name}"
            raise typer.BadParameter(f"{both}: the same file twice", param_hint=ARGUMENT)
        files[place] = name
    for folder in folders:
        models = kept_models(Path(folder))
        if not models:
            raise ModelFileError(
                "the folder holds no model",
                where=folder,
                next_step="name model files, or the --output of a finished `nnscratch sweep`",
            )
        for path in map(str, models):
            files.setdefault(_place(path), path)
    if len(files) < 2:
        raise typer.BadParameter(
            "one model alone: name two or more"
            + ("; `sweep --keep all` keeps all of its models" if folders else ""),
            param_hint=ARGUMENT,
        )
    return list(files.values())


def _place(name: str) -> str:
    """Return what is the same for two names of one file."""
    return name if name == BUNDLED_NAME else os.path.realpath(name)


def _test_set(models: dict[str, Model], wanted: str | None, data_dir: Path | None) -> Dataset:
    """Load the data set to compare models on, and say what is odd about it for any of them."""
    from nnscratch.app import terminal, views
    from nnscratch.data import tested_on, to_measure_on

    learned_from = [model.dataset for model in models.values()]
    test_sets = list(dict.fromkeys(map(tested_on, learned_from)))
    data = obtain(data_dir, tested_on(wanted or to_measure_on(learned_from[0], data_dir)))
    if len(test_sets) > 1:
        terminal.show_note(
            f"the models learned from {' and '.join(dict.fromkeys(learned_from))}; all are "
            f"measured on {_named(data)}, and --dataset names others"
        )
    for name, model in models.items():
        if model.generator is not None:
            done = f"{len(model.history)} of {model.config.epochs}"
            terminal.show_note(f"{name} is an interrupted run: {done} epochs are finished")
        if model.dataset != data.name:
            continue
        if data.undivided:
            views.note_what_was_learned(name, model, data)
        elif model.sha256 != data.sha256:
            terminal.show_note(f"{name} learned from other files than those of {_files_of(data)}")
    return data


def _named(data: Dataset) -> str:
    from nnscratch.data.dataset import PICTURES

    return "pictures of your own" if data.name == PICTURES else f"the test pictures of {data.name}"


def _files_of(data: Dataset) -> str:
    from nnscratch.data.dataset import PICTURES

    return "this folder" if data.name == PICTURES else f"this {data.name}"
