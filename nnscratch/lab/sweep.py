"""A sweep: many training runs at once, and what each came to.

It is silent, as runs.py is. Runs are compared by the pictures that each held out; the test set is
looked at only by a model that is kept.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from nnscratch.config import SETTINGS, TrainConfig
from nnscratch.data import Dataset, divided
from nnscratch.errors import ConfigError, ModelFileError
from nnscratch.files import cannot_write, write_atomically
from nnscratch.lab.grid import Grid
from nnscratch.lab.journal import AGAIN, Journal, RunResult, identity, save_table
from nnscratch.lab.workers import Result, Workers, shared_bytes
from nnscratch.model_file import (
    check_model_output,
    is_model,
    largest_file_bytes,
    load_model,
    previous_name,
)
from nnscratch.training import hold_out, suited

BEST = "best.npz"
FIGURES = ("validation_accuracy", "validation_loss")


@dataclass(frozen=True)
class Summary:
    """What one combination of settings came to, over its seeds.

    Attributes:
        config: with the first of the seeds.
        runs: how many there are, those that diverged included.
        accuracy_mean, loss_mean: on held-out pictures, over the runs that did not diverge; None
            if all did.
        accuracy_sd: the standard deviation from seed to seed, with n − 1; None for fewer than two.
        seconds_mean: of training, over the same runs, or over all if all diverged.
        diverged: how many runs did.
    """

    config: TrainConfig
    runs: int
    accuracy_mean: float | None
    accuracy_sd: float | None
    loss_mean: float | None
    seconds_mean: float
    diverged: int


def sweep(
    grid: Grid,
    dataset: Dataset,
    folder: Path | None = None,
    *,
    executor: Executor | None = None,
    keep_all: bool = False,
    on_resumed: Callable[[Sequence[RunResult]], None] = lambda results: None,
    on_result: Callable[[RunResult], None] = lambda result: None,
    on_finishing: Callable[[RunResult], None] = lambda result: None,
    on_wait: Callable[[], None] = lambda: None,
    on_previous: Callable[[Path, Path], None] = lambda path, previous: None,
) -> list[RunResult]:
    """Run a whole grid, as many runs at once as there are cores.

    Args:
        folder: where the journal and the models are kept; made if it is not there. A sweep that
            was begun there goes on. None keeps nothing.
        executor: where the runs are computed; None starts worker processes here.
        keep_all: keep the model of every run, not only of the best.
        on_resumed: called once, before any work, with the results that the folder holds.
        on_result: called after every run that is done now.
        on_finishing: called when all are done, with the best, whose model is then made.
        on_wait: called several times a second, and may raise to end the sweep.
        on_previous: called when another model stood in the place of one, with that place and
            where it is now.

    Returns:
        The results, in the order of `grid.runs()`.

    Raises:
        ConfigError: a run does not go with the data set, or holds out nothing to compare by.
        OutputError: the folder holds something else than this sweep, or cannot be written.
    """
    check(grid, dataset)
    with contextlib.ExitStack() as stack:
        journal = None
        results: dict[TrainConfig, RunResult] = {}
        if folder:
            journal = stack.enter_context(_journal(grid, dataset, folder, keep_all))
            results = journal.results()
        on_resumed(list(results.values()))
        workers = stack.enter_context(Workers(dataset, executor, folder))
        missing = [(n, run) for n, run in enumerate(grid.runs(), 1) if run not in results]
        for number, done in workers.run(missing, keep_all, on_wait):
            name = _saved(folder, run_name(number), done.model, on_previous)
            result = results[done.config] = _as_result(done, name)
            if journal:
                journal.add(result)
            on_result(result)
        found = [results[config] for config in grid.runs()]
        best = best_run(found)
        if folder and best:
            if not _is_finished(folder / BEST, best, dataset):
                on_finishing(best)
                _finish(best, folder, workers, on_wait, on_previous)
            if not best.model:
                found[found.index(best)] = replace(best, model=BEST)
        if folder:
            save_table(folder, found)
    return found


def _journal(grid: Grid, dataset: Dataset, folder: Path, keep_all: bool) -> Journal:
    """Return the journal, having made sure that all that follows can be written."""
    settings = grid.settings()
    kept = grid.runs() if keep_all else settings[:1]
    room_bytes = shared_bytes(dataset) + sum(map(largest_file_bytes, kept))
    names = [run_name(number) for number in range(1, len(grid) + 1)] if keep_all else []
    if folder.is_dir():
        widest = max(settings, key=largest_file_bytes)
        siblings = tuple(folder / name for name in names)
        check_model_output(folder / BEST, widest, siblings=siblings)
    return Journal(folder, identity(grid, dataset, keep_all), grid.runs(), room_bytes)


def run_name(number: int) -> str:
    """Return what the model of a run is called, by its place in `Grid.runs()`, from 1."""
    return f"run-{number:04}.npz"


def _is_finished(path: Path, best: RunResult, dataset: Dataset) -> bool:
    """Tell whether the best run's model is there already, from an earlier session."""
    try:
        saved = load_model(path)
    except ModelFileError:
        return False
    parts = divided(dataset, best.config.seed)
    if saved.generator is not None or saved.sha256 != parts.sha256:
        return False
    last = saved.history[-1]
    found = replace(saved.config, teacher=best.config.teacher), *map(last.get, FIGURES)
    config = suited(best.config, len(parts.train_images))
    return found == (config, best.validation_accuracy, best.validation_loss)


def _finish(
    best: RunResult,
    folder: Path,
    workers: Workers,
    on_wait: Callable[[], None],
    on_previous: Callable[[Path, Path], None],
) -> None:
    """Save the model of the best run under its own name.

    Unless all were kept it was not, since a better run might have followed. Trained once more it
    has the same bits, and only now looks at the test set.
    """
    if best.model and is_model(folder / best.model):
        _saved(folder, BEST, (folder / best.model).read_bytes(), on_previous)
        return
    for _, done in workers.run([(0, best.config)], True, on_wait):
        _saved(folder, BEST, done.model, on_previous)


def _saved(
    folder: Path | None,
    name: str,
    model: bytes | None,
    on_previous: Callable[[Path, Path], None],
) -> str | None:
    """Save the bytes of a model, keeping another one of that name; return the name.

    Returns:
        None if there is nothing to save, or no place for it.
    """
    if folder is None or model is None:
        return None
    path = folder / name
    try:
        if path.exists() and (earlier := path.read_bytes()) not in (b"", model):
            write_atomically(previous_name(path), earlier)
            on_previous(path, previous_name(path))
        write_atomically(path, model)
    except OSError as error:
        problem = cannot_write(path, "the model", error)
        problem.next_step = AGAIN
        raise problem from error
    return name


def _as_result(done: Result, model: str | None) -> RunResult:
    """Return what a worker sent, without the model's bytes."""
    return RunResult(done.config, done.accuracy, done.loss, done.seconds, model, done.loss is None)


def check(grid: Grid, dataset: Dataset, asked: Collection[str] = ()) -> None:
    """Raise, before anything runs, if a run cannot go with the data set.

    Args:
        asked: settings that were chosen, even if they are what the default is.

    Raises:
        ConfigError: it holds out nothing, or too much, or its batches are larger than what is left.
    """
    for config in grid.settings():
        if not config.validation_size:
            raise ConfigError(
                "validation_size must be above 0 in a sweep, whose runs are compared by the "
                "pictures held out, and is 0",
                key="validation_size",
            )
        try:
            count = len(divided(dataset, config.seed).train_images)
            config = suited(config, count, asked)
            if not config.validation_size:
                raise ConfigError(f"{count} pictures are too few for a sweep: none can be held out")
            hold_out(count, config)
        except ConfigError as error:
            flags = [f"{SETTINGS[key].flag} {getattr(config, key)}" for key in grid.varied]
            combination = " ".join(flags)
            error.where = combination and f"the run with {combination}"
            raise


def summarise(results: Iterable[RunResult]) -> list[Summary]:
    """Return one Summary for each combination, the best first.

    The fewer of its runs diverged, the better; then the higher its mean accuracy; then the lower
    its loss.
    """
    by_setting: dict[tuple[object, ...], list[RunResult]] = {}
    for result in results:
        key = tuple(value for name, value in vars(result.config).items() if name != "seed")
        by_setting.setdefault(key, []).append(result)
    return sorted(map(_summary, by_setting.values()), key=_rank)


def _summary(results: Sequence[RunResult]) -> Summary:
    sound = [result for result in results if not result.diverged]
    accuracies = [r.validation_accuracy for r in sound if r.validation_accuracy is not None]
    losses = [r.validation_loss for r in sound if r.validation_loss is not None]
    return Summary(
        config=results[0].config,
        runs=len(results),
        accuracy_mean=statistics.fmean(accuracies) if accuracies else None,
        accuracy_sd=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        loss_mean=statistics.fmean(losses) if losses else None,
        seconds_mean=statistics.fmean(result.seconds for result in sound or results),
        diverged=len(results) - len(sound),
    )


def _rank(summary: Summary) -> tuple[float, float, float]:
    accuracy, loss = summary.accuracy_mean, summary.loss_mean
    return (
        summary.diverged / summary.runs,
        math.inf if accuracy is None else -accuracy,
        math.inf if loss is None else loss,
    )


def best_run(results: Sequence[RunResult]) -> RunResult | None:
    """Return the best run of the best combination; None if there is none that did not diverge."""
    for summary in summarise(results):
        seeds = [
            result
            for result in results
            if not result.diverged and _same_but_seed(result.config, summary.config)
        ]
        if seeds:
            return min(seeds, key=lambda run: _rank(_summary([run])))
    return None


def _same_but_seed(one: TrainConfig, other: TrainConfig) -> bool:
    return {**vars(one), "seed": 0} == {**vars(other), "seed": 0}
