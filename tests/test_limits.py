"""Places that cannot be written, values without measure, a system that has no more to give."""

import errno
import os
import pty
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nnscratch.errors import ModelFileError
from nnscratch.model_file import BUNDLED_MODEL, load_model

FAST = ("--epochs", "2", "--validation", "200")
NNSCRATCH = [sys.executable, "-m", "nnscratch"]
ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0


def refused_before_training(done):
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error: ") == 1
    assert " next: " in done.stderr
    assert "1/2" not in done.stderr, "it was refused only after training"


# --------------------------------------------------------------------------- what is no plain file


@pytest.fixture(params=["pipe", "socket", "device"])
def no_plain_file(request, tmp_path):
    place = tmp_path / "out.png"
    if request.param == "pipe":
        os.mkfifo(place)
    elif request.param == "socket":
        listener = socket.socket(socket.AF_UNIX)
        before = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket is short
        listener.bind("out.png")
        os.chdir(before)
        listener.close()
    else:
        place = Path("/dev/null") if not ROOT_USER else place
        if ROOT_USER:
            try:
                os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            except PermissionError:
                pytest.skip("no device can be made here")
    return place


@pytest.mark.parametrize("option", ["-o", "--history", "--plot"])
@pytest.mark.sampled(1)
def test_what_is_no_plain_file_is_refused_and_left_as_it_is(option, no_plain_file, run, own_data):
    if option == "--plot" and no_plain_file.name == "null":
        pytest.skip("a plot wants a suffix, and no device has one")
    before = no_plain_file.lstat().st_mode
    done = run("train", *FAST, option, no_plain_file, data_dir=own_data)
    refused_before_training(done)
    assert "no plain file" in done.stderr
    assert no_plain_file.lstat().st_mode == before


def test_a_link_is_followed(run, own_data, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "m.npz").symlink_to("there/real.npz")
    assert run("train", *FAST, "-o", "m.npz", data_dir=own_data).returncode == 0
    assert (tmp_path / "m.npz").is_symlink()
    load_model(tmp_path / "there" / "real.npz")


# ------------------------------------------------------------------- refused before training begins


@pytest.mark.parametrize("length", [240, 245, 250, 255, 300, 5000])
@pytest.mark.parametrize("option", ["-o", "--history", "--plot"])
@pytest.mark.sampled(1)
def test_a_name_is_long_enough_for_all_that_is_written_or_refused_first(
    option, length, run, own_data, tmp_path
):
    suffix = {"-o": ".npz", "--history": ".csv", "--plot": ".png"}[option]
    name = "n" * (length - len(suffix)) + suffix
    done = run("train", *FAST, option, name, data_dir=own_data)
    if done.returncode == 0:
        assert length <= 255
        assert (tmp_path / name).exists()
    else:
        refused_before_training(done)
        assert "too long" in done.stderr


def test_a_config_and_a_model_of_300_letters_are_refused(run, own_data):
    for option in ("--config", "--resume"):
        refused_before_training(run("train", option, "n" * 300, data_dir=own_data))
    refused_before_training(run("evaluate", "n" * 300, data_dir=own_data))


@pytest.mark.skipif(not ROOT_USER, reason="only root can make another user's file")
def test_another_users_file_in_a_folder_that_all_share_is_told_first():
    shared = Path(tempfile.mkdtemp(prefix="nnscratch-shared-"))
    try:
        shared.chmod(0o1777)
        shutil.copy(BUNDLED_MODEL, shared / "m.npz")
        (shared / "m.npz").chmod(0o666)
        code = (
            "import os; os.setgroups([]); os.setuid(61234); from pathlib import Path;"
            "from nnscratch.config import TrainConfig;"
            "from nnscratch.model_file import check_model_output as check;"
            f"check(Path({str(shared / 'm.npz')!r}), TrainConfig())"
        )
        # The package is loaded as root, whose files another user may not read.
        code = "import nnscratch.model_file, nnscratch.config; ''.encode('cp437'); " + code
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "OutputError" in done.stderr
        assert "belongs to another user" in done.stderr
        assert [path.name for path in shared.iterdir()] == ["m.npz"]
    finally:
        shutil.rmtree(shared)


def test_a_file_that_may_not_be_changed_is_told_first(run, own_data, tmp_path):
    done = run("train", *FAST, "-o", "m.npz", data_dir=own_data)
    assert done.returncode == 0
    path = tmp_path / "m.npz"
    if ROOT_USER:
        if not shutil.which("chattr") or subprocess.run(["chattr", "+i", path]).returncode:
            pytest.skip("this file system knows no immutable files")
    else:
        path.chmod(0o444)
    try:
        refused_before_training(run("train", *FAST, "-o", "m.npz", data_dir=own_data))
    finally:
        if ROOT_USER:
            subprocess.run(["chattr", "-i", path], check=True)


def mounts_work() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
    )


needs_mounts = pytest.mark.skipif(not mounts_work(), reason="namespaces are not to be had here")


def on_a_small_disk(folder, size, script, own_data) -> subprocess.CompletedProcess:
    command = f"mount -t tmpfs -o size={size} none {folder} && cd {folder} && {{ {script}; }}"
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)},
    )  # fmt: skip


@needs_mounts
def test_a_full_disk_is_told_before_training(own_data, tmp_path):
    words = " ".join(NNSCRATCH)
    script = f"{words} train {' '.join(FAST)} --hidden 100; code=$?; ls -A; exit $code"
    done = on_a_small_disk(tmp_path, "64k", script, own_data)
    assert "No space left" in done.stderr
    assert "1/2" not in done.stderr
    assert (done.returncode, done.stdout) == (1, "")


@needs_mounts
@pytest.mark.slow
def test_where_saving_fails_after_training_the_model_is_kept_elsewhere(own_data, tmp_path):
    # The disk fills while it trains: there was room for the model when it was tried.
    words, disk, log = " ".join(NNSCRATCH), tmp_path / "disk", tmp_path / "log"
    disk.mkdir()
    script = (
        f"{words} train --epochs 1500 --validation 200 --hidden 100 2> {log} & "
        f"until grep -q ' 2/1500 ' {log}; do sleep 0.1; done; "
        "head -c 10m /dev/zero > filler; wait $!"
    )
    done = on_a_small_disk(disk, "900k", script, own_data)
    error = log.read_text(encoding="utf-8")
    assert done.returncode == 1, error
    told = error.partition("the trained model is safe in ")[2].partition(";")[0]
    assert len(load_model(told).history) == 1500
    shutil.rmtree(Path(told).parent)


# ------------------------------------------------------------------------- values without measure


@pytest.mark.parametrize("option", ["--hidden", "--epochs", "--batch-size", "--seed"])
@pytest.mark.parametrize("value", ["1" + "0" * 18, "9" * 20, "9" * 5000])
@pytest.mark.sampled(1)
def test_a_number_without_measure_is_a_usage_error(option, value, run, own_data):
    done = run("train", option, value, data_dir=own_data)
    assert done.returncode == 2
    assert option in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 2000


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "text",
    [
        "epochs = " + "[" * 10_000 + "]" * 10_000,
        "epochs = " + "9" * 5000,
        "a" * 400_000 + " = 1",
        "seed = " + "9" * 60_000,
        f"schedule = '{'x' * 60_000}'",
    ],
    ids=["nested", "long number", "long key", "very long number", "long text"],
)
def test_settings_without_measure_are_refused_at_once(text, run, own_data, tmp_path):
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    done = run("train", "--config", "c.toml", data_dir=own_data)
    refused_before_training(done)
    assert len(done.stderr) < 2000


def changed(members: dict, tmp_path) -> Path:
    """Write the model on board with some members changed."""
    path = tmp_path / "m.npz"
    with zipfile.ZipFile(BUNDLED_MODEL) as archive, zipfile.ZipFile(path, "w") as new:
        for name in archive.namelist():
            new.writestr(name, members.get(name) or archive.read(name))
    return path


def test_a_header_that_is_no_header_is_refused(tmp_path):
    header = b"{[]: 1}".ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with pytest.raises(ModelFileError, match="W_h"):
        load_model(changed({"W_h.npy": member}, tmp_path))


def test_weights_that_are_finite_and_enormous_are_refused(tmp_path):
    with zipfile.ZipFile(BUNDLED_MODEL) as archive:
        sound = archive.read("W_o.npy")
    start = sound.index(b"\n") + 1
    enormous = np.full((len(sound) - start) // 4, 3e38, "<f4").tobytes()
    with pytest.raises(ModelFileError, match="so large"):
        load_model(changed({"W_o.npy": sound[:start] + enormous}, tmp_path))


# ------------------------------------------------------------------ what the system has no more of

# A thread wants a stack of so many kilobytes, and all of memory may have fewer.
NO_THREADS = 'ulimit -s 30000000 && ulimit -v 20000000 && exec "$@"'


def without_threads(*arguments, cwd, own_data) -> tuple[int, str]:
    """Run a command at a real terminal where no thread can be started; gives code and screen."""
    probe = "import threading; threading.Thread(target=print).start()"
    probed = subprocess.run(
        ["sh", "-c", NO_THREADS, "sh", sys.executable, "-c", probe], capture_output=True, text=True
    )
    if "can't start new thread" not in probed.stderr:
        pytest.skip("this system starts threads whatever the limit")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["sh", "-c", NO_THREADS, "sh", *NNSCRATCH, *map(str, arguments)], cwd=cwd,
        stdout=follower, stderr=follower,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data), "TERM": "xterm"},
    )  # fmt: skip
    os.close(follower)
    screen = b""
    while True:
        try:
            piece = os.read(leader, 1 << 16)
        except OSError as error:
            assert error.errno == errno.EIO
            break
        if not piece:
            break
        screen += piece
    os.close(leader)
    return process.wait(60), screen.decode(errors="replace")


def test_where_no_thread_can_be_started_training_does_without(own_data, run, tmp_path):
    code, screen = without_threads("train", *FAST, cwd=tmp_path, own_data=own_data)
    assert code == 0, screen
    assert "Traceback" not in screen
    run("train", *FAST, "-o", "with.npz", data_dir=own_data)
    assert (tmp_path / "model.npz").read_bytes() == (tmp_path / "with.npz").read_bytes()


# -------------------------------------------------------------------------- words from elsewhere

CLIPBOARD = "\x1b]52;c;ZXZpbA==\x07"


@pytest.mark.slow
def test_escape_sequences_from_outside_are_shown_and_not_sent(run, own_data, tmp_path):
    (tmp_path / f"evil{CLIPBOARD}\r\b.png").write_bytes(b"no picture")
    (tmp_path / f"c{CLIPBOARD}.toml").write_text("x = 1", encoding="utf-8")
    (tmp_path / "k.toml").write_text('"\\u001b]0;title\\u0007" = 1', encoding="utf-8")
    for arguments in (
        ("predict", "."),
        ("predict", f"evil{CLIPBOARD}\r\b.png"),
        ("train", "--config", f"c{CLIPBOARD}.toml"),
        ("train", "--config", "k.toml"),
        ("evaluate", f"m{CLIPBOARD}"),
        ("train", "-o", f"m{CLIPBOARD}/x.npz"),
        ("download", "--data-dir", "d", "--mirror", f"http://127.0.0.1:9/{CLIPBOARD}/"),
        ("train", f"--{CLIPBOARD}"),
        ("evaluate", "a", f"b{CLIPBOARD}"),
    ):
        done = run(*arguments, data_dir=own_data)
        assert done.returncode in (1, 2)
        for text in (done.stdout, done.stderr):
            assert "\x1b]" not in text, arguments
            assert "\x07" not in text, arguments
            assert "\b" not in text, arguments


def test_what_is_endless_is_cut_on_the_screen_and_never_in_json(run):
    long = "/".join(["x" * 200] * 15)
    assert len(run("predict", long).stderr) < 2000
    assert long in run("predict", long, "--json").stdout


def test_a_backend_that_is_not_there_does_not_stop_a_plot(run, own_data, tmp_path):
    backend = "module://no.such.backend"
    done = run("train", *FAST, "--plot", "c.png", data_dir=own_data, MPLBACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.png").exists()
