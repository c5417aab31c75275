"""The blackboard: shapes, values that can be done by hand, and what may not happen."""

import copy
import pickle

import numpy as np
import pytest

from nnscratch.core import Linear, Network, ReLU, SoftmaxCrossEntropy, log_softmax, one_hot
from nnscratch.products import empty_batch, ones, scale_pixels


def test_linear_starts_at_zero_with_the_shapes_of_table_1():
    layer = Linear(3, 2)
    assert layer.W.shape == (2, 3)
    assert layer.b.shape == (2, 1)
    assert not layer.W.any()
    assert not layer.b.any()


def test_linear_forward_is_the_layer_documents_equation(rng):
    layer, A, N = Linear(5, 3), rng.normal(size=(7, 5)), 7
    layer.W[:], layer.b[:] = rng.normal(size=(3, 5)), rng.normal(size=(3, 1))
    Z = layer.forward(A)
    np.testing.assert_allclose(Z, A @ layer.W.T + np.ones((N, 1)) @ layer.b.T, rtol=1e-14)
    assert layer.N == N
    assert layer.A is A


def test_linear_forward_is_the_network_documents_equation_transposed(rng):
    layer, X = Linear(5, 3), rng.normal(size=(5, 7))
    layer.W[:], layer.b[:] = rng.normal(size=(3, 5)), rng.normal(size=(3, 1))
    np.testing.assert_allclose(layer.forward(X.T).T, layer.W @ X + layer.b, rtol=1e-14)


def test_linear_backward_is_the_layer_documents_equations(rng):
    layer, A, dLdZ = Linear(5, 3), rng.normal(size=(7, 5)), rng.normal(size=(7, 3))
    layer.W[:] = rng.normal(size=(3, 5))
    layer.forward(A)
    dLdA = layer.backward(dLdZ)
    np.testing.assert_allclose(dLdA, dLdZ @ layer.W, rtol=1e-14)
    np.testing.assert_allclose(layer.dLdW, dLdZ.T @ A, rtol=1e-14)
    np.testing.assert_allclose(layer.dLdb, dLdZ.T @ np.ones((7, 1)), rtol=1e-13)
    assert layer.dLdb.shape == layer.b.shape


def test_linear_keeps_dLdA_only_when_debugging(rng):
    for debug in (True, False):
        layer = Linear(2, 2, debug)
        layer.forward(rng.normal(size=(1, 2)))
        dLdA = layer.backward(np.ones((1, 2)))
        assert (getattr(layer, "dLdA", None) is dLdA) == debug


def test_relu_has_derivative_0_at_exactly_0():
    relu = ReLU()
    assert relu.forward(np.array([[-1.0, 0.0, 2.0]])).tolist() == [[0, 0, 2]]
    assert relu.backward(np.array([[5.0, 5.0, 5.0]])).tolist() == [[0, 0, 5]]


@pytest.mark.parametrize("size", [0, 1e3, 1e30])
def test_log_softmax_stays_finite_and_sums_to_one(size):
    Z = np.array([[size, 0.0, -size]])
    log_A = log_softmax(Z)
    assert np.isfinite(log_A).all()
    assert np.exp(log_A).sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("order", ["C", "F"])
def test_log_softmax_is_its_equation_however_the_samples_lie(rng, order):
    Z = np.array(rng.normal(size=(7, 4)), order=order)
    A = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(log_softmax(Z), np.log(A), atol=1e-14)


def test_ones_are_shared_and_so_cannot_be_written_to():
    column = ones(3, np.dtype(float))
    assert column is ones(3, np.dtype(float))
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 2


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_one_hot_is_1_at_the_label_alone(dtype):
    labels = np.array([3, 0, 3, 1], dtype)
    assert np.array_equal(one_hot(labels, 4, np.dtype(float)), np.eye(4)[labels])


def test_one_hot_refuses_a_label_beyond_the_classes():
    with pytest.raises(IndexError):
        one_hot(np.array([10]), 10, np.dtype(float))


@pytest.mark.parametrize("order", ["C", "F"])
def test_loss_is_the_mean_of_minus_log_A_at_the_true_label(rng, order):
    Z, labels = np.array(rng.normal(size=(6, 4)), order=order), np.array([0, 1, 2, 3, 0, 1])
    picked = log_softmax(Z)[np.arange(6), labels]
    assert SoftmaxCrossEntropy().forward(Z, labels) == pytest.approx(-picked.mean(), rel=1e-14)


def test_loss_of_a_network_of_zeros_is_ln_10(rng):
    network = Network(rng=rng, dtype=np.float64)
    for value in network.parameters.values():
        value[:] = 0
    Z_o = network.forward(rng.random((32, 784)))
    assert network.loss(Z_o, rng.integers(0, 10, 32)) == pytest.approx(np.log(10), abs=1e-12)


def test_gradient_of_the_loss_is_A_minus_Y_over_N(rng):
    Z, labels = rng.normal(size=(6, 4)), np.array([0, 1, 2, 3, 0, 1])
    measure = SoftmaxCrossEntropy()
    measure.forward(Z, labels)
    A = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(measure.backward(), (A - np.eye(4)[labels]) / 6, atol=1e-15)


def test_network_has_the_shapes_of_the_network_document(rng):
    network = Network(rng=rng)
    network.loss(network.forward(rng.random((3, 784), np.float32)), np.array([1, 2, 3]))
    network.backward()
    shapes = {"W_h": (10, 784), "b_h": (10, 1), "W_o": (10, 10), "b_o": (10, 1)}
    assert {name: value.shape for name, value in network.parameters.items()} == shapes
    assert {name: value.shape for name, value in network.gradients.items()} == shapes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_precision_from_end_to_end(rng, dtype):
    network = Network(rng=rng, dtype=dtype)
    Z_o = network.forward(scale_pixels(rng.integers(0, 256, (3, 28, 28), np.uint8), dtype))
    network.loss(Z_o, np.array([1, 2, 3]))
    network.backward()
    assert Z_o.dtype == dtype
    assert {value.dtype for value in network.gradients.values()} == {np.dtype(dtype)}


def test_weights_are_he_normal_and_repeat_with_the_generator():
    first, second = (Network(400, rng=np.random.default_rng(1)) for _ in range(2))
    for name, value in first.parameters.items():
        assert np.array_equal(value, second.parameters[name])
    assert first.parameters["W_h"].std() == pytest.approx(np.sqrt(2 / 784), rel=0.01)
    assert not first.parameters["b_h"].any()


def test_a_hidden_layer_of_zeros_cannot_learn(rng):
    network = Network(rng=rng)
    for value in network.parameters.values():
        value[:] = 0
    network.loss(network.forward(rng.random((8, 784), np.float32)), np.arange(8))
    network.backward()
    moves = {name: bool(value.any()) for name, value in network.gradients.items()}
    assert moves == {"W_h": False, "b_h": False, "W_o": False, "b_o": True}


def test_predict_is_the_likeliest_of_predict_proba(rng):
    network, A = Network(rng=rng), rng.random((20, 784), np.float32)
    probabilities = network.predict_proba(A)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(network.predict(A), probabilities.argmax(axis=1))


def test_scale_pixels_takes_black_to_0_and_white_to_1_exactly():
    for dtype in (np.float32, np.float64):
        A = scale_pixels(np.repeat([[0, 255]], 392, axis=0).reshape(1, 784).astype(np.uint8), dtype)
        assert set(A.ravel()) == {0, 1}
        assert A.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_empty_batch_starts_on_a_cache_line_and_takes_the_same_numbers(rng, dtype):
    images = rng.integers(0, 256, (7, 28, 28), np.uint8)
    for N in (7, 64):
        room = empty_batch(N, 784, dtype)
        assert room.shape == (N, 784)
        assert room.ctypes.data % 64 == 0
        A = scale_pixels(images, out=room)
        assert np.shares_memory(A, room)
        assert np.array_equal(A, scale_pixels(images, dtype))


def test_load_parameters_copies_and_refuses_a_wrong_shape(rng):
    network, other = Network(4, rng=rng), Network(4, rng=rng)
    network.load_parameters(other.parameters)
    assert np.array_equal(network.parameters["W_h"], other.parameters["W_h"])
    assert network.parameters["W_h"] is not other.parameters["W_h"]
    before = network.theta.copy()
    for name, wrong in (("W_h", np.ones((1, 784))), ("b_o", np.ones((1, 10)))):
        with pytest.raises(ValueError, match=name):
            network.load_parameters({**other.astype(float).parameters, name: wrong})
    assert np.array_equal(network.theta, before)


def test_parameters_and_theta_are_the_same_numbers(rng):
    network = Network(4, rng=rng)
    network.theta += 1
    together = np.concatenate([value.ravel() for value in network.parameters.values()])
    assert np.array_equal(together, network.theta)
    assert network.hidden.W is network.parameters["W_h"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_of_a_network_is_whole_and_independent(rng, copied):
    network = Network(4, rng=rng)
    twin = copied(network)
    assert np.array_equal(twin.theta, network.theta)
    twin.theta += 1
    assert np.array_equal(twin.output.b, network.output.b + 1)
