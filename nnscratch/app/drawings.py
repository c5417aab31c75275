"""Pictures, weights and curves, drawn with letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from nnscratch.app.terminal import has_blocks, has_colours, out
from nnscratch.arrays import Images

PICTURE_WIDTH = 28
CROP, CELL_WIDTH = slice(2, 26), 24
HALF_WIDTH = 14
SHADES = " .:-=+*#%@"
CURVE_WIDTH = 40
RED, BLUE, WHITE = (178, 24, 43), (33, 102, 172), 247


def draw(image: Images) -> list[Text]:
    """Draw a picture (height even, width) with two pixels to a letter.

    In grey where there are colours, in black and white where there are only half-blocks, and in
    letters of different weight where there is only ASCII.
    """
    pairs = zip(image[::2], image[1::2], strict=True)
    return [_draw_line(upper, lower) for upper, lower in pairs]


def _draw_line(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    line = Text(no_wrap=True)
    for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
        if not has_blocks():
            line.append(SHADES[(top + bottom) * len(SHADES) // 512])
        elif not has_colours():
            line.append(" ▄▀█"[2 * (top > 127) + (bottom > 127)])
        else:
            line.append("▀", f"rgb({top},{top},{top}) on rgb({bottom},{bottom},{bottom})")
    return line


def draw_signed(weights: NDArray[Any]) -> list[Text]:
    """Draw a (height even, width) array of weights: red above 0, blue below, white at 0."""
    scaled = weights / (abs(weights).max() or 1)
    lines = []
    for upper, lower in zip(scaled[::2], scaled[1::2], strict=True):
        line = Text(no_wrap=True)
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            if has_colours() and has_blocks():
                line.append("▀", f"rgb({_red_or_blue(top)}) on rgb({_red_or_blue(bottom)})")
            else:
                mean = (top + bottom) / 2
                line.append(" " if abs(mean) < 0.15 else "+" if mean > 0 else "-")
        lines.append(line)
    return lines


def _red_or_blue(value: float) -> str:
    """Blend from white to red (value 1) or blue (value −1)."""
    end = RED if value > 0 else BLUE
    return ",".join(str(round(WHITE + (tone - WHITE) * abs(value) ** 0.7)) for tone in end)


def halved(image: Images) -> Images:
    """Return a picture (28, 28) at half its size, (14, 14)."""
    half = len(image) // 2
    small: Images = image.reshape(half, 2, half, 2).mean(axis=(1, 3)).astype(np.uint8)
    return small


def show_side_by_side(cells: Sequence[Group], width: int = CELL_WIDTH) -> None:
    """Write cells of some width, as many beside each other as the screen has room for."""
    across = max(1, (out.width + 2) // (width + 2))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for start in range(0, len(cells), across):
        grid.add_row(*cells[start : start + across])
    out.print(grid)


def curve(values: Sequence[float]) -> str:
    """Draw values as letters of different height, at most CURVE_WIDTH of them."""
    heights = "▁▂▃▄▅▆▇█" if has_blocks() else "_.-~=^*#"
    if len(values) > CURVE_WIDTH:
        step = (len(values) - 1) / (CURVE_WIDTH - 1)
        values = [values[round(place * step)] for place in range(CURVE_WIDTH)]
    low, span = min(values), (max(values) - min(values)) or 1
    return "".join(heights[round((value - low) / span * 7)] for value in values)


def bar(share: float, width: int = 20) -> str:
    """Draw a share 0–1 as a bar of at most `width` letters, padded to it."""
    block = "█" if has_blocks() else "#"
    return f"{block * round(width * share):<{width}}"
