"""nnscratch: a neural network for MNIST, written from scratch in NumPy.

The public names are loaded when they are first used, so that `import nnscratch` (and with it
`nnscratch --help`) costs nothing; type checkers and editors see them as they are.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, without the time that loading typing takes

if TYPE_CHECKING:
    from typing import Any

    from nnscratch.classifier import DigitClassifier
    from nnscratch.config import TrainConfig
    from nnscratch.core import Linear, Network, ReLU, SoftmaxCrossEntropy, log_softmax
    from nnscratch.data import Dataset, download, load_dataset
    from nnscratch.errors import NNScratchError
    from nnscratch.metrics import Report, accuracy, confusion_matrix, evaluate, per_class
    from nnscratch.model import Model, Prediction
    from nnscratch.model_file import load_model, save_model
    from nnscratch.pictures.read import load_picture
    from nnscratch.products import scale_pixels
    from nnscratch.training import EpochResult, TrainingState, fit

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "DigitClassifier",
    "EpochResult",
    "Linear",
    "Model",
    "NNScratchError",
    "Network",
    "Prediction",
    "ReLU",
    "Report",
    "SoftmaxCrossEntropy",
    "TrainConfig",
    "TrainingState",
    "__version__",
    "accuracy",
    "confusion_matrix",
    "download",
    "evaluate",
    "fit",
    "load_dataset",
    "load_model",
    "load_picture",
    "log_softmax",
    "per_class",
    "save_model",
    "scale_pixels",
]

_ROOMS = {
    "classifier": ["DigitClassifier"],
    "config": ["TrainConfig"],
    "core": ["Linear", "Network", "ReLU", "SoftmaxCrossEntropy", "log_softmax"],
    "data": ["Dataset", "download", "load_dataset"],
    "errors": ["NNScratchError"],
    "metrics": ["Report", "accuracy", "confusion_matrix", "evaluate", "per_class"],
    "model": ["Model", "Prediction"],
    "model_file": ["load_model", "save_model"],
    "pictures.read": ["load_picture"],
    "products": ["scale_pixels"],
    "training": ["EpochResult", "TrainingState", "fit"],
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


if not TYPE_CHECKING:  # a checker that saw it would take any misspelt name for a name

    def __getattr__(name: str) -> Any:
        if name not in _ROOM_OF:
            raise AttributeError(f"module 'nnscratch' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"nnscratch.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
