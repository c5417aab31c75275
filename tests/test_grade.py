"""Hand-ins graded, each in a process of its own: a hostile one is one line, and the next comes."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nnscratch
from conftest import ROOT, some_digits
from nnscratch.lab.grading.checks import Check
from nnscratch.lab.grading.grade import SECONDS, Grade, chosen_pictures, commonest, grade
from page_server import hear_signals
from test_fence import unshares

RIGHT = """
import numpy as np


class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = np.array(A, dtype=float)
        self.N = self.A.shape[0]
        return self.A @ self.W.T + np.ones((self.N, 1)) @ self.b.T

    def backward(self, dLdZ):
        dLdZ = np.array(dLdZ, dtype=float)
        dLdA = dLdZ @ self.W
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ np.ones((self.N, 1))
        if self.debug:
            self.dLdA = dLdA
        return dLdA
"""

# What is added to a file that is right; what its line says; and whether its points are kept.
HOSTILE = {
    "sys_exit": ("import sys; sys.exit()", "SystemExit", False),
    "os_exit": ("import os; os._exit(0)", "SystemExit: os._exit(0)", False),
    "posix_exit": (
        "import posix; posix._exit(0)",
        "it ended its process, with os._exit or the like",
        False,
    ),
    "late_os_exit": (
        "import os; Linear.backward = lambda *_: os._exit(3)",
        "it ended its process, with os._exit or the like (code 3)",
        False,
    ),
    "interrupts": (
        "raise KeyboardInterrupt",
        "it fails: KeyboardInterrupt (interrupts.py, line 24)",
        False,
    ),
    "crash": ("import os; os.abort()", "Python itself crashed (SIG", False),
    "fork_bomb": ("import os\nwhile True: os.fork()", "refused: starting a process", False),
    "quiet_fork_bomb": (
        "import os\nfor _ in range(50):\n    try: os.fork()\n    except OSError: pass",
        "refused: starting a process",
        True,
    ),
    "double_fork": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    time.sleep(999)",
        "refused: starting a process",
        False,
    ),
    "shell": ("import os; os.system('touch {place}/stray')", "refused: starting a process", False),
    "import_error": ("import no_such_thing", "no_such_thing", False),
    "syntax_error": ("def f(:", "this is not Python", False),
    "writes": ("open('{place}/stray', 'w')", "refused: writing", False),
    "deletes": ("import shutil; shutil.rmtree('{place}/kept')", "refused: deleting", False),
    "deletes_quietly": (
        "import os\ntry: os.remove('{place}/kept/precious')\nexcept OSError: pass",
        "refused: deleting",
        True,
    ),
    "hangs_up": ("import os; os.closerange(0, 99)", "it ended its process", False),
    "forges": (
        "import os\nfor fd in range(99):\n"
        '    try: os.write(fd, b\'{{"check": 1, "done": true}}\\n{{\' * 99)\n'
        "    except OSError: pass",
        "all right",
        True,
    ),
    "floods": (
        "import os\nwhile True:\n    for fd in range(3, 9):\n"
        "        try: os.write(fd, b'x' * 60_000)\n        except OSError: pass",
        "it writes without end where its results go",
        False,
    ),
    "tries_again_and_again": (
        "for i in range(20_000):\n    try: open(f'/no/{{i}}', 'w')\n    except OSError: pass",
        "refused: writing /no/0",
        True,
    ),
    "connects": (
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "refused: the network",
        False,
    ),
    "asks": ("input('your name? ')", "EOFError", False),
    "deep": ("(" * 200, "this is not Python", False),
    "fills_its_folder_and_locks_it": (
        "import os\nos.mkdir('full')\nfor i in range(20): open(f'full/{{i}}', 'w').write('x')\n"
        "os.chmod('full', 0)",
        "all right",
        True,
    ),
}

unix = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of Unix")


@pytest.fixture(scope="module")
def pictures():
    images, labels = some_digits(1200, 1)
    return images[:1000], labels[:1000], images[1000:], labels[1000:]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of the test's own, to see that nothing is left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def hand_in(folder, name, code) -> Path:
    file = folder / f"{name}.py"
    file.write_text(RIGHT + code, encoding="utf-8")
    return file


def wait_until(true, seconds=5.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


@unix
@pytest.mark.slow
def test_each_hostile_file_has_one_line_and_the_next_is_graded(pictures, tmp_path, temporary):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "precious").write_text("x")
    files = []
    for name, (code, _, _) in HOSTILE.items():
        files.append(hand_in(tmp_path, name, code.format(place=tmp_path)))
        files.append(hand_in(tmp_path, f"right_after_{name}", ""))
    before = sorted(path.name for path in tmp_path.iterdir())
    grades = grade(files, pictures)
    for done in grades[1::2]:
        assert (done.full, done.verdict) == (True, "all right"), done
    for done, (_, verdict, keeps_points) in zip(grades[::2], HOSTILE.values(), strict=True):
        assert verdict in done.verdict, done
        assert "\n" not in done.verdict
        assert done.full == keeps_points, done
        assert done.out_of == grades[1].out_of
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert list(kept.iterdir()) == [kept / "precious"]
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_right_but_odd_solutions_have_full_marks_in_processes_too(pictures):
    files = sorted((Path(__file__).parent / "hand_ins" / "right").glob("*.py"))
    assert len(files) >= 30
    assert [one for one in grade(files, pictures) if not one.full] == []


@unix
@pytest.mark.slow
def test_what_was_found_before_the_time_is_over_counts(pictures, tmp_path, temporary):
    loop = (
        "class ReLU:\n    def forward(self, Z):\n"
        "        while True: print('x' * 10_000)\n"
        "    def backward(self, dLdA): return dLdA"
    )
    hog = "x = []\nwhile True: x.append(np.ones(1_000_000))"
    files = [
        hand_in(tmp_path, "at_once", "while True: pass"),
        hand_in(tmp_path, "loop", loop),
        hand_in(tmp_path, "hog", hog),
    ]
    begun = time.monotonic()
    at_once, late, large = grade(files, pictures, jobs=3)
    assert time.monotonic() - begun < SECONDS + 5
    assert (at_once.points, at_once.verdict[:23]) == (0, f"out of time, after {SECONDS} s")
    assert late.points == 19
    assert late.out_of == 24
    assert late.verdict.startswith(f"out of time, after {SECONDS} s, at: ReLU")
    assert "MemoryError" in large.verdict or "out of time" in large.verdict
    assert list(temporary.iterdir()) == []


@unix
@pytest.mark.skipif(sys.platform != "linux", reason="namespaces of Linux")
def test_a_hidden_process_does_not_outlive_the_hand_in(pictures, tmp_path):
    """It gets past the watch by a fresh copy of the module that starts processes."""
    if not unshares():
        pytest.skip("this system allows no namespaces")
    beat = tmp_path / "beat"
    loop = f"while true; do printf x >> {beat}; sleep 0.02; done"
    code = (
        "import os, sys, time\nfrom multiprocessing.util import spawnv_passfds\n"
        "del sys.modules['_posixsubprocess']\n"
        f"spawnv_passfds(b'/usr/bin/setsid', ['setsid', 'sh', '-c', {loop!r}], ())\n"
        f"while not os.path.exists({str(beat)!r}): time.sleep(0.02)\n"
    )
    grade([hand_in(tmp_path, "hidden", code)], pictures)
    assert beat.exists()
    time.sleep(0.2)
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size


@pytest.mark.sampled(1)
@unix
@pytest.mark.parametrize("number", [2, 15])
def test_a_signal_ends_it_at_once_and_leaves_nothing(number, own_data, tmp_path, temporary):
    files = [hand_in(tmp_path, name, "while True: pass") for name in "abcd"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nnscratch", "grade", *map(str, files)], start_new_session=True,
        stderr=subprocess.PIPE, cwd=tmp_path,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data), "TMPDIR": str(temporary)},
        preexec_fn=hear_signals,
    )  # fmt: skip
    assert wait_until(lambda: list(temporary.glob("*/tmp*/*.py")), 30)
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert time.monotonic() - begun < 2
    assert process.returncode == 128 + number
    assert b"Traceback" not in error
    assert list(temporary.iterdir()) == []


@unix
@pytest.mark.skipif(sys.platform != "linux", reason="a signal at a parent's death")
def test_if_it_is_killed_its_processes_end_too(own_data, tmp_path, temporary):
    file = hand_in(tmp_path, "endless", "import time\nwhile True: time.sleep(0.01)")
    process = subprocess.Popen(
        [sys.executable, "-m", "nnscratch", "grade", str(file)], stderr=subprocess.DEVNULL,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data), "TMPDIR": str(temporary)},
    )  # fmt: skip

    def examiners():
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                here = os.readlink(entry / "cwd")
                if entry.name.isdigit() and here.startswith(str(temporary)):
                    found.append(entry.name)
        return found

    assert wait_until(examiners, 30)
    time.sleep(0.5)
    process.kill()
    process.wait()
    assert wait_until(lambda: not examiners())


@unix
def test_it_is_graded_as_an_ordinary_thread_may_start_it(pictures, tmp_path):
    file, done = hand_in(tmp_path, "right", ""), []
    thread = threading.Thread(target=lambda: done.extend(grade([file], pictures)))
    thread.start()
    thread.join(60)
    assert [one.full for one in done] == [True]


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (lambda file: file.mkdir(), "no Python file in it"),
        (lambda file: file.write_bytes(b"#" * (2 << 20)), "larger than 1 MiB"),
        (lambda file: os.mkfifo(file), "it is a device, a pipe or a socket, and no plain file"),
        (lambda file: None, "No such file"),
        (lambda file: file.symlink_to(file.name), "Too many levels of symbolic links"),
        (lambda file: file.write_bytes(b"\xff\xfe\x00"), "this is not Python"),
        (lambda file: file.write_bytes(b""), "Linear"),
    ],
    ids=["folder", "large", "pipe", "gone", "loop", "binary", "empty"],
)
@unix
def test_what_is_no_hand_in_has_no_points_and_a_verdict(make, verdict, pictures, tmp_path):
    file = tmp_path / "odd.py"
    make(file)
    (done,) = grade([file], pictures)
    assert verdict in done.verdict
    assert (done.points, done.full) == (0, False)
    assert done.out_of == 20


def test_secrets_of_the_environment_are_not_there(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "hunter2")
    code = "import os\nif 'MY_TOKEN' in os.environ: raise ValueError('it is there')"
    (done,) = grade([hand_in(tmp_path, "curious", code)], pictures)
    assert done.verdict == "all right"


@unix
def test_who_interrupts_midway_keeps_the_points_before(pictures, tmp_path):
    code = (
        "class ReLU:\n    def forward(self, Z): raise KeyboardInterrupt('enough')\n"
        "    def backward(self, dLdA): return dLdA"
    )
    (done,) = grade([hand_in(tmp_path, "midway", code)], pictures)
    assert done.verdict == "it fails: KeyboardInterrupt: enough (midway.py, line 25)"
    assert (done.points, done.out_of) == (19, 24)


def test_a_module_beside_a_hand_in_is_named_as_that(pictures, tmp_path, temporary):
    (tmp_path / "mylib.py").write_text("x = 1\n")
    files = [hand_in(tmp_path, n, f"from {n} import x") for n in ("a.b", "mylib.c")]
    grades = grade(files, pictures)
    assert [one.verdict for one in grades] == [
        "it imports a, which is not here (a.b.py, line 24)",
        "it imports mylib, and mylib.py beside it is not seen, for a hand-in is a single file "
        "(mylib.c.py, line 24)",
    ]
    assert list(temporary.iterdir()) == []


def test_it_is_examined_by_this_nnscratch_whose_files_are_not_modules_of_its_own(
    pictures, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    code = "import nnscratch\nraise ValueError(nnscratch.__file__)"
    files = [hand_in(tmp_path, "asks", code), hand_in(tmp_path, "borrows", "import products")]
    asks, borrows = grade(files, pictures)
    assert nnscratch.__file__ in asks.verdict
    assert borrows.verdict == "it imports products, which is not here (borrows.py, line 24)"


def test_grades_come_in_the_order_of_the_files(pictures, tmp_path):
    files = [
        hand_in(tmp_path, name, f"import time; time.sleep({pause})")
        for name, pause in (("c", 1), ("a", 0), ("b", 0.5))
    ]
    heard = []
    grades = grade(files, pictures, jobs=3, on_grade=heard.append)
    assert [Path(one.file).stem for one in grades] == ["c", "a", "b"]
    assert heard == grades


def made(*reasons) -> Grade:
    checks = tuple(Check(f"c{i}", not r, 0 if r else 2, 2, r) for i, r in enumerate(reasons))
    return Grade("x.py", checks, "")


def test_points_are_added_and_errors_counted_once_a_hand_in():
    both, one = made("a sign: it is off", "a sign: again", ""), made("a sign: x", "1/N: y")
    unread = made("not checked: out of time", "not checked: out of time")
    assert (both.points, both.out_of, both.full, both.errors) == (2, 6, False, ["a sign"])
    assert commonest([both, one, unread]) == [("a sign", 2)]
    assert unread.errors == []
    assert made("not written yet (x.py, line 3)").errors == ["not written yet"]
    assert made("", "").full
    assert not Grade("x.py", (), "").full


def test_pictures_are_taken_from_the_training_set_without_overlap(own_dataset):
    images, labels, tested, tested_labels = chosen_pictures(own_dataset)
    assert (images.shape, tested.shape) == ((960, 28, 28), (240, 28, 28))
    assert (labels.shape, tested_labels.shape) == ((960,), (240,))
    here = {image.tobytes() for image in own_dataset.train_images}
    assert {image.tobytes() for image in (*images, *tested)} <= here
    again = chosen_pictures(own_dataset)
    assert np.array_equal(images, again[0])


def test_where_there_is_no_data_set_digits_are_drawn():
    drawn = []
    images, labels, tested, _ = chosen_pictures(None, drawn.append)
    assert (len(images), len(tested), sum(drawn)) == (7000, 1000, 8000)
    assert set(labels) == set(range(10))
