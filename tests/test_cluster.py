"""The same sweep on a cluster: a real scheduler and real workers, on loopback."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from nnscratch.config import TrainConfig
from nnscratch.errors import NNScratchError
from nnscratch.lab.cluster import _notes, cluster_executor, kind_of_machine
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import sweep
from nnscratch.model_file import BUNDLED_MODEL

GRID = Grid(
    TrainConfig(epochs=10, validation_size=200),
    {"learning_rate": (0.03, 0.3), "hidden_size": (5, 20)},
    (0, 1),
)


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler of our own, and its two workers."""
    found = tmp_path / "scheduler.json"
    log = (tmp_path / "log").open("w")
    processes = []

    def start(kind, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        processes.append(
            subprocess.Popen(
                [*command, "--no-dashboard"], stdout=log, stderr=log, env=environment, cwd=tmp_path
            )
        )

    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(found))
    try:
        deadline = time.monotonic() + 30
        while not found.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.1)
        address = json.loads(found.read_text())["address"]
        for name in ("one", "two"):
            start("worker", address, "--nthreads", "1", "--no-nanny", "--name", name)
        said = ""
        while said.count("Registered to") < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
            said = (tmp_path / "log").read_text()
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


def all_but_the_time(results, folder):
    figures = [replace(result, seconds=0) for result in results]
    models = {path.name: path.read_bytes() for path in folder.glob("*.npz")}
    return figures, models


@pytest.mark.slow
def test_the_same_comes_out_also_when_a_worker_is_killed_in_the_middle(
    cluster, own_dataset, tmp_path
):
    address, workers = cluster
    done = []

    def kill_one(result):
        done.append(result)
        if len(done) == 2:
            workers[0].kill()

    here = sweep(GRID, own_dataset, tmp_path / "here", keep_all=True)
    with cluster_executor(address) as executor:
        assert executor.notes == []
        there = sweep(
            GRID, own_dataset, tmp_path / "there", keep_all=True, executor=executor,
            on_result=kill_one,
        )  # fmt: skip
    assert len(done) == len(GRID) == 8
    assert workers[0].poll() is not None
    assert workers[1].poll() is None
    expected = all_but_the_time(here, tmp_path / "here")
    assert all_but_the_time(there, tmp_path / "there") == expected
    assert len(expected[1]) == 9


@pytest.mark.slow
def test_a_teacher_is_sent_along(cluster, own_dataset, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")  # where the workers are not
    (tmp_path / "mine" / "t.npz").write_bytes(BUNDLED_MODEL.read_bytes())
    grid = Grid(TrainConfig(epochs=1, validation_size=200), {"teacher": ("t.npz", "none")})
    here = sweep(grid, own_dataset, tmp_path / "here", keep_all=True)
    with cluster_executor(cluster[0]) as executor:
        there = sweep(grid, own_dataset, tmp_path / "there", keep_all=True, executor=executor)
    expected = all_but_the_time(here, tmp_path / "here")
    assert all_but_the_time(there, tmp_path / "there") == expected


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "tcp://", "foo"])
def test_an_address_where_nobody_answers_is_named(address):
    with (
        pytest.raises(NNScratchError, match="the cluster does not answer") as caught,
        cluster_executor(address),
    ):
        pass
    assert caught.value.where == address
    assert "tcp://host:8786" in caught.value.next_step


def test_without_dask_the_extra_is_named():
    script = (
        "import sys; sys.modules['distributed'] = None\n"
        "from nnscratch.lab.cluster import cluster_executor\n"
        "cluster_executor('tcp://127.0.0.1:1').__enter__()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MissingExtraError: a sweep on a cluster needs Dask" in done.stderr
    assert "pip install 'nnscratch[cluster]'" in done.stderr


def test_a_worker_that_may_round_otherwise_is_noted():
    ours = {**kind_of_machine(), "OPENBLAS_NUM_THREADS": "1"}
    assert _notes({"a": ours, "b": ours}) == []
    (note,) = _notes({"a": ours, "b": {**ours, "version of NumPy": "1.0"}})
    assert note.startswith("b: its version of NumPy is 1.0, and here ")
    assert _notes({}) == ["the cluster has no worker yet, and the runs wait for one"]


@pytest.mark.slow
def test_the_command_shows_the_same_with_a_cluster_as_without(cluster, own_data, run, tmp_path):
    options = ("sweep", "--lr", "0.01,0.1", "--epochs", 1, "--validation", 200)
    here = run(*options, "-o", "here", data_dir=own_data)
    there = run(*options, "-o", "there", "--cluster", cluster[0], data_dir=own_data)
    assert there.returncode == 0, there.stderr

    def without_seconds(done):
        return re.sub(r"(?m)(\d\.\d{4}) +\d+\.\d\d", r"\1", done.stdout).replace("there/", "here/")

    assert without_seconds(there) == without_seconds(here)
    models = [(tmp_path / name / "best.npz").read_bytes() for name in ("here", "there")]
    assert models[0] == models[1]
