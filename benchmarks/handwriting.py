"""How well are real pictures by other hands recognised, and what is each step worth?

    python benchmarks/handwriting.py FOLDER

FOLDER holds pictures and a `labels.csv` with the columns `file`, `label` and `source`. Scored are
the resize that tutorials show, then each step of `nnscratch.pictures.read` added in turn, with the
plain 784-10-10 model (`nnscratch train`, unless --plain names one) and the bundled one; and the
whole per source.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table

from nnscratch import TrainConfig, TrainingState, fit, load_dataset, load_model
from nnscratch.errors import NNScratchError
from nnscratch.model import Model
from nnscratch.model_file import BUNDLED_MODEL
from nnscratch.pictures.decode import read_grey
from nnscratch.pictures.read import STEPS, load_picture, prepare_grey

Prepare = Callable[[Path], np.ndarray]


def naive(path: Path) -> np.ndarray:
    """Resize to 28×28 in grey, as tutorials do."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L").resize((28, 28)))


def up_to(number: int) -> Prepare:
    """Prepare with the first `number` steps only."""

    def prepare_some(path: Path) -> np.ndarray:
        grey, _ = read_grey(path, str(path))
        return prepare_grey(grey, skip=STEPS[number:], pass_through=False).image

    return prepare_some


def plain_model(data_dir: Path) -> Model:
    """Train what `nnscratch train` trains."""
    config = TrainConfig()
    state = TrainingState.start(config)
    mnist = load_dataset(data_dir)
    for _ in fit(state, mnist.train_images, mnist.train_labels, config):
        pass
    return Model(state.network, config, "mnist")


def right(model: Model, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Tell which pictures are recognised, (n,) bool."""
    return model.predict(images) == labels


def prepared(paths: list[Path], how: Prepare) -> np.ndarray:
    """Prepare every picture; what cannot be prepared becomes a blank one, and counts as wrong."""
    images = np.zeros((len(paths), 28, 28), np.uint8)
    for image, path in zip(images, paths, strict=True):
        try:
            image[:] = how(path)
        except NNScratchError as error:
            print(error)
    return images


def main(
    folder: Annotated[Path, typer.Argument(help="Pictures and labels.csv.")],
    plain: Annotated[Path | None, typer.Option(help="A 784-10-10 model.")] = None,
    data_dir: Annotated[Path, typer.Option(envvar="NNSCRATCH_DATA_DIR")] = Path("data"),
) -> None:
    """Score a folder of labelled pictures."""
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    paths = [folder / row["file"] for row in rows]
    labels = np.array([int(row["label"]) for row in rows])
    sources = np.array([row["source"] for row in rows])
    models = {
        "plain": load_model(plain) if plain else plain_model(data_dir),
        "bundled": load_model(BUNDLED_MODEL),
    }
    steps: dict[str, Prepare] = {"naive resize": naive}
    steps |= {f"+ {step}": up_to(number) for number, step in enumerate(STEPS, 1)}
    steps["the whole"] = lambda path: load_picture(path).image

    table = Table(box=box.SIMPLE, title=f"{len(rows)} pictures")
    for heading in ("", *models, "ms a picture"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, how in steps.items():
        started = time.perf_counter()
        images = prepared(paths, how)
        milliseconds = 1e3 * (time.perf_counter() - started) / len(paths)
        hits = {key: right(model, images, labels) for key, model in models.items()}
        scores = (f"{hit.mean():.1%}" for hit in hits.values())
        table.add_row(name, *scores, f"{milliseconds:.0f}")
    table.add_section()
    for source in dict.fromkeys(sources):
        mine = sources == source
        scores = (f"{hit[mine].mean():.1%}" for hit in hits.values())
        table.add_row(f"{source} ({mine.sum()})", *scores)
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(main)
