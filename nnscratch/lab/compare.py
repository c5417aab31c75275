"""Models side by side on the same pictures: how good each is, and whether the gap is chance.

Every figure comes from which pictures each model gets right. Two models are told apart by the
pictures on which just one of them is right: were they equally good, those would fall to either
like a tossed coin.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.config import TrainConfig, as_dict
from nnscratch.errors import ArrayError
from nnscratch.model import Model
from nnscratch.model_file import is_model, previous_name
from nnscratch.run_files import INTERRUPTED

CONFIDENCE = 0.95
LEFT_OUT = (INTERRUPTED, previous_name(Path(".npz")).name)
LEVEL = 0.05  # a p below it is more than chance


def wilson(right: int, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, of `right` out of `samples` > 0; both ends 0–1.

        centre ± half = (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n),   z = 1.96

    Unlike p ± z·√(p(1 − p)/n), it stays within 0 and 1, and is no point where all are right.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.

    >>> [round(end, 3) for end in wilson(9, 10)]
    [0.596, 0.982]
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    p = right / samples
    centre = p + z**2 / (2 * samples)
    half = z * math.sqrt(p * (1 - p) / samples + z**2 / (4 * samples**2))
    scale = 1 + z**2 / samples
    # At the ends the two roots are 0 and 1, but for rounding.
    low = 0.0 if right == 0 else (centre - half) / scale
    high = 1.0 if right == samples else (centre + half) / scale
    return low, high


def mcnemar(first_only: int, second_only: int) -> float:
    """Return how likely equally good models would differ at least so much: McNemar's exact test.

    Of n = first_only + second_only pictures that just one of two models gets right, with
    k = min(first_only, second_only):

        p = min(1, 2 · Σ_{i ≤ k} C(n, i) / 2ⁿ)

    Both sides are counted, since either might have been ahead. The terms are summed downwards from
    i = k, each i / (n − i + 1) of the one before, relative to the first, whose logarithm is known:
    so nothing overflows, however large n is.

    Source: McNemar 1947, Note on the sampling error of the difference between correlated
    proportions or percentages.

    >>> mcnemar(0, 5), mcnemar(3, 3)
    (0.0625, 1.0)
    """
    n, k = first_only + second_only, min(first_only, second_only)
    if 2 * k >= n - 1:  # as even as can be; without this, n in the millions would round to 0.999…
        return 1.0
    total, term = 1.0, 1.0
    for i in range(k, 0, -1):
        term *= i / (n - i + 1)
        total += term
        if term < total * 1e-18:
            break
    log_first = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    return min(1.0, 2 * math.exp(log_first + math.log(total)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p, corrected for there being several; they keep their order.

    Of m, the smallest is multiplied by m, the next by m − 1, and so on; none ends below a smaller
    one, nor above 1. The chance of even one false alarm is then at most 5 %.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.

    >>> holm([0.03, 0.01, 0.04])
    [0.06, 0.03, 0.06]
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


@dataclass(frozen=True)
class Measured:
    """What comparing needs to know of a model.

    Attributes:
        name: what the user called it.
        dataset: the name of the set it learned from.
        history: as `Model.history`.
        right: (n,) bool, which of the pictures it gets right.
        loss: mean nats per sample.
    """

    name: str
    config: TrainConfig
    dataset: str
    history: list[dict[str, Any]]
    right: NDArray[np.bool_]
    loss: float

    @property
    def accuracy(self) -> float:
        """Return the share that it gets right, 0–1."""
        return int(self.right.sum()) / len(self.right)

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of its accuracy."""
        return wilson(int(self.right.sum()), len(self.right))


@dataclass(frozen=True)
class Difference:
    """One model against the best.

    Attributes:
        best_only: how many pictures the best gets right and it does not.
        other_only: how many it gets right and the best does not.
        p: by McNemar's test.
        p_corrected: by Holm's correction for all that are compared; `p` itself if it is just one.
    """

    best_only: int
    other_only: int
    p: float
    p_corrected: float

    @property
    def net(self) -> int:
        """Return how many pictures more the best gets right, 0 or more."""
        return self.best_only - self.other_only

    @property
    def is_chance(self) -> bool:
        """Tell whether equally good models might well have differed so much."""
        return self.p_corrected >= LEVEL


@dataclass(frozen=True)
class Comparison:
    """Models on the same pictures.

    Attributes:
        models: the most accurate first; of equals, the one that was named first.
        differences: of each but the first, in that order, against the first.
        differing: the settings that are not the same in all, by name, and `dataset`, the set that
            was learned from, with the value of each model.
    """

    models: tuple[Measured, ...]
    differences: tuple[Difference, ...]
    differing: dict[str, tuple[Any, ...]]

    @property
    def samples(self) -> int:
        """Return how many pictures they were measured on."""
        return len(self.models[0].right)


def measure(name: str, model: Model, images: Any, labels: Any) -> Measured:
    """Measure a model on pictures, which it sees as it always does (deskewed, if it wants that).

    Args:
        images, labels: as in `metrics.evaluate`.

    Raises:
        ArrayError: they are not so.
    """
    report = model.evaluate(images, labels)
    right = report.labels == report.predicted
    return Measured(name, model.config, model.dataset, model.history, right, report.loss)


def kept_models(folder: Path) -> list[Path]:
    """Return the models in a folder, such as a sweep leaves, in the order of their names.

    Of files with the same bytes only the first is there: with `--keep all` a sweep's best model has
    its own name and that of its run. Interrupted runs and earlier models are left out.

    Raises:
        OSError: the folder cannot be read.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.npz")):
        if not path.name.endswith(LEFT_OUT) and is_model(path):
            found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    return list(found.values())


def compare(measured: Sequence[Measured]) -> Comparison:
    """Put models, at least one, in order, and hold each against the best.

    Raises:
        ArrayError: they were measured on different numbers of pictures.
    """
    if len({len(model.right) for model in measured}) != 1:
        raise ArrayError("models can be compared on the same pictures only")
    models = tuple(sorted(measured, key=lambda model: -model.accuracy))
    best = models[0].right
    only = [(int((best & ~m.right).sum()), int((m.right & ~best).sum())) for m in models[1:]]
    p_values = [mcnemar(*counts) for counts in only]
    corrected = holm(p_values)
    differences = tuple(
        Difference(*counts, p, p_corrected)
        for counts, p, p_corrected in zip(only, p_values, corrected, strict=True)
    )
    return Comparison(models, differences, _differing(models))


def _differing(models: Sequence[Measured]) -> dict[str, tuple[Any, ...]]:
    tables = [{**as_dict(model.config), "dataset": model.dataset} for model in models]
    columns = {key: tuple(table[key] for table in tables) for key in tables[0]}
    return {key: values for key, values in columns.items() if len(set(values)) > 1}
