"""One step on one drawing is a step of training on a copy of the network."""

import io

import numpy as np
import pytest

from conftest import some_digits
from hand import CROSS, ONE_ZERO, THREE
from nnscratch.config import TrainConfig
from nnscratch.errors import ArrayError, ConfigError, DivergenceError, NoDigitError, PictureError
from nnscratch.model import Model, build_network
from nnscratch.model_file import load_model
from nnscratch.pictures.decode import as_png
from nnscratch.pictures.read import prepare_grey
from nnscratch.pictures.strokes import draw_strokes
from nnscratch.products import scale_pixels
from nnscratch.web.look import look
from nnscratch.web.step import one_step

DRAWING = draw_strokes(THREE)


@pytest.fixture(scope="module")
def elsewhere():
    """Pictures to see what a step costs on others."""
    return some_digits(200, 5)


def plain():
    config = TrainConfig()
    return Model(build_network(config, rng=np.random.default_rng(3)), config, "custom")


@pytest.fixture(params=["plain", "pretrained"])
def model(request):
    return plain() if request.param == "plain" else load_model("pretrained")


def ink_of(model, drawing):
    """Return what the network gets of a drawing, (1, 784)."""
    image = prepare_grey(drawing).image[np.newaxis]
    return scale_pixels(model.seen(image), model.network.theta.dtype)


@pytest.mark.parametrize("digit", [5, 8])
def test_a_step_goes_down_the_gradient_of_this_drawing_alone(model, digit, elsewhere):
    A = ink_of(model, DRAWING)
    start = model.network.theta.copy()
    loss = model.network.loss(model.network.forward(A), np.array([digit]))
    model.network.backward()
    expected = start - np.float32(0.05) * model.network.dLdtheta
    taught, told = one_step(model, DRAWING, digit, 0.05, *elsewhere)
    assert np.allclose(taught.network.theta, expected, rtol=0, atol=1e-6)
    assert told["before"]["loss"] == loss
    again = taught.network.loss(taught.network.forward(A), np.array([digit]))
    assert told["after"]["loss"] == again
    assert told["after"]["loss"] < told["before"]["loss"]
    assert told["after"]["probability"] > told["before"]["probability"]


def test_the_model_that_was_given_stays_as_it_was(model, elsewhere):
    start = model.network.theta.copy()
    before = look(model, DRAWING)
    taught, _ = one_step(model, DRAWING, 8, 0.1, *elsewhere)
    assert not np.array_equal(taught.network.theta, start)
    assert np.array_equal(model.network.theta, start)
    assert look(model, DRAWING) == before
    assert taught.temperature == model.temperature
    assert taught.rejector is model.rejector
    assert taught.network.deskewed is model.network.deskewed


def test_before_and_after_are_what_a_look_tells_and_what_it_costs_elsewhere(model, elsewhere):
    taught, told = one_step(model, DRAWING, 8, 0.1, *elsewhere)
    assert told["samples"] == 200
    for asked, record in ((model, told["before"]), (taught, told["after"])):
        seen = look(asked, DRAWING)
        assert record["probabilities"] == seen["probabilities"]
        assert record["probability"] == seen["probabilities"][8]
        assert record["answer"] == seen["answer"]
        assert record["accuracy"] == asked.score(*elsewhere)


def test_steps_change_the_answer_in_the_end(elsewhere):
    model = plain()
    for _ in range(20):
        model, told = one_step(model, DRAWING, 8, 0.1, *elsewhere)
    assert look(model, DRAWING)["answer"] == "8" == told["after"]["answer"]


def test_a_step_takes_a_picture_too(model, elsewhere):
    file = io.BytesIO(as_png(DRAWING))
    drawn, sent = (one_step(model, source, 3, 0.1, *elsewhere) for source in (DRAWING, file))
    assert np.array_equal(drawn[0].network.theta, sent[0].network.theta)
    assert drawn[1] == sent[1]


def test_what_was_refused_can_be_taught_and_is_still_refused(elsewhere):
    model, cross = load_model("pretrained"), draw_strokes(CROSS)
    assert look(model, cross)["answer"] == "?"
    _, told = one_step(model, cross, 4, 0.01, *elsewhere)
    assert told["before"]["answer"] == told["after"]["answer"] == "?"
    assert told["after"]["probability"] > told["before"]["probability"]


@pytest.mark.parametrize(
    ("strokes", "error", "words"),
    [
        ([], NoDigitError, "nothing stands out"),
        (ONE_ZERO, PictureError, "a step takes one digit, and here are 2"),
    ],
    ids=["nothing", "several"],
)
def test_a_step_needs_one_digit(strokes, error, words, elsewhere):
    with pytest.raises(error, match=words):
        one_step(load_model("pretrained"), draw_strokes(strokes), 1, 0.1, *elsewhere)


@pytest.mark.parametrize("digit", [-1, 10, 3.5, "3", None])
def test_a_digit_that_is_none_is_refused(digit, elsewhere):
    with pytest.raises(ArrayError, match="labels should be"):
        one_step(plain(), DRAWING, digit, 0.1, *elsewhere)


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf"), "0.1", None, True])
def test_a_rate_that_is_none_is_refused(rate, elsewhere):
    with pytest.raises(ConfigError, match="learning_rate"):
        one_step(plain(), DRAWING, 3, rate, *elsewhere)


@pytest.mark.parametrize("rate", [1e18, 1e30, 1e300])
def test_a_rate_after_which_no_number_is_left_is_told(model, rate, elsewhere):
    start = model.network.theta.copy()
    with pytest.raises(DivergenceError, match="smaller rate") as told:
        one_step(model, DRAWING, 8, rate, *elsewhere)
    assert "the step was too long" in told.value.what
    assert np.array_equal(model.network.theta, start)
