"""Do the accounts of `nnscratch.explain` add up, on every test picture?

    python benchmarks/accounts.py

For all 10,000 test pictures of MNIST and ten pairs of digits: by how much the account by pixels and
the account by hidden units miss the difference of the two outputs at most, in float32 and float64;
and how much ink tips an answer to the runner-up, tried on every tenth picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nnscratch import load_dataset, load_model
from nnscratch.core import Network
from nnscratch.explain import Tipping, explain, tip
from nnscratch.products import Floats, scale_pixels

PAIRS = [(digit, (digit + 1) % 10) for digit in range(10)]
TIPPED_EVERY = 10


def largest_misses(network: Network, pictures: Floats) -> tuple[float, float]:
    """Return by how much the two accounts miss the lead at most: by pixels, and by units."""
    by_pixels, by_units = 0.0, 0.0
    for A in pictures:
        for digit, against in PAIRS:
            why = explain(network, A, digit, against)
            by_pixels = max(by_pixels, abs(why.pixels.sum() + why.constant - why.lead))
            shares = sum(unit.share for unit in why.units) + why.bias
            by_units = max(by_units, abs(shares - why.lead))
    return by_pixels, by_units


def tipped(network: Network, pictures: Floats) -> list[Tipping]:
    """Return the changes that were found of those that make each picture the runner-up."""
    runners_up = network.forward(pictures).argsort(axis=1)[:, -2]
    found = (tip(network, A, int(digit)) for A, digit in zip(pictures, runners_up, strict=True))
    return [tipping for tipping in found if tipping is not None]


def main(
    model: Annotated[str, typer.Option(help="Model file, or `pretrained`.")] = "pretrained",
    data_dir: Annotated[Path | None, typer.Option(help="Folder with the MNIST files.")] = None,
) -> None:
    """Print the largest differences, and how often the answer tips."""
    loaded, images = load_model(model), load_dataset(data_dir).test_images
    seen = loaded.seen(images)
    print(f"{model}, {len(images):,} pictures, {len(PAIRS)} pairs of digits")
    print("| numbers | by pixels | by hidden units |\n|---|---:|---:|")
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        misses = largest_misses(loaded.network.astype(dtype), scale_pixels(seen, dtype))
        print(f"| {dtype} | {misses[0]:.1e} | {misses[1]:.1e} |", flush=True)
    pictures = scale_pixels(seen[::TIPPED_EVERY])
    found = tipped(loaded.network, pictures)
    pixels, ink = (np.median(kind) for kind in (
        [tipping.pixels for tipping in found], [tipping.less + tipping.more for tipping in found]
    ))  # fmt: skip
    print(f"Tipped {len(found):,} of {len(pictures):,} answers; half of them by at most "
          f"{pixels:.0f} pixels, {ink:.1f} of full ink.")  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
