"""A trained model: a network, the settings it was trained with, and what it does to pictures.

Here a network is made from its settings, and here a picture is answered: the command line, and
whoever else asks, call these and differ only in how they show what comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnscratch.arrays import Images, as_images, as_one_image
from nnscratch.config import TrainConfig, as_options
from nnscratch.core import Network, log_softmax
from nnscratch.errors import ConfigError, NoDigitError
from nnscratch.explain import Explanation, Tipping, explain, tip
from nnscratch.metrics import Report, evaluate
from nnscratch.pictures.framing import deskew
from nnscratch.products import Floats, scale_pixels
from nnscratch.reject import Rejector
from nnscratch.showing import Pictures, model_html, prediction_html

if TYPE_CHECKING:
    from nnscratch.pictures.decode import Source
    from nnscratch.pictures.read import Prepared

UNSURE = 0.6  # a probability below this is said to be unsure
UNITS_SHOWN = 10


def build_network(
    config: TrainConfig,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
    kind: Callable[..., Network] = Network,
) -> Network:
    """Return a fresh network as the settings want it, its weights drawn by `rng`.

    The only place where settings become a network, whether it is to be trained or filled from a
    file.

    Args:
        kind: what makes one, with the arguments of `Network`.
    """
    network = kind(config.hidden_size, rng=rng, dtype=dtype)
    network.deskewed = config.deskew
    return network


def check_made_so(network: Network, config: TrainConfig, next_step: str) -> None:
    """Raise ConfigError if a network is not as wide, or not as deskewed, as its settings say."""
    wanted = {"hidden_size": config.hidden_size, "deskew": config.deskew}
    found = {"hidden_size": len(network.hidden.b), "deskew": network.deskewed}
    for key, value in wanted.items():
        if found[key] != value:
            raise ConfigError(
                f"{key} is {value} in the settings, and {found[key]} in the network",
                key=key,
                next_step=next_step,
            )


@dataclass(frozen=True)
class Prediction:
    """What a model makes of one picture.

    Attributes:
        picture: as the network saw it, and what was done to it on the way.
        digit: the likeliest, 0 … 9.
        probabilities: (10,) of the digits; they sum to 1.
        notes: every doubt, each in one line.
    """

    picture: Prepared
    digit: int
    probabilities: Floats
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Prediction(digit={self.digit}, probability={self.probability:.4f})"

    def _repr_html_(self) -> str:
        return prediction_html(self.picture.image, self.digit, self.probabilities, self.notes)

    @property
    def probability(self) -> float:
        """Return the probability of the digit, 0–1."""
        return float(self.probabilities[self.digit])


@dataclass(frozen=True)
class Why:
    """Why a model says one digit of a picture and not another.

    Attributes:
        seen: (28, 28) uint8, the picture as the network saw it; its ink is seen / 255.
        deskewed: whether that is sheared upright.
        account: what each pixel and each hidden unit adds to the lead.
        tipping: a small change of ink that would have changed the answer; None if there is none, or
            if none was looked for.
    """

    seen: Images
    deskewed: bool
    account: Explanation
    tipping: Tipping | None


@dataclass(frozen=True)
class Model:
    """A network with all that is known of how it came about.

    Attributes:
        network: ready to predict.
        config: the settings it was trained with.
        dataset: the name of the set it learned from, as `Dataset.name` has it: `arrays` if it
            learned from what somebody gave from Python.
        sha256: of that set's plain files, by name.
        history: per epoch `epoch`, `train_loss`, `validation_loss`, `validation_accuracy`.
        test: `loss` and `accuracy` on the test set; None where none was looked at: in a file kept
            for `--resume`, and in a model of arrays.
        memory: what the steps of an unfinished run remember, each laid out as `network.theta`:
            `velocity`. Empty in a finished model.
        generator: state of an unfinished run's random generator; None in a finished model.
        teacher_sha256: of the file of the model that it learned from; empty if it had no teacher.
        start_sha256: of the file of the model whose weights the run began with, likewise.
        temperature: T, by which outputs are divided before softmax; 1 where none was fitted.
        rejector: tells what is no digit; None in a model that never refuses.
        own_classes: those of `Linear` and the others that an unfinished run took from somebody's
            file; empty in a finished model.

    Raises:
        ConfigError: the settings have another width than the network, or another mind about
            deskewing; a file would then say of it what is not so.
    """

    network: Network
    config: TrainConfig
    dataset: str
    sha256: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    test: dict[str, float] | None = None
    memory: dict[str, Floats] = field(default_factory=dict)
    generator: dict[str, Any] | None = None
    teacher_sha256: str = ""
    temperature: float = 1.0
    own_classes: tuple[str, ...] = ()
    rejector: Rejector | None = None
    start_sha256: str = ""

    def __post_init__(self) -> None:
        check_made_so(self.network, self.config, "name the settings that it was made with")

    def __repr__(self) -> str:
        return f"Model({', '.join(self._lines())})"

    def _lines(self) -> list[str]:
        """Return what it is, what it learned, and how good it is, each in a few words."""
        settings = as_options(self.config, ["learning_rate", "epochs"])
        lines = [
            f"784-{len(self.network.hidden.b)}-10",
            f"learned from {self.dataset}: {' '.join(settings)}",
        ]
        return lines + ([f"test accuracy {self.test['accuracy']:.2%}"] if self.test else [])

    def _repr_html_(self) -> str:
        headline, *lines = self._lines()
        return model_html(headline, lines, self.hidden_units())

    def hidden_units(self, count: int = UNITS_SHOWN) -> Pictures:
        """Return what the units with the most say look for, and which digits they vote for."""
        chosen = self.outspoken_units(count)
        W_h, W_o = self.network.parameters["W_h"], self.network.parameters["W_o"]
        order = W_o.T[chosen].argsort(axis=1)[:, ::-1]
        captions = [f"for {a} {b}, against {d} {c}" for a, b, *_, c, d in order.tolist()]
        return Pictures(W_h[chosen].reshape(-1, 28, 28), captions)

    def predict_proba(self, images: Any) -> Floats:
        """Return the probabilities of the ten digits, softmax(Z_o / T), (n, 10).

        Args:
            images: (n, 28, 28) or (n, 784), uint8 0–255 or float 0–1, framed as MNIST's are.

        Raises:
            ArrayError: they are not so.
        """
        A = scale_pixels(self.seen(as_images(images)), self.network.theta.dtype)
        probabilities: Floats = np.exp(log_softmax(self.network.forward(A) / self.temperature))
        return probabilities

    def strangeness(self, images: Any) -> Floats:
        """Return how much more each picture looks like no digit than like one, (n,).

        In nats above the threshold: more than 0 is no digit, and `answer` refuses it; the higher,
        the stranger. -inf from a model that has not learned to refuse (`train --refuse`).

        Args:
            images: as in `predict_proba`.
        """
        pictures = as_images(images)
        if self.rejector is None:
            return np.full(len(pictures), -np.inf, np.float32)
        return self.rejector.strangeness(pictures)

    def predict(self, images: Any) -> NDArray[np.intp]:
        """Return the likeliest digit of each picture, (n,); `images` as in `predict_proba`."""
        digits: NDArray[np.intp] = self.predict_proba(images).argmax(axis=1)
        return digits

    def evaluate(self, images: Any, labels: Any) -> Report:
        """Measure the model, which here never refuses; see `metrics.evaluate`."""
        return evaluate(self, images, labels)

    def score(self, images: Any, labels: Any) -> float:
        """Return the share of pictures that are recognised, 0–1."""
        return self.evaluate(images, labels).accuracy

    def seen(self, images: Images) -> Images:
        """Return pictures (n, 28, 28) uint8 as the network sees them: deskewed if it wants that."""
        return deskew(images) if self.network.deskewed else images

    def read(self, source: Source, *, invert: bool | None = None, name: str = "") -> Prediction:
        """Say which digit a picture shows; arguments and errors as `pictures.load_picture`."""
        from nnscratch.pictures.read import load_picture, name_of  # Pillow: training does without

        picture = load_picture(source, invert=invert, name=name)
        try:
            return self.answer(picture)
        except NoDigitError as error:
            error.where = name or name_of(source)
            raise

    def answer(self, picture: Prepared) -> Prediction:
        """Say which digit a prepared picture shows, and how sure that is.

        Raises:
            NoDigitError: it looks like none of the ten.
        """
        if self.strangeness(picture.image[np.newaxis])[0] > 0:
            error = NoDigitError(
                "no digit here: it looks like none of the ten",
                next_step="show one digit, upright and whole; or try --invert or --no-invert",
            )
            error.picture = picture
            raise error
        probabilities = self.predict_proba(picture.image[np.newaxis])[0]
        notes = tuple(_doubts(picture, probabilities))
        return Prediction(picture, int(probabilities.argmax()), probabilities, notes)

    def why(self, image: Images, against: int | None = None, *, tipping: bool = True) -> Why:
        """Account for the answer to one picture.

        Args:
            image: (28, 28), uint8 0–255 or float 0–1, framed as MNIST's are.
            against: the digit that it might have been, 0 … 9; the runner-up if None, or if it is
                the answer itself.
            tipping: look for what would have changed the answer; it takes several times as long
                as all else.

        Raises:
            ArrayError: they are not so.
        """
        seen = self.seen(as_one_image(image))
        A = scale_pixels(seen, self.network.theta.dtype)
        first, second = (int(digit) for digit in self.network.forward(A)[0].argsort()[:-3:-1])
        other = second if against is None or against == first else against
        account = explain(self.network, A, first, other)
        change = tip(self.network, A, other) if tipping else None
        return Why(seen[0], self.network.deskewed, account, change)

    def outspoken_units(self, count: int = UNITS_SHOWN) -> NDArray[np.intp]:
        """Return the numbers of the hidden units with the most say, at most `count`, ascending.

        A unit's say is the size of its weights times the size of its votes.
        """
        W_h, W_o = self.network.parameters["W_h"], self.network.parameters["W_o"]
        say = np.linalg.norm(W_o, axis=0) * np.linalg.norm(W_h, axis=1)
        return np.sort(np.argsort(-say, kind="stable")[:count])


def _doubts(picture: Prepared, probabilities: Floats) -> list[str]:
    doubts = []
    if probabilities.max() < UNSURE:
        first, second = probabilities.argsort()[::-1][:2]
        doubts.append(f"unsure: it may be {a_digit(first)} or {a_digit(second)}")
    if picture.shapes > 1:
        doubts.append(f"{picture.shapes} shapes were seen, and only the largest was read")
    return doubts


def a_digit(digit: int) -> str:
    """Name a digit with its article.

    >>> a_digit(8), a_digit(3)
    ('an 8', 'a 3')
    """
    return f"{'an' if digit == 8 else 'a'} {digit}"
