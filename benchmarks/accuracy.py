"""What test accuracy does each recipe reach? Mean ± sd over seeds, at the final epoch.

    python benchmarks/accuracy.py [--seeds 5] [--only NAME]

Every recipe was chosen on held-out training pictures; the test set is looked at here, once a run.
Rows marked † learned from the built-in digits alone, and are measured on the real test set.
"""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from nnscratch import TrainConfig, TrainingState, evaluate, fit, load_model
from nnscratch.config import NO_TEACHER, config_from, load_settings
from nnscratch.data import Dataset, load_dataset, obtain_dataset

CONFIGS = Path(__file__).parents[1] / "configs"


@dataclass(frozen=True)
class Recipe:
    """A name, the command that does the same, and its settings."""

    name: str
    command: str
    config: TrainConfig
    built_in: bool = False


def preset(name: str, **changes: object) -> TrainConfig:
    return replace(config_from(load_settings(CONFIGS / f"{name}.toml")), **changes)


PLAIN = TrainConfig()
RECIPES = (
    Recipe("plain", "--lr 0.1 --epochs 20", PLAIN),
    Recipe("cosine", "--schedule cosine", replace(PLAIN, schedule="cosine")),
    Recipe("textbook", "--config configs/textbook.toml", preset("textbook")),
    Recipe("best", "--config configs/best.toml", preset("best")),
    Recipe("best, deskewed", "--config configs/best.toml --deskew", preset("best", deskew=True)),
    Recipe("taught", "--config configs/taught.toml", preset("taught")),
    Recipe("wide", "--config configs/wide.toml", preset("wide")),
    Recipe("built-in †", "--dataset synthetic", PLAIN, built_in=True),
    Recipe(
        "built-in, deskewed †",
        "--dataset synthetic --deskew",
        replace(PLAIN, deskew=True),
        built_in=True,
    ),
    Recipe(
        "built-in, wide †",
        "--dataset synthetic --hidden 128",
        replace(PLAIN, hidden_size=128),
        built_in=True,
    ),
)


def measure(recipe: Recipe, mnist: Dataset, built_in: Dataset, seeds: int) -> dict[str, object]:
    """Train once a seed; gives the test accuracies and the seconds of training."""
    accuracies, seconds = [], []
    for seed in range(seeds):
        config = replace(recipe.config, seed=seed)
        state = TrainingState.start(config)
        dataset = built_in if recipe.built_in else mnist
        teacher = None if config.teacher == NO_TEACHER else load_model(config.teacher)
        epochs = fit(state, dataset.train_images, dataset.train_labels, config, teacher=teacher)
        seconds.append(sum(result.seconds for result in epochs))
        images, labels = mnist.test_images, mnist.test_labels
        report = evaluate(state.network, images, labels, deskewed=config.deskew)
        accuracies.append(report.accuracy)
    return {
        "recipe": recipe.name,
        "command": recipe.command,
        "hidden": recipe.config.hidden_size,
        "test_accuracy": statistics.mean(accuracies),
        "sd": statistics.stdev(accuracies) if seeds > 1 else 0.0,
        "accuracies": accuracies,
        "seconds": statistics.median(seconds),
    }


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0 to this less one.")] = 5,
    only: Annotated[list[str] | None, typer.Option(help="Only these recipes.")] = None,
    data_dir: Annotated[Path, typer.Option(envvar="NNSCRATCH_DATA_DIR")] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json/--no-json", help="JSON alone.")] = False,
) -> None:
    """Measure the recipes of the README on the real MNIST."""
    mnist, built_in = load_dataset(data_dir), obtain_dataset(Path("data"), "synthetic")
    table = Table(box=box.SIMPLE, title=f"Test accuracy on MNIST, seeds 0 to {seeds - 1}")
    for heading in ("recipe", "nnscratch train", "hidden", "mean ± sd", "seconds"):
        table.add_column(heading, justify="right" if heading in ("hidden", "seconds") else "left")
    for recipe in RECIPES:
        if only and recipe.name not in only:
            continue
        row = measure(recipe, mnist, built_in, seeds)
        if as_json:
            print(json.dumps(row), flush=True)
        figure = f"{row['test_accuracy']:.2%} ± {row['sd']:.2%}"
        table.add_row(
            recipe.name, recipe.command, str(row["hidden"]), figure, f"{row['seconds']:.0f}"
        )
    if not as_json:
        Console(width=110).print(table)


if __name__ == "__main__":
    typer.run(main)
