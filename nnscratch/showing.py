"""How things show themselves in a notebook: small tables and pictures, as HTML.

Plain values in, HTML out. No text and no page has a colour of its own, so that both a light and a
dark notebook can be read; what is coloured is coloured faintly. Pictures lie in the HTML.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.arrays import Images

SIDE = 28
SCALE = 3  # pixels for each of a small picture's
BEST = 3
CURVES = (("loss", "train_loss", "validation_loss"), ("validation accuracy", "validation_accuracy"))
BLUE = "0, 114, 178"
RIGHT, TOP = "text-align: right", "vertical-align: top"
UNITS_WIDTH = 720  # pixels, for five beside each other
LEAST_TINT, MOST_TINT = 0.08, 0.6  # how strongly a cell is coloured


class Pictures:
    """Pictures side by side, each with its caption, for a notebook to show.

    Args:
        images: (n, height, width): uint8 grey levels; or any other numbers, drawn in red where
            positive and in blue where negative, each picture on its own scale.
        captions: a line for each, or none.
        scale: of a picture's pixel, in pixels of the screen.
    """

    def __init__(
        self, images: NDArray[Any], captions: Sequence[str] = (), *, scale: int = SCALE
    ) -> None:
        self.scale = scale
        self.images = np.asarray(images)
        self.captions = list(captions) or [""] * len(self.images)
        if self.images.ndim != 3 or len(self.captions) != len(self.images):
            found = f"{self.images.shape} and {len(self.captions)}"
            raise ValueError(f"pictures should be (n, height, width) with n captions, not {found}")

    def __repr__(self) -> str:
        return f"Pictures({', '.join(self.captions)})"

    def _repr_html_(self) -> str:
        return "".join(
            '<div style="display: inline-block; margin: 4px; text-align: center">'
            f"{image_html(image, self.scale)}<br><small>{_text(caption)}</small></div>"
            for image, caption in zip(self.images, self.captions, strict=True)
        )


def image_html(image: NDArray[Any], scale: int = SCALE) -> str:
    """Return a picture: grey if it is uint8, else in red and blue."""
    from nnscratch.pictures.png import grey_png, signed_png

    packed = grey_png(image, scale) if image.dtype == np.uint8 else signed_png(image, scale)
    return _embedded(packed)


def _embedded(packed: bytes) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(packed).decode()}">'


def prediction_html(
    image: Images, digit: int, probabilities: NDArray[Any], notes: Sequence[str]
) -> str:
    """Return a picture beside the probabilities of the likeliest digits, and the doubts below."""
    best = probabilities.argsort()[::-1][:BEST]
    rows = "".join(
        f"<tr><td>{place}</td><td>{_bar(float(probabilities[place]))}</td>"
        f"<td>{probabilities[place]:.1%}</td></tr>"
        for place in best
    )
    said = f"<b>This is {'an' if digit == 8 else 'a'} {digit}</b><table>{rows}</table>"
    beside = f"<table><tr><td>{image_html(image, 2 * SCALE)}</td><td>{said}</td></tr></table>"
    return beside + "".join(f"<p>{_text(note)}</p>" for note in notes)


def _bar(share: float) -> str:
    width = f"width: {round(120 * share)}px"
    return f'<div style="{width}; height: 10px; background: rgb({BLUE})"></div>'


def report_html(
    headline: str, confusion: NDArray[np.int64], scores: Sequence[Mapping[str, float]]
) -> str:
    """Return the confusion matrix, coloured by row, with precision, recall and F1 of each digit.

    Args:
        confusion: (10, 10) counts, rows true.
        scores: of each digit `precision`, `recall` and `f1`.
    """
    digits = range(len(confusion))
    rows = [
        "<tr><th></th>"
        + "".join(f"<th>{digit}</th>" for digit in digits)
        + "<th>precision</th><th>recall</th><th>F1</th></tr>"
    ]
    for digit, counts, score in zip(digits, confusion, scores, strict=True):
        support = max(1, int(counts.sum()))
        cells = "".join(_tinted(int(count), int(count) / support) for count in counts)
        figures = (score["precision"], score["recall"], score["f1"])
        shares = "".join(f'<td style="{RIGHT}">{share:.1%}</td>' for share in figures)
        rows.append(f"<tr><th>{digit}</th>{cells}{shares}</tr>")
    table = f"<table>{''.join(rows)}</table>"
    return f"<b>{_text(headline)}</b>{table}<small>rows: true digit, columns: predicted</small>"


def _tinted(count: int, share: float) -> str:
    """Return a cell: empty for none, else the stronger the larger its share of the row."""
    if not count:
        return "<td></td>"
    tint = LEAST_TINT + (MOST_TINT - LEAST_TINT) * share
    return f'<td style="background: rgba({BLUE}, {tint:.2f}); {RIGHT}">{count:,}</td>'


def model_html(headline: str, lines: Sequence[str], units: Pictures) -> str:
    """Return what a model is, line by line, and what its hidden units look for."""
    below = "".join(f"<br>{_text(line)}" for line in lines)
    explained = "<small>the hidden units: red wants ink, blue wants none</small>"
    shown = f'<div style="max-width: {UNITS_WIDTH}px">{units._repr_html_()}</div>'
    return f"<b>{_text(headline)}</b>{below}{shown}{explained}"


def history_html(epochs: Sequence[Mapping[str, Any]]) -> str:
    """Return the curves of loss and accuracy over the epochs, with their first and last values.

    Args:
        epochs: of each `train_loss`, `validation_loss` and `validation_accuracy`; the last two are
            None where nothing was held out.
    """
    from nnscratch.pictures.png import curves_png

    cells = []
    for title, *keys in CURVES:
        found = [key for key in keys if epochs and epochs[0][key] is not None]
        if not found:
            continue
        curves = [[float(epoch[key]) for epoch in epochs] for key in found]
        colours = ("blue: ", "orange: ") if len(found) > 1 else ("",)
        captions = [
            f"{colour}{key.replace('_', ' ')} {_figure(key, curve[0])} → {_figure(key, curve[-1])}"
            for colour, key, curve in zip(colours, found, curves, strict=True)
        ]
        below = "<br>".join(map(_text, captions))
        drawn = f"<b>{title}</b><br>{_embedded(curves_png(curves))}<br><small>{below}</small>"
        cells.append(f'<td style="{TOP}">{drawn}</td>')
    count = f"{len(epochs)} epoch{'' if len(epochs) == 1 else 's'}"
    return f"<table><caption>{count}</caption><tr>{''.join(cells)}</tr></table>"


def _figure(key: str, value: float) -> str:
    return f"{value:.2%}" if key.endswith("accuracy") else f"{value:.4f}"


def _text(text: str) -> str:
    return html.escape(text)
