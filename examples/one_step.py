"""Take one step of gradient descent by hand, after checking one gradient against the loss."""

import numpy as np

from nnscratch import Network

rng = np.random.default_rng(0)
A = rng.random((32, 784))  # 32 pictures of noise
labels = rng.integers(0, 10, 32)
network = Network(rng=rng, dtype=np.float64)


def loss() -> float:
    """Return the mean loss of the 32 pictures, in nats."""
    return network.loss(network.forward(A), labels)


before = loss()
network.backward()
gradients = {name: gradient.copy() for name, gradient in network.gradients.items()}

# The slope of the loss along one weight, from two nearby losses.
W_o, h = network.parameters["W_o"], 1e-5
W_o[3, 4] += h
above = loss()
W_o[3, 4] -= 2 * h
below = loss()
W_o[3, 4] += h
print(f"dL/dW_o[3, 4]: {gradients['W_o'][3, 4]:.8f} by backward")
print(f"dL/dW_o[3, 4]: {(above - below) / (2 * h):.8f} by differences")

for name, parameter in network.parameters.items():
    parameter -= 0.1 * gradients[name]
print(f"loss {before:.4f} before the step, {loss():.4f} after")
