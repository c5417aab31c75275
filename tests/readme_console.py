"""Run the commands of the `console` blocks in README.md and docs/, and keep their output there.

`python tests/readme_console.py` rewrites the pages; `test_docs.py` runs the same code and compares.
The blocks of a page run in order, each line that starts with `$ ` in a shell, in one scratch folder
that looks like a fresh checkout: `data/` with the MNIST files and the samples, `configs/` and
`examples/class/`. The `nnscratch` on its path is the installed one, and the terminal has 80 columns
and no colors.

Everything is compared to the last character, except for times and rounding errors: see `masked`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (?P<command>.*\n)(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)

DURATION = re.compile(r"\b\d[\d,]*(\.\d+)?(?= (ms|s|min|h)\b)")
ROUNDING = re.compile(r"\b\d(\.\d+)?e-(09|[1-9]\d)\b")
JSON_SECONDS = re.compile(r'(?<="seconds": )[\d.e-]+')
SECONDS_COLUMN = re.compile(r"(?<=  )seconds(?=  |$)")
WATCHED = " " * 10  # of `--watch`, between the lines of a table
LAST_FIGURE = re.compile(r"(?<= )\d[\d,]*(\.\d{1,2})?$")


def masked(output: str) -> str:
    """Return an output with `#` for what may differ between two runs; all the rest must be equal.

    - Times: a number with a unit of time behind it, the value of `"seconds"` in JSON, a figure
      below a column heading `seconds` (down to the first line with no figure there, those of
      `--watch` passed over).
    - Rounding errors: a number below 1e-8 in scientific notation. `gradcheck` reports differences
      of about 1e-10 between numbers that should be equal, and their digits are those of the
      processor. A wrong gradient is off by more than the tolerance, 1e-6, and is not masked.
    """
    lines, column = [], 0
    for line in output.splitlines():
        heading = SECONDS_COLUMN.search(line)
        figure = LAST_FIGURE.search(line[:column])
        if heading:
            column = heading.end()
        elif figure and figure.end() == column and line[column : column + 1] in ("", " "):
            line = f"{line[: figure.start()]}{'#':>{len(figure[0])}}{line[column:]}"
        elif set(line) - set(" ─-") and not line.startswith(WATCHED):
            column = 0
        for pattern in (DURATION, JSON_SECONDS, ROUNDING):
            line = pattern.sub("#", line)
        lines.append(line)
    return "\n".join(lines)


def run(command: str, folder: Path) -> str:
    """Return what a command writes to both streams, as a terminal would show it."""
    quiet = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "NNSCRATCH_DATA_DIR", "NNSCRATCH_DEBUG")
    env = {key: value for key, value in os.environ.items() if key not in quiet}
    env["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), env["PATH"]])
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**env, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def refreshed(text: str, data_dir: Path | None = None) -> str:
    """Return a page with the real output below every command.

    Where nothing has changed but what is masked, the output on the page is kept.

    Args:
        data_dir: the folder of the MNIST files; None for pages that need none.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "configs", folder / "configs")
        shutil.copytree(ROOT / "data" / "samples", folder / "data" / "samples")
        shutil.copytree(ROOT / "examples" / "class", folder / "examples" / "class")
        for file in data_dir.iterdir() if data_dir else ():
            if file.is_file():
                shutil.copy(file, folder / "data")

        def answer(shown: re.Match[str]) -> str:
            output = run(shown["command"], folder)
            same = masked(output) == masked(shown["output"])
            return shown[0] if same else f"$ {shown['command']}{output}"

        return BLOCK.sub(lambda block: COMMAND.sub(answer, block[0]), text)


if __name__ == "__main__":
    data_dir = Path(os.environ.get("NNSCRATCH_DATA_DIR", ROOT / "data")).resolve()
    if not list(data_dir.glob("train-images*")):
        sys.exit(f"{data_dir} does not hold MNIST; run `nnscratch download` first")
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = refreshed(before, data_dir)
        page.write_text(after, encoding="utf-8", newline="\n")
        print(f"{page.relative_to(ROOT)}: {'as it was' if after == before else 'remade'}")
