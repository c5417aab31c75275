"""How much quicker is a sweep than its runs one after the other? And is the data set shared?

    python benchmarks/sweep.py [RUNS] [EPOCHS]

Times `nnscratch train` once for each run, then one sweep of all of them, and prints the ratio of
the two; 75 runs of 20 epochs are what the promise is about, and 6 of 4 the default. Then the memory
that the workers do not share, in MB, the most of any (Linux only). Uses the data folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from nnscratch.config import SETTINGS, TrainConfig
from nnscratch.cores import cores
from nnscratch.data import Dataset, load_dataset
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import sweep

RATES = (0.03, 0.1, 0.3)


def grid_of(runs: int, epochs: int, validation: int = 5000) -> Grid:
    """Return a grid of at least so many runs."""
    base = TrainConfig(epochs=epochs, validation_size=validation)
    return Grid(base, {"learning_rate": RATES}, tuple(range(-(-runs // len(RATES)))))


def seconds_one_by_one(grid: Grid, folder: Path) -> float:
    """Run the command for each, with the data set of NNSCRATCH_DATA_DIR or `data`."""
    started = time.perf_counter()
    for config in grid.runs():
        options = [
            f"{setting.flag}={getattr(config, key)}"
            for key, setting in SETTINGS.items()
            if setting.type is not bool
        ]
        command = [sys.executable, "-m", "nnscratch", "train", *options, "-o", "model.npz"]
        environment = {"PYTHONPATH": str(Path(__file__).parents[1]), **os.environ}
        if data_dir := os.environ.get("NNSCRATCH_DATA_DIR"):
            environment["NNSCRATCH_DATA_DIR"] = str(Path(data_dir).resolve())
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    return time.perf_counter() - started


def own_megabytes(process: str) -> float:
    """Return how much memory a process has that is no page of a file, in MB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: line.split()[1] for line in lines}
    return int(sizes["Private_Dirty"]) / 1024


class Watch:
    """Looks at the memory of our children, as long as the context lasts."""

    def __enter__(self) -> Watch:
        self.most, self._ended = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            for path in Path("/proc/self/task").glob("*/children"):
                try:
                    self.most = max([self.most, *map(own_megabytes, path.read_text().split())])
                except (OSError, KeyError):
                    continue  # it has ended


def seconds_at_once(grid: Grid, dataset: Dataset, folder: Path) -> float:
    started = time.perf_counter()
    sweep(grid, dataset, folder / "sweep")
    return time.perf_counter() - started


def main() -> None:
    runs, epochs = [*map(int, sys.argv[1:]), *(6, 4)[len(sys.argv) - 1 :]]
    grid, dataset = grid_of(runs, epochs), load_dataset()
    with tempfile.TemporaryDirectory() as name:
        with Watch() as watch:
            together = seconds_at_once(grid, dataset, Path(name))
        apart = seconds_one_by_one(grid, Path(name))
    megabytes = dataset.train_images.nbytes / 1e6
    print(f"{len(grid)} runs of {epochs} epochs, {cores()} cores")
    print(f"one by one {apart:.1f} s, sweep {together:.1f} s: {together / apart:.2f} of it")
    print(f"memory of one worker alone {watch.most:.0f} MB; the pictures are {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
