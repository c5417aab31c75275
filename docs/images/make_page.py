"""Remake the two pictures of the page in the README, from what Chromium shows of it.

    python docs/images/make_page.py

Trains the network of ten units, starts `nnscratch draw`, draws a 3 by mouse, and keeps the upper
part of the page, light and dark. Needs Debian's chromium and chromium-driver, the extras `web` and
`test`, and MNIST in NNSCRATCH_DATA_DIR or data/.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA_DIR = Path(os.environ.get("NNSCRATCH_DATA_DIR", ROOT / "data")).resolve()
SIZE = {"width": 1280, "height": 960, "deviceScaleFactor": 1, "mobile": False}
COLOURS = 128  # of the picture, to keep it small
sys.path.insert(0, str(ROOT / "tests"))


def draw(driver: webdriver.Chrome, strokes: list[list[list[float]]]) -> None:
    """Draw on the page by mouse."""
    box = driver.execute_script(
        "const box = document.getElementById('drawing').getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height]"
    )
    for stroke in strokes:
        points = [(box[0] + x * box[2], box[1] + y * box[3]) for x, y in stroke]
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            event["buttons"] = int(kind != "mouseReleased")
            driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def keep(driver: webdriver.Chrome, theme: str) -> None:
    """Write what is seen in one theme into a file."""
    feature = {"name": "prefers-color-scheme", "value": theme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    time.sleep(1)
    shown = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    picture = Image.open(io.BytesIO(base64.b64decode(shown))).convert("RGB")
    picture.quantize(COLOURS).save(HERE / f"draw-{theme}.png", optimize=True)


def main() -> None:
    """Make both pictures."""
    import chromium
    from hand import THREE

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "nnscratch"]
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "NNSCRATCH_DATA_DIR": str(DATA_DIR)}
        subprocess.run(
            [*command, "train", "--lr", "0.1", "--epochs", "20"],
            cwd=folder, env=settings, check=True,
        )  # fmt: skip
        server = subprocess.Popen(
            [*command, "draw", "--no-browser"], cwd=folder, env=settings,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        driver = chromium.start(f"{folder}/profile")
        try:
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
            driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            driver.get(server.stdout.readline().strip())
            time.sleep(1)
            draw(driver, THREE)
            time.sleep(1)
            for theme in ("light", "dark"):
                keep(driver, theme)
        finally:
            driver.quit()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
