"""The networks that the page may name: the one it was started with, and those made since.

model       that the page was started with
run-R-E     of the R-th training run, as it was after epoch E
step-S      after the S-th single step
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnscratch.config import as_dict
from nnscratch.model import Model, build_network
from nnscratch.runs import Run
from nnscratch.training import History, TrainingState

STARTED_WITH = "model"
RUNS_KEPT, STEPS_KEPT = 2, 50  # of more, the oldest are forgotten


@dataclass
class Kept:
    """A network on the shelf.

    Attributes:
        run: that it came out of, as far as it was; None for those that no run made.
        lock: held by whoever asks the network, since it remembers the last picture.
    """

    model: Model
    run: Run | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def copied(self) -> tuple[Model, Run | None]:
        """Return copies for long work, so that nobody has to wait with the lock."""
        with self.lock:
            return copy.deepcopy((self.model, self.run))


class Shelf:
    """Networks by name, any thread's.

    Args:
        model: that the page was started with.

    Attributes:
        latest: the name of the last epoch of the last run; empty if there is none.
    """

    def __init__(self, model: Model) -> None:
        self._kept = {STARTED_WITH: Kept(model)}
        self._lock = threading.Lock()
        self._steps = 0
        self.latest = ""

    def __getitem__(self, name: str) -> Kept:
        """Return a network.

        Raises:
            KeyError: there is none of that name, or it is forgotten.
        """
        with self._lock:
            return self._kept[name]

    def add_epoch(self, number: int, run: Run) -> str:
        """Keep a copy of run `number` as it is now, and return its name."""
        epochs = len(run.state.history)
        nobodys = np.random.default_rng(0)
        network = build_network(run.config, rng=nobodys)
        network.theta[:] = run.state.network.theta
        state = TrainingState(network, {}, nobodys, History(run.state.history))
        copied = Run(replace(run.config, epochs=epochs), state, run.dataset, run.sha256)
        name = f"run-{number}-{epochs}"
        with self._lock:
            self._forget("run", number - RUNS_KEPT)
            self._kept[name] = Kept(Model(network, copied.config, run.dataset), copied)
            self.latest = name
        return name

    def add_step(self, model: Model) -> str:
        """Keep what a single step made of a network, and return its name."""
        with self._lock:
            self._steps += 1
            self._forget("step", self._steps - STEPS_KEPT)
            name = f"step-{self._steps}"
            self._kept[name] = Kept(model)
        return name

    def _forget(self, kind: str, last: int) -> None:
        """Drop the runs, or the steps, up to number `last`."""
        for name in list(self._kept):
            kinds, _, rest = name.partition("-")
            if kinds == kind and int(rest.partition("-")[0]) <= last:
                del self._kept[name]


def shown_units(model: Model, units: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """Return these hidden units, or those with the most say: number, weights, bias and votes."""
    blocks = model.network.parameters
    return [
        {
            "index": int(index),
            "weights": blocks["W_h"][index].tolist(),
            "bias": float(blocks["b_h"][index, 0]),
            "votes": blocks["W_o"][:, index].tolist(),
        }
        for index in (model.outspoken_units() if units is None else units)
    ]


def described(model: Model, units: Sequence[int] | None = None) -> dict[str, Any]:
    """Return what the page shows of a network before anything is drawn."""
    return {
        "settings": as_dict(model.config),
        "accuracy": model.test["accuracy"] if model.test else None,
        "hidden_size": model.config.hidden_size,
        "deskewed": model.network.deskewed,
        "units": shown_units(model, units),
        "output_bias": model.network.parameters["b_o"][:, 0].tolist(),
        "dataset": model.dataset or None,
    }
