"""What a hand-in may not do: limits, and a watch on what Python does, in real processes."""

import os
import subprocess
import sys
import time

import pytest

from conftest import ROOT, listing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")


def fenced(code, folder, *, before="", timeout=60) -> subprocess.CompletedProcess:
    """Run code behind the fence, in a scratch folder; what is refused is printed."""
    scratch = folder / "scratch"
    scratch.mkdir()
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom nnscratch.lab.grading import fence\n"
        f"{before}\n"
        "fence.watch(Path.cwd(), lambda what: print('refused', what, flush=True))\n"
        f"{code}"
    )
    return subprocess.run(
        [sys.executable, "-B", "-c", script], cwd=scratch, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}, timeout=timeout,
    )  # fmt: skip


PROCESSES = [
    "os.fork()",
    "os.system('touch ../stray')",
    "os.execv('/bin/sh', ['sh', '-c', 'touch ../stray'])",
    "os.posix_spawn('/bin/sh', ['sh', '-c', 'touch ../stray'], {})",
    "import subprocess; subprocess.run(['touch', '../stray'])",
    "import multiprocessing as m; m.get_context('spawn').Process(target=print).start()",
    "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    "import pty; pty.fork()",
]


@pytest.mark.parametrize("code", PROCESSES)
def test_no_process_is_started(code, tmp_path):
    done = fenced(code, tmp_path)
    assert "refused starting a process" in done.stdout
    assert "PermissionError: starting a process: not while a hand-in is examined" in done.stderr
    assert not (tmp_path / "stray").exists()


HARM = {
    "open(kept, 'w')": "writing",
    "open(kept, 'a')": "writing",
    "os.open(kept, os.O_RDWR)": "writing",
    "Path('../scratch/../new').write_text('x')": "writing",
    "os.mkdir('../new')": "writing",
    "os.symlink(kept, 'link'); open('link', 'w')": "writing",
    "os.truncate(kept, 0)": "writing",
    "os.remove(kept)": "deleting",
    "import shutil; shutil.rmtree(os.path.dirname(kept))": "deleting",
    "os.remove('file', dir_fd=os.open(os.path.dirname(kept), os.O_RDONLY))": "deleting",
    "os.rename(kept, 'mine')": "changing",
    "os.replace('own', kept)": "changing",
    "os.chmod(kept, 0)": "changing",
}


@pytest.mark.parametrize("code", HARM)
def test_nothing_outside_the_scratch_folder_is_touched(code, tmp_path):
    kept = tmp_path / "kept" / "file"
    kept.parent.mkdir()
    kept.write_text("precious")
    done = fenced(f"open('own', 'w').close(); kept = {str(kept)!r}\n{code}", tmp_path)
    assert f"refused {HARM[code]}" in done.stdout
    assert "PermissionError" in done.stderr
    assert kept.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "scratch"]


def test_the_scratch_folder_is_its_own_and_all_may_be_read(tmp_path):
    code = (
        "import tempfile, json, multiprocessing, asyncio, sqlite3\n"
        "Path('a/b').mkdir(parents=True); Path('a/b/c').write_text('x'); os.rename('a/b/c', 'd')\n"
        "os.remove('d'); open(os.devnull, 'w').write('x'); tempfile.TemporaryFile().write(b'x')\n"
        "with tempfile.TemporaryDirectory() as name: Path(name, 'x').write_text('x')\n"
        "open(sys.executable, 'rb').read(1); print('fine')"
    )
    done = fenced(code, tmp_path)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr
    assert "scratch/a/b" in [path.as_posix() for path in listing(tmp_path)]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import socket; socket.socket()", "the network"),
        ("import urllib.request; urllib.request.urlopen('http://127.0.0.1:1')", "the network"),
        ("os.kill(os.getppid(), 0)", "sending a signal"),
        ("import ctypes; ctypes.CDLL(None).fork()", "calling a library past Python"),
    ],
)
def test_no_connection_no_signal_no_way_past_python(code, what, tmp_path):
    done = fenced(code, tmp_path, before="import ctypes")
    assert f"refused {what}" in done.stdout
    assert "Error" in done.stderr


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("try: bytearray(2 << 30)\nexcept MemoryError: print('no memory')", "no memory"),
        ("try: open('big', 'wb').write(bytes(2 << 20))\nexcept OSError as e: print(e)", "large"),
        (
            "try: files = [open(os.devnull) for _ in range(99)]\nexcept OSError as e: print(e)",
            "Too",
        ),
    ],
)
def test_memory_and_files_have_limits(code, seen, tmp_path):
    if sys.platform != "linux" and "memory" in seen:
        pytest.skip("this system does not limit memory")
    assert seen in fenced(code, tmp_path, before="fence.limit(5)").stdout


def test_processor_time_has_a_limit(tmp_path):
    begun = time.monotonic()
    done = fenced("while True: pass", tmp_path, before="fence.limit(1)")
    assert done.returncode < 0
    assert time.monotonic() - begun < 20


def unshares() -> bool:
    """Whether this system gives us namespaces."""
    code = (
        "import os; from nnscratch.lab.grading import fence; "
        "fence.keep_apart(); os._exit(os.getpid())"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 1


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces of Linux")
def test_no_descendant_outlives_its_process_and_there_is_no_network(tmp_path):
    if not unshares():
        pytest.skip("this system allows no namespaces")
    beat = tmp_path / "beat"
    code = f"""
import os, socket, time
from nnscratch.lab.grading import fence
fence.keep_apart()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:  # an orphan in a session of its own
            open({str(beat)!r}, "a").write("x"); time.sleep(0.02)
    os._exit(0)
while not os.path.exists({str(beat)!r}): time.sleep(0.02)
try: socket.create_connection(("127.0.0.1", 9), 1)
except OSError as error: print(error.strerror)
os._exit(7)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 7, done.stderr
    assert "unreachable" in done.stdout
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size
