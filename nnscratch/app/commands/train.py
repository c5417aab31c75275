"""`nnscratch train`: learn, and save what was learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscratch.app.options import (
    DataDir,
    DatasetName,
    Json,
    Layers,
    blaming_the_flag,
    given_or_none,
    naming_the_folder,
    network_kind,
    obtain,
    with_settings,
)
from nnscratch.app.signals import signals
from nnscratch.app.streams import unheeded
from nnscratch.config import (
    DEFAULT_DATA_DIR,
    SETTINGS,
    config_from,
    load_settings,
)

if TYPE_CHECKING:
    from nnscratch.core import Network
    from nnscratch.pictures.read import Prepared
    from nnscratch.runs import Run
    from nnscratch.training import EpochResult

DEFAULT_MODEL = Path("model.npz")
COMPARED = 100  # pictures on which own layers are held against ours


@with_settings
def train(
    given: dict[str, Any],
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            help="Pictures to learn from: auto, mnist, synthetic (the built-in digits) or "
            "mnist+synthetic (MNIST and drawn digits, tested on MNIST).",
            metavar="NAME",
            callback=given_or_none,
        ),
    ] = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with settings; options override them.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to save the model.",
            metavar="FILE",
            callback=given_or_none,
        ),
    ] = DEFAULT_MODEL,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Continue an interrupted run, with the settings and the data it had.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the learning curves to this PNG, SVG or PDF.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            help="Write the figures of every epoch to this CSV file.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(
            help="A picture: say after every epoch what the network makes of it.",
            show_default=False,
            metavar="IMAGE",
        ),
    ] = None,
    layers: Layers = None,
    json: Json = False,
) -> None:
    """Train the network and save it.

    MNIST is downloaded first if it is not there.
    The test set is used once, at the end.

    Examples:

        nnscratch train --lr 0.1 --epochs 20

        nnscratch train --config configs/textbook.toml -o textbook.npz

        nnscratch train --watch three.png

        nnscratch train --layers linear.py

        nnscratch train --data-dir mine/ --start pretrained --epochs 5
    """
    from nnscratch import records, run_files, runs
    from nnscratch.app import progress, terminal, views
    from nnscratch.model import Model

    if resume:
        _refuse_settings(given, config=config, dataset=dataset)
    with unheeded(), blaming_the_flag(given), naming_the_folder(data_dir):
        kind = network_kind(layers)
        run = (
            runs.resume(resume, given.get("teacher"), kind)
            if resume
            else _started(config, given, kind)
        )
        output = output or (run_files.output_of(resume) if resume else DEFAULT_MODEL)
        _check_outputs(run, output, plot, history)
        if not layers:
            _note_if_ours_take_over(run)
        picture = _watched(watch)
        whole, asked = obtain(data_dir, run.dataset or dataset or "auto"), run.config
        data = runs.suit(run, whole)
        for note in runs.what_was_suited(asked, run.config, data, whole):
            terminal.show_note(note)
        samples = len(data.train_images) - run.config.validation_size
        again = _once_more(
            plot=plot, history=history, watch=watch, layers=layers, data_dir=data_dir, json=json
        )
        screen = progress.TrainingScreen(run.config.epochs, samples, len(run.state.history))

        def on_samples(count: int) -> None:
            screen.on_samples(count)
            signals.check()

        def on_refusing(count: int, total: int) -> None:
            screen.on_refusing(count, total)
            signals.check()

        def on_epoch(result: EpochResult) -> None:
            watched = None
            if watch and picture:
                answer = Model(run.state.network, run.config, data.name).answer(picture)
                watched = watch, answer
            screen.on_epoch(result, watched)
            if json:
                terminal.show_json(records.epoch(result, watched))
            signals.check()

        with signals.at_checks_only():
            with screen:
                finished = runs.train(
                    run, data, output, on_samples=on_samples, on_epoch=on_epoch,
                    on_kept=lambda kept: views.show_kept(kept, again), on_refusing=on_refusing,
                    around_refusing=signals.at_once,
                )  # fmt: skip
            if layers:
                _note_if_others(run, data.train_images[:COMPARED], layers)
            if json:
                report = finished.report
                views.show_if_chance(report.loss, len(report.labels))
                terminal.show_json(records.done(finished, str(output), terminal.notes))
            else:
                views.show_trained(finished, str(output))
            _save_course(finished, plot, history)


def _note_if_ours_take_over(run: Any) -> None:
    """Say so where a run that began with somebody's own layers goes on without them."""
    from nnscratch.app import terminal

    if run.own_classes:
        terminal.show_note(
            f"this run began with layers of a file ({', '.join(run.own_classes)}), and goes on "
            "with nnscratch's own; to go on with that file, name it with --layers"
        )


def _note_if_others(run: Any, images: Any, layers: Path) -> None:
    """Say so where somebody's own layers compute otherwise than ours, which the model is saved for.

    A forgotten bias, for example, is learned around; our layers then add the bias all the same.
    """
    from nnscratch.app import terminal
    from nnscratch.products import scale_pixels

    if not run.state.network.agrees(scale_pixels(images)):
        terminal.show_note(
            f"with the same weights, {layers} computes otherwise than nnscratch, whose answers "
            f"the test result and the saved model give; see: nnscratch grade {layers}"
        )


def _once_more(**options: Any) -> list[str]:
    """Return the options that a resumed run has to be given again, as they were given."""
    words = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value:
            words += [flag] if value is True else [flag, str(value)]
    return words


def _watched(image: str | None) -> Prepared | None:
    """Prepare the picture that is to be watched; what is no digit is an error before any work."""
    if image is None:
        return None
    from nnscratch.pictures.read import load_picture

    return load_picture(image)


def _started(file: Path | None, given: dict[str, Any], kind: Callable[..., Network]) -> Run:
    """Begin a run with the settings put together: option, then file, then default."""
    from nnscratch import runs

    asked = load_settings(file) if file else {}
    return runs.start(replace(config_from(asked), **given), kind, asked={*asked, *given})


def _refuse_settings(given: dict[str, Any], **others: Any) -> None:
    flags = [SETTINGS[key].flag for key in given if key != "teacher"]  # a file lies anywhere
    flags += [f"--{name}" for name, value in others.items() if value is not None]
    if flags:
        raise typer.BadParameter(
            "with --resume the settings are those of the interrupted run", param_hint=flags[0]
        )


def _check_outputs(run: Any, output: Path, plot: Path | None, history: Path | None) -> None:
    """Refuse, before any work, whatever could not be written, or would take another's place."""
    from nnscratch import run_files

    others = {"--plot": plot, "--history": history}
    run_files.check_outputs(output, run.config, others=others)
    if history:
        run_files.check_history(history)
    if plot:
        from nnscratch.app.plots import check_plot

        check_plot(plot)


def _save_course(finished: Any, plot: Path | None, history: Path | None) -> None:
    """Draw and write down how a training run went."""
    from nnscratch import run_files
    from nnscratch.app import terminal

    if history:
        run_files.save_history(history, finished.history)
        terminal.show_note(f"the history is in {history}")
    if plot:
        from nnscratch.app.plots import curves_title, save_curves

        course = [vars(result) for result in finished.history]
        save_curves(plot, curves_title(finished.model.config), course)
        terminal.show_note(f"the curves are in {plot}")
