"""What may go wrong, made to go wrong: bad mirrors, kills, full disks, damaged files, terminals.

Nothing is patched. Servers misbehave on loopback, processes are killed for real, disks are small
for real. The promises stand in docs/reliability.md, each beside the test that holds it.
"""

from __future__ import annotations

import io
import json
import os
import pty
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from loopback import folder_answer, serving
from nnscratch.config import TrainConfig
from nnscratch.core import Network
from nnscratch.data import load_dataset
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.mirrors import Patience
from nnscratch.errors import DataError, ModelFileError
from nnscratch.files import SUFFIX
from nnscratch.model import Model
from nnscratch.model_file import load_model, save_model

NAMES = [file.name for file in MNIST_FILES]
LABELS = MNIST_FILES[3]  # the smallest file
HURRY = Patience(
    any_seconds=3,
    connect_seconds=0.5,
    answer_seconds=1.5,
    slow_seconds=1,
    pauses_seconds=(0.1, 0.2),
)
NNSCRATCH = [sys.executable, "-m", "nnscratch"]


@pytest.fixture(scope="session")
def packed(mnist_dir) -> Path:
    """The four files as a mirror serves them."""
    if not (mnist_dir / f"{NAMES[0]}.gz").exists():
        pytest.skip("only the published .gz have the known hashes")
    return mnist_dir


def environment(**more) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NNSCRATCH_")}
    return kept | {key: str(value) for key, value in more.items()}


def hear_interrupts() -> None:
    """Let a child hear Ctrl-C even where the tests themselves run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def told_in_three_parts(error: str) -> bool:
    return error.count("Error: ") == 1 and " next: " in error and "Traceback" not in error


# ----------------------------------------------------------------------------- 6–7 kills and crowds


def slowly(packed):
    def answer(handler):
        data = (packed / handler.path.lstrip("/")).read_bytes()
        handler.send(b"", Content_Length=len(data))
        for start in range(0, len(data), 1 << 18):
            handler.wfile.write(data[start : start + (1 << 18)])
            time.sleep(0.005)

    return answer


@pytest.mark.mnist
@pytest.mark.slow
def test_a_killed_download_leaves_nothing_half_and_the_next_run_succeeds(packed, tmp_path):
    sizes = {file.name: file.raw_bytes for file in MNIST_FILES}
    rng = random.Random(1)
    with serving(slowly(packed)) as mirror:
        command = [*NNSCRATCH, "download", "--data-dir", str(tmp_path), "--mirror", mirror.url]
        for _ in range(12):
            process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.2, 1.3))
            process.kill()
            process.wait()
            for name, size in sizes.items():
                path = tmp_path / name
                assert not path.exists() or path.stat().st_size == size
        abandoned = tmp_path / f".abandoned{SUFFIX}"
        abandoned.write_bytes(b"x")
        for path in tmp_path.glob(f".*{SUFFIX}"):
            os.utime(path, (0, 0))
        assert subprocess.run(command, env=environment(), capture_output=True).returncode == 0
    assert load_dataset(tmp_path).name == "mnist"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.mnist
@pytest.mark.slow
def test_eight_at_once_all_succeed(packed, tmp_path):
    with serving(folder_answer(packed)) as mirror:
        command = [*NNSCRATCH, "download", "--data-dir", str(tmp_path), "--mirror", mirror.url]
        crowd = [
            subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
            for _ in range(8)
        ]
        assert [process.wait(120) for process in crowd] == [0] * 8
    assert load_dataset(tmp_path).name == "mnist"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


# --------------------------------------------------------------------------- 9–10 folders and disks

# Root may write anywhere, unless it gives that power up.
AS_ORDINARY_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if hasattr(os, "geteuid") and os.geteuid() == 0
    else []
)


def as_ordinary_user(*arguments, cwd) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*AS_ORDINARY_USER, *NNSCRATCH, *map(str, arguments)],
        cwd=cwd, env=environment(), capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def read_only(own_data, tmp_path):
    folder = shutil.copytree(own_data, tmp_path / "read-only")
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_from_a_read_only_folder_good_files_load(read_only, tmp_path):
    done = as_ordinary_user(
        "train", "--data-dir", read_only, "--epochs", 1, "--validation", 0, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_a_model_is_not_saved_where_writing_is_forbidden_and_that_is_said_first(
    read_only, tmp_path
):
    done = as_ordinary_user(
        "train", "--data-dir", read_only, "-o", read_only / "m.npz", cwd=tmp_path
    )
    assert done.returncode == 1
    assert told_in_three_parts(done.stderr)
    assert "epoch" not in done.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("folder", ["read-only", "read-only/sweep"])
def test_a_sweep_does_not_begin_where_writing_is_forbidden(folder, read_only, tmp_path):
    done = as_ordinary_user(
        "sweep", "--data-dir", read_only, "--validation", 200, "-o", folder, cwd=tmp_path
    )
    assert done.returncode == 1
    assert told_in_three_parts(done.stderr)
    assert "run 1/1" not in done.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("place", ["file", "below a file", "forbidden"])
def test_a_data_folder_that_cannot_be_used_is_named(place, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    folder = {
        "file": tmp_path / "file",
        "below a file": tmp_path / "file" / "data",
        "forbidden": closed / "data",
    }[place]
    with serving(lambda h: h.send(b"", 404)) as mirror:
        done = as_ordinary_user(
            "download", "--data-dir", folder, "--mirror", mirror.url, cwd=tmp_path
        )
    assert done.returncode == 1
    assert told_in_three_parts(done.stderr)
    assert str(folder) in done.stderr
    assert "NNSCRATCH_DATA_DIR" in done.stderr


def mounts_work() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
    )


needs_namespaces = pytest.mark.skipif(not mounts_work(), reason="namespaces are not to be had here")


@pytest.mark.mnist
@needs_namespaces
def test_a_full_disk_keeps_nothing_half(packed, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    with serving(folder_answer(packed)) as mirror:
        script = (
            f"mount -t tmpfs -o size=9m none {small} && "
            f"{sys.executable} -m nnscratch download --data-dir {small} --mirror {mirror.url}; "
            f"code=$?; ls -A {small} >&2; exit $code"
        )
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script], env=environment(), capture_output=True,
            text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert told_in_three_parts(done.stderr)
    assert "No space left" in done.stderr
    assert SUFFIX not in done.stderr
    assert "train-images-idx3-ubyte\n" not in done.stderr


@needs_namespaces
def test_without_a_network_a_full_cache_serves(own_data, tmp_path):
    done = subprocess.run(
        ["unshare", "--net", *NNSCRATCH, "train", "--epochs", "1", "--validation", "0"],
        cwd=tmp_path, env=environment(NNSCRATCH_DATA_DIR=own_data), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------- 14–18 model files


def a_model(seed: int) -> Model:
    network = Network(10, rng=np.random.default_rng(seed))
    history = [
        {"epoch": 1, "train_loss": 0.5, "validation_loss": None, "validation_accuracy": None}
    ]
    return Model(network, TrainConfig(seed=seed), "mnist", {"a": "b"}, history, None)


@pytest.fixture
def saved(tmp_path):
    save_model(tmp_path / "m.npz", a_model(1))
    return tmp_path / "m.npz"


def test_one_flipped_bit_is_refused_or_harmless(saved):
    sound, rng = saved.read_bytes(), random.Random(3)
    original = load_model(saved)
    refused = 0
    for _ in range(400):
        place = rng.randrange(8 * len(sound))
        flipped = bytearray(sound)
        flipped[place // 8] ^= 1 << place % 8
        saved.write_bytes(flipped)
        try:
            model = load_model(saved)
        except ModelFileError:
            refused += 1
        else:
            assert np.array_equal(model.network.theta, original.network.theta)
            assert model.config == original.config
    assert refused > 300


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_model_cut_short_is_refused(saved, share):
    sound = saved.read_bytes()
    saved.write_bytes(sound[: int(share * len(sound))])
    with pytest.raises(ModelFileError):
        load_model(saved)


def npy(descr: str, shape: str, data: bytes = b"") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (118 - len(header) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize("kind", ["bomb", "giant header", "path"])
@pytest.mark.slow
def test_a_hostile_archive_is_refused_before_it_takes_memory(saved, kind):
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    packing = zipfile.ZIP_STORED
    if kind == "bomb":
        members["W_h.npy"], packing = bytes(10**9), zipfile.ZIP_DEFLATED
    elif kind == "giant header":
        members["W_h.npy"] = npy("<f4", f"({2**50}, 784)")
    else:
        members["../x.npy"] = members["b_o.npy"]
    with zipfile.ZipFile(saved, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    del members
    tracemalloc.start()
    with pytest.raises(ModelFileError):
        load_model(saved)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert not (saved.parent.parent / "x.npy").exists()


SAVE_FOR_EVER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_faults import a_model, save_model
models = [a_model(1), a_model(2)]
print("ready", flush=True)
while True:
    for model in models:
        save_model(Path({path!r}), model)
"""


@pytest.mark.slow
def test_fifty_kills_while_saving_leave_one_model_or_the_other(saved):
    sound = []
    for seed in (1, 2):
        save_model(saved, a_model(seed))
        sound.append(saved.read_bytes())
    script = SAVE_FOR_EVER.format(tests=str(Path(__file__).parent), path=str(saved))
    kills_with_a_temporary = kills = 0
    while kills_with_a_temporary < 50:
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        process.stdout.readline()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not list(saved.parent.glob(f".*{SUFFIX}")):
            pass
        process.kill()
        process.wait()
        process.stdout.close()
        kills += 1
        left = list(saved.parent.glob(f".*{SUFFIX}"))
        kills_with_a_temporary += bool(left)
        for path in left:
            path.unlink()
        assert saved.read_bytes() in sound
        assert kills < 400
    load_model(saved)


def test_a_limit_on_file_size_leaves_the_old_model(saved, own_data):
    before = saved.read_bytes()
    script = "ulimit -f 8; trap '' XFSZ; exec \"$@\""
    done = subprocess.run(
        ["sh", "-c", script, "sh", *NNSCRATCH, "train", "--epochs", "1", "--validation", "0",
         "-o", str(saved)],
        env=environment(NNSCRATCH_DATA_DIR=own_data), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert told_in_three_parts(done.stderr)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


# ---------------------------------------------------------------------- 19–21 stopping and going on


def stopped(own_data, folder, sent, *options) -> subprocess.CompletedProcess:
    """Train, send a signal after the second epoch, and wait for the end."""
    process = subprocess.Popen(
        [*NNSCRATCH, "train", "--validation", "200", *options],
        cwd=folder, env=environment(NNSCRATCH_DATA_DIR=own_data), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts,
    )  # fmt: skip
    seen = ""
    while not seen.strip().startswith("2/"):
        seen = process.stderr.readline()
        assert seen, "the training ended before it was interrupted"
    process.send_signal(sent)
    output, error = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, output, error)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_last_epoch_and_says_how_to_go_on(
    sent, code, own_data, tmp_path
):
    save_model(tmp_path / "model.npz", a_model(1))
    earlier = (tmp_path / "model.npz").read_bytes()
    done = stopped(own_data, tmp_path, sent, "--epochs", "100000")
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "--resume model.interrupted.npz --output model.npz" in done.stderr
    assert (tmp_path / "model.npz").read_bytes() == earlier
    assert len(load_model(tmp_path / "model.interrupted.npz").history) >= 2


def test_the_command_to_go_on_repeats_what_the_kept_file_does_not_hold(own_data, tmp_path):
    again = ["--history", "my course.csv", "--watch", str(ROOT / "data/samples/three.png")]
    again += ["--data-dir", str(own_data)]
    done = stopped(own_data, tmp_path, signal.SIGINT, "--epochs", "100000", *again)
    (advised,) = re.findall(r"To go on: .*?train (.*)", done.stderr)
    words = shlex.split(advised)
    assert words[:4] == ["--resume", "model.interrupted.npz", "--output", "model.npz"]
    assert words[4:] == again


SETTINGS = {
    "plain": [],
    "momentum and cosine": ["--momentum", "0.9", "--schedule", "cosine", "--lr", "0.01"],
    "augmented": ["--augment", "--weight-decay", "0.001"],
    "deskewed": ["--deskew", "--batch-size", "7"],
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.slow
def test_a_resumed_run_ends_bit_identical(name, own_data, tmp_path, run):
    options = [*SETTINGS[name], "--epochs", "120" if name == "augmented" else "400"]
    done = stopped(own_data, tmp_path, signal.SIGINT, *options)
    assert done.returncode == 130, done.stderr
    epochs_done = len(load_model(tmp_path / "model.interrupted.npz").history)
    resumed = run("train", "--resume", "model.interrupted.npz", data_dir=own_data)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{epochs_done + 1}/" in resumed.stderr
    whole = run("train", "--validation", 200, *options, "-o", "whole.npz", data_dir=own_data)
    assert whole.returncode == 0
    assert (tmp_path / "model.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.slow
def test_resume_refuses_other_settings_other_data_and_finished_models(own_data, tmp_path, run):
    stopped(own_data, tmp_path, signal.SIGINT, "--epochs", "100000")
    resume = ("train", "--resume", "model.interrupted.npz")
    other = shutil.copytree(own_data, tmp_path / "other")
    labels = other / NAMES[1]
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x05")
    assert run(*resume, "--lr", "0.2", data_dir=own_data).returncode == 2
    assert run(*resume, "--config", "x.toml", data_dir=own_data).returncode == 2
    done = run(*resume, data_dir=other)
    assert done.returncode == 1
    assert "not the files" in done.stderr
    run("train", "--epochs", 1, "--validation", 200, data_dir=own_data)
    assert "finished model" in run("train", "--resume", "model.npz", data_dir=own_data).stderr


def test_interrupted_before_the_first_epoch_nothing_is_kept_and_it_says_so(own_data, tmp_path):
    for seconds in (3, 10, 30):  # a busy machine may not have begun to train before
        process = subprocess.Popen(
            [*NNSCRATCH, "train", "--batch-size", "1", "--hidden", "4000", "--validation", "0"],
            cwd=tmp_path, env=environment(NNSCRATCH_DATA_DIR=own_data, OPENBLAS_NUM_THREADS=1),
            stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts,
        )  # fmt: skip
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 130
        if "nothing is kept" in error:
            break
    assert "nothing is kept" in error
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_no_number_stops_at_once_and_leaves_the_earlier_model(
    own_data, tmp_path, run
):
    save_model(tmp_path / "model.npz", a_model(1))
    earlier = (tmp_path / "model.npz").read_bytes()
    done = run("train", "--lr", "1e30", "--validation", 200, data_dir=own_data)
    assert done.returncode == 1
    assert told_in_three_parts(done.stderr)
    assert "epoch 1, batch" in done.stderr
    assert "--lr 0.1;" in done.stderr
    assert (tmp_path / "model.npz").read_bytes() == earlier


def test_a_model_no_better_than_chance_is_warned_of(own_data, run):
    done = run("train", "--lr", "1e6", "--epochs", 1, "--validation", 200, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert "no better than chance" in done.stderr


# --------------------------------------------------------------------------------- 23, 27 the rest


def test_pictures_that_cannot_be_read_are_told_one_by_one(tmp_path, own_dataset):
    Image.fromarray(own_dataset.test_images[0]).save(tmp_path / "good.png")
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    Image.new("L", (1, 5000), 255).save(tmp_path / "line.png")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "locked.png").write_bytes((tmp_path / "good.png").read_bytes())
    (tmp_path / "locked.png").chmod(0)
    names = ["dot.png", "line.png", "folder", "empty.png", "locked.png", "missing.png", "good.png"]
    done = as_ordinary_user("predict", *names, "--json", cwd=tmp_path)
    assert done.returncode == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == names
    assert ["error" in answer for answer in answers] == [True] * 6 + [False]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "terminal",
    [
        {"COLUMNS": "20"},
        {"TERM": "dumb"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"NO_COLOR": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
    ],
    ids=lambda terminal: " ".join(f"{key}={value}" for key, value in terminal.items()),
)
@pytest.mark.parametrize("command", ["evaluate", "predict", "train", "gradcheck"])
@pytest.mark.sampled(1)
def test_no_terminal_is_too_odd(command, terminal, tmp_path, own_data, saved):
    Image.fromarray(load_dataset(own_data).test_images[0]).save(tmp_path / "p.png")
    arguments = {
        "evaluate": ["evaluate", str(saved), "--dataset", "auto"],
        "predict": ["predict", "p.png"],
        "train": ["train", "--epochs", "2", "--validation", "200"],
        "gradcheck": ["gradcheck"],
    }[command]
    env = environment(NNSCRATCH_DATA_DIR=own_data, **terminal)
    leader, follower = pty.openpty()  # a real terminal
    process = subprocess.Popen(
        [*NNSCRATCH, *arguments], cwd=tmp_path, env=env, stdout=follower, stderr=follower
    )
    os.close(follower)
    seen = io.BytesIO()
    while True:
        try:
            piece = os.read(leader, 1 << 16)
        except OSError:
            break
        seen.write(piece)
        if not piece:
            break
    os.close(leader)
    assert process.wait(60) == 0, seen.getvalue().decode(errors="replace")
    text = seen.getvalue()
    assert b"Traceback" not in text
    if "NO_COLOR" in terminal:
        assert b"\x1b[3" not in text


def test_a_damaged_set_is_not_mistaken_for_a_missing_one(own_data, tmp_path):
    folder = shutil.copytree(own_data, tmp_path / "data")
    (folder / NAMES[0]).write_bytes(b"")
    with pytest.raises(DataError, match="header"):
        load_dataset(folder)
