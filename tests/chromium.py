"""A Chromium for the tests of the page, driven by Selenium.

Browser and driver are named, so that Selenium looks for neither of them elsewhere.
"""

import os
import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1280,1000",
)  # fmt: skip
MISSING = "there is no chromium with its chromedriver here"


def is_there():
    """Whether there is one; an error where it must not be missing."""
    if CHROMIUM and DRIVER:
        return True
    if os.environ.get("NNSCRATCH_BROWSER") == "required":
        raise RuntimeError(f"NNSCRATCH_BROWSER=required, and {MISSING}")
    return False


def start(profile, *more):
    """Start one with an empty folder as its profile."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}", *more):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))
