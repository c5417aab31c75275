"""How does the cost of an epoch grow, with samples, batch and hidden width? A table in Markdown.

    python benchmarks/scaling.py > docs/scaling.md

Each size is run in a process of its own, with one BLAS thread and with two; the figures are the
median of three epochs after one that warms up, in milliseconds for 60,000 pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

from nnscratch import TrainConfig, TrainingState, fit
from nnscratch.data.synthetic import draw_digits

EPOCHS = 3
PLAIN = {"samples": 60_000, "batch": 64, "hidden": 10}
SWEEPS = {
    "samples": (7_500, 15_000, 30_000, 60_000),
    "batch": (16, 32, 64, 128, 256, 512, 1024),
    "hidden": (10, 32, 64, 128, 256, 512, 1024),
}
INTRODUCTION = """# How the cost grows

Milliseconds per epoch, as printed by `python benchmarks/scaling.py` on a machine with two cores.
Unless the table says otherwise: 60,000 samples, batches of 64, 10 hidden units. The threads are
those of BLAS.
"""
REASONS = {
    "samples": "Time is proportional to the number of samples: every step costs the same.",
    "batch": "In small batches the overhead of some thirty NumPy calls per step dominates; in "
    "larger ones, converting the pixels and the two large products. From 128 on, these products "
    "exceed the million multiplications up to which OpenBLAS uses its kernels for small matrices, "
    "and a sample costs more.",
    "hidden": "With ten units, overhead and pixels dominate; from about thirty on, the two large "
    "products do, and time grows with the width.",
}

CONCLUSION = """## One thread or two

Two BLAS threads took between {least:.2f} and {most:.2f} times as long as one: whenever the second
core is not entirely free, they wait for each other. So the command line makes OpenBLAS use one
thread, unless `OPENBLAS_NUM_THREADS` says otherwise."""


def one(samples: int, batch: int, hidden: int) -> float:
    """Return the median seconds of an epoch."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2000).astype(np.uint8)
    times = -(-samples // 2000)
    images = np.tile(draw_digits(labels, rng), (times, 1, 1))[:samples]
    config = TrainConfig(
        epochs=EPOCHS + 1, batch_size=batch, hidden_size=hidden, validation_size=0,
        learning_rate=0.01,
    )  # fmt: skip
    state, labels = TrainingState.start(config), np.tile(labels, times)[:samples]
    seconds = [result.seconds for result in fit(state, images, labels, config)]
    return float(np.median(seconds[1:]))


def in_a_process(threads: int, size: dict[str, int]) -> float:
    """Run one size with a number of BLAS threads; gives milliseconds."""
    output = subprocess.check_output(
        [sys.executable, __file__, json.dumps(size)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
        text=True,
    )
    return 1e3 * float(output)


def main() -> None:
    """Print the tables."""
    print(INTRODUCTION)
    ratios = []
    for name, sizes in SWEEPS.items():
        print(f"## By {name}\n\n{REASONS[name]}\n")
        print(f"| {name} | one thread | two threads | two over one |\n|---:|---:|---:|---:|")
        for size in sizes:
            one_thread, two = (in_a_process(n, {**PLAIN, name: size}) for n in (1, 2))
            ratios.append(two / one_thread)
            row = f"| {size:,} | {one_thread:.0f} | {two:.0f} | {ratios[-1]:.2f} |"
            print(row, flush=True)
        print()
    print(CONCLUSION.format(least=min(ratios), most=max(ratios)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(one(**json.loads(sys.argv[1])))
    else:
        main()
