"""The networks that the page may name: the one it was started with, and those made since."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from nnscratch.config import as_dict
from nnscratch.model import Model

STARTED_WITH = "model"
MOST_RUNS, MOST_STEPS = 2, 50  # what is kept; of more, the oldest are forgotten


class Shelf:
    """Networks by name.

    Args:
        model: that the page was started with.
        named: as the user named it, a file or `pretrained`.
    """

    def __init__(self, model: Model, named: str) -> None:
        self.named = named
        self._models: OrderedDict[str, Model] = OrderedDict({STARTED_WITH: model})

    def __getitem__(self, name: str) -> Model:
        """Return a network.

        Raises:
            KeyError: there is none of that name, or it is forgotten.
        """
        return self._models[name]


def shown_units(model: Model) -> list[dict[str, Any]]:
    """Return the hidden units with the most say: number, weights, bias and votes."""
    blocks = model.network.parameters
    return [
        {
            "index": int(index),
            "weights": blocks["W_h"][index].tolist(),
            "bias": float(blocks["b_h"][index, 0]),
            "votes": blocks["W_o"][:, index].tolist(),
        }
        for index in model.outspoken_units()
    ]


def described(name: str, shown_name: str, model: Model, command: str | None) -> dict[str, Any]:
    """Return what the page shows of a network before anything is drawn.

    Args:
        command: the line that trains it; None if there is none.
    """
    return {
        "network": name,
        "name": shown_name,
        "settings": as_dict(model.config),
        "accuracy": model.test["accuracy"] if model.test else None,
        "command": command,
        "hidden_size": model.config.hidden_size,
        "deskewed": model.network.deskewed,
        "units": shown_units(model),
        "output_bias": model.network.parameters["b_o"][:, 0].tolist(),
        "dataset": model.dataset or None,
    }
