"""Full disks, closed descriptors and readers who leave: the work is done, and the code tells."""

import json
import os
import subprocess
import sys
import time

import pytest

from nnscratch.model_file import load_model
from test_signals import hear_signals

NNSCRATCH = f"{sys.executable} -m nnscratch"
TRAIN = f"{NNSCRATCH} train --epochs 3 --validation 200"


def shell(script, folder, own_data) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NNSCRATCH_")}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True,
        env={**environment, "NNSCRATCH_DATA_DIR": str(own_data)}, timeout=120,
    )  # fmt: skip


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "reader", ["2>&1 | head -1", "--json | head -1", "2>&1 | true", "--json 2>&1 | head -2"]
)
def test_training_goes_on_and_saves_when_its_reader_leaves(reader, own_data, tmp_path):
    done = shell(f"{TRAIN} {reader}", tmp_path, own_data)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 0, done.stderr
    assert len(load_model(tmp_path / "model.npz").history) == 3


@pytest.fixture(scope="module")
def model(tmp_path_factory, own_data):
    folder = tmp_path_factory.mktemp("streams")
    assert shell(TRAIN, folder, own_data).returncode == 0
    return folder / "model.npz"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", ["evaluate {}", "--help", "gradcheck", "train --help"])
def test_a_report_ends_early_and_quietly_when_its_reader_leaves(command, model, own_data, tmp_path):
    done = shell(f"{NNSCRATCH} {command.format(model)} | true", tmp_path, own_data)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_tells_its_code_through_a_tee(own_data, tmp_path):
    script = f"{TRAIN.replace('--epochs 3', '--epochs 100000')} 2>&1 | tee log"
    process = subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", script], cwd=tmp_path, start_new_session=True,
        preexec_fn=hear_signals,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    log = tmp_path / "log"
    while not (log.exists() and "2/100000 " in log.read_text(encoding="utf-8")):
        time.sleep(0.05)
    os.killpg(process.pid, 2)  # as a terminal does: to every process of the line
    assert process.wait(60) == 130
    assert len(load_model(tmp_path / "model.interrupted.npz").history) >= 2


BROKEN = ["> /dev/full", ">&-", "> /dev/full 2> /dev/full", ">&- 2>&-", "2> /dev/full"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("streams", BROKEN)
def test_a_model_is_saved_though_its_output_cannot_be_written(streams, own_data, tmp_path):
    done = shell(f"{TRAIN} {streams}", tmp_path, own_data)
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert len(load_model(tmp_path / "model.npz").history) == 3
    if streams.startswith("> /dev/full") and "2>" not in streams:
        assert "stdout cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("streams", BROKEN)
@pytest.mark.parametrize("command", ["evaluate {}", "evaluate {} --json", "gradcheck", "--help"])
@pytest.mark.sampled(1)
def test_a_report_that_cannot_be_written_is_an_error(command, streams, model, own_data, tmp_path):
    done = shell(f"{NNSCRATCH} {command.format(model)} {streams}", tmp_path, own_data)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if streams == "2> /dev/full" else 1)  # nothing is said there


def test_without_stderr_results_are_results(model, own_data, tmp_path):
    done = shell(f"{NNSCRATCH} evaluate {model} --json 2>&-", tmp_path, own_data)
    assert done.returncode == 0
    assert json.loads(done.stdout)["samples"] == 400
