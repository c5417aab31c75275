"""The journal of a sweep: what it takes back, and what it refuses before any work."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nnscratch.config import TrainConfig
from nnscratch.errors import OutputError
from nnscratch.lab.grid import Grid
from nnscratch.lab.journal import Journal, RunResult, as_record, identity, save_table

GRID = Grid(TrainConfig(epochs=1, validation_size=200), {"hidden_size": (5, 10)}, (0, 1))
RESULTS = [
    RunResult(GRID.runs()[0], 0.123456789012345, 1 / 3, 0.5, None, False),
    RunResult(GRID.runs()[1], None, None, 0.1, None, True),
    RunResult(GRID.runs()[2], 1, 0, 0, "run-0003.npz", False),
]


@pytest.fixture
def journal(own_dataset, tmp_path):
    """Make the journal of GRID, or of another one, in the same folder."""

    def journal(grid=GRID, dataset=own_dataset, keep_all=False, room_bytes=0):
        sweep = identity(grid, dataset, keep_all)
        return Journal(tmp_path / "sweep", sweep, grid.runs(), room_bytes)

    return journal


@pytest.fixture
def begun(journal, tmp_path):
    """The folder of a sweep of which three runs are finished."""
    with journal() as opened:
        for result in RESULTS:
            opened.add(result)
    return tmp_path / "sweep"


def test_what_is_written_down_is_read_back_to_the_last_bit(journal, begun):
    with journal() as opened:
        assert list(opened.results().values()) == RESULTS
    lines = (begun / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == list(map(as_record, RESULTS))


@pytest.mark.parametrize("cut", [1, 2, 100, 250])
def test_half_a_line_is_discarded(cut, journal, begun):
    path = begun / "runs.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with journal() as opened:
        assert list(opened.results().values()) == RESULTS[:2]
        opened.add(RESULTS[2])
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"garbage", "it is not JSON"),
        (b"\0" * 100, "it is not JSON"),
        (b"", "it is not JSON"),
        (b"[]", "its keys should be"),
        (b"{}", "its keys should be"),
        (json.dumps(as_record(RESULTS[0])).encode(), "its run has been there before"),
    ],
)
def test_garbage_is_refused_and_its_line_is_named(line, said, journal, begun):
    path = begun / "runs.jsonl"
    lines = path.read_bytes().splitlines()
    lines[1] = line
    path.write_bytes(b"\n".join(lines) + b"\n")
    before = path.read_bytes()
    with pytest.raises(OutputError, match=f"line 2 of the journal.*{said}") as caught, journal():
        pass
    assert caught.value.where == str(path)
    assert "delete that line" in caught.value.next_step
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("validation_accuracy", 1.5, "figures"),
        ("validation_accuracy", None, "figures"),
        ("validation_loss", float("nan"), "figures"),
        ("validation_loss", float("inf"), "figures"),
        ("validation_loss", "0.3", "figures"),
        ("seconds", -1, "figures"),
        ("seconds", True, "figures"),
        ("model", "../best.npz", "figures"),
        ("diverged", True, "figures"),
        ("diverged", 0, "figures"),
        ("settings", {}, "settings are not those of a run"),
        ("settings", None, "settings are not those of a run"),
        ("settings", {**as_record(RESULTS[0])["settings"], "hidden_size": 7}, "another sweep"),
        ("settings", {**as_record(RESULTS[0])["settings"], "hidden_size": -7}, "must be"),
        ("more", 1, "keys"),
    ],
)
def test_a_line_that_no_run_gives_is_refused(key, value, said, journal, begun):
    line = json.dumps(as_record(RESULTS[0]) | {key: value})
    (begun / "runs.jsonl").write_text(line + "\n")
    with pytest.raises(OutputError, match=f"line 1 of the journal.*{said}"), journal():
        pass


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (replace(GRID, varied={"hidden_size": (5, 11)}), "differs in the values that are tried;"),
        (replace(GRID, seeds=(0, 1, 2)), "differs in the seeds;"),
        (
            replace(GRID, base=TrainConfig(epochs=2, validation_size=200)),
            "differs in the settings that all runs share;",
        ),
    ],
)
def test_another_sweep_is_refused_and_nothing_is_changed(grid, said, journal, begun):
    before = {path.name: path.read_bytes() for path in begun.iterdir()}
    with pytest.raises(OutputError, match=f"the folder holds another sweep, which {said}"):
        journal(grid).__enter__()
    assert {path.name: path.read_bytes() for path in begun.iterdir()} == before


@pytest.mark.usefixtures("begun")
def test_another_data_set_and_another_way_to_keep_are_refused(journal, own_dataset):
    others = dict.fromkeys(own_dataset.sha256, "0" * 64)
    with pytest.raises(OutputError, match="differs in the files of the data set;"):
        journal(dataset=replace(own_dataset, sha256=others)).__enter__()
    with pytest.raises(OutputError, match="differs in which models are kept;"):
        journal(keep_all=True).__enter__()


def test_runs_without_a_sweep_are_not_ours(journal, begun):
    (begun / "sweep.json").unlink()
    with pytest.raises(OutputError, match=r"no sweep\.json that says of which sweep"):
        journal().__enter__()


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff", b'{"dataset": "mnist"}'])
def test_a_sweep_that_is_none_is_refused(text, journal, begun):
    (begun / "sweep.json").write_bytes(text)
    with pytest.raises(OutputError, match="does not say which sweep"):
        journal().__enter__()
    assert (begun / "sweep.json").read_bytes() == text


def test_a_table_that_is_not_ours_is_not_replaced(journal, tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.csv").write_text("my,own,figures\n")
    refused = pytest.raises(OutputError, match="would replace a file that nnscratch did not make")
    with refused as caught:
        journal().__enter__()
    assert caught.value.next_step == "move that file, or name another folder with --output"
    assert (tmp_path / "sweep" / "sweep.csv").read_text() == "my,own,figures\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks on Windows")
@pytest.mark.usefixtures("begun")
def test_two_at_once_are_refused(journal):
    with journal(), pytest.raises(OutputError, match="another process is running this sweep"):
        journal().__enter__()
    with journal() as opened:
        assert len(opened.results()) == 3


def test_a_folder_is_made_but_not_its_parents(journal, tmp_path, own_dataset):
    with journal():
        assert (tmp_path / "sweep" / "sweep.json").exists()
    deep = Journal(tmp_path / "a" / "b", identity(GRID, own_dataset, False), GRID.runs())
    with pytest.raises(OutputError, match="No such file or directory"):
        deep.__enter__()
    (tmp_path / "file").write_text("mine")
    taken = Journal(tmp_path / "file", identity(GRID, own_dataset, False), GRID.runs())
    with pytest.raises(OutputError, match="cannot be saved"):
        taken.__enter__()


def test_the_table_has_a_line_for_each_run(begun):
    save_table(begun, RESULTS)
    save_table(begun, RESULTS)
    header, *rows = (begun / "sweep.csv").read_text().splitlines()
    assert header.startswith("learning_rate,epochs,")
    assert header.endswith(",seed,validation_accuracy,validation_loss,seconds,model,diverged")
    assert [row.split(",")[-6:] for row in rows] == [
        ["0", "0.123456789012345", str(1 / 3), "0.5", "", "False"],
        ["1", "", "", "0.1", "", "True"],
        ["0", "1", "0", "0", "run-0003.npz", "False"],
    ]


WRITE_ON = """
import json, os, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_journal import GRID, RESULTS, Journal, replace
folder, size = Path(sys.argv[2]), int(sys.argv[3])
if size < 1000:  # a limit that stands before the work
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
with Journal(folder, json.loads((folder / "sweep.json").read_text()), GRID.runs()) as journal:
    print("begun")
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    journal.add(replace(RESULTS[2], config=GRID.runs()[3]))
"""
# Root may write anywhere, unless it gives that power up.
AS_ORDINARY_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if hasattr(os, "geteuid") and os.geteuid() == 0
    else []
)
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="limits and permissions of POSIX")


def write_on(folder, size_bytes):
    """Add a run in a process of its own, which may make files of such a size."""
    tests = str(Path(__file__).parent)
    return subprocess.run(
        [*AS_ORDINARY_USER, sys.executable, "-c", WRITE_ON, tests, folder, str(size_bytes)],
        capture_output=True,
        text=True,
    )


@posix_only
def test_a_disk_that_fills_up_leaves_whole_lines(journal, begun):
    size = (begun / "runs.jsonl").stat().st_size
    done = write_on(begun, size + 50)
    assert done.stdout == "begun\n"
    assert "OutputError: the journal cannot be saved: File too large" in done.stderr
    assert "make room, then give the same command again" in done.stderr
    assert (begun / "runs.jsonl").stat().st_size == size
    with journal() as opened:
        assert list(opened.results().values()) == RESULTS
    assert write_on(begun, 10 * size).returncode == 0
    with journal() as opened:
        assert len(opened.results()) == 4


@posix_only
def test_a_disk_that_is_full_is_said_before_any_work(begun):
    done = write_on(begun, 500)
    assert done.stdout == ""
    assert "OutputError: the journal cannot be saved: File too large" in done.stderr


@posix_only
def test_a_read_only_folder_is_said_before_any_work(begun):
    begun.chmod(0o555)
    done = write_on(begun, 10_000)
    begun.chmod(0o755)
    assert done.stdout == ""
    assert "OutputError: the journal cannot be saved: Permission denied" in done.stderr
