"""How fast is it, next to others doing the same work? A table, and JSON with --json.

    pip install -e '.[bench]'
    python benchmarks/compare.py --rounds 5
    python benchmarks/compare.py --rounds 3 --grid

Machines are noisy, so nothing is measured alone: the trainers of `trainers.py` run in turn, each
in a fresh process, for several rounds, and what counts is the ratio to nnscratch within a round.
The first epoch of each run warms up (compiles, pages in) and is not counted. A peer that learns
less well than the others has done other work, and its row is void. Peers that are not installed
are left out. `--grid` asks the same of wider networks and larger batches.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from trainers import RATE, TRAINERS, Work

COUNTED_EPOCHS = 4
GRID = (
    *((10, batch) for batch in (32, 64, 128, 256, 1024)),
    *((hidden, 64) for hidden in (32, 64)),
    *((128, batch) for batch in (32, 64, 256)),
    *((hidden, 64) for hidden in (256, 512)),
    (1024, 128),
)  # hidden units, pictures a batch
GRID_PEERS = ("JAX", "PyTorch", "scikit-learn")
GRID_EPOCHS = 2
EQUALLY_WELL = 0.02  # how far a test accuracy may lie below nnscratch's


def run(command: list[str], folder: str | None = None) -> tuple[str, float, float]:
    """Run a process to its end; gives its stdout, its seconds and its peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return output, time.perf_counter() - started, usage.ru_maxrss / 1024


def worker(name: str, work: Work) -> list[str]:
    size = map(str, (work.epochs, work.hidden, work.batch))
    return [sys.executable, str(Path(__file__).with_name("trainers.py")), name, *size]


def epoch_seconds(name: str, work: Work) -> float:
    """Return the median epoch of one run, in seconds, without the first."""
    output, _, _ = run(worker(name, work))
    return statistics.median(json.loads(output.splitlines()[-1])["epoch_seconds"][1:])


def whole_run(name: str, epochs: int) -> tuple[float, float, float]:
    """Train from cached files to the end; gives test accuracy, seconds and peak MB."""
    work = Work(epochs)
    if name == "nnscratch":
        size = f"--epochs {epochs} --hidden {work.hidden} --batch-size {work.batch}"
        options = f"train {size} --lr {RATE} --validation 0 --json"
        command = [sys.executable, "-m", "nnscratch", *options.split()]
    else:
        command = worker(name, work)
    with tempfile.TemporaryDirectory() as folder:  # where nnscratch leaves its model
        output, seconds, megabytes = run(command, folder)
    return json.loads(output.splitlines()[-1])["test_accuracy"], seconds, megabytes


def measure(names: list[str], rounds: int, epochs: int) -> dict[str, dict[str, object]]:
    """Run everything in turn, and put the figures of each trainer together."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            seconds[name].append(epoch_seconds(name, Work(COUNTED_EPOCHS + 1)))
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
    table = Table(box=box.SIMPLE, title=f"784-10-10, 60,000 pictures, batch {Work(1).batch}, SGD")
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


def measure_grid(
    names: list[str],
    rounds: int,
    points: Sequence[tuple[int, int]],
    epochs: int = GRID_EPOCHS,
    measure: Callable[[str, Work], float] = epoch_seconds,
) -> list[dict[str, float]]:
    """Run each point in turn with the peers; gives our milliseconds and their ratios to ours."""
    rows = []
    for hidden, batch in points:
        work = Work(epochs + 1, hidden, batch)
        seconds = [{name: measure(name, work) for name in names} for _ in range(rounds)]
        row = {"hidden": hidden, "batch": batch}
        row["milliseconds"] = 1e3 * statistics.median(each["nnscratch"] for each in seconds)
        for name in names:
            ratios = [each[name] / each["nnscratch"] for each in seconds]
            row[name] = statistics.median(ratios)
        rows.append(row)
        print(f"{hidden} units, batches of {batch}: done", file=sys.stderr)
    return rows


def grid_table(rows: list[dict[str, float]], names: list[str]) -> str:
    """Write the figures as Markdown; a ratio above 1 means that nnscratch is faster."""
    peers = [name for name in names if name != "nnscratch"]
    lines = ["| " + " | ".join(["hidden", "batch", "nnscratch, ms", *peers]) + " |"]
    lines.append("|" + "---:|" * (3 + len(peers)))
    for row in rows:
        size = [f"{row['hidden']:,}", f"{row['batch']:,}", f"{row['milliseconds']:,.0f}"]
        lines.append("| " + " | ".join([*size, *(f"{row[name]:.2f}" for name in peers)]) + " |")
    return "\n".join(lines)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is run.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the whole-process run.")] = 20,
    only: Annotated[list[str] | None, typer.Option(help="Only these, and nnscratch.")] = None,
    grid: Annotated[
        bool, typer.Option("--grid/--no-grid", help="Thirteen widths and batches instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json/--no-json", help="JSON alone.")] = False,
) -> None:
    """Compare training speed with the peers that are installed."""
    names = [
        name
        for name, (_, module) in TRAINERS.items()
        if find_spec(module) and (not only or name in (*only, "nnscratch"))
    ]
    if grid:
        names = [name for name in names if name in ("nnscratch", *(only or GRID_PEERS))]
        points = measure_grid(names, rounds, GRID)
        print(json.dumps(points) if as_json else grid_table(points, names))
        return
    rows = measure(names, rounds, epochs)
    if as_json:
        print(json.dumps(rows))
    else:
        Console().print(table(rows, epochs))


if __name__ == "__main__":
    typer.run(main)
