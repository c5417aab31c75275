"""The same numbers as others who had nothing to do with this: scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax
from sklearn.neural_network import MLPClassifier

from nnscratch.config import TrainConfig
from nnscratch.core import Network, SoftmaxCrossEntropy, log_softmax
from nnscratch.training import TrainingState, step

STEPS, BATCH = 200, 32


def batches(rng):
    """Yield the same 200 batches to whoever asks: A (32, 784) in [0, 1] and labels (32,)."""
    for _ in range(STEPS):
        yield rng.random((BATCH, 784)) * rng.random((BATCH, 784)), rng.integers(0, 10, BATCH)


def ours(config):
    state = TrainingState.start(config, dtype=np.float64)
    for A, labels in batches(np.random.default_rng(5)):
        state.network.loss(state.network.forward(A), labels)
        state.network.backward()
        step(state, config.learning_rate, config)
    return state.network


def theirs(config):
    start = TrainingState.start(config, dtype=np.float64).network.parameters
    peer = MLPClassifier(
        hidden_layer_sizes=(config.hidden_size,),
        solver="sgd",
        learning_rate_init=config.learning_rate,
        momentum=config.momentum,
        nesterovs_momentum=False,
        alpha=0,
        batch_size=BATCH,
        shuffle=False,
    )
    for number, (A, labels) in enumerate(batches(np.random.default_rng(5))):
        if number == 0:
            # The first call only builds the arrays; the optimiser keeps hold of them, so that
            # they are filled in place, and its velocities are put back to zero.
            peer.partial_fit(A, labels, classes=np.arange(10))
            for array, name in zip(
                (*peer.coefs_, *peer.intercepts_), ("W_h", "W_o", "b_h", "b_o"), strict=True
            ):
                array[:] = start[name].T if name.startswith("W") else start[name][:, 0]
            for velocity in peer._optimizer.velocities:
                velocity[:] = 0
        peer.partial_fit(A, labels)
    return peer


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_200_steps_end_where_scikit_learns_end(momentum):
    config = TrainConfig(learning_rate=0.1, batch_size=BATCH, momentum=momentum)
    network, peer = ours(config), theirs(config)
    found = {"W_h": peer.coefs_[0].T, "W_o": peer.coefs_[1].T}
    found |= {"b_h": peer.intercepts_[0][:, None], "b_o": peer.intercepts_[1][:, None]}
    for name, value in network.parameters.items():
        np.testing.assert_allclose(value, found[name], rtol=0, atol=1e-9)
    start = TrainingState.start(config, dtype=np.float64).network
    assert np.abs(network.theta - start.theta).max() > 0.05


def test_log_softmax_is_scipys(rng):
    Z = rng.normal(size=(50, 10)) * 10 ** rng.uniform(-3, 3, (50, 1))
    np.testing.assert_allclose(log_softmax(Z), scipy_log_softmax(Z, axis=1), rtol=1e-12, atol=1e-12)


def test_the_loss_is_the_mean_of_scipys_log_softmax(rng):
    Z, labels = rng.normal(size=(50, 10)) * 20, rng.integers(0, 10, 50)
    expected = -scipy_log_softmax(Z, axis=1)[np.arange(50), labels].mean()
    assert SoftmaxCrossEntropy().forward(Z, labels) == pytest.approx(expected, rel=1e-13)


def test_the_forward_pass_is_scikit_learns(rng):
    network = Network(rng=rng, dtype=np.float64)
    A = rng.random((20, 784))
    peer = MLPClassifier(hidden_layer_sizes=(10,), max_iter=1, solver="sgd")
    peer.partial_fit(A, np.arange(20) % 10, classes=np.arange(10))
    peer.coefs_ = [network.hidden.W.T, network.output.W.T]
    peer.intercepts_ = [network.hidden.b[:, 0], network.output.b[:, 0]]
    np.testing.assert_allclose(network.predict_proba(A), peer.predict_proba(A), rtol=1e-12)
