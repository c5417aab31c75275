"""nnscratch: a neural network for MNIST, written from scratch in NumPy.

The public names are loaded when they are first used, so that `import nnscratch` (and with it
`nnscratch --help`) costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Linear": "core",
    "ReLU": "core",
    "SoftmaxCrossEntropy": "core",
    "Network": "core",
    "log_softmax": "core",
    "scale_pixels": "core",
    "accuracy": "metrics",
    "confusion_matrix": "metrics",
    "per_class": "metrics",
    "TrainConfig": "config",
    "NNScratchError": "errors",
    "Dataset": "data",
    "download": "data",
    "load_dataset": "data",
    "load_picture": "pictures.read",
    "SavedModel": "model_file",
    "load_model": "model_file",
    "save_model": "model_file",
    "EpochResult": "training",
    "TrainingState": "training",
    "evaluate": "training",
    "fit": "training",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'nnscratch' has no attribute {name!r}")
    return getattr(import_module(f"nnscratch.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
