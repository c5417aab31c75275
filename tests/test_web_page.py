"""The page in a real Chromium, served by the real command."""

import base64
import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import requests

import chromium
from conftest import ROOT
from hand import ONE_ZERO, THREE, ZERO

PATIENCE_SECONDS = 60  # a busy machine takes long

if not chromium.is_there():
    pytest.skip(chromium.MISSING, allow_module_level=True)


# ------------------------------------------------------------------------- a server and a browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("started-here")


def start_server(folder):
    """Start the real command in a folder; gives the process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nnscratch", "draw", "--model", "pretrained", "--no-browser"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return process, process.stdout.readline().strip()


def end(process):
    process.terminate()
    process.wait(timeout=PATIENCE_SECONDS)
    process.stdout.close()


@pytest.fixture(scope="module")
def address(folder):
    process, address = start_server(folder)
    assert address.startswith("http://127.0.0.1:")
    yield address
    end(process)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = chromium.start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


class Page:
    """The page as a user has it before them."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def open(self):
        self.driver.get(self.address)
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"))

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def __getitem__(self, name):
        return self.driver.find_element("id", name)

    def text(self, name):
        return self.run("return document.getElementById(arguments[0]).textContent", name)

    def wait(self, condition, seconds=PATIENCE_SECONDS):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.02)
        return value

    def click(self, name):
        self.run("document.getElementById(arguments[0]).scrollIntoView({block: 'center'})", name)
        self[name].click()

    def answers(self, answer):
        self.wait(lambda: self.text("answer") == answer)
        self.wait(lambda: self.run("return document.querySelector('[aria-busy=true]') === null"))
        return self.text("probability")

    def set(self, name, value):
        self.run(
            "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
            "field.dispatchEvent(new Event('input', {bubbles: true}))", name, value,
        )  # fmt: skip

    def settings(self, **features):
        """Emulate a theme."""
        listed = [
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ]
        self.cdp("Emulation.setEmulatedMedia", features=listed)

    def size(self, width, height=900, scale=1):
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=False,
        )  # fmt: skip

    def sheet(self):
        """Where the canvas is in the window as laid out: left, top, width, height."""
        document = self.cdp("DOM.getDocument")["root"]["nodeId"]
        node = self.cdp("DOM.querySelector", nodeId=document, selector="#drawing")["nodeId"]
        quad = self.cdp("DOM.getBoxModel", nodeId=node)["model"]["border"]
        left, top, right, bottom = quad[0], quad[1], quad[4], quad[5]
        return left, top, right - left, bottom - top

    def on_screen(self, stroke):
        left, top, width, height = self.sheet()
        return [(left + x * width, top + y * height) for x, y in stroke]

    def mouse(self, kind, point, held=True, pointer="mouse"):
        self.cdp(
            "Input.dispatchMouseEvent",
            type=f"mouse{kind}", x=point[0], y=point[1],
            button="left" if held or kind == "Released" else "none",
            buttons=1 if held else 0, clickCount=1, pointerType=pointer,
        )  # fmt: skip

    def touch(self, kind, *points):
        self.cdp("Input.dispatchTouchEvent", type=f"touch{kind}",
                 touchPoints=[{"x": x, "y": y} for x, y in points])  # fmt: skip

    def draw(self, strokes, pointer="mouse"):
        for stroke in strokes:
            few = stroke if len(stroke) < 9 else [*stroke[:-1:3], stroke[-1]]
            first, *others = self.on_screen(few)
            if pointer == "touch":
                self.touch("Start", first)
                for point in others:
                    self.touch("Move", point)
                self.touch("End")
            else:
                self.mouse("Pressed", first, pointer=pointer)
                for point in others:
                    self.mouse("Moved", point, pointer=pointer)
                self.mouse("Released", (others or [first])[-1], held=False, pointer=pointer)

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        actions = ActionChains(self.driver, duration=0)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def sent(self):
        """The strokes of the last look that the page asked for."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            request = message["params"].get("request", {})
            if message["method"] == "Network.requestWillBeSent" and request["url"].endswith(
                "/api/look"
            ):
                self.last_sent = json.loads(request["postData"])["strokes"]
        return self.last_sent

    def points(self):
        return int(self["drawing"].get_attribute("data-points"))


@pytest.fixture
def page(browser, address):
    """The page, newly opened; at the end its console must be free of errors."""
    page = Page(browser, address)
    browser.get_log("browser")
    page.size(1280, 1000)
    page.settings(prefers_color_scheme="light")
    page.open()
    yield page
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


# ------------------------------------------------------------------------------------------- draw


@pytest.mark.sampled(1)
@pytest.mark.parametrize("pointer", ["mouse", "touch", "pen"])
def test_a_3_is_answered_3_however_it_is_drawn(page, pointer):
    page.draw(THREE, pointer)
    probability = page.answers("3")
    assert re.fullmatch(r"\d+\.\d%", probability)
    assert page.run("return scrollY") == 0  # a finger draws, and does not scroll


def test_an_empty_sheet_has_no_answer(page):
    assert page.text("answer") == ""
    assert page.text("probability") == ""


def test_undo_takes_back_a_stroke_and_clear_all_of_them(page):
    page.draw(ZERO)
    page.answers("0")
    page.draw([[(0.1, 0.1), (0.2, 0.1)]])
    page.wait(lambda: len(page.sent()) == 2)
    page.click("undo")
    page.wait(lambda: len(page.sent()) == 1)
    page.answers("0")
    page.click("clear")
    page.answers("")
    assert page.points() == 0
    page.click("undo")  # what was cleared comes back
    page.answers("0")


@pytest.mark.slow
def test_several_digits_are_read_together(page):
    page.draw(ONE_ZERO)
    page.answers("10")
    assert page.text("sure-least") + "%" + page.text("sure-of") == "at least % sure of each"
    assert float(page.text("probability").rstrip("%")) < 100
    assert page.text("no-why").startswith("Several digits")


@pytest.mark.slow
def test_a_row_of_digits_stays_one_row_on_the_page(page):
    page["picture"].send_keys(str(ROOT / "data" / "samples" / "two-rows.jpg"))
    page.answers("20261\n4059")
    needs, has, high, letters = page.run(
        "const a = document.getElementById('answer');"
        "return [a.scrollWidth, a.parentElement.clientWidth, a.getBoundingClientRect().height,"
        " parseFloat(getComputedStyle(a).fontSize)]"
    )
    assert needs <= has
    assert high < 3 * letters  # two lines


@pytest.mark.slow
def test_a_scribble_is_answered_with_a_question_mark(page):
    rng = np.random.default_rng(3)
    page.draw([rng.uniform(0.1, 0.9, (60, 2)).tolist()])
    page.answers("?")
    assert page.text("notes").endswith("Show one digit, upright and whole.")
    assert re.fullmatch(r"Had it had to answer: why \d and not \d\?", page.text("why-title"))
    refusals = ["why-refused", "ladder-refused", "digits-refused"]
    assert all(page[name].is_displayed() for name in refusals)
    page.click("clear")
    page.draw(THREE)
    page.answers("3")
    assert page.text("why-title").startswith("Why 3")
    assert not any(page[name].is_displayed() for name in refusals)


@pytest.mark.slow
def test_a_pen_that_leaves_the_sheet_comes_back_unstuck(page):
    left, top, width, height = page.sheet()
    inside, outside = (left + width / 2, top + height / 2), (left + width + 200, top + height / 2)
    page.mouse("Pressed", inside)
    page.mouse("Moved", (left + width - 5, top + height / 2))
    page.mouse("Moved", outside)
    page.mouse("Released", outside, held=False)
    points = page.points()
    page.mouse("Moved", inside, held=False)
    page.mouse("Moved", (left + 20, top + 20), held=False)
    assert page.points() == points
    page.draw([[(0.2, 0.2), (0.3, 0.8)]])
    page.wait(lambda: len(page.sent()) == 2)


@pytest.mark.slow
def test_a_cancelled_touch_ends_its_stroke(page):
    first, second, third = page.on_screen([(0.3, 0.3), (0.5, 0.5), (0.7, 0.3)])
    page.touch("Start", first)
    page.touch("Move", second)
    page.touch("Cancel")
    points = page.points()
    page.mouse("Moved", third, held=False)
    assert page.points() == points
    page.draw([[(0.2, 0.2), (0.3, 0.8)]], "touch")
    page.wait(lambda: len(page.sent()) == 2)


@pytest.mark.slow
def test_a_second_finger_does_not_draw(page):
    first, second, other = page.on_screen([(0.3, 0.3), (0.3, 0.7), (0.8, 0.5)])
    page.touch("Start", first)
    page.touch("Start", first, other)
    page.touch("Move", second, other)
    page.touch("End")
    page.wait(lambda: page["reply"].get_attribute("aria-busy") == "false")
    assert len(page.sent()) == 1


@pytest.mark.parametrize("zoom", [1, 1.5])
@pytest.mark.slow
def test_the_line_is_under_the_finger_after_scrolling_and_zooming(page, zoom):
    page.size(800, 600, scale=2)
    page.run("document.documentElement.style.zoom = arguments[0]; scrollTo(0, 130)", zoom)
    assert page.run("return scrollY") > 0
    stroke = [(0.3, 0.4), (0.4, 0.6), (0.7, 0.55)]
    page.draw([stroke], "touch")
    page.wait(lambda: page.sent() and len(page.sent()[0]) >= 3)
    np.testing.assert_allclose(page.sent()[0], stroke, atol=0.01)


THREE_BY_KEY = (
    "↓" * 2
    + "←" * 5
    + " "
    + "↑"
    + "→"
    + "↑"
    + "→" * 5
    + "↓→" * 2
    + "↓" * 2
    + "←↓" * 2
    + "←" * 3
    + " "
)
THREE_BY_KEY += "→" * 3 + " " + "↓→" * 2 + "↓" * 3 + "←↓" * 2 + "←" * 6 + "↑←" + " "


def test_a_3_is_drawn_by_keyboard_and_spoken(page):
    from selenium.webdriver.common.keys import Keys

    arrows = {"←": Keys.ARROW_LEFT, "→": Keys.ARROW_RIGHT, "↑": Keys.ARROW_UP, "↓": Keys.ARROW_DOWN}
    page.run("document.getElementById('drawing').focus()")
    page.keys(*(arrows.get(key, key) for key in THREE_BY_KEY))
    page.answers("3")
    live = page.run("return document.getElementById('answer').closest('[aria-live]').ariaLive")
    assert live == "polite"
    page.keys("u")
    page.wait(lambda: len(page.sent()) == 1)
    page.keys(" ", arrows["←"], Keys.ESCAPE)
    assert page.text("pen-status") == "Pen up"
    assert page["reply"].get_attribute("aria-busy") == "false"


DROP = """
const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
const transfer = new DataTransfer();
transfer.items.add(new File([bytes], "a.png", {type: "image/png"}));
const event = arguments[1] === "drop"
  ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
  : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
document.getElementById("drawing").dispatchEvent(event);
"""


@pytest.mark.parametrize("way", ["drop", "paste", "choose"])
@pytest.mark.slow
def test_a_picture_is_read_however_it_comes(page, way):
    picture = ROOT / "data" / "samples" / "three.png"
    if way == "choose":
        page["picture"].send_keys(str(picture))
    else:
        page.run(DROP, base64.b64encode(picture.read_bytes()).decode(), way)
    page.answers("3")
    page.click("undo")
    page.answers("")


@pytest.mark.slow
def test_what_is_no_picture_is_answered_in_words(page, browser):
    page.run(DROP, base64.b64encode(b"no picture at all").decode(), "drop")
    page.wait(lambda: page["message"].is_displayed())
    assert len(page.text("message")) > 20
    page.click("clear")
    page.draw(THREE)
    page.answers("3")
    page.wait(lambda: not page["message"].is_displayed())
    refused = browser.get_log("browser")  # the browser itself logs the answer's code
    assert all("/api/look" in entry["message"] for entry in refused)


# ------------------------------------------------------------------------------------ see and why


def test_it_shows_what_the_network_sees_and_why(page):
    page.draw(THREE)
    page.answers("3")
    shares = page.run(
        "return [...document.querySelectorAll('#digits .value')].map((v) => v.textContent)"
    )
    assert len(shares) == 10
    assert shares[3].removeprefix(">") == page.text("probability")
    assert shares[3] != "100.0%"
    assert len(page.run("return [...document.querySelectorAll('#units button')]")) == 10
    assert page.run("return document.querySelectorAll('#wires .for').length") > 0
    assert re.fullmatch(r"Why 3 and not \d\?", page.text("why-title"))
    assert page.run("return document.querySelectorAll('#ladder li').length") == 6


def shown_numbers(page, selector):
    texts = page.run(
        "return [...document.querySelectorAll(arguments[0])].map((v) => v.textContent)", selector
    )
    return [float(text.replace("\u2212", "-")) for text in texts]


@pytest.mark.slow
def test_both_sums_add_up_to_the_digit_as_they_are_shown(page):
    page.draw(THREE)
    page.answers("3")
    for selector in ("#pixel-sum dd", "#shares .value"):
        *parts, lead = shown_numbers(page, selector)
        assert len(parts) >= 3
        assert round(sum(parts), 2) == lead


@pytest.mark.slow
def test_the_account_is_against_the_digit_that_is_chosen(page):
    page.draw(THREE)
    page.answers("3")
    page.run(
        "const choice = document.getElementById('against'); choice.value = '9';"
        "choice.dispatchEvent(new Event('change'))"
    )
    page.wait(lambda: page.text("why-title") == "Why 3 and not 9?")
    assert page.text("formula") == "Activation × (its weight to 3 − its weight to 9)"


@pytest.mark.slow
def test_pointing_at_a_unit_shows_its_share_alone(page):
    page.draw(THREE)
    page.answers("3")
    before = page.text("account-caption")
    page.run("document.querySelector('#shares button').focus()")
    assert page.text("account-caption").startswith("Unit ")
    page.run("document.activeElement.blur()")
    assert page.text("account-caption") == before


@pytest.mark.slow
def test_a_unit_of_a_wide_network_shows_its_mask_though_others_have_more_say(page):
    page.draw(THREE)
    page.answers("3")
    painted = "return [...document.querySelectorAll('#shares canvas')].map((c) => c.toDataURL())"
    page.wait(lambda: len(set(page.run(painted))) == 10)
    page.run("document.querySelector('#shares button:last-of-type').focus()")
    assert "adds" in page.text("account-caption")


MASKS = "return [...document.querySelectorAll('#units canvas')].map((c) => c.toDataURL())"
UNITS = (
    "return [...document.querySelectorAll('#units button')].map((b) => b.ariaLabel.split(':')[0])"
)


@pytest.mark.slow
def test_the_units_in_view_are_those_that_say_most_about_the_drawing(page):
    page.draw(ZERO)
    page.answers("0")
    on = "return document.querySelectorAll('#units .unit:not(.off)').length"
    assert page.run(on) == 10
    assert page.text("which-units").startswith("Shown are the ten that say most about this drawing")
    page.wait(lambda: len(set(page.run(MASKS))) == 10)
    assert page.run("return document.querySelectorAll('#wires .for').length") > 10
    before = page.run(UNITS)
    page.draw([[(0.4, 0.5), (0.45, 0.5)]])
    page.wait(lambda: len(page.sent()) == 2)
    page.wait(lambda: page["reply"].get_attribute("aria-busy") == "false")
    after = page.run(UNITS)
    stayed = set(before) & set(after)
    assert [before.index(unit) for unit in stayed] == [after.index(unit) for unit in stayed]


@pytest.mark.parametrize("units", ["256", "-1", "1,,2", "x", ",".join(map(str, range(21)))])
def test_only_hidden_units_that_there_are_can_be_asked_for(address, units):
    answer = requests.get(f"{address}api/model", params={"units": units}, timeout=10)
    assert answer.status_code == 422


# ------------------------------------------------------------------------------- learn, one step


def masks(page):
    return page.run(
        "return [...document.querySelectorAll('#units canvas')].map((c) => c.toDataURL()).join()"
    )


def train(page, **fields):
    for name, value in fields.items():
        page.set(name.replace("_", "-"), value)
    page.click("train")


@pytest.mark.slow
@pytest.mark.mnist
def test_ten_epochs_are_watched_and_gone_back_through_and_saved(page, folder, run, mnist_dir):
    page.draw(THREE)
    page.answers("3")
    train(page, lr=0.02, hidden=10, batch_size=32, epochs=10, seed=3)
    page.wait(lambda: page["epoch"].get_attribute("max") == "10", 60)
    page.wait(lambda: page.text("run-status").startswith("Done"), 60)
    assert page["epoch"].get_attribute("value") == "10"
    page.answers("3")
    last = page.text("probability"), masks(page), page.text("accuracy-now")
    page.set("epoch", 1)
    page.wait(lambda: page.text("network-name").endswith("after epoch 1"))
    page.wait(lambda: page.text("probability") != last[0])
    assert masks(page) != last[1]
    assert page.text("accuracy-now") != last[2]
    page.wait(lambda: "--epochs 1" in page.text("command").replace("--epochs 10", ""))

    page.set("epoch", 7)
    page.set("save-name", "seventh.npz")
    page.click("save")
    said = page.wait(
        lambda: re.search(r"Saved seventh\.npz, epoch 7: ([\d.]+%)", page.text("save-status"))
    )
    evaluated = run("evaluate", folder / "seventh.npz", data_dir=mnist_dir)
    assert f"Accuracy {said[1]}" in evaluated.stdout


@pytest.mark.mnist
@pytest.mark.slow
def test_a_run_is_stopped_and_its_epochs_stay(page):
    page.draw(THREE)
    page.answers("3")
    train(page, epochs=200)
    page.wait(lambda: int(page["epoch"].get_attribute("max")) >= 2, 60)
    page.click("stop")
    page.wait(lambda: page.text("run-status").startswith("Stopped"))
    assert page["save"].is_enabled()
    assert page["train"].is_enabled()
    last = int(page["epoch"].get_attribute("max"))
    said = rf"Loss after epoch {last}: training [\d.]+, held out [\d.]+"
    assert re.fullmatch(said, page["loss-chart"].get_attribute("aria-label"))
    assert f"--epochs {last} " in page.text("command") + " "
    page.set("epoch", 1)
    assert "--epochs 1 " in page.text("command") + " "
    assert page.text("command-title").startswith("The network after epoch 1 ")
    page.set("hidden", 12)
    assert "--hidden 12" in page.text("command")
    assert "will be" in page.text("command-title")
    page.set("epoch", last)
    assert "--hidden 12" not in page.text("command")


@pytest.mark.mnist
@pytest.mark.slow
def test_one_step_is_taken_and_taken_back(page):
    page.draw(THREE)
    probability = page.answers("3")
    page.set("step-lr", 0.1)
    page.run("document.getElementById('step-title').scrollIntoView()")
    page.driver.find_element("css selector", "#teach button:nth-child(9)").click()
    page.wait(lambda: "Probability of 8" in page.text("step-result"), 60)
    page.answers("8")
    page.click("take-back")
    page.wait(lambda: page.text("network-name").startswith("the bundled network"))
    page.wait(lambda: (page.text("answer"), page.text("probability")) == ("3", probability))


def test_a_field_out_of_its_range_is_named_and_nothing_is_asked(page):
    train(page, epochs=100000)
    assert page.text("run-status").startswith("Epochs: a whole number")
    assert page["epochs"].get_attribute("aria-invalid") == "true"
    assert page.text("command") == ""
    assert not page["copy"].is_enabled()
    page.set("epochs", 3)
    assert "--epochs 3" in page.text("command")
    assert page["copy"].is_enabled()


# --------------------------------------------------------------------------------- how it looks


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.slow
def test_no_width_scrolls_sideways(page, theme):
    page.settings(prefers_color_scheme=theme)
    page.draw(THREE)
    page.answers("3")
    for width in (360, 800, 1600):
        page.size(width)
        wide = page.run("return document.documentElement.scrollWidth")
        assert wide <= page.run("return document.documentElement.clientWidth"), width
    background = page.run("return getComputedStyle(document.documentElement).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (brightness > 128) == (theme == "light")


CONTROLS = {
    "application", "button", "checkbox", "combobox", "Canvas", "image", "img", "link", "listbox",
    "progressbar", "radio", "slider", "spinbutton", "textbox",
}  # fmt: skip


@pytest.mark.slow
def test_the_accessibility_tree_names_every_control(page):
    page.draw(THREE)
    page.answers("3")
    nodes = [n for n in page.cdp("Accessibility.getFullAXTree")["nodes"] if not n["ignored"]]
    controls = [n for n in nodes if n["role"]["value"] in CONTROLS]
    assert len(controls) > 40
    names = [n.get("name", {}).get("value", "").strip() for n in controls]
    assert "" not in names
    assert names.count("Learning rate") == names.count("Learning rate of the step") == 1
    assert {"It is an 8", "It is a 3"} <= set(names)


@pytest.mark.slow
def test_hidden_units_are_no_stops_before_there_is_something_to_see(page):
    tabbed = "return document.querySelectorAll('#units button:not(:disabled)').length"
    assert page.run(tabbed) == 0
    page.draw(THREE)
    page.answers("3")
    assert page.run(tabbed) == 10


# -------------------------------------------------------------------------------- nobody else


@pytest.mark.slow
def test_a_rebound_name_gets_nothing_from_the_page(address, tmp_path):
    driver = chromium.start(tmp_path, "--host-resolver-rules=MAP evil.example 127.0.0.1")
    try:
        driver.get(address.replace("127.0.0.1", "evil.example"))
        assert not driver.find_elements("id", "drawing")
        asked = "return fetch('/api/model').then((answer) => answer.status)"
        assert driver.execute_script(asked) == 421
    finally:
        driver.quit()


@pytest.mark.slow
def test_the_page_says_when_the_server_has_gone(browser, tmp_path):
    process, address = start_server(tmp_path)
    page = Page(browser, address)
    page.open()
    page.draw(THREE)
    page.answers("3")
    end(process)
    page.run("scrollTo(0, 200)")
    page.draw([[(0.1, 0.1), (0.2, 0.1)]])
    page.wait(lambda: page["message"].is_displayed())
    assert page.text("message").startswith("The server has gone")
    assert page.run(
        "const { top, bottom } = document.getElementById('message').getBoundingClientRect();"
        "return top >= 0 && bottom <= innerHeight"
    )
    page.answers("")
    assert page.text("notes") == "No answer."
    browser.get_log("browser")
