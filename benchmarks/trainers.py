"""The same work done by nnscratch and by its peers, each as its own users would write it fast.

    784 → hidden → 10, plain SGD, learning rate 0.1, float32, shuffled every epoch,
    60,000 training pictures, measured on the 10,000 test pictures.

Each function takes a data set and the `Work` to do, and returns the seconds of each epoch and the
final test accuracy. `python benchmarks/trainers.py NAME EPOCHS [HIDDEN BATCH]` runs one on MNIST in
a process of its own and prints that as JSON; `compare.py` calls it so.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATE = 0.1
# Two are faster only where the second core has nothing else to do and the matrices are wide;
# elsewhere they wait for each other, up to ten times as long.
TORCH_THREADS = int(os.environ.get("TORCH_THREADS", "1"))


@dataclass(frozen=True)
class Work:
    """How long to train, how many hidden units, and how many pictures a step."""

    epochs: int
    hidden: int = 10
    batch: int = 64


Result = tuple[list[float], float]


def mnist():
    """Load MNIST from NNSCRATCH_DATA_DIR or data/."""
    from nnscratch import load_dataset

    dataset = load_dataset(os.environ.get("NNSCRATCH_DATA_DIR", Path(__file__).parents[1] / "data"))
    if dataset.name != "mnist":
        sys.exit("these benchmarks need the real MNIST: set NNSCRATCH_DATA_DIR")
    return dataset


def as_floats(dataset):
    """Return both parts as float32 matrices in [0, 1] and integer labels, as the peers want it."""
    from nnscratch import scale_pixels

    return (
        scale_pixels(dataset.train_images),
        dataset.train_labels.astype("int64"),
        scale_pixels(dataset.test_images),
        dataset.test_labels.astype("int64"),
    )


def nnscratch(dataset, work: Work) -> Result:
    """Train with the package itself."""
    from nnscratch import TrainConfig, TrainingState, evaluate, fit

    config = TrainConfig(
        epochs=work.epochs, batch_size=work.batch, hidden_size=work.hidden, learning_rate=RATE,
        validation_size=0,
    )  # fmt: skip
    state = TrainingState.start(config)
    epochs = fit(state, dataset.train_images, dataset.train_labels, config)
    seconds = [result.seconds for result in epochs]
    return seconds, evaluate(state.network, dataset.test_images, dataset.test_labels).accuracy


def control(dataset, work: Work) -> Result:
    """Do the least NumPy must do: gather and convert the batches, and the two large products."""
    import numpy as np

    from nnscratch.products import empty_batch, scale_pixels

    images, batch = dataset.train_images, work.batch
    rng = np.random.default_rng(0)
    W, dLdZ = np.zeros((work.hidden, 784), np.float32), np.zeros((work.hidden, batch), np.float32)
    pixels = np.empty((batch, 28, 28), np.uint8)
    room = empty_batch(batch, 784)
    Z, dLdW = np.empty((work.hidden, batch), np.float32), np.empty_like(W)
    seconds = []
    for _ in range(work.epochs):
        started = time.perf_counter()
        order = rng.permutation(len(images))
        for start in range(0, len(images) - batch + 1, batch):
            images.take(order[start : start + batch], axis=0, out=pixels, mode="clip")
            A = scale_pixels(pixels, out=room)
            W.dot(A.T, out=Z)
            dLdZ.dot(A, out=dLdW)
        seconds.append(time.perf_counter() - started)
    return seconds, 0.0


def jax(dataset, work: Work) -> Result:
    """One compiled function an epoch: `jit` around `lax.scan` over the batches."""
    import jax
    import jax.numpy as jnp

    x, y, x_test, y_test = map(jnp.asarray, as_floats(dataset))
    key = jax.random.PRNGKey(0)
    keys = jax.random.split(key, 2)
    parameters = {
        "W_h": jax.random.normal(keys[0], (784, work.hidden)) * (2 / 784) ** 0.5,
        "b_h": jnp.zeros(work.hidden),
        "W_o": jax.random.normal(keys[1], (work.hidden, 10)) * (2 / work.hidden) ** 0.5,
        "b_o": jnp.zeros(10),
    }

    def logits(p, a):
        return jax.nn.relu(a @ p["W_h"] + p["b_h"]) @ p["W_o"] + p["b_o"]

    def loss(p, a, labels):
        return -jnp.take_along_axis(jax.nn.log_softmax(logits(p, a)), labels[:, None], 1).mean()

    def one_batch(p, chosen):
        gradients = jax.grad(loss)(p, x[chosen], y[chosen])
        return jax.tree.map(lambda value, slope: value - RATE * slope, p, gradients), None

    whole = len(x) // work.batch * work.batch  # scan needs batches of one length: the rest waits

    @jax.jit
    def one_epoch(p, key):
        order = jax.random.permutation(key, len(x))[:whole].reshape(-1, work.batch)
        return jax.lax.scan(one_batch, p, order)[0]

    seconds = []
    for epoch in range(work.epochs):
        started = time.perf_counter()
        parameters = jax.block_until_ready(one_epoch(parameters, jax.random.PRNGKey(epoch)))
        seconds.append(time.perf_counter() - started)
    return seconds, float((logits(parameters, x_test).argmax(1) == y_test).mean())


def _torch_model(work: Work):
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(TORCH_THREADS)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, work.hidden), torch.nn.ReLU(), torch.nn.Linear(work.hidden, 10)
    )
    return torch, model, torch.optim.SGD(model.parameters(), lr=RATE)


def _torch_accuracy(torch, model, x_test, y_test) -> float:
    with torch.no_grad():
        return float((model(x_test).argmax(1) == y_test).float().mean())


def pytorch(dataset, work: Work) -> Result:
    """Tensors in memory, indexed by a fresh permutation."""
    torch, model, optimizer = _torch_model(work)
    x, y, x_test, y_test = map(torch.from_numpy, as_floats(dataset))
    cross_entropy = torch.nn.functional.cross_entropy
    seconds = []
    for _ in range(work.epochs):
        started = time.perf_counter()
        for chosen in torch.randperm(len(x)).split(work.batch):
            optimizer.zero_grad()
            cross_entropy(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - started)
    return seconds, _torch_accuracy(torch, model, x_test, y_test)


def pytorch_dataloader(dataset, work: Work) -> Result:
    """The usual TensorDataset and DataLoader."""
    torch, model, optimizer = _torch_model(work)
    x, y, x_test, y_test = map(torch.from_numpy, as_floats(dataset))
    pairs = torch.utils.data.TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(pairs, batch_size=work.batch, shuffle=True)
    cross_entropy = torch.nn.functional.cross_entropy
    seconds = []
    for _ in range(work.epochs):
        started = time.perf_counter()
        for a, labels in loader:
            optimizer.zero_grad()
            cross_entropy(model(a), labels).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - started)
    return seconds, _torch_accuracy(torch, model, x_test, y_test)


def scikit_learn(dataset, work: Work) -> Result:
    """MLPClassifier; `partial_fit` over everything is one shuffled epoch."""
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    x, y, x_test, y_test = as_floats(dataset)
    model = MLPClassifier(
        hidden_layer_sizes=(work.hidden,),
        solver="sgd",
        learning_rate_init=RATE,
        momentum=0,
        alpha=0,
        batch_size=work.batch,
        random_state=0,
    )
    seconds = []
    for _ in range(work.epochs):
        started = time.perf_counter()
        model.partial_fit(x, y, classes=np.arange(10))
        seconds.append(time.perf_counter() - started)
    return seconds, float((model.predict(x_test) == y_test).mean())


def keras(dataset, work: Work) -> Result:
    """`model.fit` on arrays, compiled."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    x, y, x_test, y_test = as_floats(dataset)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(work.hidden, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    seconds = []
    for _ in range(work.epochs):
        started = time.perf_counter()
        model.fit(x, y, batch_size=work.batch, epochs=1, shuffle=True, verbose=0)
        seconds.append(time.perf_counter() - started)
    return seconds, float((model.predict(x_test, verbose=0).argmax(1) == y_test).mean())


TRAINERS: dict[str, tuple[Callable[[Any, Work], Result], str]] = {
    "nnscratch": (nnscratch, "nnscratch"),
    "control": (control, "numpy"),
    "JAX": (jax, "jax"),
    "scikit-learn": (scikit_learn, "sklearn"),
    "scikit-learn, 1 thread": (scikit_learn, "sklearn"),
    "PyTorch": (pytorch, "torch"),
    "PyTorch DataLoader": (pytorch_dataloader, "torch"),
    "Keras": (keras, "keras"),
}
# What nnscratch's command line sees to itself; scikit-learn's users have to know of it.
ONE_THREAD = ("nnscratch", "control", "scikit-learn, 1 thread")


if __name__ == "__main__":
    name, work = sys.argv[1], Work(*map(int, sys.argv[2:]))
    if name in ONE_THREAD:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
    epoch_seconds, accuracy = TRAINERS[name][0](mnist(), work)
    print(json.dumps({"epoch_seconds": epoch_seconds, "test_accuracy": accuracy}))
