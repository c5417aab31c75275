"""Ctrl-C, a request to end, a terminal that closes, at any moment: nothing finished is lost."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nnscratch.files import SUFFIX
from nnscratch.model_file import load_model

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
EPOCHS = 160  # long enough for most signals to come while it trains
TRAIN = [
    *(sys.executable, "-m", "nnscratch", "train", "--epochs", str(EPOCHS)),
    *("--validation", "200", "--batch-size", "16"),
]


def hear_signals() -> None:
    """Let a child hear every signal, even where the tests themselves run in the background."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def started(folder, own_data, *options) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NNSCRATCH_")}
    return subprocess.Popen(
        [*TRAIN, *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**environment, "NNSCRATCH_DATA_DIR": str(own_data)}, preexec_fn=hear_signals,
    )  # fmt: skip


def finished_epochs(folder) -> int:
    """How many epochs the folder keeps, in a model or in an interrupted run."""
    names = ("model.npz", "model.interrupted.npz")
    return max((len(load_model(folder / n).history) for n in names if (folder / n).exists()),
               default=0)  # fmt: skip


def check_nothing_is_lost(process, folder, *sent) -> str:
    """Wait for the end; gives what was seen, for whoever wants to know at which moment it came.

    Of two signals that wait at the same time, the system delivers which one it likes first.
    """
    output, error = process.communicate(timeout=60)
    shown = [int(epoch) for epoch in re.findall(rf"^ +(\d+)/{EPOCHS} ", error, re.MULTILINE)]
    assert "Traceback" not in error, error
    assert "Exception ignored" not in error, error
    assert process.returncode in {0, *(128 + s for s in sent), *(-s for s in sent)}, error
    assert finished_epochs(folder) >= max(shown, default=0), error
    assert not list(folder.glob(f".*{SUFFIX}"))
    if process.returncode == 0:
        assert (folder / "model.npz").exists()
    return output + error


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_a_signal_at_any_moment_loses_no_finished_epoch(again, own_data, tmp_path):
    rng = random.Random(5)
    begun = time.perf_counter()
    started(tmp_path, own_data).communicate(timeout=60)
    whole_run_seconds = time.perf_counter() - begun

    def one(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        sent, pause = rng.choices(SIGNALS, k=1 + again), rng.uniform(0, 0.1)
        moment = rng.uniform(0.2, 1.3) * whole_run_seconds  # two at a time take a little longer
        process = started(folder, own_data)
        time.sleep(moment)
        for number in sent:
            process.send_signal(number)
            time.sleep(pause)
        return check_nothing_is_lost(process, folder, *sent)

    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(one, range(100)))
    assert sum("kept in model.interrupted.npz" in text for text in seen) > 10


@pytest.mark.parametrize("sent", SIGNALS, ids=lambda sent: sent.name)
@pytest.mark.slow
def test_a_signal_between_the_last_epoch_and_the_model_loses_neither(sent, own_data, tmp_path):
    process = started(tmp_path, own_data, "--hidden", "500")
    while f" {EPOCHS}/{EPOCHS} " not in (line := process.stderr.readline()):
        assert line
    process.send_signal(sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + sent, error
    assert "Traceback" not in error
    assert finished_epochs(tmp_path) == EPOCHS


def test_a_second_signal_leaves_what_is_being_kept_undisturbed(own_data, tmp_path):
    process = started(tmp_path, own_data, "--epochs", "100000", "--hidden", "2000")
    while "2/100000 " not in (line := process.stderr.readline()):
        assert line
    for _ in range(50):
        process.send_signal(signal.SIGINT)
        time.sleep(0.004)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert len(load_model(tmp_path / "model.interrupted.npz").history) >= 2


def test_a_shorter_interrupted_run_does_not_replace_a_longer_one(own_data, tmp_path):
    kept = tmp_path / "model.interrupted.npz"
    for epochs in (5, 1):
        process = started(tmp_path, own_data, "--epochs", "100000")
        while f"{epochs}/100000 " not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
        if epochs == 5:
            longer = kept.read_bytes()
    assert (tmp_path / "model.interrupted.previous.npz").read_bytes() == longer
    assert "an earlier interrupted run is now model.interrupted.previous.npz" in error


@pytest.mark.slow
def test_a_signal_that_our_caller_ignores_is_ignored(own_data, tmp_path):
    process = subprocess.Popen(
        ["nohup", *TRAIN], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)},
    )  # fmt: skip
    while " 2/" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "model.npz").exists()


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_while_it_learns_what_is_no_digit_it_ends_at_once(sent, mnist_dir, tmp_path):
    process = started(tmp_path, mnist_dir, "--epochs", "1", "--refuse", "--batch-size", "500")
    while "no digit" not in (line := process.stderr.readline()):
        assert line
    time.sleep(1)  # by then it makes pictures, for many seconds, and reports nothing
    process.send_signal(sent)
    began = time.perf_counter()
    _, error = process.communicate(timeout=60)
    assert time.perf_counter() - began < 3
    assert process.returncode == 128 + sent, error
    assert "Traceback" not in error
    assert finished_epochs(tmp_path) == 1


@pytest.mark.slow
def test_a_signal_while_a_usage_error_is_shown_leaves_no_traceback():
    rng, command = random.Random(3), [sys.executable, "-m", "nnscratch", "train", "--bogus"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    began = time.perf_counter()
    assert subprocess.run(command, **pipes).returncode == 2
    whole = time.perf_counter() - began
    for _ in range(60):
        process = subprocess.Popen(command, **pipes, preexec_fn=hear_signals)
        time.sleep(rng.uniform(0.4, 1) * whole)
        sent = rng.choice(SIGNALS)
        process.send_signal(sent)
        error = process.communicate(timeout=60)[1]
        assert "Traceback" not in error, error
        assert process.returncode in {2, 128 + sent, -sent}, error


IN_A_CALLBACK = """
import os, sys, time, weakref
from nnscratch.app.signals import signals

class Module: pass

signals.listen()
module = Module()
watch = weakref.ref(module, lambda _: {happens})
try:
    del module
    time.sleep({seconds})
    print("nothing heard")
except BaseException as heard:
    print(type(heard).__name__, signals.heard)
"""


def in_a_callback(happens, seconds) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", IN_A_CALLBACK.format(happens=happens, seconds=seconds)],
        capture_output=True, text=True, timeout=60, preexec_fn=hear_signals,
    )  # fmt: skip


@pytest.mark.parametrize("sent", SIGNALS, ids=lambda sent: sent.name)
def test_a_signal_is_heard_even_where_python_drops_what_is_raised(sent):
    done = in_a_callback(f"os.kill(os.getpid(), {int(sent)})", seconds=20)
    name = "KeyboardInterrupt" if sent is signal.SIGINT else "Terminated"
    assert (done.stdout, done.stderr) == (f"{name} {int(sent)}\n", "")


def test_what_else_python_drops_is_told_as_ever():
    done = in_a_callback("int('x')", seconds=0)
    assert "ValueError: invalid literal" in done.stderr
    assert done.stdout == "nothing heard\n"
