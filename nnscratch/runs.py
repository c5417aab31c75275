"""A training run, from its settings to its model file, with what may come between.

It shows its progress, keeps what is finished when it is interrupted, and can be taken up again.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnscratch.app import terminal
from nnscratch.app.plots import save_curves
from nnscratch.config import TrainConfig
from nnscratch.data import Dataset, data_folder, obtain_dataset
from nnscratch.errors import DataError, ModelFileError, Terminated
from nnscratch.files import write_atomically
from nnscratch.model_file import SavedModel, load_model, not_writable, save_model
from nnscratch.training import Checkpoint, EpochResult, TrainingState, evaluate, fit

DIGITS_DRAWN = 70_000


def obtain(data_dir: Path | None, wanted: str) -> Dataset:
    """Load a data set, showing what is fetched or drawn; see `data.obtain_dataset`."""
    with terminal.download_bars() as on_bytes, terminal.drawing_bar(DIGITS_DRAWN) as on_drawn:
        return obtain_dataset(
            data_dir, wanted, on_bytes=on_bytes, on_drawn=on_drawn, on_note=terminal.show_note
        )


@dataclass
class Run:
    """A training run: its settings, how far it is, and (once it is loaded) its data."""

    config: TrainConfig
    state: TrainingState
    dataset: Dataset | None = None


def started(config: TrainConfig) -> Run:
    """Begin a run with fresh weights."""
    return Run(config, TrainingState.start(config))


def resumed(path: Path, data_dir: Path | None) -> Run:
    """Take up a run where its file left it."""
    saved = load_model(path)
    if saved.velocity is None or saved.generator is None:
        raise ModelFileError(
            "this is a finished model, not an interrupted run",
            where=str(path),
            next_step="name the file that ends in .interrupted.npz, or train anew without --resume",
        )
    run = started(saved.config)
    history = tuple(EpochResult(**entry, seconds=0.0) for entry in saved.history)
    run.state.restore(Checkpoint(saved.network.theta, saved.velocity, saved.generator, history))
    run.dataset = obtain(data_dir, saved.dataset)
    if run.dataset.sha256 != saved.sha256:
        raise DataError(
            "these are not the files that the interrupted run learned from",
            where=str(data_folder(data_dir).path),
            next_step="name the folder of the run's own files with --data-dir",
        )
    return run


def train(run: Run, output: Path, json: bool) -> None:
    """Train to the end, or, interrupted, keep what the last finished epoch had."""
    config, state, dataset = run.config, run.state, run.dataset
    assert dataset is not None
    done, samples = len(state.history), len(dataset.train_images) - config.validation_size
    checkpoint = state.checkpoint()
    try:
        with terminal.TrainingScreen(config.epochs, samples, done) as screen:
            for result in fit(state, dataset, config, on_samples=screen.on_samples):
                checkpoint = state.checkpoint()
                screen.on_epoch(result)
                if json:
                    terminal.show_json({"event": "epoch", **vars(result)})
    except (KeyboardInterrupt, Terminated):
        _keep(run, checkpoint, output)
        raise
    images, labels = dataset.test_images, dataset.test_labels
    report = evaluate(state.network, images, labels, deskewed=config.deskew)
    _save(output, run, test={"loss": report.loss, "accuracy": report.accuracy})
    terminal.show_if_chance(report.loss)
    seconds = sum(result.seconds for result in state.history)
    if not json:
        terminal.show_curves(state.history)
        terminal.show_trained(report, dataset.name, str(output), config.hidden_size, seconds)
        return
    terminal.show_json(
        {
            "event": "done",
            "model": str(output),
            "dataset": dataset.name,
            "test_loss": report.loss,
            "test_accuracy": report.accuracy,
            "seconds": seconds,
        }
    )


def write_course(run: Run, plot: Path | None, table: Path | None) -> None:
    """Draw and write down how a training run went."""
    if plot:
        config = run.config
        title = f"784-{config.hidden_size}-10, learning rate {config.learning_rate:g}, batch "
        title += f"{config.batch_size}, {config.schedule}, seed {config.seed}"
        save_curves(plot, title, [vars(result) for result in run.state.history])
        terminal.show_note(f"the curves are in {plot}")
    if table:
        _write_csv(table, [vars(result) for result in run.state.history])
        terminal.show_note(f"the history is in {table}")


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as error:
        raise not_writable(path, error) from error


def _keep(run: Run, checkpoint: Checkpoint, output: Path) -> None:
    """Save the last finished epoch beside the model, and say how to go on."""
    if not checkpoint.history:
        terminal.show_note("no epoch was finished, so nothing is kept")
        return
    run.state.restore(checkpoint)
    path = output.with_name(f"{output.name.removesuffix('.npz')}.interrupted.npz")
    _save(path, run, velocity=checkpoint.velocity, generator=checkpoint.generator)
    terminal.show_kept(len(checkpoint.history), str(path), str(output))


def _save(path: Path, run: Run, **rest: Any) -> None:
    assert run.dataset is not None
    history = [
        {key: value for key, value in vars(result).items() if key != "seconds"}
        for result in run.state.history
    ]
    model = SavedModel(
        run.state.network, run.config, run.dataset.name, run.dataset.sha256, history, **rest
    )
    save_model(path, model)
