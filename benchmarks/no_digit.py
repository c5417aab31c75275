"""How well is refused what is no digit, and which way of telling it is best?

    python benchmarks/no_digit.py FOLDER

Six scores are compared at the threshold that refuses 0.4% of MNIST's held-out pictures, on pictures
that are no digit, made of held-out digits and by the pen. Then FOLDER's pictures (real ones, with a
`labels.csv` of `file` and `what`) are read as `predict` reads them, by the bundled model. It takes
some minutes: two of the ways have to be trained first.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from nnscratch import TrainConfig, load_dataset, load_model
from nnscratch.augment import augment
from nnscratch.calibrate import REFUSED_SHARE
from nnscratch.core import Linear, Network, SoftmaxCrossEntropy
from nnscratch.data.negatives import KINDS, make_negatives
from nnscratch.errors import NNScratchError, NoDigitError
from nnscratch.model import Model
from nnscratch.pictures.framing import deskew
from nnscratch.products import scale_pixels
from nnscratch.reading import read_digits
from nnscratch.training import hold_out

NO_DIGIT, BATCH, RATE = 10, 32, 0.2
Score = Callable[[np.ndarray], np.ndarray]


def log_sum(Z: np.ndarray) -> np.ndarray:
    """Return log Σ exp(Z) of each row."""
    largest = Z.max(axis=1)
    return largest + np.log(np.exp(Z - largest[:, np.newaxis]).sum(axis=1))


def hidden(network: Network, images: np.ndarray) -> np.ndarray:
    """Return A_h, (n, H)."""
    network.forward(scale_pixels(images))
    return network.A_h.copy()


def energy(network: Network) -> Score:
    """Liu et al. 2020, arXiv:2010.03759."""
    return lambda images: -log_sum(network.forward(scale_pixels(images)))


def distance(network: Network, images: np.ndarray, labels: np.ndarray) -> Score:
    """Mahalanobis distance to the nearest digit's mean (Lee et al. 2018, arXiv:1807.03888)."""
    A_h = hidden(network, images)
    means = np.stack([A_h[labels == digit].mean(axis=0) for digit in range(10)])
    off = A_h - means[labels]
    inverse = np.linalg.inv(off.T @ off / len(off) + 1e-3 * np.eye(off.shape[1]))

    def score(pictures: np.ndarray) -> np.ndarray:
        rows = hidden(network, pictures)
        each = [((rows - mean) @ inverse * (rows - mean)).sum(axis=1) for mean in means]
        return np.min(each, axis=0)

    return score


def batches(images: np.ndarray, labels: np.ndarray, epochs: int, rng: np.random.Generator):
    """Yield batches of new variants, their labels, and the rate, which falls along a cosine."""
    done = 0
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), 64 * BATCH):
            chosen = order[start : start + 64 * BATCH]
            variants = augment(images[chosen], rng)
            for first in range(0, len(chosen), BATCH):
                rate = RATE / 2 * (1 + math.cos(math.pi * done / (epochs * len(images))))
                part = slice(first, first + BATCH)
                yield scale_pixels(variants[part]), labels[chosen[part]], rate
                done += len(chosen[part])


def head(network: Network, images: np.ndarray, labels: np.ndarray, epochs: int) -> Score:
    """Return an eleventh answer on the trained hidden layer, which is left as it is."""
    rng, measure = np.random.default_rng(1), SoftmaxCrossEntropy()
    layer = Linear(len(network.hidden.b), NO_DIGIT + 1, dtype=np.float32)
    for A, answers, rate in batches(images, labels, epochs, rng):
        network.forward(A)
        measure.forward(layer.forward(network.A_h), answers)
        layer.store_gradients(measure.backward())
        layer.W -= rate / 10 * layer.dLdW
        layer.b -= rate / 10 * layer.dLdb

    def score(pictures: np.ndarray) -> np.ndarray:
        Z = layer.forward(hidden(network, pictures))
        return Z[:, NO_DIGIT] - log_sum(Z[:, :NO_DIGIT])

    return score


def exposed(images: np.ndarray, labels: np.ndarray, epochs: int) -> Network:
    """Train a network of ten answers for which Y is 0.1 everywhere where there is no digit."""
    rng = np.random.default_rng(1)
    network = Network(256, rng=rng)
    for A, answers, rate in batches(images, labels, epochs, rng):
        network.loss(network.forward(A), np.minimum(answers, 9))
        network.softmax_cross_entropy.Y[answers == NO_DIGIT] = 0.1
        network.backward()
        network.theta -= rate * network.dLdtheta
    return network


def show_methods(scores: dict[str, Score], digits: np.ndarray, none: np.ndarray, kinds) -> None:
    """Print which share of each kind is refused, for every way."""
    table = Table(box=box.SIMPLE, title=f"refused, where {REFUSED_SHARE:.2%} of digits are")
    for heading in ("", *scores):
        table.add_column(heading, justify="right" if heading else "left")
    refused = {}
    for name, score in scores.items():
        refused[name] = score(none) > np.quantile(score(digits), 1 - REFUSED_SHARE)
    for number, kind in enumerate(KINDS):
        table.add_row(kind, *(f"{hit[kinds == number].mean():.1%}" for hit in refused.values()))
    table.add_section()
    table.add_row("all", *(f"{hit.mean():.1%}" for hit in refused.values()))
    Console(width=110).print(table)


def show_folder(model: Model, folder: Path) -> None:
    """Read real pictures that hold no digit, and name those that are called one."""
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    refused, otherwise = 0, 0
    for row in rows:
        try:
            answer = read_digits(model, folder / row["file"])
        except NoDigitError:
            refused += 1
        except NNScratchError:
            otherwise += 1
        else:
            if "what" in row:
                print(f"{row['what']}: {answer.text.replace(chr(10), ' / ')}")
    print(f"{folder.name}: {refused} of {len(rows)} refused, {refused / len(rows):.1%}")
    if otherwise:
        print(f"{otherwise} could not be read")


def main(
    folders: Annotated[list[Path], typer.Argument(help="Pictures and labels.csv.")],
    data_dir: Annotated[Path, typer.Option(envvar="NNSCRATCH_DATA_DIR")] = Path("data"),
    epochs: Annotated[int, typer.Option(help="Of the two ways that are trained here.")] = 8,
) -> None:
    """Compare six ways to refuse, and read folders of real pictures."""
    model = load_model("pretrained")
    network, rejector = model.network, model.rejector
    assert rejector is not None
    mnist = load_dataset(data_dir)
    learned, held = hold_out(len(mnist.train_images), TrainConfig())
    images, labels = mnist.train_images, mnist.train_labels
    rng = np.random.default_rng(0)
    none, _ = make_negatives(images[learned], labels[learned], len(learned), rng)
    both = deskew(np.concatenate([images[learned], none]))
    answers = np.concatenate([labels[learned], np.full(len(none), NO_DIGIT)]).astype(np.intp)
    taught = exposed(both, answers, epochs)
    digits = both[: len(learned)]
    scores: dict[str, Score] = {
        "largest probability": lambda pictures: (
            -network.predict_proba(scale_pixels(pictures)).max(axis=1)
        ),
        "energy": energy(network),
        "distance": distance(network, digits, labels[learned]),
        "Y = 0.1, energy": energy(taught),
        "head on A_h": head(network, both, answers, epochs),
        "own network": rejector.judge,
    }
    unseen, kinds = make_negatives(images[held], labels[held], len(held), np.random.default_rng(5))
    show_methods(scores, deskew(images[held]), deskew(unseen), kinds)
    for folder in folders:
        show_folder(model, folder)


if __name__ == "__main__":
    typer.run(main)
