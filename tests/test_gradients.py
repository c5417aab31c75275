"""The mathematics against differences and against a plain reading of the equations, in float64.

Short and quick, because `test_planted_errors.py` runs this file against broken copies of core.py:
each must make something here fail.
"""

import numpy as np
import pytest

from nnscratch.core import Linear, Network, ReLU, SoftmaxCrossEntropy

STEP = 1e-5


def differences(function, value):
    """Return d function / d value by central differences, entry by entry; value is restored."""
    slopes = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        kept = value[index]
        value[index] = kept + STEP
        above = function()
        value[index] = kept - STEP
        below = function()
        value[index] = kept
        slopes[index] = (above - below) / (2 * STEP)
    return slopes


def test_linear_alone_against_differences_of_a_random_scalar_function(rng):
    layer, A, direction = Linear(4, 3), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    layer.W[:], layer.b[:] = rng.normal(size=(3, 4)), rng.normal(size=(3, 1))

    def scalar():
        return float(np.sum(np.sin(layer.forward(A)) * direction))

    dLdZ = np.cos(layer.forward(A)) * direction
    dLdA = layer.backward(dLdZ)
    np.testing.assert_allclose(dLdA, differences(scalar, A), atol=1e-9)
    np.testing.assert_allclose(layer.dLdW, differences(scalar, layer.W), atol=1e-9)
    np.testing.assert_allclose(layer.dLdb, differences(scalar, layer.b), atol=1e-9)


def test_relu_alone_against_differences(rng):
    relu, direction = ReLU(), rng.normal(size=(5, 3))
    Z = rng.choice([-1, 1], (5, 3)) * rng.uniform(0.1, 2, (5, 3))
    relu.forward(Z)
    expected = differences(lambda: float(np.sum(relu.forward(Z) * direction)), Z)
    relu.forward(Z)
    np.testing.assert_allclose(relu.backward(direction), expected, atol=1e-9)


def test_softmax_cross_entropy_alone_against_differences(rng):
    measure, Z, labels = SoftmaxCrossEntropy(), rng.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    expected = differences(lambda: measure.forward(Z, labels), Z)
    measure.forward(Z, labels)
    np.testing.assert_allclose(measure.backward(), expected, atol=1e-9)


def test_softmax_cross_entropy_with_a_soft_Y_against_differences(rng):
    measure, Z, Y = SoftmaxCrossEntropy(), rng.normal(size=(5, 4)), rng.dirichlet(np.ones(4), 5)
    expected = differences(lambda: measure.forward(Z, Y), Z)
    A_o = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    assert measure.forward(Z, Y) == pytest.approx(-(Y * np.log(A_o)).sum() / 5, rel=1e-13)
    np.testing.assert_allclose(measure.backward(), expected, atol=1e-9)


@pytest.mark.parametrize("name", ["W_h", "b_h", "W_o", "b_o"])
def test_the_networks_gradient_agrees_with_differences_to_1e_7(rng, name):
    network = Network(rng=rng, dtype=np.float64)
    A, labels = rng.random((16, 784)), rng.integers(0, 10, 16)
    network.loss(network.forward(A), labels)
    network.backward()
    exact, value = network.gradients[name].copy()[:, :20], network.parameters[name][:, :20]
    expected = differences(lambda: network.loss(network.forward(A), labels), value)
    assert np.abs(exact - expected).max() < 1e-7 * np.abs(exact).max()


def test_the_loss_is_the_network_documents_sum_over_a_one_hot_Y(rng):
    Z, labels = rng.normal(size=(6, 10)), rng.integers(0, 10, 6)
    A_o = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    Y = np.eye(10)[labels]
    expected = -(Y * np.log(A_o)).sum() / 6
    assert SoftmaxCrossEntropy().forward(Z, labels) == pytest.approx(expected, rel=1e-13)
