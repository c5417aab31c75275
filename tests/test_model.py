"""A trained model: made from its settings in one place, and its answers with their doubts."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from conftest import some_digits
from nnscratch.config import TrainConfig
from nnscratch.core import Network, log_softmax
from nnscratch.data.negatives import make_negatives
from nnscratch.errors import ArrayError, ConfigError, NoDigitError
from nnscratch.metrics import evaluate
from nnscratch.model import UNSURE, Model, a_digit, build_network
from nnscratch.model_file import load_model
from nnscratch.pictures.framing import deskew
from nnscratch.pictures.read import load_picture
from nnscratch.products import scale_pixels
from nnscratch.reject import Rejector


def a_model(rng, **settings):
    config = TrainConfig(hidden_size=6, **settings)
    return Model(build_network(config, rng=rng), config, "custom")


@pytest.fixture
def images(rng):
    images = np.zeros((20, 28, 28), np.uint8)
    images[:, 4:24, 8:16] = rng.integers(0, 256, (20, 20, 8))
    return images


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("deskewed", [True, False])
def test_a_network_is_what_its_settings_say(deskewed, dtype, rng):
    config = TrainConfig(hidden_size=7, deskew=deskewed)
    network = build_network(config, rng=rng, dtype=dtype)
    assert network.hidden.W.shape == (7, 784)
    assert network.theta.dtype == dtype
    assert network.deskewed is deskewed


def test_a_network_is_float32_unless_told_otherwise_and_repeats_with_the_generator():
    first, second = (
        build_network(TrainConfig(hidden_size=3), rng=np.random.default_rng(5)) for _ in range(2)
    )
    assert first.theta.dtype == np.float32
    assert np.array_equal(first.theta, second.theta)


def test_a_model_answers_as_its_network_does(images, rng):
    model = a_model(rng)
    expected = model.network.predict_proba(scale_pixels(images))
    assert np.array_equal(model.predict_proba(images), expected)
    assert np.array_equal(model.predict(images), expected.argmax(axis=1))


def test_a_deskewed_model_sees_every_picture_upright(images, rng):
    model = a_model(rng, deskew=True)
    upright = deskew(images)
    assert not np.array_equal(upright, images)
    assert np.array_equal(model.seen(images), upright)
    expected = model.network.predict_proba(scale_pixels(upright))
    assert np.array_equal(model.predict_proba(images), expected)
    labels = rng.integers(0, 10, 20)
    by_hand = evaluate(model.network, upright, labels, deskewed=False)
    assert model.evaluate(images, labels).loss == by_hand.loss
    assert model.score(images, labels) == by_hand.accuracy


def test_a_model_in_float64_answers_in_float64(images, rng):
    model = a_model(rng)
    exact = Model(model.network.astype(float), model.config, "custom")
    assert exact.predict_proba(images).dtype == np.float64
    np.testing.assert_allclose(exact.predict_proba(images), model.predict_proba(images), rtol=1e-4)


def test_score_is_the_share_of_right_answers(images, rng):
    model = a_model(rng)
    labels = model.predict(images)
    assert model.score(images, labels) == 1
    labels[:5] = (labels[:5] + 1) % 10
    assert model.score(images, labels) == 0.75


def test_a_model_takes_floats_and_refuses_what_is_no_picture(images, rng):
    model = a_model(rng)
    assert np.array_equal(model.predict(images / 255), model.predict(images))
    for method in (model.predict, model.predict_proba):
        with pytest.raises(ArrayError):
            method(images.astype(float))


@pytest.mark.parametrize(("setting", "value"), [("hidden_size", 7), ("deskew", True)])
def test_a_network_with_settings_that_are_not_its_own_is_refused(setting, value, rng):
    model = a_model(rng)
    wrong = replace(model.config, **{setting: value})
    said = f"{setting} is {value} in the settings, and {getattr(model.config, setting)} in the net"
    with pytest.raises(ConfigError, match=said):
        Model(model.network, wrong, "custom")


# ---------------------------------------------------------------------------------------- doubts


@pytest.fixture
def picture(tmp_path, own_dataset):
    from PIL import Image

    Image.fromarray(255 - own_dataset.test_images[0]).save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def certain(*logits):
    """A model that gives every picture the same outputs, whatever it shows."""
    network = Network(1, rng=np.random.default_rng(0))
    network.theta = np.zeros_like(network.theta)
    network.output.b = np.reshape(logits, (10, 1))
    return Model(network, TrainConfig(hidden_size=1), "custom")


def test_a_picture_is_read_and_answered(picture):
    answer = certain(0, 0, 0, 0, 0, 0, 0, 9, 0, 0).read(picture)
    assert answer.digit == 7
    assert answer.probability == answer.probabilities[7] == answer.probabilities.max()
    assert answer.probabilities.shape == (10,)
    assert answer.notes == ()
    assert np.array_equal(answer.picture.image, load_picture(picture).image)


def test_how_a_picture_is_read_and_what_it_is_called_are_passed_on(picture):
    model = certain(*range(10))
    assert model.read(picture, invert=True).digit == 9
    with picture.open("rb") as file, pytest.raises(NoDigitError) as caught:
        model.read(file, invert=False, name="x.png")
    assert caught.value.where == "x.png"


@pytest.mark.parametrize(("lead", "unsure"), [(0.61, False), (0.59, True)])
def test_an_answer_below_the_threshold_names_the_two_that_it_may_be(picture, lead, unsure):
    assert UNSURE == 0.6
    logits = np.full(10, -30.0)
    logits[8], logits[3] = np.log(lead), np.log(1 - lead)
    answer = certain(*logits).read(picture)
    assert answer.probability == pytest.approx(lead)
    assert answer.notes == (("unsure: it may be an 8 or a 3",) if unsure else ())


def test_only_the_digit_8_has_an():
    assert [a_digit(digit) for digit in range(10)] == [
        "an 8" if digit == 8 else f"a {digit}" for digit in range(10)
    ]


# ---------------------------------------------------------------------------------- hidden units


def test_the_most_outspoken_units_are_named_in_their_own_order(rng):
    model = a_model(rng)
    W_h, W_o = model.network.hidden.W, model.network.output.W
    W_h[:], W_o[:] = 1, 1
    W_h[4] *= 3  # loud, and heard
    W_o[:, 1] *= 2  # heard more than the others
    W_h[2], W_o[:, 2] = 100, 0.001  # loud, and not heard
    assert model.outspoken_units(2).tolist() == [1, 4]
    assert model.outspoken_units(3).tolist() == [0, 1, 4]
    assert model.outspoken_units().tolist() == [0, 1, 2, 3, 4, 5]


def test_at_most_ten_units_are_shown(rng):
    config = TrainConfig(hidden_size=30)
    assert len(Model(build_network(config, rng=rng), config, "mnist").outspoken_units()) == 10


# ----------------------------------------------------------------------------------------- refusing


def never_a_digit(rng, threshold):
    """Return a rejector that finds every picture as strange as `-threshold`."""
    rejector = Rejector(4, rng=rng)
    for block in rejector.parameters.values():
        block[:] = 0
    rejector.parameters["b_o"][10] = np.log(10)  # as likely as the ten digits together
    rejector.threshold = threshold
    return rejector


def test_a_model_without_a_rejector_never_refuses(images, rng):
    assert np.isneginf(a_model(rng).strangeness(images)).all()


def test_what_looks_like_no_digit_is_refused_by_answer_and_read_but_not_by_predict(
    images, rng, tmp_path
):
    Image.fromarray(images[0]).save(tmp_path / "page.png")
    model = replace(a_model(rng), rejector=never_a_digit(rng, -1.0))
    assert model.strangeness(images) == pytest.approx(np.ones(20), abs=1e-5)
    prepared = load_picture(tmp_path / "page.png")
    with pytest.raises(NoDigitError, match="no digit here: it looks like none of the ten"):
        model.answer(prepared)
    with pytest.raises(NoDigitError) as caught:
        model.read(tmp_path / "page.png")
    assert caught.value.where == str(tmp_path / "page.png")
    assert caught.value.next_step
    assert len(model.predict(images)) == len(images)
    assert model.evaluate(images, np.arange(20) % 10).accuracy >= 0


def test_what_is_less_strange_than_the_threshold_is_answered(images, rng, tmp_path):
    Image.fromarray(images[0]).save(tmp_path / "page.png")
    model = replace(a_model(rng), rejector=never_a_digit(rng, 1.0))
    assert model.read(tmp_path / "page.png").digit in range(10)


def test_probabilities_are_those_at_the_temperature(images, rng):
    model = a_model(rng)
    Z_o = model.network.forward(scale_pixels(images))
    warm = replace(model, temperature=2.0)
    assert warm.predict_proba(images) == pytest.approx(np.exp(log_softmax(Z_o / 2)), abs=1e-6)
    assert np.array_equal(warm.predict(images), model.predict(images))


def test_a_temperature_changes_how_sure_a_report_is_and_nothing_else(images, rng):
    model, labels = a_model(rng), np.arange(20) % 10
    cold, warm = (replace(model, temperature=T).evaluate(images, labels) for T in (1.0, 3.0))
    assert (cold.loss, cold.accuracy) == (warm.loss, warm.accuracy)
    assert (warm.probability < cold.probability).all()
    assert np.array_equal(cold.probability, evaluate(model.network, images, labels).probability)


def test_the_model_on_board_refuses_most_of_what_is_no_digit_and_hardly_a_digit(rng):
    model, (digits, labels) = load_model("pretrained"), some_digits(500, 8)
    none, _ = make_negatives(digits, labels, 550, rng)
    assert (model.strangeness(none) > 0).mean() > 0.7
    assert (model.strangeness(digits) > 0).mean() < 0.05


def test_an_account_need_not_say_what_would_have_tipped_it(images, rng):
    model = a_model(rng)
    whole, short = (model.why(images[0], tipping=tipping) for tipping in (True, False))
    assert whole.tipping is not None
    assert short.tipping is None
    assert np.array_equal(short.account.pixels, whole.account.pixels)
    assert replace(short.account, pixels=0) == replace(whole.account, pixels=0)


@pytest.mark.parametrize(
    ("picture", "form"),
    [("abc", "of type str"), (None, "of type NoneType"), (np.zeros((3, 3)), r"\(3, 3\)")],
)
def test_an_account_of_what_is_no_picture_is_refused_with_where_to_find_one(picture, form):
    model = load_model("pretrained")
    with pytest.raises(ArrayError, match=rf"\(28, 28\), and is {form}; .* model.read\(path\)"):
        model.why(picture)
