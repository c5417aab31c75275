"""A training run, from its settings to its model file, with what may come between.

It is silent: what happens is told by callbacks and by what is returned. When it is interrupted,
the epochs that are finished are kept, and `--resume` goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from nnscratch.calibrate import Calibration, calibrate, samples_to_learn
from nnscratch.config import BUNDLED_NAME, NO_START, NO_TEACHER, SETTINGS, TrainConfig
from nnscratch.core import Network
from nnscratch.data import Dataset, divided
from nnscratch.errors import DataError, HandInError, ModelFileError, Terminated
from nnscratch.handin import OwnNetwork
from nnscratch.metrics import Report, evaluate
from nnscratch.model import Model
from nnscratch.model_file import load_model, save_model
from nnscratch.origins import NamedModel, load_named, same_teacher, taken_over
from nnscratch.run_files import INTERRUPTED, interrupted_name, save_somewhere
from nnscratch.training import Checkpoint, EpochResult, TrainingState, fit, suited


@dataclass
class Run:
    """A training run: its settings and how far it is.

    Attributes:
        dataset: the name of the set it learned from so far, and `sha256` of its files; both empty
            in a fresh run.
        own_classes: those that an interrupted run took from somebody's file; empty in a fresh run.
        teacher: None if it learns from the labels.
        start_sha256: of the file that its first weights are from; empty if they were drawn.
        asked: the settings that were chosen; others may be lowered to suit a small set.
    """

    config: TrainConfig
    state: TrainingState
    dataset: str = ""
    sha256: dict[str, str] | None = None
    own_classes: tuple[str, ...] = ()
    teacher: NamedModel | None = None
    start_sha256: str = ""
    asked: Collection[str] = ()


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


def start(
    config: TrainConfig, kind: Callable[..., Network] = Network, asked: Collection[str] = ()
) -> Run:
    """Begin a run with fresh weights, or with those of the model that `config.start` names.

    Args:
        kind: what makes the network, with the arguments of `Network`; its model will be a plain
            `Network` with the weights that were learned.
        asked: the settings that were chosen, even if they are what the default is.

    Raises:
        ModelFileError: the teacher, or the model to start from, cannot be read or is unfinished.
        ConfigError: a setting contradicts the model to start from.
        HandInError: somebody's own class in the network fails, or cannot learn from a teacher.
    """
    origin = None if config.start == NO_START else load_named(config.start)
    if origin:
        config = taken_over(config, origin, asked)
    run = Run(config, TrainingState.start(config, kind=kind), asked=asked)
    if origin:
        run.state.network.theta[:] = origin.model.network.theta
        run.start_sha256 = origin.sha256
    if config.teacher != NO_TEACHER:
        _check_takes_Y(run.state.network)
        run.teacher = load_named(config.teacher)
        run.config = replace(config, teacher=run.teacher.name)
    return run


def _check_takes_Y(network: Network) -> None:
    if isinstance(network, OwnNetwork):
        network.check_takes_Y()


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
    state = TrainingState.start(saved.config, kind=kind)
    run = Run(saved.config, state, start_sha256=saved.start_sha256, asked=tuple(SETTINGS))
    run.teacher = same_teacher(saved, teacher, path)
    if run.teacher:
        _check_takes_Y(run.state.network)
    history = tuple(EpochResult(**entry, seconds=None) for entry in saved.history)
    run.state.restore(Checkpoint(saved.network.theta, saved.memory, saved.generator, history))
    run.dataset, run.sha256 = saved.dataset, saved.sha256
    run.own_classes = saved.own_classes
    return run


def train(
    run: Run,
    dataset: Dataset,
    output: Path,
    *,
    on_samples: Callable[[int], None] = lambda count: None,
    on_epoch: Callable[[EpochResult], None] = lambda result: None,
    on_kept: Callable[[Kept], None] = lambda kept: None,
    on_refusing: Callable[[int, int], None] = lambda count, total: None,
    around_refusing: Callable[[], AbstractContextManager[object]] = nullcontext,
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
        around_refusing: what to be within meanwhile; it takes longer than signals should wait.

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
        model, report = finish(
            run, dataset, on_refusing=on_refusing, around_refusing=around_refusing
        )
        previous = save_somewhere(output, model)
    except (KeyboardInterrupt, Terminated, HandInError):
        on_kept(_keep(run, checkpoint, output))
        raise
    return Finished(model, report, tuple(run.state.history), previous)


def suit(run: Run, dataset: Dataset) -> Dataset:
    """Make a run and a data set go together.

    An undivided set is divided by the run's seed; defaults of the run that are meant for more
    pictures are lowered. Done twice, it changes nothing more.

    Returns:
        The set as it is learned from and tested on.
    """
    dataset = divided(dataset, run.config.seed)
    run.config = suited(run.config, len(dataset.train_images), run.asked)
    return dataset


def what_was_suited(
    asked: TrainConfig, used: TrainConfig, data: Dataset, whole: Dataset
) -> list[str]:
    """Say what `suit` has done, in a line each.

    Args:
        asked, used: the settings before and after.
        data, whole: the set that is learned from, and before it was divided.
    """
    said = []
    if whole.undivided:
        kept, of = len(data.test_images), len(whole.train_images)
        are = "is" if kept == 1 else "are"
        said.append(f"{kept:,} of {of:,} pictures {are} kept for the test, drawn by the seed")
    count, held = len(data.train_images), used.validation_size
    if held != asked.validation_size:
        said.append(_what_is_held_out(held, count, asked.validation_size))
    if used.batch_size == 1 != asked.batch_size:
        said.append("a step takes the one picture that is left to learn from")
    elif used.batch_size != asked.batch_size:
        said.append(f"a step takes all {used.batch_size:,} pictures that are left to learn from")
    return said


def _what_is_held_out(held: int, count: int, usual: int) -> str:
    if not held:
        return f"no training picture is held out: a tenth of {count:,} is less than one"
    are = "is" if held == 1 else "are"
    return f"{held:,} of {count:,} training pictures {are} held out: a tenth, not {usual:,}"


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
    dataset = suit(run, dataset)
    if run.sha256 is not None and dataset.sha256 != run.sha256:
        raise DataError(
            "these are not the files that the interrupted run learned from",
            next_step="name the folder of the run's own files with --data-dir",
        )
    run.dataset, run.sha256 = dataset.name, dataset.sha256
    images, labels = dataset.train_images, dataset.train_labels
    teacher = run.teacher.model if run.teacher else None
    return fit(
        run.state, images, labels, run.config, teacher=teacher, exactly=True, on_samples=on_samples
    )


def finish(
    run: Run,
    dataset: Dataset,
    *,
    on_refusing: Callable[[int, int], None] = lambda count, total: None,
    around_refusing: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[Model, Report]:
    """Return the model that a run came to, and what it makes of the test set: looked at once.

    Args:
        on_refusing, around_refusing: as in `train`.
    """
    dataset = divided(dataset, run.config.seed)
    model = conclude(run, dataset, on_refusing=on_refusing, around_refusing=around_refusing)
    report = evaluate(model.network, dataset.test_images, dataset.test_labels)
    return replace(model, test={"loss": report.loss, "accuracy": report.accuracy}), report


def conclude(
    run: Run,
    dataset: Dataset,
    *,
    on_refusing: Callable[[int, int], None] = lambda count, total: None,
    around_refusing: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Model:
    """Return the model that a run came to, without a look at the test set.

    Args:
        on_refusing, around_refusing: as in `train`.
    """
    network, dataset = _plain(run), divided(dataset, run.config.seed)
    learned = None
    if run.config.refuse:
        total = samples_to_learn(len(dataset.train_images) - run.config.validation_size)
        on_refusing(0, total)
        with around_refusing():
            learned = calibrate(
                network, dataset.train_images, dataset.train_labels, run.config,
                drawn=dataset.drawn, on_samples=lambda count: on_refusing(count, total),
            )  # fmt: skip
    return _model(run, learned)


def _plain(run: Run) -> Network:
    """Return a network of our own classes, whatever it was trained with: what a file will hold."""
    network = run.state.network
    return Network.astype(network, network.theta.dtype)


def _model(run: Run, learned: Calibration | None = None) -> Model:
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
        teacher_sha256=run.teacher.sha256 if run.teacher else "",
        start_sha256=run.start_sha256,
    )
    if learned is None:
        return model
    return replace(model, temperature=learned.temperature, rejector=learned.rejector)


def _keep(run: Run, checkpoint: Checkpoint, output: Path) -> Kept:
    """Save the last finished epoch beside the model."""
    epochs = len(checkpoint.history)
    if not epochs:
        return Kept(0, None, output, None)
    run.state.restore(checkpoint)
    model = replace(_model(run), memory=checkpoint.memory, generator=checkpoint.generator)
    network = run.state.network
    own = tuple(network.classes) if isinstance(network, OwnNetwork) else run.own_classes
    model = replace(model, own_classes=own)
    path = interrupted_name(output)
    named = run.teacher.named if run.teacher else BUNDLED_NAME
    again = None if named == BUNDLED_NAME else named
    return Kept(epochs, path, output, save_model(path, model), again)
