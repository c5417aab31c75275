"""The whole of it in one object, with scikit-learn's manners: settings in, `fit`, answers out.

It does what `nnscratch train`, `evaluate` and `predict` do, by the same functions: the same seed
and pictures give the same weights, to the bit if BLAS has one thread, as the commands give it. It
is at home in scikit-learn's `clone`, `GridSearchCV` and `Pipeline`, and loads nothing of
scikit-learn unless that asks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, overload

import numpy as np
from numpy.typing import NDArray

from nnscratch import runs
from nnscratch.arrays import Images, Labels, as_images, as_labels
from nnscratch.config import (
    NO_START,
    NO_TEACHER,
    SETTINGS,
    Schedule,
    TrainConfig,
    as_dict,
    check_names,
)
from nnscratch.core import CLASSES, IN_FEATURES, Network
from nnscratch.data import ARRAYS, Dataset
from nnscratch.errors import NoDigitError, NotFittedError
from nnscratch.model import Model, Prediction
from nnscratch.model_file import load_model, save_model
from nnscratch.products import Floats
from nnscratch.training import EpochResult, History

if TYPE_CHECKING:
    from nnscratch.app.progress import TrainingScreen
    from nnscratch.pictures.decode import Source


class HasArray(Protocol):
    """What NumPy can make an array of: an array, a tensor, a table."""

    def __array__(self) -> NDArray[Any]: ...


ArrayOrList = HasArray | list[Any] | tuple[Any, ...]


class DigitClassifier:
    """A network that learns digits from arrays, and then reads arrays and pictures.

    Its arguments are the settings of a `TrainConfig`, which says what each means, and nothing
    else; they are looked at by `fit`, not before.

    Attributes:
        model_: all that is known of the trained network; may be saved, measured, asked why.
        network_: its `Network`.
        history_: an EpochResult for each epoch; a notebook shows it as curves.
        classes_: (10,) the digits 0 … 9.
        n_features_in_: 784.

    Those that end in `_` are there once it has learned.

    >>> DigitClassifier(hidden_size=20, epochs=3)
    DigitClassifier(epochs=3, hidden_size=20)
    """

    model_: Model
    network_: Network
    history_: History
    classes_: NDArray[np.int64]
    n_features_in_: int

    _estimator_type = "classifier"  # what scikit-learn asked for before 1.6

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        epochs: int = 20,
        batch_size: int = 32,
        hidden_size: int = 10,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: Schedule = "constant",
        augment: bool = False,
        deskew: bool = False,
        teacher: str = NO_TEACHER,
        start: str = NO_START,
        refuse: bool = False,
        validation_size: int = 5000,
        seed: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.hidden_size = hidden_size
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.augment = augment
        self.deskew = deskew
        self.teacher = teacher
        self.start = start
        self.refuse = refuse
        self.validation_size = validation_size
        self.seed = seed

    # ------------------------------------------------------------------------------------ settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002  there is no depth
        """Return the settings by name, as they were given."""
        return {key: getattr(self, key) for key in SETTINGS}

    def set_params(self, **settings: Any) -> Self:
        """Change settings, and return the classifier.

        Raises:
            ConfigError: there is no setting of that name; none is changed then.
        """
        check_names(settings)
        for key, value in settings.items():
            setattr(self, key, value)
        return self

    def __repr__(self) -> str:
        given = self.get_params().items()
        words = [f"{key}={value!r}" for key, value in given if value != getattr(TrainConfig, key)]
        return f"DigitClassifier({', '.join(words)})"

    def _repr_html_(self) -> str | None:
        return self.model_._repr_html_() if self.__sklearn_is_fitted__() else None

    # ------------------------------------------------------------------------------------ learning

    def fit(self, images: Any, labels: Any, *, progress: bool = False) -> Self:
        """Learn from pictures and their labels, afresh, and return the classifier.

        Args:
            images: (n, 28, 28) or (n, 784), uint8 0–255 or float 0–1, ink bright, framed as
                MNIST's are; whatever `numpy.asarray` takes. `validation_size` of them are held
                out, to watch progress; where that is the default, a tenth at most.
            labels: (n,) integers 0 … 9.
            progress: show a bar, in a terminal and in a notebook, and a line for each epoch.

        Raises:
            ConfigError: a setting is not allowed, or the pictures are too few for it; a ValueError.
            ArrayError: pictures or labels are not so, or differ in number; a ValueError too.
            DivergenceError: the loss is no longer a finite number.
            ModelFileError: the teacher, or the model to start from, cannot be read.

        If it fails or is interrupted, what was learned before stays.
        """
        config = TrainConfig(**self.get_params())
        pictures = as_images(images)
        dataset = _dataset(pictures, as_labels(labels, len(pictures)))
        run = runs.start(config)
        dataset = runs.suit(run, dataset)
        samples = len(pictures) - run.config.validation_size
        with _screen(config.epochs, samples, shown=progress) as screen:
            if screen is None:
                for _ in runs.learn(run, dataset):
                    pass
                model = runs.conclude(run, dataset)
            else:
                for result in runs.learn(run, dataset, on_samples=screen.on_samples):
                    screen.on_epoch(result)
                model = runs.conclude(run, dataset, on_refusing=screen.on_refusing)
        return self._take(model, run.state.history)

    def _take(self, model: Model, history: History) -> Self:
        self.model_, self.network_, self.history_ = model, model.network, history
        self.classes_, self.n_features_in_ = np.arange(CLASSES), IN_FEATURES
        return self

    # ------------------------------------------------------------------------------------- answers

    @overload
    def predict(self, images: Source) -> int: ...

    @overload
    def predict(self, images: ArrayOrList) -> NDArray[np.intp]: ...

    def predict(self, images: Source | ArrayOrList) -> int | NDArray[np.intp]:
        """Return the digit of each picture of an array, (n,); or of one picture in a file, an int.

        Args:
            images: as in `fit`; or a path, an open binary file, or a picture of Pillow's: any
                picture of one digit, which is prepared as `nnscratch predict` does.

        Raises:
            ArrayError: the pictures are not so.
            PictureError: the file cannot be read.
            NoDigitError: there is no digit in it, or the network refuses what is there; pictures
                of an array are never refused. `model_.read(file)` also says how sure it is.
            NotFittedError: it has learned nothing yet.
        """
        model = self._fitted()
        source = _as_source(images)
        return model.predict(images) if source is None else _read(model, source).digit

    def predict_proba(self, images: Source | ArrayOrList) -> Floats:
        """Return the probabilities of the ten digits: (n, 10), or (10,) of one picture in a file.

        Arguments and errors as `predict`.
        """
        model = self._fitted()
        source = _as_source(images)
        if source is None:
            return model.predict_proba(images)
        return _read(model, source).probabilities

    def score(self, images: Any, labels: Any) -> float:
        """Return the share of pictures that are recognised, 0–1; arguments as in `fit`."""
        return self._fitted().score(images, labels)

    def _fitted(self) -> Model:
        try:
            return self.model_
        except AttributeError:
            raise NotFittedError(
                "this DigitClassifier has learned nothing yet",
                next_step="call fit(images, labels) first, or DigitClassifier.load(path)",
            ) from None

    # --------------------------------------------------------------------------------------- files

    def save(self, path: Path | str) -> Path | None:
        """Write the model file that `nnscratch train` would; see `save_model`.

        Returns:
            where an earlier model of that name is now kept (`NAME.previous.npz`), or None.

        Raises:
            NotFittedError: it has learned nothing yet.
            OutputError: it cannot be written there, or would replace what is no model.
        """
        return save_model(path, self._fitted())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Return the classifier that a model file holds, whoever trained it; see `load_model`.

        Args:
            path: a file, or the text `pretrained` for the model on board.

        Raises:
            ModelFileError: it cannot be read or trusted.
        """
        model = load_model(path)
        history = History(EpochResult(**entry, seconds=None) for entry in model.history)
        return cls(**as_dict(model.config))._take(model, history)

    # -------------------------------------------------------------------------------- scikit-learn

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        # Called by scikit-learn alone, which then is there.
        from sklearn.utils import (  # type: ignore[import-untyped]
            ClassifierTags,
            InputTags,
            Tags,
            TargetTags,
        )

        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(three_d_array=True, positive_only=True),
        )


def _dataset(images: Images, labels: Labels) -> Dataset:
    """Return arrays as a data set that has nothing to be tested on."""
    return Dataset(ARRAYS, images, labels, images[:0], labels[:0], {})


def _as_source(images: Any) -> Source | None:
    """Return a path, an open file or a picture of Pillow's for what it is; None for an array."""
    if isinstance(images, np.ndarray | list | tuple):
        return None  # without loading Pillow
    if isinstance(images, str):
        return images
    if isinstance(images, os.PathLike):
        return Path(os.fspath(images))
    from nnscratch.pictures.decode import is_source

    return images if is_source(images) else None


def _read(model: Model, source: Source) -> Prediction:
    """Read one picture, and where there is no digit, advise what can be done from Python."""
    try:
        return model.read(source)
    except NoDigitError as error:
        error.next_step = error.next_step.replace(
            "--invert or --no-invert", "model_.read(file, invert=True), or invert=False"
        )
        raise


@contextmanager
def _screen(epochs: int, samples: int, *, shown: bool) -> Iterator[TrainingScreen | None]:
    if not shown:
        yield None
        return
    from nnscratch.app.progress import training_progress  # Rich: not needed without a bar

    with training_progress(epochs, samples) as screen:
        yield screen
