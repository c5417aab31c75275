"""Are the gradients right? What backward computes, against differences of the loss.

    dL/dθ ≈ (L(θ + h) − L(θ − h)) / 2h

Both sides are computed in float64 with h = 1e-5: the difference is then off by about h² = 1e-10,
and rounding adds no more than that. In float32 rounding would drown the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnscratch.core import CLASSES, IN_FEATURES, Integers, Network
from nnscratch.data import held_dataset
from nnscratch.errors import NNScratchError
from nnscratch.products import Floats, scale_pixels

STEP = 1e-5
TOLERANCE = 1e-6
SAMPLES = 32
DIRECTIONS = 50
SMALL_BLOCK = 2000  # parameters; larger blocks are checked along random directions
PLANTED_FACTOR = 1.01
MOST_DRAWS = 1000


@dataclass(frozen=True)
class BlockCheck:
    """How the gradient of one block of parameters compares.

    Attributes:
        name, shape: which block.
        compared: how many numbers were compared.
        along_directions: True if they are slopes along random directions, not single entries.
        absolute_error: the largest difference, in nats per unit of the parameter.
        relative_error: the same as a share of the block's largest number.
    """

    name: str
    shape: tuple[int, ...]
    compared: int
    along_directions: bool
    absolute_error: float
    relative_error: float

    @property
    def passed(self) -> bool:
        """Whether the relative error is within TOLERANCE."""
        return self.relative_error <= TOLERANCE


def away_from_the_kink(network: Network, A: Floats) -> NDArray[np.bool_]:
    """Tell which samples no step of the check can carry over the kink of ReLU, (n,) bool.

    At Z_h = 0 the loss has a corner and a difference means nothing. A step of length h in W_h
    moves Z_h by at most h·‖A‖ (Cauchy-Schwarz), one in b_h by at most h; twice that is kept away.

    Args:
        A: (n, 784) float64.
    """
    Z_h = network.hidden.forward(A)
    reach = STEP * np.maximum(1, np.linalg.norm(A, axis=1))
    safe: NDArray[np.bool_] = np.abs(Z_h).min(axis=1) > 2 * reach
    return safe


def sample_source(
    data_dir: Path | None,
    rng: np.random.Generator,
    on_note: Callable[[str], None] = lambda text: None,
) -> tuple[Callable[[int], tuple[Floats, Integers]], str]:
    """Return a function that draws n samples, and a word for where they come from.

    They are test pictures of the data folder, or random numbers if it holds none; nothing is
    downloaded.

    Args:
        on_note: as in `held_dataset`.
    """
    dataset = held_dataset(data_dir, on_note=on_note)
    if dataset is None:
        return lambda n: (rng.random((n, IN_FEATURES)), rng.integers(0, CLASSES, n)), "random"

    def draw(n: int) -> tuple[Floats, Integers]:
        chosen = rng.choice(len(dataset.test_images), n)
        return scale_pixels(dataset.test_images[chosen], np.float64), dataset.test_labels[chosen]

    return draw, dataset.name


def draw_samples(
    network: Network, draw: Callable[[int], tuple[Floats, Integers]]
) -> tuple[Floats, Integers]:
    """Draw SAMPLES samples away from the kink, drawing again for those that are not.

    Args:
        draw: gives n samples: A (n, 784) float64 and labels (n,).

    Raises:
        NNScratchError: hardly any sample is away from it, as in a network of zeros.
    """
    kept: list[tuple[Floats, Integers]] = []
    for _ in range(MOST_DRAWS):
        A, labels = draw(SAMPLES)
        safe = away_from_the_kink(network, A)
        kept.append((A[safe], labels[safe]))
        if sum(len(labels) for _, labels in kept) >= SAMPLES:
            inputs, answers = (np.concatenate(parts) for parts in zip(*kept, strict=True))
            return inputs[:SAMPLES], answers[:SAMPLES]
    raise NNScratchError(
        f"of {MOST_DRAWS * SAMPLES:,} samples, too few stay clear of the kink of ReLU",
        where="Z_h, the input of the hidden units, is almost 0",
        next_step="check a network whose hidden weights are not zero",
    )


def check_precision(network: Network, A: Floats, labels: Integers) -> None:
    """Check that a network computes in float64, as it is asked to: somebody's own may round.

    Args:
        A, labels: (n, 784) float64 and (n,).

    Raises:
        NNScratchError: Z_o or the loss are numbers of float32, all of them.
    """
    Z_o = network.forward(A)
    for what, value in (("Z_o", Z_o), ("the loss", np.float64(network.loss(Z_o, labels)))):
        if np.array_equal(value, value.astype(np.float32)):
            raise NNScratchError(
                "the layers round to float32, and rounding would drown the differences",
                where=what,
                next_step="compute in the type of what comes in, with no dtype=np.float32",
            )


def check_gradients(
    network: Network,
    A: Floats,
    labels: Integers,
    *,
    rng: np.random.Generator,
    planted_error: str | None = None,
) -> list[BlockCheck]:
    """Compare every block's gradient with central differences.

    Args:
        network: in float64, as `network.astype(float)` gives it; its parameters end as they began.
        A: (n, 784) samples that are `away_from_the_kink`.
        labels: (n,) integers 0 … 9.
        rng: draws the random directions for blocks of more than SMALL_BLOCK numbers.
        planted_error: a block whose gradient is multiplied by 1.01 first, to see it found.

    Returns:
        One BlockCheck for each of `W_h`, `b_h`, `W_o`, `b_o`.
    """
    network.loss(network.forward(A), labels)
    network.backward()
    gradients = {name: value.copy() for name, value in network.gradients.items()}
    if planted_error is not None:
        gradients[planted_error] *= PLANTED_FACTOR
    return [
        _check_block(network, A, labels, name, gradient, rng)
        for name, gradient in gradients.items()
    ]


def _check_block(
    network: Network,
    A: Floats,
    labels: Integers,
    name: str,
    gradient: Floats,
    rng: np.random.Generator,
) -> BlockCheck:
    parameter = network.parameters[name]
    along_directions = parameter.size > SMALL_BLOCK
    if along_directions:
        directions = rng.standard_normal((DIRECTIONS, parameter.size))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    else:
        directions = np.eye(parameter.size)
    exact = directions @ gradient.ravel()
    numeric = np.array(
        [
            _slope(network, A, labels, parameter, direction.reshape(parameter.shape))
            for direction in directions
        ]
    )
    error = float(np.abs(numeric - exact).max())
    size = float(max(np.abs(numeric).max(), np.abs(exact).max()))
    return BlockCheck(
        name, parameter.shape, len(directions), along_directions, error, error / size if size else 0
    )


def _slope(
    network: Network, A: Floats, labels: Integers, parameter: Floats, direction: Floats
) -> float:
    """Return the central difference of the loss as one parameter block moves along a direction."""
    kept = parameter.copy()
    parameter[:] = kept + STEP * direction
    above = network.loss(network.forward(A), labels)
    parameter[:] = kept - STEP * direction
    below = network.loss(network.forward(A), labels)
    parameter[:] = kept
    return (above - below) / (2 * STEP)
