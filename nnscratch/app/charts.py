"""Accuracy over one setting as a curve, and over two as a heat map, drawn with letters."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from nnscratch.app.drawings import SHADES
from nnscratch.app.terminal import has_blocks, has_colours

HEIGHT = 9  # lines of a curve
WIDEST_STEP = 10  # letters from one value to the next
AXIS_WIDTH = 8  # letters of "100.0% |"
# Dark blue, green, yellow: viridis, whose lightness grows evenly (Smith and van der Walt 2015).
COLOURS = ((68, 1, 84), (33, 145, 140), (253, 231, 37))


def draw_curve(
    labels: Sequence[str],
    means: Sequence[float | None],
    spreads: Sequence[float],
    *,
    width: int,
    joined: bool = True,
) -> list[Text]:
    """Draw shares 0–1 over the values of a setting, each with its spread above and below it.

    Args:
        labels: the values, from left to right; if there are more than letters on a line, only some
            of them are drawn, at even distances.
        means: a share for each; None, for a setting that diverged, is a cross at the foot.
        spreads: one for each, ≥ 0.
        width: how many letters there are for a line.
        joined: draw a line from each mean to the next, as fits numbers and not names.
    """
    point, cross, stroke, dot, corner = "●×│·└" if has_blocks() else "ox|.+"
    known = [(m - s, m + s) for m, s in zip(means, spreads, strict=True) if m is not None]
    low = max(0.0, min((pair[0] for pair in known), default=0.0))
    high = min(1.0, max((pair[1] for pair in known), default=1.0))
    shown = _thinned(len(labels), width - AXIS_WIDTH)
    labels, means = [labels[place] for place in shown], [means[place] for place in shown]
    spreads = [spreads[place] for place in shown]
    step = max(1, min(WIDEST_STEP, (width - AXIS_WIDTH) // len(labels)))
    places = [step * number + step // 2 for number in range(len(labels))]
    grid = [[" "] * (step * len(labels)) for _ in range(HEIGHT)]

    def line_of(share: float) -> int:
        """Return the line of the grid, from the top, in which a share is drawn."""
        at = round((high - share) / ((high - low) or 1) * (HEIGHT - 1))
        return min(max(at, 0), HEIGHT - 1)

    for place, mean, after in zip(places, means, means[1:], strict=False):
        if joined and mean is not None and after is not None:
            for letter in range(1, step):
                grid[line_of(mean + (after - mean) * letter / step)][place + letter] = dot
    for place, mean, spread in zip(places, means, spreads, strict=True):
        if mean is None:
            grid[-1][place] = cross
            continue
        for line in range(line_of(mean + spread), line_of(mean - spread) + 1):
            grid[line][place] = stroke
        grid[line_of(mean)][place] = point

    lines = []
    for number, letters in enumerate(grid):
        share = high - (high - low) * number / (HEIGHT - 1)
        mark = f"{share:.1%}" if number % 4 == 0 else ""
        drawn = Text("".join(letters).rstrip(), "cyan")
        drawn.highlight_regex(cross, "bold red")
        lines.append(Text.assemble(f"{mark:>{AXIS_WIDTH - 2}} {stroke}", drawn))
    rule = "─" if has_blocks() else "-"
    lines.append(Text(f"{'':{AXIS_WIDTH - 1}}{corner}{rule * len(grid[0])}"))
    lines.append(Text(" " * AXIS_WIDTH + _below(labels, places, len(grid[0]))))
    return lines


def _thinned(count: int, room: int) -> list[int]:
    """Return the places of `count` values, or of as many of them as there is room for."""
    if count <= room:
        return list(range(count))
    return [round(place * (count - 1) / (room - 1)) for place in range(room)]


def _below(labels: Sequence[str], places: Sequence[int], room: int) -> str:
    """Write labels below their places, and leave out those for which there is no room."""
    line = ""
    for label, place in zip(labels, places, strict=True):
        begin = min(place - len(label) // 2, room - len(label))
        begin = max(begin, 0)
        if not line or begin > len(line):
            line = f"{line:<{begin}}{label}"
    return line


def draw_heat_map(
    down: Sequence[str], across: Sequence[str], shares: Sequence[Sequence[float | None]]
) -> Table:
    """Draw shares 0–1 over two settings, as percentages before a colour, or a shade of grey.

    Args:
        down: the values of one setting, one a line; `across`, those of the other.
        shares: a line for each; None, for a setting that diverged, is a cross.
    """
    known = [share for line in shares for share in line if share is not None]
    low, span = min(known, default=0.0), (max(known, default=1.0) - min(known, default=0.0)) or 1
    rows = Table.grid(padding=(0, 0, 0, 0))
    rows.add_column(justify="right")
    for _ in across:
        rows.add_column(justify="center", no_wrap=True)
    for label, line in zip(down, shares, strict=True):
        cells = (None if share is None else (share, (share - low) / span) for share in line)
        rows.add_row(f"{label}  ", *map(_cell, cells))
    rows.add_row("", *(f" {label} " for label in across))
    return rows


def _cell(share: tuple[float, float] | None) -> Text:
    """Draw one share, given with its place 0–1 between the lowest and the highest."""
    if share is None:
        return Text(f"   {'×' if has_blocks() else 'x'}   ", "bold red")
    value, height = share
    if has_colours():
        red, green, blue = _blended(height)
        ink = "black" if height > 0.5 else "white"
        return Text(f" {value * 100:5.1f} ", f"{ink} on rgb({red},{green},{blue})")
    shades = " ░▒▓█" if has_blocks() else SHADES
    shade = shades[round(height * (len(shades) - 1))]
    return Text(f" {value * 100:5.1f}{shade}")


def _blended(height: float) -> tuple[int, int, int]:
    first, share = (0, height * 2) if height < 0.5 else (1, height * 2 - 1)
    pairs = zip(COLOURS[first], COLOURS[first + 1], strict=True)
    red, green, blue = (round(one + (other - one) * share) for one, other in pairs)
    return red, green, blue
