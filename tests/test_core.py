"""The blackboard: shapes, values that can be done by hand, and what may not happen."""

import copy
import pickle

import numpy as np
import pytest

from nnscratch.core import Linear, Network, ReLU, SoftmaxCrossEntropy, log_softmax, one_hot
from nnscratch.products import scale_pixels


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


REAL = [np.float32, np.float64, np.int64, list]


def as_real(values, kind):
    return values.tolist() if kind is list else values.astype(kind)


@pytest.mark.parametrize("of_W", REAL)
@pytest.mark.parametrize("of_A", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("of_layer", [np.float32, np.float64])
def test_linear_alone_takes_any_real_arrays(of_layer, of_A, of_W, rng):
    layer = Linear(5, 3, dtype=of_layer)
    W, b = rng.integers(-5, 5, (3, 5)), rng.integers(-5, 5, (3, 1))
    A, dLdZ = rng.integers(-5, 5, (7, 5)), rng.integers(-5, 5, (7, 3))
    layer.W, layer.b = as_real(W, of_W), as_real(b, of_W)
    assert np.array_equal(layer.forward(A.astype(of_A)), A @ W.T + b.T)
    assert np.array_equal(layer.backward(dLdZ.astype(of_A)), dLdZ @ W)
    assert np.array_equal(layer.dLdW, dLdZ.T @ A)
    assert np.array_equal(layer.dLdb, dLdZ.sum(axis=0, keepdims=True).T)


def test_linear_goes_on_after_its_gradients_are_assigned(rng):
    layer, A = Linear(5, 3), rng.normal(size=(7, 5))
    layer.dLdW, layer.dLdb = np.ones((3, 5), np.float32), [[1], [2], [3]]
    layer.forward(A)
    layer.backward(np.ones((7, 3)))
    np.testing.assert_allclose(layer.dLdW, np.ones((3, 7)) @ A)
    assert layer.dLdb.tolist() == [[7], [7], [7]]


@pytest.mark.parametrize("name", ["W", "b", "dLdW", "dLdb"])
def test_linear_refuses_an_array_of_another_shape_and_keeps_its_own(name):
    layer = Linear(5, 3)
    for wrong in (np.ones(5), np.ones((1, 5)), np.ones((3,)), 1.0):
        with pytest.raises(ValueError, match=f"^{name} should have the shape"):
            setattr(layer, name, wrong)
    assert not getattr(layer, name).any()


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


# ------------------------------------------------------- one place for the numbers of a network


def test_load_parameters_copies(rng):
    network, other = Network(4, rng=rng), Network(4, rng=rng)
    network.load_parameters(other.parameters)
    assert np.array_equal(network.theta, other.theta)
    other.theta += 1
    assert np.array_equal(network.theta + 1, other.theta)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("W_h", (1, 784)),
        ("W_h", (784,)),
        ("b_h", (1, 1)),
        ("W_o", (10, 5)),
        ("b_o", (1, 10)),
        ("b_o", ()),
    ],
)
def test_load_parameters_refuses_another_shape_by_name_and_changes_nothing(name, shape, rng):
    network, before = Network(4, rng=rng), Network(4, rng=rng).theta
    network.theta = before
    good = {key: value + 1 for key, value in network.parameters.items()}
    with pytest.raises(ValueError, match=f"^{name} should have the shape"):
        network.load_parameters({**good, name: np.ones(shape)})
    assert np.array_equal(network.theta, before)


@pytest.mark.parametrize("name", ["W_h", "b_h", "W_o", "b_o"])
def test_load_parameters_refuses_three_of_four_and_changes_nothing(name, rng):
    network = Network(4, rng=rng)
    before = network.theta.copy()
    three = {key: value + 1 for key, value in network.parameters.items() if key != name}
    with pytest.raises(KeyError, match=name):
        network.load_parameters(three)
    assert np.array_equal(network.theta, before)


def assert_whole(network):
    """Layers, parameters and θ are the same memory, and so are the gradients."""
    for vector, named, prefix in (
        (network.theta, network.parameters, ""),
        (network.dLdtheta, network.gradients, "dLd"),
    ):
        vector[:] = np.arange(len(vector))
        together = np.concatenate([value.ravel() for value in named.values()])
        assert np.array_equal(together, vector)
        for layer, end in ((network.hidden, "_h"), (network.output, "_o")):
            for W in "Wb":
                assert getattr(layer, prefix + W) is named[W + end]


def test_parameters_and_theta_are_the_same_numbers(rng):
    assert_whole(Network(4, rng=rng))


ASSIGNED = {
    "hidden.W": lambda network: setattr(network.hidden, "W", np.full((4, 784), 0.01)),
    "hidden.b": lambda network: setattr(network.hidden, "b", np.ones((4, 1), int)),
    "output.W": lambda network: setattr(network.output, "W", np.ones((10, 4), np.float32)),
    "output.b": lambda network: setattr(network.output, "b", [[1]] * 10),
    "output.dLdW": lambda network: setattr(network.output, "dLdW", np.ones((10, 4))),
    "theta": lambda network: setattr(network, "theta", np.full(4 * 785 + 10 * 5, 0.01)),
    "dLdtheta": lambda network: setattr(network, "dLdtheta", np.ones(4 * 785 + 10 * 5)),
    "theta +=": lambda network: setattr(network, "theta", network.theta + 0.01),
}


@pytest.mark.parametrize("attribute", ASSIGNED)
def test_whoever_assigns_the_network_stays_whole_and_learns_on(attribute, rng):
    network = Network(4, rng=rng)
    before = network.theta.copy()
    ASSIGNED[attribute](network)
    if "dLd" not in attribute:
        assert not np.array_equal(network.theta, before)
    A, labels = rng.random((8, 784)), np.arange(8)
    first = network.loss(network.forward(A), labels)
    for _ in range(5):
        network.backward()
        network.theta -= 0.01 * network.dLdtheta
        last = network.loss(network.forward(A), labels)
    assert last < first
    assert_whole(network)


@pytest.mark.parametrize("wrong", [np.ones((1, 784)), np.ones((784, 4)), 0])
def test_a_layer_of_a_network_refuses_another_shape(wrong, rng):
    network = Network(4, rng=rng)
    before = network.theta.copy()
    with pytest.raises(ValueError, match="W should have the shape"):
        network.hidden.W = wrong
    assert np.array_equal(network.theta, before)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
    "astype": lambda network: network.astype(np.float32),
}


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_of_a_network_is_whole_and_leaves_the_original_so(copied, rng):
    network = Network(4, rng=rng)
    network.deskewed = True
    before = network.theta.copy()
    twin = COPIES[copied](network)
    assert np.array_equal(twin.theta, before)
    assert twin.theta.dtype == np.float32
    assert twin.deskewed
    assert_whole(twin)
    assert np.array_equal(network.theta, before)
    assert_whole(network)


def test_astype_computes_in_another_precision_with_the_same_numbers(rng):
    network = Network(6, rng=rng)
    twin = network.astype(np.float64)
    assert twin.theta.dtype == twin.hidden.W.dtype == np.float64
    assert np.array_equal(twin.theta, network.theta)


def test_the_hidden_units_can_be_looked_at_after_a_forward_pass(rng):
    network, A = Network(4, rng=rng, dtype=np.float64), rng.random((3, 784))
    Z_o = network.forward(A)
    np.testing.assert_allclose(network.Z_h, A @ network.hidden.W.T + network.hidden.b.T)
    np.testing.assert_array_equal(network.A_h, np.maximum(network.Z_h, 0))
    np.testing.assert_allclose(Z_o, network.A_h @ network.output.W.T + network.output.b.T)
