"""A training run, from its settings to its model file, with what may come between.

It is silent: what happens is told by callbacks and by what is returned. When it is interrupted,
the epochs that are finished are kept, and `--resume` goes on from there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from nnscratch.calibrate import Calibration, calibrate, samples_to_learn
from nnscratch.config import BUNDLED_NAME, NO_TEACHER, TrainConfig
from nnscratch.core import Network
from nnscratch.data import Dataset
from nnscratch.errors import (
    ConfigError,
    DataError,
    HandInError,
    ModelFileError,
    OutputError,
    Terminated,
)
from nnscratch.files import cannot_write, check_distinct, check_output, write_atomically
from nnscratch.handin import OwnNetwork
from nnscratch.metrics import Report, evaluate
from nnscratch.model import Model
from nnscratch.model_file import (
    BUNDLED_MODEL,
    check_model_output,
    load_model,
    previous_name,
    save_model,
)
from nnscratch.training import Checkpoint, EpochResult, TrainingState, fit

INTERRUPTED = ".interrupted.npz"


@dataclass(frozen=True)
class Teacher:
    """A model that a run learns from: as the user named it, and as the run's own model will."""

    model: Model
    named: str
    sha256: str

    @property
    def name(self) -> str:
        """Return `pretrained`, or the SHA-256 of its file, which is the same wherever it lies."""
        return BUNDLED_NAME if self.named == BUNDLED_NAME else self.sha256


@dataclass
class Run:
    """A training run: its settings and how far it is.

    Attributes:
        dataset: the name of the set it learned from so far, and `sha256` of its files; both empty
            in a fresh run.
        own_classes: those that an interrupted run took from somebody's file; empty in a fresh run.
        teacher: None if it learns from the labels.
    """

    config: TrainConfig
    state: TrainingState
    dataset: str = ""
    sha256: dict[str, str] | None = None
    own_classes: tuple[str, ...] = ()
    teacher: Teacher | None = None


@dataclass(frozen=True)
class Finished:
    """What a run came to: the model as saved, its test report, and the earlier model's new name."""

    model: Model
    report: Report
    history: tuple[EpochResult, ...]
    previous: Path | None

    @property
    def seconds(self) -> float:
        """Return the training time of this session; epochs before a resume have none."""
        return sum(result.seconds or 0.0 for result in self.history)


@dataclass(frozen=True)
class Kept:
    """What is left of an interrupted run: `path` is None if no epoch was finished.

    Attributes:
        epochs: how many are finished.
        output: the model that the run was to become.
        previous: where an earlier interrupted run of that name is now.
        teacher: the model that has to be named again to go on, if it lies in a file.
    """

    epochs: int
    path: Path | None
    output: Path
    previous: Path | None
    teacher: str | None = None


def start(config: TrainConfig, kind: Callable[..., Network] = Network) -> Run:
    """Begin a run with fresh weights.

    Args:
        kind: what makes the network, with the arguments of `Network`; its model will be a plain
            `Network` with the weights that were learned.

    Raises:
        ModelFileError: the teacher cannot be read.
        HandInError: somebody's own class in the network fails, or cannot learn from a teacher.
    """
    state = TrainingState.start(config, kind=kind)
    if config.teacher == NO_TEACHER:
        return Run(config, state)
    _check_takes_Y(state.network)
    teacher = _load_teacher(config.teacher)
    return Run(replace(config, teacher=teacher.name), state, teacher=teacher)


def _check_takes_Y(network: Network) -> None:
    if isinstance(network, OwnNetwork):
        network.check_takes_Y()


def _load_teacher(named: str) -> Teacher:
    model = load_model(named)
    path = BUNDLED_MODEL if named == BUNDLED_NAME else Path(named)
    return Teacher(model, named, hashlib.sha256(path.read_bytes()).hexdigest())


def resume(path: Path, teacher: str | None = None, kind: Callable[..., Network] = Network) -> Run:
    """Take up a run where its file left it.

    Args:
        kind: as in `start`.
        teacher: the model file that the run learned from, which its own file does not hold. The
            bundled one need not be named.

    Raises:
        ModelFileError: the file cannot be read, or holds a finished model; or the teacher is not
            there, or another one.
        ConfigError: a teacher was named, and the run had none.
    """
    instead = f"name the file that ends in {INTERRUPTED}, or train anew without --resume"
    try:
        saved = load_model(path)
    except ModelFileError as error:
        error.next_step = instead
        raise
    if saved.generator is None:
        raise ModelFileError(
            "this is a finished model, not an interrupted run", where=str(path), next_step=instead
        )
    run = Run(saved.config, TrainingState.start(saved.config, kind=kind))
    run.teacher = _same_teacher(saved, teacher, path)
    if run.teacher:
        _check_takes_Y(run.state.network)
    history = tuple(EpochResult(**entry, seconds=None) for entry in saved.history)
    run.state.restore(Checkpoint(saved.network.theta, saved.memory, saved.generator, history))
    run.dataset, run.sha256 = saved.dataset, saved.sha256
    run.own_classes = saved.own_classes
    return run


def _same_teacher(saved: Model, named: str | None, path: Path) -> Teacher | None:
    """Load the teacher that an interrupted run had, or raise."""
    name = saved.config.teacher
    if name == NO_TEACHER:
        if named not in (None, NO_TEACHER):
            raise ConfigError(
                f"teacher must be none, as in the interrupted run, and is {named!r}", key="teacher"
            )
        return None
    its_file = f"the file of its teacher, whose SHA-256 is {saved.teacher_sha256}"
    if named is None and name != BUNDLED_NAME:
        raise ModelFileError(
            "the interrupted run has a teacher that is not in its file",
            where=str(path),
            next_step=f"name {its_file}, with --teacher",
        )
    teacher = _load_teacher(named or BUNDLED_NAME)
    if teacher.sha256 != saved.teacher_sha256:
        raise ModelFileError(
            "this is not the teacher that the interrupted run had",
            where=teacher.named,
            next_step=f"name {its_file}, with --teacher",
        )
    return teacher


def output_of(resumed: Path) -> Path:
    """Return the model that an interrupted run was to become: `m.interrupted.npz` → `m.npz`."""
    return resumed.with_name(resumed.name.removesuffix(INTERRUPTED).removesuffix(".npz") + ".npz")


def interrupted_name(output: Path) -> Path:
    """Return where an interrupted run is kept: `m.npz` → `m.interrupted.npz`."""
    return output.with_name(output.name.removesuffix(".npz") + INTERRUPTED)


def check_outputs(
    output: Path, config: TrainConfig, *, others: Mapping[str, Path | None] | None = None
) -> None:
    """Raise OutputError if the model, or an interrupted run, could not be saved; done first.

    Args:
        others: what else the command writes, by option; none may be a file of the run's own.
    """
    kept = interrupted_name(output)
    own = {
        "--output": output,
        "the earlier model": previous_name(output),
        "an interrupted run": kept,
        "an earlier interrupted run": previous_name(kept),
    }
    for what, path in own.items():
        check_distinct({what: path, **(others or {})})
    check_model_output(output, config, siblings=tuple(own.values())[1:])


def check_history(path: Path) -> None:
    """Raise OutputError if the table of epochs could not be written there; done first."""
    check_output(path, "the history", is_ours=_is_history)


def _is_history(path: Path) -> bool:
    """Tell whether a file has the first line that ours have."""
    header = ",".join(field.name for field in fields(EpochResult)).encode()
    with path.open("rb") as file:
        return file.read(len(header) + 1).rstrip(b"\r\n") == header


def save_history(path: Path, history: Sequence[EpochResult]) -> None:
    """Write every epoch's figures as CSV, under a header with the names of EpochResult.

    Raises:
        OutputError: it cannot be written there.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, vars(history[0]))
    writer.writeheader()
    writer.writerows(map(vars, history))
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as error:
        raise cannot_write(path, "the history", error) from error


def train(
    run: Run,
    dataset: Dataset,
    output: Path,
    *,
    on_samples: Callable[[int], None] = lambda count: None,
    on_epoch: Callable[[EpochResult], None] = lambda result: None,
    on_kept: Callable[[Kept], None] = lambda kept: None,
    on_refusing: Callable[[int, int], None] = lambda count, total: None,
) -> Finished:
    """Train to the end, look at the test set once, and save the model.

    Args:
        output: where the model is saved; an earlier one is kept beside it.
        on_samples: called after every batch with the number of samples done.
        on_epoch: called after every epoch.
        on_kept: called if the run is interrupted, or somebody's own class in it fails, once its
            finished epochs are safe; then the interruption goes on its way.
        on_refusing: called, when all epochs are done and the run is to learn what is no digit,
            with the number of samples seen since the last call, 0 at first, and of all to be seen.

    Raises:
        DataError: a resumed run's files are not those it learned from so far.
        DivergenceError, ConfigError: as `training.fit`.
        HandInError: somebody's own class in the network fails.
        OutputError: the model cannot be saved there; says where it was saved instead.
    """
    checkpoint = run.state.checkpoint()
    try:
        for result in learn(run, dataset, on_samples=on_samples):
            checkpoint = run.state.checkpoint()
            on_epoch(result)
        model, report = finish(run, dataset, on_refusing=on_refusing)
        previous = save_somewhere(output, model)
    except (KeyboardInterrupt, Terminated, HandInError):
        on_kept(_keep(run, checkpoint, output))
        raise
    return Finished(model, report, tuple(run.state.history), previous)


def learn(
    run: Run, dataset: Dataset, *, on_samples: Callable[[int], None] = lambda count: None
) -> Iterator[EpochResult]:
    """Train epoch by epoch on the training set, and yield after each.

    Args:
        on_samples: called after every batch with the number of samples done.

    Raises:
        DataError: a resumed run's files are not those it learned from so far.
        ConfigError, DivergenceError: as `training.fit`.
    """
    if run.sha256 is not None and dataset.sha256 != run.sha256:
        raise DataError(
            "these are not the files that the interrupted run learned from",
            next_step="name the folder of the run's own files with --data-dir",
        )
    run.dataset, run.sha256 = dataset.name, dataset.sha256
    images, labels = dataset.train_images, dataset.train_labels
    teacher = run.teacher.model if run.teacher else None
    return fit(run.state, images, labels, run.config, teacher=teacher, on_samples=on_samples)


def finish(
    run: Run,
    dataset: Dataset,
    *,
    on_refusing: Callable[[int, int], None] = lambda count, total: None,
) -> tuple[Model, Report]:
    """Return the model that a run came to, and what it makes of the test set: looked at once.

    Args:
        on_refusing: as in `train`.
    """
    network = _plain(run)
    learned = None
    if run.config.refuse:
        total = samples_to_learn(len(dataset.train_images) - run.config.validation_size)
        on_refusing(0, total)
        learned = calibrate(
            network, dataset.train_images, dataset.train_labels, run.config,
            drawn=dataset.drawn, on_samples=lambda count: on_refusing(count, total),
        )  # fmt: skip
    report = evaluate(network, dataset.test_images, dataset.test_labels)
    return _model(run, {"loss": report.loss, "accuracy": report.accuracy}, learned), report


def _plain(run: Run) -> Network:
    """Return a network of our own classes, whatever it was trained with: what a file will hold."""
    network = run.state.network
    return Network.astype(network, network.theta.dtype)


def _model(run: Run, test: dict[str, float] | None, learned: Calibration | None = None) -> Model:
    history = [
        {key: value for key, value in vars(result).items() if key != "seconds"}
        for result in run.state.history
    ]
    model = Model(
        _plain(run),
        run.config,
        run.dataset,
        run.sha256 or {},
        history,
        test,
        teacher_sha256=run.teacher.sha256 if run.teacher else "",
    )
    if learned is None:
        return model
    return replace(model, temperature=learned.temperature, rejector=learned.rejector)


def save_somewhere(output: Path, model: Model) -> Path | None:
    """Save the model, in the system's folder for temporary files if its own place fails.

    Returns:
        where an earlier model of that name is now; None if there was none.

    Raises:
        OutputError: it cannot be saved there; says where it was saved instead.
    """
    try:
        return save_model(output, model)
    except OutputError as error:
        rescue = Path(tempfile.mkdtemp(prefix="nnscratch-")) / "model.npz"
        save_model(rescue, model)
        error.next_step = f"the trained model is safe in {rescue}; move it from there"
        raise


def _keep(run: Run, checkpoint: Checkpoint, output: Path) -> Kept:
    """Save the last finished epoch beside the model."""
    epochs = len(checkpoint.history)
    if not epochs:
        return Kept(0, None, output, None)
    run.state.restore(checkpoint)
    model = replace(_model(run, None), memory=checkpoint.memory, generator=checkpoint.generator)
    network = run.state.network
    own = tuple(network.classes) if isinstance(network, OwnNetwork) else run.own_classes
    model = replace(model, own_classes=own)
    path = interrupted_name(output)
    named = run.teacher.named if run.teacher else BUNDLED_NAME
    again = None if named == BUNDLED_NAME else named
    return Kept(epochs, path, output, save_model(path, model), again)
