"""Remake the pictures of the README from what the program really draws.

    python docs/images/make.py

`curves.png`, `report.png` and `learning-rate.png` are drawn by `--plot`. `weights.png` is the
output of `nnscratch evaluate --weights` in a terminal of 128 columns, which shows the ten units in
two rows.
Needs the extra `plot`, and MNIST in NNSCRATCH_DATA_DIR or data/.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
DATA_DIR = Path(os.environ.get("NNSCRATCH_DATA_DIR", HERE.parents[1] / "data")).resolve()
COLUMNS = 128
LETTER = (8, 16)  # pixels of a letter, width and height
MARGIN = 12
RATES = "0.001,0.003,0.01,0.03,0.1,0.3,1,3"
HEADING = "What the hidden units look for"


def nnscratch(*arguments: str, folder: str, **environment: str) -> str:
    """Run a command on MNIST in a folder; gives its stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "nnscratch", *arguments, "--data-dir", str(DATA_DIR)],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def draw(lines: list[Text]) -> Image.Image:
    """Draw the coloured lines of a terminal; an upper half block becomes two rectangles."""
    width, height = LETTER
    size = (COLUMNS * width + 2 * MARGIN, len(lines) * height + 2 * MARGIN)
    paper = tuple(MONOKAI.background_color)
    picture = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(picture)
    fonts = {
        weight: ImageFont.truetype(
            font_manager.findfont(
                font_manager.FontProperties(family="DejaVu Sans Mono", weight=weight)
            ),
            13,
        )
        for weight in ("normal", "bold")
    }
    for row, line in enumerate(lines):
        for column, letter in enumerate(line.plain):
            style = Style()
            for span in line.spans:
                if span.start <= column < span.end:
                    style += (
                        span.style if isinstance(span.style, Style) else Style.parse(span.style)
                    )
            front, back = (
                tuple(color.get_truecolor(MONOKAI, foreground=color is style.color))
                if color
                else default
                for color, default in (
                    (style.color, tuple(MONOKAI.foreground_color)),
                    (style.bgcolor, paper),
                )
            )
            x, y = MARGIN + column * width, MARGIN + row * height
            if letter == "▀":
                pen.rectangle((x, y, x + width - 1, y + height - 1), fill=back)
                pen.rectangle((x, y, x + width - 1, y + height // 2 - 1), fill=front)
            elif letter != " ":
                font = fonts["bold" if style.bold else "normal"]
                pen.text((x, y), letter, fill=front, font=font)
    return picture


def main() -> None:
    """Train, evaluate, sweep, and write the four pictures."""
    with tempfile.TemporaryDirectory() as folder:
        nnscratch("train", "--plot", str(HERE / "curves.png"), folder=folder)
        terminal = nnscratch(
            "evaluate", "model.npz", "--weights", "--plot", str(HERE / "report.png"),
            folder=folder, FORCE_COLOR="1", COLORTERM="truecolor", COLUMNS=str(COLUMNS),
        )  # fmt: skip
        nnscratch(
            "sweep", "--lr", RATES, "--epochs", "3", "--seeds", "3",
            "--plot", str(HERE / "learning-rate.png"), folder=folder,
        )  # fmt: skip
    lines = [Text.from_ansi(line.rstrip("\n")) for line in terminal.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.plain.startswith(HEADING))
    last = max(i for i, line in enumerate(lines) if ": for " in line.plain)
    draw(lines[first : last + 1]).quantize(256).save(HERE / "weights.png", optimize=True)


if __name__ == "__main__":
    main()
