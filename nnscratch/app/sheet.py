"""What is said of a model once it is measured: plain values for JSON, and the sheet to hand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nnscratch.app import terminal
from nnscratch.app.plots import Mistake, ReportData, save_report
from nnscratch.config import as_dict
from nnscratch.core import Floats
from nnscratch.data import Dataset
from nnscratch.model_file import SavedModel
from nnscratch.training import Report

UNITS_SHOWN, MISTAKES_ON_A_SHEET = 10, 20


def outspoken_units(saved: SavedModel) -> tuple[Floats, Floats]:
    """Return weights (n, 28, 28) and votes (n, 10) of the hidden units with the most say."""
    W_h, W_o = saved.network.parameters["W_h"], saved.network.parameters["W_o"]
    say = np.linalg.norm(W_o, axis=0) * np.linalg.norm(W_h, axis=1)
    chosen = np.sort(np.argsort(-say, kind="stable")[:UNITS_SHOWN])
    return W_h[chosen].reshape(-1, 28, 28), W_o.T[chosen]


def pictures_json(saved: SavedModel, report: Report, votes: Floats, count: int) -> dict[str, Any]:
    """Put what the pictures show, but the pixels, into plain values."""
    return {
        "settings": as_dict(saved.config),
        "mistakes": [
            {
                "index": int(index),
                "true": int(report.labels[index]),
                "predicted": int(report.predicted[index]),
                "probability": float(report.probability[index]),
            }
            for index in report.mistakes(count)
        ],
        "hidden_unit_votes": votes.tolist(),
    }


def plot_report(
    path: Path, saved: SavedModel, data: Dataset, split: str, report: Report, images: Any
) -> None:
    """Draw the sheet to hand in; see `plots.save_report`."""
    units, votes = outspoken_units(saved)
    notes = [f"{key.replace('_', ' ')}: {value}" for key, value in as_dict(saved.config).items()]
    notes += ["", f"learned from: {saved.dataset}", f"measured on: {data.name} {split}"]
    notes += [f"pictures: {len(report.labels):,}", f"accuracy: {report.accuracy:.2%}"]
    notes += [f"loss: {report.loss:.4f} nats per sample"]
    mistakes = [
        Mistake(
            images[index],
            int(report.labels[index]),
            int(report.predicted[index]),
            float(report.probability[index]),
        )
        for index in report.mistakes(MISTAKES_ON_A_SHEET)
    ]
    title = f"784-{saved.config.hidden_size}-10 on the {data.name} {split} pictures: "
    title += f"{report.accuracy:.2%} recognised"
    f1 = [score.f1 for score in report.per_class]
    save_report(path, ReportData(title, notes, report.confusion, f1, units, votes, mistakes))
    terminal.show_note(f"the report is in {path}")


def report_json(report: Report, model: str, dataset: str, split: str) -> dict[str, Any]:
    """Put a report into plain values: losses in nats per sample, shares 0–1."""
    return {
        "model": model,
        "dataset": dataset,
        "split": split,
        "samples": len(report.labels),
        "loss": report.loss,
        "accuracy": report.accuracy,
        "per_class": [vars(score) for score in report.per_class],
        "confusion_matrix": report.confusion.tolist(),
    }
