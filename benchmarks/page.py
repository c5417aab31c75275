"""Measure how long it takes from a stroke to the answer that is shown for it, in Chromium.

    python benchmarks/page.py

Starts `nnscratch draw` and Debian's chromium with chromedriver, draws a 3 stroke point by stroke
point, and takes the time of each point: from the pointer's event to the frame after the page has
shown the answer to it. Also says how much of that the server's answer took, as the page saw it.
Needs the extras `web` and `test`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

ROUNDS = 5

# Draws one more point; resolves with the time to the frame after the answer, and the request's.
POINT = """
const [kind, x, y] = arguments, done = arguments[arguments.length - 1];
const sheet = document.getElementById("drawing"), box = sheet.getBoundingClientRect();
const at = {pointerId: 1, pointerType: "pen", button: 0, buttons: 1, bubbles: true, isPrimary: true,
  clientX: box.left + x * box.width, clientY: box.top + y * box.height};
performance.clearResourceTimings();
const shown = () => requestAnimationFrame(() => setTimeout(() => {
  const asked = performance.getEntriesByType("resource")
    .filter((entry) => entry.name.endsWith("/api/look"));
  if (!asked.length) return; // that was the cleared sheet, which needs no look
  document.removeEventListener("answered", shown);
  done([performance.now() - began, asked.at(-1).duration]);
}));
document.addEventListener("answered", shown);
const began = performance.now();
sheet.dispatchEvent(new PointerEvent(kind, at));
"""


END = """
document.getElementById("drawing").dispatchEvent(new PointerEvent("pointerup", {pointerId: 1}));
document.getElementById("clear").click();
"""


def measure(rounds: int) -> list[tuple[float, float]]:
    """Draw a 3 so many times; gives the milliseconds of each point, and those of its request."""
    import chromium
    from hand import THREE

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "nnscratch", "draw", "--model", "pretrained", "--no-browser"],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        driver = chromium.start(f"{folder}/profile")
        try:
            driver.get(server.stdout.readline().strip())
            driver.set_script_timeout(60)
            times = []
            for _ in range(rounds):
                for stroke in THREE:
                    for i, (x, y) in enumerate(stroke):
                        kind = "pointermove" if i else "pointerdown"
                        times.append(driver.execute_async_script(POINT, kind, x, y))
                driver.execute_script(END)
        finally:
            driver.quit()
            server.terminate()
            server.wait()
            server.stdout.close()
    return times


def main() -> None:
    """Print the median and the 95th percentile."""
    times = measure(ROUNDS)
    print(f"{len(times)} points of a 3, from the pointer's event to the answer on the screen")
    for name, values in zip(
        ("stroke to answer", "of it the request"), zip(*times, strict=True), strict=True
    ):
        print(
            f"{name:18}  median {statistics.median(values):5.1f} ms"
            f"  95% within {np.percentile(values, 95):5.1f} ms"
        )


if __name__ == "__main__":
    main()
