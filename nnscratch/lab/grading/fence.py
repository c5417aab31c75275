"""What a hand-in may not do while it is examined: the limits of its process, and who watches them.

The system limits time, memory and files, and takes the network away where it can. Python itself is
watched by an audit hook (PEP 578), which refuses processes, connections, and writing outside the
scratch folder, with an error in plain words. This keeps mistakes from doing harm. It is no sandbox:
code that means harm gets around it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MEMORY_BYTES = 1 << 30
FILE_BYTES = 1 << 20  # of each file that is written,
MOST_FILES = 100  # as often as one is opened for that
OPEN_FILES = 64
PROCESSES = 32  # threads, that is; root has no such limit

# linux/sched.h, linux/prctl.h
NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
APART = NEW_PID | NEW_NET | NEW_IPC
PR_SET_PDEATHSIG = 1

PROCESS, SIGNAL, NETWORK = "starting a process", "sending a signal", "the network"
LIBRARY = "calling a library past Python"
REFUSED = {
    **dict.fromkeys(
        ("os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn", "os.system",
         "os.startfile", "os.startfile/2", "pty.spawn", "subprocess.Popen",
         "_winapi.CreateProcess"),
        PROCESS,
    ),
    **dict.fromkeys(("os.kill", "os.killpg", "signal.pthread_kill"), SIGNAL),
    **dict.fromkeys(("ctypes.dlopen", "ctypes.dlsym"), LIBRARY),
}  # fmt: skip

# What an audit event does to files: places of the paths among its arguments, and, where a path may
# start at an open folder, of the descriptor of that.
WRITING, DELETING, CHANGING = "writing", "deleting", "changing"
ON_FILES: dict[str, tuple[str, dict[int, int | None]]] = {
    "open": (WRITING, {0: None}),
    "os.mkdir": (WRITING, {0: 2}), "os.truncate": (WRITING, {0: None}),
    "os.link": (WRITING, {0: 2, 1: 3}), "os.symlink": (WRITING, {0: None, 1: 2}),
    "sqlite3.connect": (WRITING, {0: None}), "os.rename": (CHANGING, {0: 2, 1: 3}),
    "os.chmod": (CHANGING, {0: 2}), "os.chown": (CHANGING, {0: 3}), "os.utime": (CHANGING, {0: 3}),
    "os.chflags": (CHANGING, {0: None}), "os.setxattr": (CHANGING, {0: None}),
    "os.removexattr": (CHANGING, {0: None}), "os.remove": (DELETING, {0: 1}),
    "os.rmdir": (DELETING, {0: 1}), "shutil.rmtree": (DELETING, {0: 1}),
}  # fmt: skip
TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def keep_apart() -> None:
    """Go on in namespaces of our own, where Linux has them: no network, and no process survives us.

    What goes on is a child, the first process of its namespace; when that one ends, the system
    kills whatever descends from it. We wait for it, and end as it did. Elsewhere, and where it is
    not allowed, nothing happens.
    """
    if sys.platform != "linux":
        return
    import ctypes

    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # A user namespace takes the privileges of root, and is what anybody else needs for the rest.
    if libc.unshare(APART | NEW_USER) and libc.unshare(APART):
        return
    parent_ended, held_by_parent = os.pipe()
    child = os.fork()
    if child:
        os.close(parent_ended)
        _end_as(os.waitpid(child, 0)[1])
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.close(held_by_parent)
    if select.select([parent_ended], [], [], 0)[0]:  # before we had asked for the signal
        os._exit(1)
    os.close(parent_ended)


def _end_as(status: int) -> None:
    """End as a child did that ended with this status."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def limit(seconds: int) -> None:
    """Limit this process: memory, processor time, files; what a system does not know is left."""
    if os.name == "nt":
        return
    import resource

    limits = {
        "AS": MEMORY_BYTES, "CPU": seconds, "FSIZE": FILE_BYTES, "NOFILE": OPEN_FILES,
        "NPROC": PROCESSES, "CORE": 0,
    }  # fmt: skip
    for name, value in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            kind = getattr(resource, f"RLIMIT_{name}")
            _, hard = resource.getrlimit(kind)
            lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (lower, lower))


def watch(folder: Path, on_refused: Callable[[str], None]) -> None:
    """Refuse from now on, for good, what a hand-in has no business with.

    Args:
        folder: where it may write.
        on_refused: called with what was refused: "starting a process", "writing /etc/passwd".

    A PermissionError is raised where it tried.
    """
    inside = os.path.join(os.path.realpath(folder), "")
    opened = itertools.count(1)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        refused = REFUSED.get(event) or (NETWORK if event.startswith("socket.") else "")
        if not refused and event in ON_FILES:
            refused = next(_outside(event, arguments, inside), "")
            if not refused and event == "open" and _writes(arguments) and next(opened) > MOST_FILES:
                refused = f"writing more than {MOST_FILES} files"
        if refused:
            on_refused(refused)
            raise PermissionError(f"{refused}: not while a hand-in is examined")

    sys.addaudithook(hook)
    _tell_of_starting()


def _tell_of_starting() -> None:
    """Let the one function tell the hook that starts processes unheard: multiprocessing's."""
    with contextlib.suppress(ImportError):  # Windows
        import _posixsubprocess

        _posixsubprocess.fork_exec = lambda *_: sys.audit("os.posix_spawn")  # type: ignore


def _outside(event: str, arguments: tuple[Any, ...], inside: str) -> Iterator[str]:
    """Yield what an event does to a file that is not inside."""
    if event == "open" and not _writes(arguments):
        return
    doing, paths = ON_FILES[event]
    for place, of_folder in paths.items():
        path = arguments[place]
        if not isinstance(path, (str, bytes, os.PathLike)):
            continue  # a descriptor, which is open already
        name = os.fsdecode(path)
        folder = arguments[of_folder] if of_folder and of_folder < len(arguments) else None
        full = os.path.realpath(os.path.join(_opened(folder), name))
        if name not in (os.devnull, ":memory:") and not os.path.join(full, "").startswith(inside):
            yield f"{doing} {full}"


def _writes(arguments: tuple[Any, ...]) -> bool:
    """Tell whether a file is opened to be written: arguments are its path, mode and flags."""
    return bool((arguments[2] or 0) & TO_WRITE)


def _opened(folder: int | None) -> str:
    """Return the path of an open folder; of none, where we are."""
    if folder is None or folder < 0:
        return ""
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/fd/{folder}")
    return os.sep  # not known here: outside
