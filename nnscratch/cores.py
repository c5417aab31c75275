"""A second core: a thread that helps wherever there is a core for it.

Handing over to a thread and back costs some 50 µs, so that only long work is worth it: drawing the
next pictures, or half of a large product. NumPy lets go of the interpreter meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

PAUSE = 200  # works that are not shared after one that did not pay

_mine = threading.local()
P = ParamSpec("P")
Result = TypeVar("Result")


class Helper:
    """The thread that helps another one; `second_core` makes it."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._starts = True
        self._pause = 0 if cores() > 1 else -1  # works until one is shared again; -1: never

    def submit(
        self, task: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result] | None:
        """Queue a task for the thread; None where the system lets no thread start."""
        if self._starts:
            try:
                return self._executor.submit(task, *args, **kwargs)
            except RuntimeError:
                self._starts = False  # for good, since the executor would still do that task later
        return None

    def share(self, first: Callable[[], None], second: Callable[[], None]) -> None:
        """Do the first here and the second there, or both here where the thread has no time.

        Where the other core belongs to someone else, one would wait for it: after a wait as long
        as the work itself, nothing is shared for a while.
        """
        future = None
        if self._pause == 0:
            future = self.submit(second)
        elif self._pause > 0:
            self._pause -= 1
        started = time.perf_counter()
        first()
        if future is None or future.cancel():
            second()
            return
        ready = time.perf_counter()
        future.result()
        if time.perf_counter() - ready > (ready - started) / 2:
            self._pause = PAUSE


@contextlib.contextmanager
def second_core() -> Iterator[Helper]:
    """Give the thread that enters a helper; it ends with the block, whatever happens in there."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        before, _mine.helper = helper_here(), Helper(executor)
        try:
            yield _mine.helper
        finally:
            _mine.helper = before


def helper_here() -> Helper | None:
    """Return the helper of this thread, None outside `second_core`."""
    helper: Helper | None = getattr(_mine, "helper", None)
    return helper


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux; there `taskset` and containers take some away
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
