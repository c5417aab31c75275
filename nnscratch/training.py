"""Learning: mini-batch gradient descent over epochs.

`fit` is a generator. It yields after each epoch and prints nothing; whoever calls it decides what
to show and when to stop. All that a run needs in order to go on stands in `TrainingState`.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnscratch.arrays import Images, Labels, as_images, as_labels
from nnscratch.augment import augment
from nnscratch.config import NO_TEACHER, TrainConfig
from nnscratch.core import Network
from nnscratch.cores import Helper, second_core
from nnscratch.errors import ConfigError, DivergenceError
from nnscratch.metrics import evaluate
from nnscratch.model import Model, build_network, check_made_so
from nnscratch.pictures.framing import deskew
from nnscratch.products import Floats, add_multiple, empty_batch, scale_pixels
from nnscratch.showing import history_html
from nnscratch.teaching import Lesson, Targets

Piece = tuple[Images, Targets]
PICTURES_AHEAD = 4096  # few enough to stay in a cache, enough for handing over to cost little


@dataclass(frozen=True)
class EpochResult:
    """What one epoch came to.

    Attributes:
        epoch: from 1.
        train_loss: mean over the epoch's samples as they were met, nats per sample; measured
            against what the teacher says, if there is one.
        validation_loss, validation_accuracy: after the epoch; None if nothing was held out.
        seconds: of this epoch's training alone; None if they are not known, as for the epochs
            before a run was resumed.
    """

    epoch: int
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float | None


class History(list[EpochResult]):
    """What the epochs of a run came to; a notebook shows it as curves."""

    def __repr__(self) -> str:
        last = f"; the last: loss {self[-1].train_loss:.4f}" if self else ""
        return f"History({len(self)} epochs{last})"

    def _repr_html_(self) -> str:
        return history_html([vars(result) for result in self])


@dataclass
class TrainingState:
    """Everything a run needs to go on: stop after any epoch, keep this, and continue from it.

    Attributes:
        network: the weights as they are now.
        memory: what the steps remember, each laid out as `network.theta`: `velocity`, the running
            sum of gradients that momentum keeps.
        rng: shuffles the samples; its state moves on with every epoch.
        history: one EpochResult per finished epoch.
    """

    network: Network
    memory: dict[str, Floats]
    rng: np.random.Generator
    history: History = field(default_factory=History)

    @classmethod
    def start(
        cls,
        config: TrainConfig,
        dtype: DTypeLike = np.float32,
        kind: Callable[..., Network] = Network,
    ) -> TrainingState:
        """Draw a fresh network by `config.seed`; `kind` makes it, as `build_network` says."""
        _, weights_rng, epochs_rng = _generators(config)
        network = build_network(config, rng=weights_rng, dtype=dtype, kind=kind)
        return cls(network, {"velocity": np.zeros_like(network.theta)}, epochs_rng)

    def checkpoint(self) -> Checkpoint:
        """Return a copy of everything, which later training does not touch."""
        return Checkpoint(
            self.network.theta.copy(),
            {name: vector.copy() for name, vector in self.memory.items()},
            copy.deepcopy(self.rng.bit_generator.state),
            tuple(self.history),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint of this run, or of a saved one, was taken."""
        self.network.theta[:] = checkpoint.theta
        for name, vector in self.memory.items():
            vector[:] = checkpoint.memory[name]
        self.rng.bit_generator.state = checkpoint.generator
        self.history = History(checkpoint.history)


@dataclass(frozen=True)
class Checkpoint:
    """What a TrainingState was at one moment: weights, memory, generator's state, history."""

    theta: Floats
    memory: dict[str, Floats]
    generator: Any
    history: tuple[EpochResult, ...]


def _generators(config: TrainConfig) -> list[np.random.Generator]:
    """Split the seed into three independent streams: hold-out, starting weights, epochs."""
    return np.random.default_rng(config.seed).spawn(3)


def held_out(count: int, config: TrainConfig) -> int:
    """Return how many of `count` samples are held out.

    Those that `validation_size` says; where that is the default, a tenth of the samples at most.

    >>> held_out(60_000, TrainConfig()), held_out(200, TrainConfig())
    (5000, 20)
    """
    wanted = config.validation_size
    return min(wanted, count // 10) if wanted == TrainConfig.validation_size else wanted


def suited(config: TrainConfig, count: int, asked: Collection[str] = ()) -> TrainConfig:
    """Return the settings for `count` samples: defaults that are meant for more are lowered.

    Args:
        asked: settings that were chosen, and are kept even where they are what the default is.
    """
    if "validation_size" not in asked:
        config = replace(config, validation_size=held_out(count, config))
    left = count - config.validation_size
    if "batch_size" not in asked and config.batch_size == TrainConfig.batch_size > left > 0:
        config = replace(config, batch_size=left)
    return config


def hold_out(count: int, config: TrainConfig) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split `count` samples into those to train on and those to validate on, by the seed.

    Returns:
        Two sorted arrays of indices without overlap; the second has `validation_size` entries.

    Raises:
        ConfigError: if not enough samples are left to fill one batch.
    """
    left = count - config.validation_size
    if left < 1:
        raise ConfigError(
            f"validation_size must be below the {count:,} training samples, "
            f"and is {config.validation_size:,}",
            key="validation_size",
        )
    if config.batch_size > left:
        raise ConfigError(
            f"batch_size must be at most the {left:,} samples that are trained on, "
            f"and is {config.batch_size:,}",
            key="batch_size",
        )
    split_rng, _, _ = _generators(config)
    order = split_rng.permutation(count)
    return np.sort(order[:left]), np.sort(order[left:])


def fit(
    state: TrainingState,
    images: Any,
    labels: Any,
    config: TrainConfig,
    *,
    teacher: Model | None = None,
    exactly: bool = False,
    on_samples: Callable[[int], None] = lambda count: None,
) -> Iterator[EpochResult]:
    """Train epoch by epoch, yielding an EpochResult after each; goes on where `state` stands.

    Args:
        state: changed in place; between two yields it is what a fresh run would continue from.
        images: (n, 28, 28) or (n, 784), uint8 0–255 or float 0–1, ink bright; `validation_size`
            of them are held out.
        labels: (n,) integers 0 … 9.
        teacher: the model that `config.teacher` names. What it says takes the place of the labels
            that are trained on, not of those held out.
        exactly: take the settings as they are; else `suited` lowers defaults for a small set.
        on_samples: called after every batch with the number of samples done.

    Raises:
        ArrayError: pictures or labels are not so, or differ in number.
        ConfigError: the samples do not suffice for the hold-out and one batch, or the settings
            are not those of the network. These are raised at once, not at the first epoch.
        DivergenceError: as soon as a batch's loss is not a finite number.
    """
    pictures = as_images(images)
    answers = as_labels(labels, len(pictures))
    _check_fit(state.network, config, teacher)
    config = config if exactly else suited(config, len(pictures))
    training, validation = hold_out(len(pictures), config)
    held = pictures[validation]
    if config.deskew:
        pictures, held, rows = deskew(pictures[training]), deskew(held), np.arange(len(training))
    else:
        rows = training  # not a copy: the runs of a sweep share the pictures
    lesson = Lesson(pictures, rows, answers[training], teacher, config)
    return _epochs(state, lesson, held, answers[validation], config, on_samples)


def _check_fit(network: Network, config: TrainConfig, teacher: Model | None) -> None:
    if (config.teacher == NO_TEACHER) != (teacher is None):
        raise ConfigError(
            f"teacher is {config.teacher} in the settings, and "
            f"{'none' if teacher is None else 'a model'} was given",
            key="teacher",
            next_step="give the model that the settings name: fit(…, teacher=load_model(name))",
        )
    check_made_so(network, config, "start the run with these settings: TrainingState.start(config)")


def _epochs(
    state: TrainingState,
    lesson: Lesson,
    held_images: Images,
    held_labels: Labels,
    config: TrainConfig,
    on_samples: Callable[[int], None],
) -> Iterator[EpochResult]:
    """Train to the last epoch on prepared pictures, measuring on those held out."""
    while len(state.history) < config.epochs:
        started = time.perf_counter()
        train_loss = _train_epoch(state, lesson, config, on_samples)
        seconds = time.perf_counter() - started
        report = None
        if len(held_images):
            report = evaluate(state.network, held_images, held_labels, deskewed=False)
        result = EpochResult(
            epoch=len(state.history) + 1,
            train_loss=train_loss,
            validation_loss=report.loss if report else None,
            validation_accuracy=report.accuracy if report else None,
            seconds=seconds,
        )
        state.history.append(result)
        yield result


def _train_epoch(
    state: TrainingState,
    lesson: Lesson,
    config: TrainConfig,
    on_samples: Callable[[int], None],
) -> float:
    """Visit every sample once in a fresh order; return the mean loss in nats per sample."""
    network, count, epoch = state.network, len(lesson.rows), len(state.history)
    order = state.rng.permutation(count)
    room = empty_batch(config.batch_size, lesson.images[0].size, network.theta.dtype)
    start, total = 0, 0.0
    with (
        np.errstate(over="ignore", invalid="ignore"),  # the loss tells, and is looked at
        second_core() as second,
    ):
        pieces = _made_ahead(_pieces(lesson, order, state.rng, config), second)
        for pixels, targets in _batches(pieces, config.batch_size):
            N = len(pixels)
            A = scale_pixels(pixels, out=room)
            loss = network.loss(network.forward(A), targets)
            if not math.isfinite(loss):
                raise _diverged(epoch + 1, start // config.batch_size + 1, loss, config)
            network.backward()
            step(state, learning_rate_at(epoch + start / count, config), config)
            start += N
            total += loss * N
            on_samples(N)
    return total / count


def _pieces(
    lesson: Lesson, order: NDArray[np.intp], rng: np.random.Generator, config: TrainConfig
) -> Iterator[Piece]:
    """Yield the pictures in order, or variants of them, several whole batches at a time.

    Each array of pictures is overwritten when the next but one is made.
    """
    images = lesson.images
    size = config.batch_size * math.ceil(PICTURES_AHEAD / config.batch_size)
    rooms = np.empty((2, size, *images.shape[1:]), np.uint8)
    for start, room in zip(range(0, len(order), size), itertools.cycle(rooms), strict=False):
        chosen = order[start : start + size]
        # Into a room of its own, and with "clip", NumPy gathers without a copy or a check; no
        # index is out of range.
        piece = images.take(lesson.rows[chosen], axis=0, out=room[: len(chosen)], mode="clip")
        if config.augment:
            piece = augment(piece, rng)
        yield piece, lesson.targets(chosen, piece)


def _made_ahead(pieces: Iterator[Piece], second: Helper) -> Iterator[Piece]:
    """Yield the pieces, each made by the second thread while the one before it is in use.

    Fetching pictures from all over memory and drawing variants then costs the first core
    nothing. The pieces and their order are the same, also where no thread can be started.
    """
    following = second.submit(next, pieces, None)
    while following and (piece := following.result()) is not None:
        following = second.submit(next, pieces, None)
        yield piece
    yield from pieces  # where no thread can be started, all of them


def _batches(pieces: Iterator[Piece], size: int) -> Iterator[Piece]:
    """Cut pieces into batches; only the last of all may be shorter."""
    for images, targets in pieces:
        for start in range(0, len(images), size):
            yield images[start : start + size], targets[start : start + size]


def learning_rate_at(progress: float, config: TrainConfig) -> float:
    """Return the rate after `progress` epochs (fractions count).

    `cosine` falls from η to 0 as η/2·(1 + cos(π·progress/epochs)) (Loshchilov and Hutter 2017,
    arXiv:1608.03983, without restarts).

    >>> learning_rate_at(10, TrainConfig(learning_rate=0.2, epochs=20, schedule="cosine"))
    0.1
    """
    if config.schedule == "cosine":
        return config.learning_rate / 2 * (1 + math.cos(math.pi * progress / config.epochs))
    return config.learning_rate


def step(state: TrainingState, learning_rate: float, config: TrainConfig) -> None:
    """Take one step of gradient descent along the network's gradients.

        θ ← θ − η·dL/dθ    that is W ← W − η·dLdW and b ← b − η·dLdb for both layers

    With weight decay λ, λ·W is added to the gradient of each weight (not of a bias). With
    momentum μ, the gradient is replaced by the velocity v ← μ·v + gradient (Polyak 1964).
    """
    network = state.network
    if config.weight_decay:
        for layer in (network.hidden, network.output):
            add_multiple(layer.dLdW.reshape(-1), config.weight_decay, layer.W.reshape(-1))
    direction = network.dLdtheta
    if config.momentum:
        velocity = state.memory["velocity"]
        velocity *= config.momentum
        velocity += direction
        direction = velocity
    add_multiple(network.theta, -learning_rate, direction)


def _diverged(epoch: int, batch: int, loss: float, config: TrainConfig) -> DivergenceError:
    smaller = min(config.learning_rate / 10, 0.1)
    return DivergenceError(
        f"the loss became {loss} with a learning rate of {config.learning_rate:g}",
        where=f"epoch {epoch}, batch {batch}",
        next_step=f"try a smaller rate, for example --lr {smaller:.2g}; no file was changed",
    )
