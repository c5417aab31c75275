"""How does the cost of an epoch grow, with samples, batch and hidden width? A table in Markdown.

    python benchmarks/scaling.py > docs/scaling.md

Each size is run in a process of its own, on one core and on all of them; the figures are the median
of three epochs after one that warms up, in milliseconds for 60,000 pictures. Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from nnscratch import TrainConfig, TrainingState, fit
from nnscratch.data.synthetic import draw_digits
from nnscratch.products import small_kernels

EPOCHS = 3
PLAIN = {"samples": 60_000, "batch": 64, "hidden": 10}
SWEEPS = {
    "samples": (7_500, 15_000, 30_000, 60_000),
    "batch": (16, 32, 64, 128, 256, 512, 1024),
    "hidden": (10, 32, 64, 128, 256, 512, 1024),
}
INTRODUCTION = """# How the cost grows

Milliseconds per epoch, as printed by `python benchmarks/scaling.py` on a machine with {cores}
cores{kernels} kernels for small matrices. Unless the table says otherwise: 60,000 samples, batches
of 64, 10 hidden units. *Of the peak* compares the operations of the two large products, per second
of an epoch on all cores, with {peak:.0f} GFLOP/s: what one core does in a product of two matrices
of 1,024×1,024.
"""
REASONS = {
    "samples": "Time is proportional to the number of samples: every step costs the same.",
    "batch": "In small batches the overhead of some thirty NumPy calls per step dominates; in "
    "larger ones, converting the pixels and the two large products.",
    "hidden": "With ten units, overhead and pixels dominate; from about thirty on, the two large "
    "products do, and time grows with the width. Products are shared between two cores from 80 "
    "million multiplications on.",
}

CONCLUSION = """## The cores

All cores took between {least:.2f} and {most:.2f} times as long as one. BLAS itself uses one thread:
its own threads wait for each other whenever the second core is not entirely free, and round
otherwise than one. Instead, the next pictures are fetched on the second core, and large products
are cut in two. Which core computes a half does not change it, so that models are the same, to the
last bit, on one core and on several.

OpenBLAS, which NumPy's wheels carry, has kernels for small matrices on processors with AVX-512.
They take products of up to a million multiplications; larger ones are cut into tiles of that size
(`products.py`). Elsewhere tiles are slower than the undivided product, and nothing is cut."""


def peak() -> float:
    """Return the GFLOP/s of one core in a large product."""
    matrix, seconds = np.ones((1024, 1024), np.float32), []
    for _ in range(20):
        started = time.perf_counter()
        matrix.dot(matrix)
        seconds.append(time.perf_counter() - started)
    return 2e-9 * 1024**3 / min(seconds)


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


def in_a_process(cores: Iterable[int], size: dict[str, int]) -> float:
    """Run one size on some cores; gives milliseconds."""
    output = subprocess.check_output(
        [sys.executable, __file__, json.dumps({**size, "cores": list(cores)})], text=True
    )
    return 1e3 * float(output)


def main() -> None:
    """Print the tables."""
    cores, highest = os.sched_getaffinity(0), peak()
    kernels = " and" if small_kernels() else " and no"
    print(INTRODUCTION.format(cores=len(cores), kernels=kernels, peak=highest))
    ratios = []
    for name, sizes in SWEEPS.items():
        print(f"## By {name}\n\n{REASONS[name]}\n")
        print(f"| {name} | one core | all cores | all over one | of the peak |")
        print("|---:|---:|---:|---:|---:|")
        for size in sizes:
            work = {**PLAIN, name: size}
            one_core, all_cores = (in_a_process(some, work) for some in ([min(cores)], cores))
            ratios.append(all_cores / one_core)
            share = 4e-6 * 784 * work["samples"] * work["hidden"] / all_cores / highest
            row = f"| {size:,} | {one_core:.0f} | {all_cores:.0f} | {ratios[-1]:.2f} "
            print(f"{row}| {share:.0%} |", flush=True)
        print()
    print(CONCLUSION.format(least=min(ratios), most=max(ratios)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work = json.loads(sys.argv[1])
        os.sched_setaffinity(0, work.pop("cores"))
        print(one(**work))
    else:
        main()
