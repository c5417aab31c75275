"""The server of the page, as a real process: runs as streams, saved models, and how it ends."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT, listing
from nnscratch.model_file import load_model
from page_server import JSON, THREE, drawing_page

pytest.importorskip("starlette")

SMALL = {"validation": 200, "batch-size": 16}  # for a data set of 1,200 pictures
ENDLESS = {**SMALL, "epochs": 200, "hidden": 256, "batch-size": 1}


@pytest.fixture
def page(tmp_path, own_data):
    with drawing_page(tmp_path, own_data) as page:
        yield page
        page.end()
        assert "Traceback" not in "".join(page.told)
        assert "failed" not in "".join(page.told)


def until(condition, seconds=10):
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def test_the_address_stands_alone_on_stdout_and_stderr_says_how_to_end_it(tmp_path, own_data):
    with drawing_page(tmp_path, own_data) as page:
        assert page.address == f"http://127.0.0.1:{page.port}/"
        assert page.ask("GET", "/")[0] == 200
        if sys.platform == "win32":
            page.end()
        else:
            assert page.end(signal.SIGINT) == 130
        assert page.process.stdout.read() == ""
        assert "Ctrl-C ends it" in "".join(page.told)


def test_the_page_names_the_model_it_was_started_with(tmp_path, own_data):
    with drawing_page(tmp_path, own_data) as page:
        shown = page.get("/api/model")
    bundled = load_model("pretrained")
    assert (shown["network"], shown["name"]) == ("model", "pretrained")
    assert shown["accuracy"] == bundled.test["accuracy"]
    assert shown["hidden_size"] == bundled.config.hidden_size
    assert shown["deskewed"] is True
    assert [unit["index"] for unit in shown["units"]] == bundled.outspoken_units().tolist()
    unit, blocks = shown["units"][3], bundled.network.parameters
    assert unit["weights"] == blocks["W_h"][unit["index"]].tolist()
    assert unit["bias"] == blocks["b_h"][unit["index"], 0]
    assert unit["votes"] == blocks["W_o"][:, unit["index"]].tolist()
    assert shown["output_bias"] == blocks["b_o"][:, 0].tolist()
    assert shlex.split(shown["command"])[-2:] == ["--dataset", "mnist+synthetic"]
    assert shown["limits"] == {"strokes": 500, "points": 20_000, "epochs": 200, "hidden": 256}


@pytest.mark.slow
def test_a_run_on_the_page_is_the_command_that_it_shows_to_the_last_byte(page, run, own_data):
    asked = {"lr": 0.15, "hidden": 12, "epochs": 3, "seed": 4, "strokes": THREE, **SMALL}
    began, *epochs, done = page.train(**asked)
    assert began["event"] == "start"
    assert (began["run"], began["dataset"], began["samples"]) == (1, "custom", 1000)
    assert "using them as a data set of your own" in began["notes"][0]
    assert [epoch["network"] for epoch in epochs] == ["run-1-1", "run-1-2", "run-1-3"]
    for network, name in (("run-1-3", "last.npz"), ("run-1-2", "earlier")):
        status, saved = page.post("/api/save", {"name": name, "network": network})
        assert status == 200
        name = saved["model"]
        words = shlex.split(saved["command"])
        assert words[words.index("train") - 1] == "nnscratch"
        assert words[-2:] == ["--output", name]
        (shown,) = (epoch["command"] for epoch in epochs if epoch["network"] == network)
        assert shlex.split(shown) == words[:-2]
        trained = run(*words[words.index("train") : -1], "here.npz", data_dir=own_data)
        assert trained.returncode == 0, trained.stderr
        assert (page.folder / name).read_bytes() == (page.folder / "here.npz").read_bytes()
        measured = json.loads(run("evaluate", name, "--json", data_dir=own_data).stdout)
        assert measured["accuracy"] == saved["accuracy"]
        assert measured["loss"] == saved["loss"]
    assert done["test_accuracy"] == load_model(page.folder / "last.npz").test["accuracy"]
    assert (page.folder / "earlier.npz").exists()


def test_a_stream_tells_what_train_json_tells_and_what_became_of_the_drawing(
    page, run, own_data, tmp_path
):
    asked = {"epochs": 2, "strokes": THREE, **SMALL}
    began, *epochs, done = page.train(**asked)
    drawn = page.ask("POST", "/api/picture", json.dumps({"strokes": THREE}), JSON)[2]
    (tmp_path / "three.png").write_bytes(drawn)
    words = shlex.split(began["command"])
    words = [*words[words.index("train") :], "--watch", "three.png", "--json"]
    lines = [json.loads(line) for line in run(*words, data_dir=own_data).stdout.splitlines()]
    for told, line in zip(epochs, lines, strict=False):
        told["watched"]["image"] = "three.png"
        assert {key: told[key] for key in line if key != "seconds"} == {
            key: value for key, value in line.items() if key != "seconds"
        }
        (unit, *_) = told["units"]
        assert len(unit["weights"]) == 784
        _, asked_now = page.post("/api/look", {"strokes": THREE, "network": told["network"]})
        assert asked_now["probabilities"] == told["watched"]["probabilities"]
    for key in ("test_loss", "test_accuracy", "settings", "dataset"):
        assert done[key] == lines[-1][key]
    assert done["network"] == "run-1-2"


def test_the_samples_done_are_told_while_an_epoch_lasts(page):
    with page.training(**ENDLESS) as events:
        assert next(events)["event"] == "start"
        told = next(event for event in events if event["event"] == "progress")
    assert 0 < told["done"] <= 1000


def test_the_explanation_is_left_out_where_it_is_not_wanted(page):
    _, whole = page.post("/api/look", {"strokes": THREE})
    _, quick = page.post("/api/look", {"strokes": THREE, "explain": False})
    assert quick == {**whole, "why": None, "ladder": None}


def test_a_look_is_answered_while_a_run_goes_on(page):
    with page.training(**ENDLESS, strokes=THREE) as events:
        next(events)
        for _ in range(10):
            status, answer = page.post("/api/look", {"strokes": THREE})
            assert (status, answer["answer"]) == (200, "3")
        assert any(event["event"] == "epoch" for event in events)  # it went on


def test_one_run_at_a_time_and_a_stop_ends_it(page):
    with page.training(**ENDLESS) as events:
        next(events)
        status, refused = page.post("/api/train", SMALL)
        assert status == 409
        assert "under way in another tab" in refused["error"]
        next(event for event in events if event["event"] == "epoch")
        assert page.post("/api/stop", {}) == (200, {"stopped": True})
        *_, last = events
    assert last["event"] == "stopped"
    assert last["epochs"] >= 1
    kept = page.get(f"/api/model?network=run-1-{last['epochs']}")
    assert kept["settings"]["epochs"] == last["epochs"]
    assert page.post("/api/stop", {}) == (200, {"stopped": False})
    assert page.train(**SMALL, epochs=1)[-1]["network"] == "run-2-1"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells how many threads there are")
def test_a_closed_tab_ends_the_run_and_no_thread_stays(page):
    page.train(**SMALL, epochs=1)
    before = page.threads()
    for number in range(2, 8):
        with page.training(**ENDLESS) as events:
            assert next(events)["run"] == number
            assert page.threads() > before
    until(lambda: page.threads() == before)
    assert page.train(**SMALL, epochs=1)[-1]["network"] == "run-8-1"


def test_a_run_that_fails_says_why_and_the_next_one_starts(page):
    error = page.train(lr=1e30, **SMALL)[-1]
    assert error["event"] == "error"
    assert "learning rate" in error["error"]
    (error,) = page.train(validation=4999)
    assert error["event"] == "error"
    assert error["error"].startswith("validation must be below the 1,200 training samples")
    assert page.train(**SMALL, epochs=1)[-1]["event"] == "done"


def test_runs_of_long_ago_are_forgotten(page):
    for _ in range(3):
        page.train(**SMALL, epochs=1)
    assert page.ask("GET", "/api/model?network=run-1-1")[0] == 404
    assert page.ask("GET", "/api/model?network=run-2-1")[0] == 200


def test_a_step_makes_a_network_of_its_own_and_leaves_the_one_it_came_from(page):
    before = page.post("/api/look", {"strokes": THREE})[1]["probabilities"]
    status, told = page.post("/api/step", {"strokes": THREE, "digit": 4, "lr": 0.01})
    assert (status, told["network"], told["from"]) == (200, "step-1", "model")
    assert told["after"]["loss"] < told["before"]["loss"]
    assert told["before"]["probabilities"] == before
    assert told["samples"] == 400
    taught = page.post("/api/look", {"strokes": THREE, "network": "step-1"})[1]
    assert taught["probabilities"] == told["after"]["probabilities"]
    assert page.post("/api/look", {"strokes": THREE})[1]["probabilities"] == before
    assert page.post("/api/save", {"name": "x", "network": "step-1"})[0] == 422


def test_nothing_is_saved_before_a_run_and_nothing_of_the_users_is_replaced(page):
    assert page.post("/api/save", {"name": "mine.npz"})[0] == 404
    page.train(**SMALL, epochs=1)
    for name, content in (("mine.npz", b"my notes"), ("other.previous.npz", b"my notes")):
        (page.folder / name).write_bytes(content)
    for name in ("mine.npz", "other.npz"):
        status, refused = page.post("/api/save", {"name": name})
        assert status == 409
        assert "did not make" in refused["error"]
    assert [path.name for path in listing(page.folder)] == ["mine.npz", "other.previous.npz"]
    assert (page.folder / "mine.npz").read_bytes() == b"my notes"
    (page.folder / "mine.npz").unlink()
    assert page.post("/api/save", {"name": "mine.npz"})[1]["previous"] is None
    assert page.post("/api/save", {"name": "mine.npz"})[1]["previous"] == "mine.previous.npz"


def test_a_picture_is_answered_as_predict_answers_it(page, run, tmp_path):
    drawn = page.ask("POST", "/api/picture", json.dumps({"strokes": THREE}), JSON)[2]
    (tmp_path / "three.png").write_bytes(drawn)
    predicted = json.loads(run("predict", "three.png", "--json").stdout)
    sent = {"Content-Type": "application/octet-stream"}
    status, _, body = page.ask("POST", "/api/look?against=8", drawn, sent)
    answer = json.loads(body)
    assert status == 200
    assert answer["probabilities"] == predicted["probabilities"]
    assert answer["why"]["against"] == 8
    drawn = page.post("/api/look", {"strokes": THREE})[1]
    assert drawn["probabilities"] == predicted["probabilities"]


# ------------------------------------------------------------------------------------------ ending


@pytest.mark.sampled(1)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_at_once_also_while_a_run_streams(tmp_path, own_data, sent):
    number = getattr(signal, sent)
    with drawing_page(tmp_path, own_data) as page:
        open_ones = [page.connect() for _ in range(3)]
        for connection in open_ones:  # alive, as a browser keeps them
            connection.request("GET", "/api/model")
            connection.getresponse().read()
        half = socket.create_connection(("127.0.0.1", page.port))
        half.sendall(b"POST /api/look HTTP/1.1\r\n")
        with page.training(**{**ENDLESS, "batch-size": 1000}) as events:
            next(events)
            started = time.monotonic()
            assert page.end(number) == 128 + number
            assert time.monotonic() - started < 2  # and less than 1 where nothing else is running
        half.close()
        for connection in open_ones:
            connection.close()
        assert "Traceback" not in "".join(page.told)
        assert "Exception" not in "".join(page.told)


def test_a_port_that_is_taken_is_told_in_three_parts(tmp_path, own_data, run):
    with drawing_page(tmp_path, own_data) as page:
        done = run("draw", "--no-browser", "--port", page.port)
    assert done.returncode == 1
    assert done.stdout == ""
    first, where, following = done.stderr.splitlines()
    assert first.startswith("Error: the page cannot be served: ")
    assert where == f"where: 127.0.0.1, port {page.port}"
    assert "--port" in following


def test_the_port_that_is_asked_for_is_taken_and_can_be_taken_again_at_once(tmp_path, own_data):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        with drawing_page(tmp_path, own_data, "--port", str(port)) as page:
            assert page.port == port
            assert page.ask("GET", "/")[0] == 200
            page.end()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is listened to")
def test_it_listens_on_loopback_and_nowhere_else(tmp_path, own_data):
    with drawing_page(tmp_path, own_data) as page:
        port = f"{page.port:04X}"
        for table, only in (("tcp", "0100007F"), ("tcp6", None)):
            lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
            heard = {line.split()[1] for line in lines if line.split()[3] == "0A"}
            assert {local for local in heard if local.endswith(f":{port}")} == (
                {f"{only}:{port}"} if only else set()
            )


def test_without_a_browser_the_address_is_told(tmp_path):
    script = f"{sys.executable} -m nnscratch draw"
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = subprocess.Popen(
        shlex.split(script), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**environment, "BROWSER": "/nowhere/browser %s"},
    )  # fmt: skip
    try:
        address = process.stdout.readline().strip()
        while (line := process.stderr.readline()) and "no browser" not in line:
            pass
        assert line == f"Note: no browser could be started; open {address} yourself\n"
    finally:
        process.kill()
        process.communicate()


def test_without_the_extra_it_says_which_one_to_install(tmp_path, run):
    (tmp_path / "starlette.py").write_text("raise ImportError('not here')")
    done = run("draw", "--no-browser", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Starlette and uvicorn" in done.stderr
    assert "-m pip install 'nnscratch[web]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("options", [["--port", "65536"], ["--port", "-1"], ["--port", "x"]])
def test_a_port_that_is_none_is_a_usage_error(run, options):
    assert run("draw", *options).returncode == 2


def test_a_model_that_is_not_there_is_told_first(run):
    done = run("draw", "--no-browser", "--model", "missing.npz")
    assert done.returncode == 1
    assert "missing.npz" in done.stderr
    assert done.stdout == ""
