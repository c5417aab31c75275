"""Hand-ins graded: each examined in a process of its own, so that none disturbs another.

What a process has found counts, even if it then runs out of time or ends itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.config import TrainConfig
from nnscratch.core import CLASSES, Linear
from nnscratch.cores import cores
from nnscratch.data import Dataset
from nnscratch.data.synthetic import draw_digits
from nnscratch.files import cannot_write, open_plain
from nnscratch.lab.grading.checks import Check, plan
from nnscratch.lab.grading.examiner import ARRAYS
from nnscratch.lab.grading.submissions import why_no_hand_in
from nnscratch.training import hold_out

SECONDS = 10
LONGEST_FILE, LONGEST_ANSWER = 1 << 20, 1 << 22  # bytes
TICK_SECONDS = 0.02
TRAINED_ON, TESTED_ON, DRAWN = 20_000, 1_000, 8_000
FLOODED = 1 << 10  # in place of an exit code, which is smaller
NOT_CHECKED, OUT_OF_TIME, REFUSED = "not checked", "out of time", "refused"
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR")
Pictures = tuple[NDArray[np.uint8], ...]
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Grade:
    """What a hand-in came to.

    Attributes:
        file: as it was named.
        checks: all of them, in order; one that was not reached has failed.
        verdict: one line.
    """

    file: str
    checks: tuple[Check, ...]
    verdict: str

    @property
    def points(self) -> int:
        """The points that it has."""
        return sum(check.points for check in self.checks)

    @property
    def out_of(self) -> int:
        """The points that it could have."""
        return sum(check.out_of for check in self.checks)

    @property
    def full(self) -> bool:
        """Whether it has all of them."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def refused(self) -> bool:
        """Whether it tried what it may not."""
        return self.verdict.startswith(REFUSED)

    @property
    def errors(self) -> list[str]:
        """The names of what is wrong, each once."""
        return list(dict.fromkeys(name for check in self.checks if (name := _error_of(check))))


def _error_of(check: Check) -> str:
    """Return the name of what is wrong: that before the colon, or a sentence without its place."""
    name, colon, _ = check.reason.partition(": ")
    if check.passed or name == NOT_CHECKED:
        return ""
    return name if colon else name.partition(" (")[0]


def commonest(grades: Sequence[Grade]) -> list[tuple[str, int]]:
    """Return the errors that more than one hand-in has, the commonest first, with their number."""
    counted = Counter(name for grade in grades for name in grade.errors)
    return [(name, count) for name, count in counted.most_common() if count > 1]


def chosen_pictures(
    dataset: Dataset | None, on_drawn: Callable[[int], None] = lambda count: None
) -> Pictures:
    """Return what hand-ins learn from and are measured on; the test set is not among it.

    Args:
        dataset: whose training pictures are taken; None draws DRAWN of the built-in digits.
        on_drawn: called with the number drawn since the last call.

    Returns:
        images (n, 28, 28) and labels (n,), at most TRAINED_ON, then as many others, TESTED_ON or,
        of a small set, a fifth. All uint8.
    """
    if dataset is None:
        rng = np.random.default_rng(0)
        labels = rng.integers(0, CLASSES, DRAWN).astype(np.uint8)
        images = draw_digits(labels, rng, on_drawn=on_drawn)
    else:
        images, labels = dataset.train_images, dataset.train_labels
    held_out = min(TESTED_ON, len(labels) // 5)
    learned, tested = hold_out(len(labels), TrainConfig(validation_size=held_out, batch_size=1))
    learned = np.random.default_rng(0).permutation(learned)[:TRAINED_ON]
    return images[learned], labels[learned], images[tested], labels[tested]


def grade(
    files: Sequence[Path],
    pictures: Pictures,
    *,
    jobs: int | None = None,
    on_grade: Callable[[Grade], None] = lambda grade: None,
    on_wait: Callable[[], None] = lambda: None,
) -> list[Grade]:
    """Grade hand-ins, several at once.

    Args:
        pictures: as `chosen_pictures` gives them.
        jobs: how many at once; as many as there are cores, if not given.
        on_grade: called with each grade, in the order of the files.
        on_wait: called now and then; what it raises ends the work, and every process.

    Raises:
        OutputError: there is no room for temporary files.
    """
    grades: list[Grade] = []
    with _room(pictures) as room, ThreadPoolExecutor(jobs or cores()) as pool:
        stop = threading.Event()
        waiting = [pool.submit(_grade, file, room, stop) for file in files]
        try:
            for future in waiting:
                while not future.done():
                    on_wait()
                    wait([future], 0.1)
                grades.append(future.result())
                on_grade(grades[-1])
        finally:
            stop.set()
            for future in waiting:
                future.cancel()
    return grades


@contextlib.contextmanager
def _room(pictures: Pictures) -> Iterator[Path]:
    """Make a folder with the pictures in it, which all processes map into their memory."""
    with tempfile.TemporaryDirectory(prefix="nnscratch-", ignore_cleanup_errors=True) as name:
        room = Path(os.path.realpath(name))
        try:
            for array, values in zip(ARRAYS, pictures, strict=True):
                np.save(room / f"{array}.npy", values)
        except OSError as error:
            raise cannot_write(room, "the pictures, which all hand-ins share,", error) from error
        yield room


def _grade(file: Path, room: Path, stop: threading.Event) -> Grade:
    """Grade one hand-in, on a copy of it in a scratch folder."""
    scratch = Path(tempfile.mkdtemp(dir=room))
    try:
        return _graded(file, room, scratch, stop)
    except OSError as error:  # the file cannot be read, or no process can be started
        why = f"it cannot be read: {error.strerror or error}"
        if file.is_dir():
            why = why_no_hand_in(file)
        return Grade(str(file), _without_answers(why), why)
    finally:
        _remove(scratch)


def _graded(file: Path, room: Path, scratch: Path, stop: threading.Event) -> Grade:
    with open_plain(file) as source:
        text = source.read(LONGEST_FILE + 1)
    if len(text) > LONGEST_FILE:
        raise OSError(0, "it is larger than 1 MiB")
    (scratch / file.name).write_bytes(text)
    word = secrets.token_hex()
    beside = [path.name for path in file.parent.glob("*.py")]
    task = {"file": file.name, "beside": beside, "pictures": str(room), "seconds": SECONDS,
            "word": word}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-P", "-B", "-m", "nnscratch.lab.grading.examiner"],
        cwd=scratch, env=_environment(scratch), start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    began = time.monotonic()
    said = bytearray()
    reader = threading.Thread(target=_read, args=(process, said), daemon=True)
    try:
        reader.start()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(json.dumps(task).encode() + b"\n")
        while process.poll() is None and not stop.is_set():
            if time.monotonic() - began > SECONDS or len(said) > LONGEST_ANSWER:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TICK_SECONDS)
        code = process.poll()
        if len(said) > LONGEST_ANSWER:
            code = FLOODED
    finally:
        _end(process)
        reader.join(1)
    answers = _answers(bytes(said), word)
    return Grade(str(file), *_judged(answers, code))


def _environment(scratch: Path) -> dict[str, str]:
    """Return the variables of a process: our Python as we found it, the scratch folder as home."""
    here = os.getcwd()
    package = str(Path(__file__).parents[3])
    paths = [path for path in sys.path if path and (path == package or path != here)]
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    homes = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(scratch))
    own = {"PYTHONPATH": os.pathsep.join(dict.fromkeys([*paths, package])), "PYTHONUTF8": "1"}
    return {**kept, **homes, **own, **dict.fromkeys(ONE_THREAD, "1")}


def _read(process: subprocess.Popen[bytes], said: bytearray) -> None:
    """Collect what a process says, until there is far too much of it."""
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError), process.stdout as stdout:
        while len(said) <= LONGEST_ANSWER and (piece := os.read(stdout.fileno(), 1 << 16)):
            said += piece


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it has started, if any of that is left."""
    if os.name == "nt":
        command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        with contextlib.suppress(OSError):
            subprocess.run(command, capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _remove(folder: Path) -> None:
    """Remove a scratch folder, also one whose permissions were taken away."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


# --------------------------------------------------------------------- what a process has said


def _answers(said: bytes, word: str) -> list[Mapping[str, Any]]:
    """Return the answers among all that came through the pipe."""
    lines = said.decode(errors="replace").split("\n")
    answers = []
    for line in lines:
        if line.startswith(word):
            with contextlib.suppress(ValueError):
                answers.append(json.loads(line.removeprefix(word)))
    return answers


def _judged(
    answers: Sequence[Mapping[str, Any]], code: int | None
) -> tuple[tuple[Check, ...], str]:
    """Return all checks and the verdict, from the answers and the exit code (None: stopped)."""
    plans = [answer["plan"] for answer in answers if "plan" in answer]
    done = [Check(**answer["check"]) for answer in answers if "check" in answer]
    refused = dict.fromkeys(answer["refused"] for answer in answers if "refused" in answer)
    unreadable = [answer["unreadable"] for answer in answers if "unreadable" in answer]
    ended = any("done" in answer for answer in answers)
    why = "".join(unreadable[:1]) or ("" if ended else _how_it_ended(code))
    planned = plans[-1] if plans else plan({"Linear": Linear})
    left = [
        Check(name, False, 0, out_of, f"{NOT_CHECKED}: {why}")
        for name, out_of in planned[len(done) :]
    ]
    checks = (*done, *left)
    return checks, _verdict(checks, why, list(refused))


def _without_answers(why: str) -> tuple[Check, ...]:
    """Return the checks of a `Linear`, none of them done."""
    return tuple(
        Check(name, False, 0, out_of, f"{NOT_CHECKED}: {why}")
        for name, out_of in plan({"Linear": Linear})
    )


def _how_it_ended(code: int | None) -> str:
    """Say why a process did not get to its end."""
    if code == FLOODED:
        return "it writes without end where its results go"
    if code is None or code == -getattr(signal, "SIGXCPU", 0):
        return f"{OUT_OF_TIME}, after {SECONDS} s"
    if code == -getattr(signal, "SIGKILL", 0):
        return "killed by the system, perhaps for lack of memory"
    if code < 0:
        return f"Python itself crashed ({signal.Signals(-code).name})"
    return f"it ended its process, with os._exit or the like (code {code})"


def _verdict(checks: Sequence[Check], why: str, refused: Sequence[str]) -> str:
    """Say in one line what matters: what was refused, why it was cut short, or what is wrong."""
    parts = [f"{REFUSED}: {what}" for what in refused[:1]]
    if why and not (refused and "PermissionError" in why):
        parts.append(why)
        unfinished = [check.name for check in checks if check.reason == f"{NOT_CHECKED}: {why}"]
        if unfinished and why.startswith(OUT_OF_TIME):
            parts[-1] += f", at: {unfinished[0]}"
    if not parts:
        failed = [check for check in checks if not check.passed]
        named = filter(None, map(_error_of, failed))
        parts = list(dict.fromkeys(named)) or [check.name for check in failed]
    return "; ".join(parts) or "all right"
