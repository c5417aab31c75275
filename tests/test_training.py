"""Training: every sample once an epoch, repeatable, stoppable, and better afterwards."""

import math
import re
import threading
from dataclasses import replace

import numpy as np
import pytest

from nnscratch.augment import augment
from nnscratch.config import TrainConfig
from nnscratch.data import Dataset
from nnscratch.errors import ConfigError, DivergenceError
from nnscratch.metrics import evaluate
from nnscratch.model_file import load_model
from nnscratch.products import PIECE, scale_pixels
from nnscratch.teaching import soft_targets
from nnscratch.training import PICTURES_AHEAD, TrainingState, fit, hold_out, learning_rate_at, step

SMALL = TrainConfig(epochs=3, validation_size=200, batch_size=10)


def trained(dataset, config):
    state = TrainingState.start(config)
    results = list(fit(state, dataset.train_images, dataset.train_labels, config))
    return state, results


def test_it_learns(own_dataset):
    state, results = trained(own_dataset, SMALL)
    assert [result.epoch for result in results] == [1, 2, 3]
    assert results[-1].train_loss < results[0].train_loss
    report = evaluate(state.network, own_dataset.test_images, own_dataset.test_labels)
    assert report.accuracy > 0.7
    assert report.confusion.sum() == 400


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(own_dataset):
    first, second = (trained(own_dataset, SMALL)[0].network.parameters for _ in range(2))
    other = trained(own_dataset, replace(SMALL, seed=1))[0]
    for name, value in first.items():
        assert np.array_equal(value, second[name])
        assert not np.array_equal(value, other.network.parameters[name])


class Witness:
    """Stands in for a network's input: notes which samples each epoch visits, in which order."""

    def __init__(self, count):
        self.images = np.zeros((count, 28, 28), np.uint8)
        self.images[:, 0, 0], self.images[:, 0, 1] = np.divmod(np.arange(count), 256)

    def visits(self, config):
        labels = np.zeros(len(self.images), np.uint8)
        state, seen = TrainingState.start(config), []
        original = state.network.forward

        def forward(A):
            seen.extend((A[:, 0] * 255).round() * 256 + (A[:, 1] * 255).round())
            return original(A)

        state.network.forward = forward
        list(fit(state, self.images, labels, config))
        return np.array(seen, int).reshape(config.epochs, -1)


def test_each_epoch_visits_every_sample_once_in_a_fresh_order():
    visits = Witness(1000).visits(TrainConfig(epochs=2, batch_size=64, validation_size=0))
    assert (np.sort(visits, axis=1) == np.arange(1000)).all()
    assert not np.array_equal(visits[0], visits[1])
    # Samples are shuffled, not only batches: no batch of one epoch is a batch of the other.
    assert not {frozenset(b) for b in visits[0, :960].reshape(15, 64).tolist()} & {
        frozenset(b) for b in visits[1, :960].reshape(15, 64).tolist()
    }


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("augmented", [False, True])
@pytest.mark.slow
def test_an_epoch_is_to_the_last_bit_the_plain_loop_that_it_stands_for(rng, augmented, taught):
    count, size = PICTURES_AHEAD * 2 + 100, 96
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    labels = rng.integers(0, 10, count, np.uint8)
    config = TrainConfig(epochs=1, batch_size=size, validation_size=0, augment=augmented)
    teacher = load_model("pretrained") if taught else None
    config = replace(config, teacher="pretrained" if taught else "none")
    plain = TrainingState.start(config)
    network, order = plain.network, plain.rng.permutation(count)
    at_once = -(-PICTURES_AHEAD // size) * size
    starts = range(0, count, at_once)
    pieces = [images[order[at : at + at_once]] for at in starts]
    pieces = [augment(p, plain.rng) if augmented else p for p in pieces]
    seen, targets = np.concatenate(pieces), labels[order]
    if taught and augmented:  # the teacher is shown the variants
        answers = [targets[at : at + at_once] for at in starts]
        targets = np.concatenate(
            [soft_targets(teacher, *pair) for pair in zip(pieces, answers, strict=True)]
        )
    elif taught:  # it is asked once and for all
        targets = soft_targets(teacher, images, labels)[order]
    for at in range(0, count, size):
        A = scale_pixels(seen[at : at + size])
        network.loss(network.forward(A), targets[at : at + size])
        network.backward()
        network.theta -= config.learning_rate * network.dLdtheta
    state = TrainingState.start(config)
    list(fit(state, images, labels, config, teacher=teacher))
    assert np.array_equal(state.network.theta, network.theta)


def test_an_interrupted_epoch_leaves_nothing_running(own_dataset):
    def interrupt(_count):
        raise KeyboardInterrupt

    state, before = TrainingState.start(SMALL), set(threading.enumerate())
    images, labels = own_dataset.train_images, own_dataset.train_labels
    with pytest.raises(KeyboardInterrupt) as caught:
        list(fit(state, images, labels, SMALL, on_samples=interrupt))
    left = set(threading.enumerate()) - before  # while what was caught keeps the frames alive
    assert not left, caught.value


def test_an_error_while_variants_are_drawn_reaches_the_caller(rng):
    images, labels = rng.integers(0, 256, (50, 9, 9), np.uint8), np.zeros(50, np.uint8)
    dataset = Dataset("custom", images, labels, images, labels, {})
    with pytest.raises(ValueError, match=r"\b9\b"):
        trained(dataset, TrainConfig(epochs=1, validation_size=0, augment=True))


def test_the_short_last_batch_is_weighted_by_its_length(own_dataset):
    config = TrainConfig(
        epochs=1, batch_size=700, validation_size=200, learning_rate=1e-30, hidden_size=4
    )
    state, results = trained(own_dataset, config)
    training, _ = hold_out(1200, config)
    images, labels = own_dataset.train_images[training], own_dataset.train_labels[training]
    whole = evaluate(state.network, images, labels).loss
    assert results[0].train_loss == pytest.approx(whole, rel=1e-5)


def test_nothing_held_out_leaves_the_validation_fields_empty(own_dataset):
    _, results = trained(own_dataset, TrainConfig(epochs=1, validation_size=0))
    assert results[0].validation_loss is None
    assert results[0].validation_accuracy is None


def test_hold_out_splits_without_overlap_by_the_seed():
    config = TrainConfig(validation_size=300)
    training, validation = hold_out(1000, config)
    assert sorted([*training, *validation]) == list(range(1000))
    assert len(validation) == 300
    other = hold_out(1000, TrainConfig(validation_size=300, seed=1))[1]
    assert not np.array_equal(validation, other)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"validation_size": 1200}, "validation_size"),
        ({"validation_size": 0, "batch_size": 1201}, "batch_size"),
    ],
)
def test_settings_that_the_set_is_too_small_for_are_refused(own_dataset, settings, key):
    with pytest.raises(ConfigError) as caught:
        trained(own_dataset, TrainConfig(**settings))
    assert caught.value.key == key


def test_a_loss_that_is_no_number_stops_at_once_and_names_the_place(own_dataset):
    with pytest.raises(DivergenceError) as caught:
        trained(own_dataset, TrainConfig(learning_rate=1e30, validation_size=200))
    assert re.fullmatch(r"epoch 1, batch [23]", caught.value.where)
    assert caught.value.what.startswith("the loss became ")
    assert caught.value.what.endswith(" with a learning rate of 1e+30")


@pytest.mark.parametrize(
    ("rate", "smaller"), [(1e30, "0.1"), (10, "0.1"), (1, "0.1"), (0.5, "0.05"), (0.03, "0.003")]
)
def test_the_rate_that_is_suggested_is_a_tenth_and_at_most_the_default(own_dataset, rate, smaller):
    config = TrainConfig(learning_rate=rate, validation_size=200)
    state = TrainingState.start(config)
    state.network.theta = np.full_like(state.network.theta, np.inf)
    with pytest.raises(DivergenceError) as caught:
        list(fit(state, own_dataset.train_images, own_dataset.train_labels, config))
    assert caught.value.where == "epoch 1, batch 1"
    said = f"try a smaller rate, for example --lr {smaller}; no file was changed"
    assert caught.value.next_step == said


def one_step(config, value=2.0, gradient=3.0, velocity=0.0):
    state = TrainingState.start(TrainConfig(hidden_size=1), dtype=np.float64)
    network = state.network
    network.forward(np.zeros((1, 784)))
    network.loss(network.forward(np.zeros((1, 784))), np.array([0]))
    network.backward()
    network.theta[:], network.dLdtheta[:], state.memory["velocity"][:] = value, gradient, velocity
    step(state, 0.5, config)
    return network.parameters["W_o"][0, 0], network.parameters["b_o"][0, 0]


def test_a_plain_step_is_the_network_documents():
    assert one_step(TrainConfig()) == (2 - 0.5 * 3, 2 - 0.5 * 3)


def test_momentum_keeps_its_share_of_the_last_step():
    moved = 2 - 0.5 * (0.9 * 10 + 3)
    assert one_step(TrainConfig(momentum=0.9), velocity=10) == pytest.approx((moved, moved))


def test_weight_decay_pulls_weights_and_leaves_biases():
    weight, bias = one_step(TrainConfig(weight_decay=0.1))
    assert weight == pytest.approx(2 - 0.5 * (3 + 0.1 * 2))
    assert bias == 2 - 0.5 * 3


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_a_step_of_a_wide_network_is_to_the_last_bit_what_the_equations_say(rng, decay, momentum):
    config = TrainConfig(hidden_size=400, momentum=momentum, weight_decay=decay)
    state, plain = TrainingState.start(config), TrainingState.start(config).network
    assert len(plain.theta) > PIECE
    plain.dLdtheta = state.network.dLdtheta = rng.standard_normal(plain.theta.shape)
    velocity = state.memory["velocity"]
    velocity[:] = rng.standard_normal(velocity.shape)
    v = velocity * momentum
    step(state, 0.1, config)
    for layer in (plain.hidden, plain.output):
        layer.dLdW += decay * layer.W
    v += plain.dLdtheta
    plain.theta -= 0.1 * (v if momentum else plain.dLdtheta)
    assert np.array_equal(state.network.theta, plain.theta)
    assert not momentum or np.array_equal(velocity, v)


def test_the_cosine_schedule_falls_from_the_rate_to_zero():
    config = TrainConfig(schedule="cosine", epochs=4, learning_rate=0.2)
    rates = [learning_rate_at(progress, config) for progress in (0, 1, 2, 3, 4)]
    assert rates[0] == 0.2
    assert rates[2] == pytest.approx(0.1)
    assert rates[4] == pytest.approx(0, abs=1e-15)
    assert rates == sorted(rates, reverse=True)
    assert learning_rate_at(3, TrainConfig()) == 0.1


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_a_wide_run_that_is_stopped_and_goes_on_is_the_same_run_to_the_last_bit(
    own_dataset, momentum
):
    images, labels = own_dataset.train_images, own_dataset.train_labels
    config = TrainConfig(
        epochs=2, hidden_size=200, batch_size=256, validation_size=0, momentum=momentum
    )
    whole = trained(own_dataset, config)[0].network.theta
    stopped, again = TrainingState.start(config), TrainingState.start(config)
    next(fit(stopped, images, labels, config))
    again.restore(stopped.checkpoint())
    list(fit(again, images, labels, config))
    assert np.array_equal(again.network.theta, whole)


def test_augmentation_and_deskewing_still_learn_and_repeat(own_dataset):
    config = TrainConfig(epochs=4, validation_size=200, augment=True, deskew=True)
    first, second = (trained(own_dataset, config) for _ in range(2))
    assert np.array_equal(first[0].network.theta, second[0].network.theta)
    assert first[1][-1].train_loss < first[1][0].train_loss


def test_the_rate_falls_from_batch_to_batch_and_not_only_from_epoch_to_epoch(own_dataset):
    config = TrainConfig(
        epochs=2, batch_size=300, validation_size=0, schedule="cosine", learning_rate=0.2
    )
    images, labels = own_dataset.train_images, own_dataset.train_labels
    trained_state, _ = trained(own_dataset, config)
    plain = TrainingState.start(config)
    for epoch in range(2):
        order = plain.rng.permutation(1200)
        for batch in range(4):
            chosen = order[batch * 300 : (batch + 1) * 300]
            network = plain.network
            network.loss(network.forward(scale_pixels(images[chosen])), labels[chosen])
            network.backward()
            progress = epoch + batch / 4
            rate = 0.2 / 2 * (1 + math.cos(math.pi * progress / 2))
            network.theta -= rate * network.dLdtheta
    np.testing.assert_array_equal(trained_state.network.theta, plain.network.theta)


@pytest.mark.parametrize(
    ("changes", "key"), [({"hidden_size": 20}, "hidden_size"), ({"deskew": True}, "deskew")]
)
def test_settings_of_another_network_are_refused_at_once(own_dataset, changes, key):
    state = TrainingState.start(SMALL)
    images, labels = own_dataset.train_images, own_dataset.train_labels
    with pytest.raises(ConfigError) as caught:
        fit(state, images, labels, replace(SMALL, **changes))
    assert caught.value.key == key
    assert "TrainingState.start(config)" in caught.value.next_step


def test_a_checkpoint_is_a_copy_and_restoring_it_repeats_the_run(own_dataset):
    images, labels = own_dataset.train_images, own_dataset.train_labels
    config = replace(SMALL, momentum=0.9)
    state = TrainingState.start(config)
    epochs = fit(state, images, labels, config)
    next(epochs)
    kept = state.checkpoint()
    theta = kept.theta.copy()
    rest = list(epochs)
    final = state.network.theta.copy()
    assert np.array_equal(kept.theta, theta)
    assert len(kept.history) == 1
    state.restore(kept)
    assert np.array_equal(state.network.theta, theta)
    again = list(fit(state, images, labels, config))
    assert np.array_equal(state.network.theta, final)
    assert [r.train_loss for r in again] == [r.train_loss for r in rest]
