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

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1280,1000",
)  # fmt: skip
ROUNDS = 5

# Draws one more point; resolves with the time to the frame after the answer, and the request's.
POINT = """
const [kind, x, y] = arguments, done = arguments[arguments.length - 1];
const sheet = document.getElementById("drawing"), box = sheet.getBoundingClientRect();
const at = {pointerId: 1, pointerType: "pen", button: 0, buttons: 1, bubbles: true, isPrimary: true,
  clientX: box.left + x * box.width, clientY: box.top + y * box.height};
performance.clearResourceTimings();
document.addEventListener("answered", () => requestAnimationFrame(() => setTimeout(() => {
  const asked = performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/api/look"));
  done([performance.now() - began, asked.length ? asked.at(-1).duration : null]);
})), {once: true});
const began = performance.now();
sheet.dispatchEvent(new PointerEvent(kind, at));
"""


def main() -> None:
    """Print the median and the 95th percentile."""
    from hand import THREE
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "nnscratch", "draw", "--model", "pretrained", "--no-browser"],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            driver.get(server.stdout.readline().strip())
            driver.set_script_timeout(20)
            times = []
            for _ in range(ROUNDS):
                for stroke in THREE:
                    for i, (x, y) in enumerate(stroke):
                        kind = "pointermove" if i else "pointerdown"
                        times.append(driver.execute_async_script(POINT, kind, x, y))
                driver.execute_script(
                    "document.getElementById('drawing')"
                    ".dispatchEvent(new PointerEvent('pointerup', {pointerId: 1}));"
                    "document.getElementById('clear').click()"
                )
            answer = driver.execute_script("return document.getElementById('answer').textContent")
        finally:
            driver.quit()
            server.terminate()
            server.wait()
    assert answer == ""
    shown = [total for total, _ in times]
    asked = [request for _, request in times if request is not None]
    print(f"{len(shown)} points of a 3, from the pointer's event to the answer on the screen")
    for name, values in (("stroke to answer", shown), ("of it the request", asked)):
        print(
            f"{name:18}  median {statistics.median(values):5.1f} ms"
            f"  95% within {np.percentile(values, 95):5.1f} ms"
        )


if __name__ == "__main__":
    main()
