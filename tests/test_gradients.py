"""The gradients of the whole network against central differences of its loss, in float64."""

import numpy as np
import pytest

from nnscratch.core import Network

STEP = 1e-5


def central_difference(network, A, labels, value, index):
    kept = value[index]
    losses = []
    for sign in (1, -1):
        value[index] = kept + sign * STEP
        losses.append(network.loss(network.forward(A), labels))
    value[index] = kept
    return (losses[0] - losses[1]) / (2 * STEP)


@pytest.mark.parametrize("name", ["W_h", "b_h", "W_o", "b_o"])
def test_gradient_agrees_with_differences_to_1e_7(rng, name):
    network = Network(rng=rng, dtype=np.float64)
    A, labels = rng.random((16, 784)), rng.integers(0, 10, 16)
    network.loss(network.forward(A), labels)
    network.backward()
    analytic, value = network.gradients[name].copy(), network.parameters[name]
    places = list(np.ndindex(value.shape))
    chosen = [places[i] for i in rng.permutation(len(places))[:200]]
    numeric = np.array([central_difference(network, A, labels, value, at) for at in chosen])
    exact = np.array([analytic[at] for at in chosen])
    assert np.abs(numeric - exact).max() / np.abs(exact).max() < 1e-7
