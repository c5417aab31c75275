"""How fast is it, next to others doing the same work? A table, and JSON with --json.

    pip install -e '.[bench]'
    python benchmarks/compare.py --rounds 5

Machines are noisy, so nothing is measured alone: the trainers of `trainers.py` run in turn, each
in a fresh process, for several rounds, and what counts is the ratio to nnscratch within a round.
The first epoch of each run warms up (compiles, pages in) and is not counted. A peer that learns
less well than the others has done other work, and its row is void. Peers that are not installed
are left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from trainers import BATCH, RATE, TRAINERS

COUNTED_EPOCHS = 4
EQUALLY_WELL = 0.02  # how far a test accuracy may lie below nnscratch's


def run(command: list[str], folder: str | None = None) -> tuple[str, float, float]:
    """Run a process to its end; gives its stdout, its seconds and its peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return output, time.perf_counter() - started, usage.ru_maxrss / 1024


def worker(name: str, epochs: int) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("trainers.py")), name, str(epochs)]


def epoch_seconds(name: str) -> float:
    """Return the median epoch of one run, in seconds, without the first."""
    output, _, _ = run(worker(name, COUNTED_EPOCHS + 1))
    return statistics.median(json.loads(output.splitlines()[-1])["epoch_seconds"][1:])


def whole_run(name: str, epochs: int) -> tuple[float, float, float]:
    """Train from cached files to the end; gives test accuracy, seconds and peak MB."""
    if name == "nnscratch":
        options = f"train --epochs {epochs} --batch-size {BATCH} --lr {RATE} --validation 0 --json"
        command = [sys.executable, "-m", "nnscratch", *options.split()]
    else:
        command = worker(name, epochs)
    with tempfile.TemporaryDirectory() as folder:  # where nnscratch leaves its model
        output, seconds, megabytes = run(command, folder)
    return json.loads(output.splitlines()[-1])["test_accuracy"], seconds, megabytes


def measure(names: list[str], rounds: int, epochs: int) -> dict[str, dict[str, object]]:
    """Run everything in turn, and put the figures of each trainer together."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            seconds[name].append(epoch_seconds(name))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    rows: dict[str, dict[str, object]] = {}
    for name in names:
        ratios = [a / b for a, b in zip(seconds[name], seconds["nnscratch"], strict=True)]
        rows[name] = {
            "epoch_seconds": statistics.median(seconds[name]),
            "epoch_seconds_spread": [min(seconds[name]), max(seconds[name])],
            "ratio": statistics.median(ratios),
            "ratio_spread": [min(ratios), max(ratios)],
        }
        if name != "control":
            accuracy, whole, megabytes = whole_run(name, epochs)
            rows[name] |= {
                "test_accuracy": accuracy, "process_seconds": whole, "peak_megabytes": megabytes,
            }  # fmt: skip
    ours = rows["nnscratch"]["test_accuracy"]
    for row in rows.values():
        row["void"] = "test_accuracy" in row and row["test_accuracy"] < ours - EQUALLY_WELL  # type: ignore[operator]
    return rows


def table(rows: dict[str, dict[str, object]], epochs: int) -> Table:
    """Draw the figures."""
    table = Table(box=box.SIMPLE, title=f"784-10-10, 60,000 pictures, batch {BATCH}, SGD")
    table.add_column("")
    headings = ("ms an epoch", "(spread)", "ratio", "(spread)", "test accuracy")
    for heading in (*headings, f"s for {epochs} epochs, whole process", "peak MB"):
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        low, high = row["epoch_seconds_spread"]
        least, most = row["ratio_spread"]
        figures = [f"{row['epoch_seconds'] * 1e3:.0f}", f"{low * 1e3:.0f}-{high * 1e3:.0f}"]
        figures += [f"{row['ratio']:.2f}", f"{least:.2f}-{most:.2f}"]
        if "test_accuracy" in row:
            figures.append("void" if row["void"] else f"{row['test_accuracy']:.2%}")
            figures += [f"{row['process_seconds']:.1f}", f"{row['peak_megabytes']:.0f}"]
        table.add_row(name, *figures)
    return table


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is run.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the whole-process run.")] = 20,
    only: Annotated[list[str] | None, typer.Option(help="Only these, and nnscratch.")] = None,
    as_json: Annotated[bool, typer.Option("--json/--no-json", help="JSON alone.")] = False,
) -> None:
    """Compare training speed with the peers that are installed."""
    names = [
        name
        for name, (_, module) in TRAINERS.items()
        if find_spec(module) and (not only or name in (*only, "nnscratch"))
    ]
    rows = measure(names, rounds, epochs)
    if as_json:
        print(json.dumps(rows))
    else:
        Console().print(table(rows, epochs))


if __name__ == "__main__":
    typer.run(main)
