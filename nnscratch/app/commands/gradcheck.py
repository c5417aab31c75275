"""`nnscratch gradcheck`: are the gradients right?"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from nnscratch.app.options import DataDir, Json, Layers, network_kind
from nnscratch.config import DEFAULT_DATA_DIR


def gradcheck(
    model: Annotated[
        str | None,
        typer.Option(
            help="Model file to check, or `pretrained`; if not given, a new network.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    break_: Annotated[
        Literal["W_h", "b_h", "W_o", "b_o"] | None,
        typer.Option(
            "--break",
            help="Plant an error of 1% in the gradient of W_h, b_h, W_o or b_o, to see it found.",
            metavar="NAME",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Draws the network, the samples and the directions.", metavar="INTEGER"
        ),
    ] = 0,
    layers: Layers = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Json = False,
) -> None:
    """Check every gradient against finite differences of the loss, in float64.

    The samples are test pictures from the data folder, or random if it holds none.
    Nothing is downloaded. The exit code is 0 if every gradient agrees, 1 if not.

    Examples:

        nnscratch gradcheck

        nnscratch gradcheck --break W_o

        nnscratch gradcheck --layers linear.py
    """
    import numpy as np

    from nnscratch import records
    from nnscratch.app import terminal, views
    from nnscratch.gradcheck import check_gradients, check_precision, draw_samples, sample_source
    from nnscratch.model_file import load_model

    rng, kind = np.random.default_rng(seed), network_kind(layers)
    if model:
        trained = load_model(model).network
        network = kind(len(trained.hidden.b), rng=np.random.default_rng(seed))
        network.load_parameters(trained.parameters)
    else:
        network = kind(rng=rng)
    network = network.astype(np.float64)
    draw, samples = sample_source(data_dir, rng, terminal.show_note)
    A, labels = draw_samples(network, draw)
    check_precision(network, A, labels)
    blocks = check_gradients(
        network, A, labels, rng=np.random.default_rng(seed), planted_error=break_
    )
    if json:
        terminal.show_json(records.gradient_check(blocks, samples))
    else:
        views.show_gradcheck(blocks, len(labels), samples)
    if not all(block.passed for block in blocks):
        raise typer.Exit(1)
