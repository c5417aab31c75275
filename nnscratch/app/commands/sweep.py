"""`nnscratch sweep`: many training runs, and which settings are best."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nnscratch.app.options import (
    DataDir,
    DatasetName,
    Json,
    blaming_the_flag,
    given_or_none,
    naming_the_folder,
    obtain,
    with_lists_of_settings,
)
from nnscratch.app.streams import unheeded
from nnscratch.config import DEFAULT_DATA_DIR, SETTINGS
from nnscratch.errors import ConfigError, Terminated
from nnscratch.files import check_distinct

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from nnscratch.data import Dataset
    from nnscratch.lab.grid import Grid
    from nnscratch.lab.journal import RunResult
    from nnscratch.lab.sweep import Summary

DEFAULT_FOLDER, CSV = Path("sweep"), "sweep.csv"


@with_lists_of_settings
def sweep(
    given: dict[str, Any],
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Run each setting with this many seeds, from --seed on.",
            metavar="N",
            show_default="1 seed",
        ),
    ] = None,
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            help="Pictures to learn from, as for `train`.", metavar="NAME", callback=given_or_none
        ),
    ] = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with lists of settings; options override them.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Where to keep the results and the models.", metavar="FOLDER"
        ),
    ] = DEFAULT_FOLDER,
    keep: Annotated[
        Literal["best", "all"],
        typer.Option(help="Which models to keep: best or all.", metavar="NAME"),
    ] = "best",
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw accuracy over the settings to this PNG, SVG or PDF.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Run on the Dask cluster at this address, such as tcp://host:8786.",
            show_default=False,
            metavar="ADDRESS",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train with every combination of settings, and say which is best.

    A setting takes several values, 0.01,0.1,1, or a range in logarithmic steps, "0.01..1 x8".
    Interrupted, the same command goes on with the runs that are missing.
    Settings are chosen by their validation accuracy; the test set is used once, for the best.

    Examples:

        nnscratch sweep --lr 0.01,0.1,1 --seeds 5

        nnscratch sweep --lr "0.01..1 x8" --hidden 5,10,20 --plot sweep.png

        nnscratch sweep --config sweep.toml -o widths --keep all
    """
    from nnscratch.app import sweeps
    from nnscratch.app.signals import signals
    from nnscratch.lab.sweep import summarise

    with unheeded(), blaming_the_flag(given), naming_the_folder(data_dir):
        grid = _grid(config, given, seeds)
        _check_plot(plot, output)
        data = obtain(data_dir, dataset or "auto")
        with signals.at_checks_only():
            results = _run(
                grid, data, output, asked=given, keep_all=keep == "all", cluster=cluster, json=json
            )
        summaries = summarise(results)
        if not json:
            sweeps.show_sweep(summaries, grid.varied, output / CSV, plotted=plot is not None)
        named = _data_options(dataset, data_dir)
        _show_best(results, grid, output, data, named, json=json)
        _save_plot(plot, summaries, grid)


def _grid(file: Path | None, given: dict[str, Any], seeds: int | None) -> Grid:
    """Put the runs together: option, then file, then default; all are checked."""
    from nnscratch.lab.grid import load_grid, make_grid

    grid = make_grid({**(load_grid(file) if file else {}), **given}, seeds)
    if any(one.validation_size == 0 for one in grid.settings()):
        raise typer.BadParameter(
            "a sweep chooses by held-out pictures, and 0 leaves it none",
            param_hint=SETTINGS["validation_size"].flag,
        )
    return grid


def _data_options(dataset: str | None, data_dir: Path | None) -> list[str]:
    """Return the options that name the data, as they were given."""
    named = {"--dataset": dataset, "--data-dir": data_dir}
    return [word for flag, value in named.items() if value for word in (flag, str(value))]


def _check_plot(plot: Path | None, folder: Path) -> None:
    """Refuse, before any work, a picture that could not be drawn there."""
    if plot is None:
        return
    from nnscratch.app.plots import check_plot

    check_distinct({"--output": folder, "--plot": plot})
    if plot.parent == folder and not folder.exists():  # it will be made
        with TemporaryDirectory() as empty:
            check_plot(Path(empty) / plot.name)
    else:
        check_plot(plot)


def _run(
    grid: Grid,
    data: Dataset,
    folder: Path,
    *,
    asked: Collection[str],
    keep_all: bool,
    cluster: str | None,
    json: bool,
) -> list[RunResult]:
    """Do the runs that are missing, and show each; what is done is safe if interrupted."""
    from nnscratch import records
    from nnscratch.app import sweeps, terminal
    from nnscratch.app.signals import signals
    from nnscratch.lab.sweep import check, sweep

    with _naming_the_run():
        check(grid, data, asked)
    _say_if_small(grid, data)
    screen = sweeps.SweepScreen(len(grid), grid.varied)

    def show(result: RunResult) -> None:
        if json:
            terminal.show_json(records.swept(result))

    def on_resumed(results: Sequence[RunResult]) -> None:
        screen.on_resumed(results)
        for result in results:
            show(result)

    def on_result(result: RunResult) -> None:
        screen.on_result(result)
        show(result)

    with _executor(cluster) as executor:
        try:
            with screen:
                return sweep(
                    grid, data, folder, executor=executor, keep_all=keep_all,
                    on_resumed=on_resumed, on_result=on_result,
                    on_finishing=screen.on_finishing, on_wait=signals.check,
                    on_previous=screen.on_previous,
                )  # fmt: skip
        except (KeyboardInterrupt, Terminated):
            sweeps.show_stopped(screen.done, len(grid), folder)
            raise


def _say_if_small(grid: Grid, data: Dataset) -> None:
    """Say once what a small set has changed for all runs."""
    from nnscratch.app import terminal
    from nnscratch.data import divided
    from nnscratch.runs import what_was_suited
    from nnscratch.training import suited

    parts = divided(data, grid.base.seed)
    used = suited(grid.base, len(parts.train_images), grid.varied)
    for note in what_was_suited(grid.base, used, parts, data):
        terminal.show_note(note)


@contextmanager
def _naming_the_run() -> Iterator[None]:
    """Let a setting that does not go with the data be a usage error that says of which run."""
    try:
        yield
    except ConfigError as error:
        if error.where:
            error.what, error.where = f"{error.what}, in {error.where}", ""
        raise


@contextmanager
def _executor(cluster: str | None) -> Iterator[Executor | None]:
    """Yield what computes the runs: None for processes of our own."""
    if cluster is None:
        yield None
        return
    from nnscratch.app.terminal import show_note
    from nnscratch.lab.cluster import cluster_executor

    with cluster_executor(cluster) as executor:
        for note in executor.notes:
            show_note(note)
        yield executor


def _show_best(
    results: Sequence[RunResult],
    grid: Grid,
    folder: Path,
    data: Dataset,
    named: list[str],
    *,
    json: bool,
) -> None:
    """Show which run is best, with the test figure that its model has; or that none is."""
    from nnscratch.app import sweeps
    from nnscratch.data import divided
    from nnscratch.lab.sweep import BEST, best_run
    from nnscratch.model_file import load_model

    best = best_run(results)
    if best is None:
        sweeps.show_none()
    elif not json:
        path, tested = folder / BEST, len(divided(data, best.config.seed).test_labels)
        sweeps.show_best(best, grid.varied, load_model(path), str(path), named, tested)


def _save_plot(plot: Path | None, summaries: Sequence[Summary], grid: Grid) -> None:
    """Draw the results, if that is wanted."""
    if plot:
        from nnscratch.app import terminal
        from nnscratch.app.sweep_plots import save_sweep_plot

        save_sweep_plot(plot, summaries, grid.varied)
        terminal.show_note(f"the picture is in {plot}")
