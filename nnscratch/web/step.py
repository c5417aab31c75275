"""One step of gradient descent on one drawing: what it does to the answer, and to other pictures.

The step is that of training, `training.step`, with a batch of one picture.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import IO, Any

import numpy as np

from nnscratch.arrays import Images, as_labels
from nnscratch.config import TrainConfig
from nnscratch.errors import DivergenceError, NoDigitError, PictureError
from nnscratch.model import Model
from nnscratch.pictures.ink import Grey
from nnscratch.products import scale_pixels
from nnscratch.reading import read_digits
from nnscratch.training import TrainingState, step
from nnscratch.web.look import NAME, NO_DIGIT, as_source


def one_step(
    model: Model,
    source: Grey | IO[bytes],
    digit: int,
    learning_rate: float,
    test_images: Any,
    test_labels: Any,
) -> tuple[Model, dict[str, Any]]:
    """Teach a copy of a model, by one step, that a drawing shows a digit.

        θ ← θ − η·dL/dθ    with L = −log A_o[digit], of this drawing alone

    Whether a picture is refused, and by what temperature outputs are divided, is left as it was.

    Args:
        source: as in `look`; one digit, which may have been refused.
        digit: what it shows, 0 … 9.
        learning_rate: η.
        test_images, test_labels: as in `Model.evaluate`; to see what the step costs elsewhere.

    Returns:
        The taught model, whose `test` is None; and `samples`, how many test pictures there were,
        `before` and `after`, each `loss` (of the drawing, in nats, as training has it, so without
        temperature), `probability` (of `digit`), `probabilities` (ten), `answer` (as in `look`)
        and `accuracy` (on the test pictures). The model that was given is unchanged.

    Raises:
        PictureError: nothing is drawn, or several digits, or what cannot be framed as one.
        ArrayError: the digit is none, or the test pictures are not as they should be.
        ConfigError: the rate is no number above 0.
        DivergenceError: after the step the loss is no number any more.
    """
    as_labels([digit], 1)
    config = TrainConfig(learning_rate=learning_rate)
    image = _framed(model, source)
    network = copy.deepcopy(model.network)
    taught = replace(model, network=network, test=None)
    before = _answer(taught, image, digit)
    network.backward()
    before["accuracy"] = model.score(test_images, test_labels)
    state = TrainingState(network, {}, np.random.default_rng(0))
    with np.errstate(over="ignore", invalid="ignore"):  # the loss tells, and is looked at
        step(state, config.learning_rate, config)
        after = _answer(taught, image, digit)
    if not (math.isfinite(after["loss"]) and np.isfinite(network.theta).all()):
        raise _too_long(learning_rate)
    try:
        after["accuracy"] = taught.score(test_images, test_labels)
    except DivergenceError:  # the weights overflow on other pictures
        raise _too_long(learning_rate) from None
    return taught, {"before": before, "after": after, "samples": len(test_images)}


def _too_long(learning_rate: float) -> DivergenceError:
    return DivergenceError(
        f"the step was too long: with a learning rate of {learning_rate:g} the outputs are no "
        "numbers any more",
        next_step="try a smaller rate, for example 0.1; the network was not changed",
    )


def _framed(model: Model, source: Grey | IO[bytes]) -> Images:
    """Return the one digit of a drawing as the network would get it, (28, 28), refused or not."""
    try:
        read = read_digits(model, as_source(source), name=NAME)
    except NoDigitError as error:
        if error.picture is None:
            raise
        image: Images = error.picture.image
        return image
    if read.single is None:
        raise PictureError(
            f"a step takes one digit, and here are {len(read.digits)}",
            next_step="clear the drawing, and draw one digit alone",
        )
    return read.single.picture.image


def _answer(model: Model, image: Images, digit: int) -> dict[str, Any]:
    """Say what a model makes of the picture; its network stands ready for the step back."""
    pictures = image[np.newaxis]
    probabilities = model.predict_proba(pictures)[0]
    refused = model.strangeness(pictures)[0] > 0
    A = scale_pixels(model.seen(pictures), model.network.theta.dtype)
    loss = model.network.loss(model.network.forward(A), np.array([digit]))
    return {
        "loss": loss + 0.0,  # which is never −0
        "probability": float(probabilities[digit]),
        "probabilities": probabilities.tolist(),
        "answer": NO_DIGIT if refused else str(probabilities.argmax()),
    }
