"""Run the commands of the README's `console` blocks and put their real output below them.

`python tests/readme_console.py` rewrites README.md; `test_docs.py` compares without writing. Both
run in an empty folder, one command after the other, in a terminal of no colours and 80 columns.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n\$ nnscratch (?P<arguments>.*)\n(?P<output>(?:.*\n)*?)```\n")


def run(arguments: str, folder: Path, data_dir: Path) -> str:
    """Return what a command writes to both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "nnscratch", *arguments.split()],
        cwd=folder,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(data_dir), "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def refreshed(text: str, data_dir: Path) -> str:
    """Return the page with the real output below every command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if (ROOT / "data" / "samples").exists():
            shutil.copytree(ROOT / "data" / "samples", folder / "data" / "samples")
        return BLOCK.sub(
            lambda block: (
                f"```console\n$ nnscratch {block['arguments']}\n"
                f"{run(block['arguments'], folder, data_dir)}```\n"
            ),
            text,
        )


if __name__ == "__main__":
    data_dir = Path(os.environ.get("NNSCRATCH_DATA_DIR", ROOT / "data")).resolve()
    README.write_text(refreshed(README.read_text(encoding="utf-8"), data_dir), encoding="utf-8")
