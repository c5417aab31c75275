"""Do the accounts of `nnscratch.explain` add up, on every test picture?

    python benchmarks/accounts.py

For all 10,000 test pictures of MNIST and ten pairs of digits: by how much the account by pixels and
the account by hidden units miss the difference of the two outputs at most, in float32 and float64;
and how often the change of ink that should tip an answer does, tried on every tenth picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nnscratch import load_dataset, load_model
from nnscratch.core import Network
from nnscratch.explain import explain, tip
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


def tipped(network: Network, pictures: Floats) -> float:
    """Return the share of pictures whose answer becomes the runner-up when it should."""
    held = 0
    for A in pictures:
        first, second = network.forward(A[np.newaxis])[0].argsort()[:-3:-1]
        tipping = tip(network, A, int(first), int(second))
        held += tipping is not None and tipping.holds
    return held / len(pictures)


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
    share = tipped(loaded.network, scale_pixels(seen[::TIPPED_EVERY]))
    print(f"The change of ink tips {share:.1%} of the answers.")


if __name__ == "__main__":
    typer.run(main)
