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

TRIED = 8  # works that are done each way, to see which is faster,
FOLLOWING = 400  # before so many are done that way

_mine = threading.local()
P = ParamSpec("P")
Result = TypeVar("Result")


class Helper:
    """The thread that helps another one; `second_core` makes it."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._starts = True
        self._several_cores = cores() > 1
        self._number = 0
        self._seconds = {False: 0.0, True: 0.0}  # of the works that were tried alone, and shared

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
        """Do the first here and the second there, or both here where that is faster.

        It is faster where the other core belongs to someone else: one would wait for it. So both
        ways are tried, again and again.
        """
        if not self._several_cores:
            first()
            second()
            return
        if self._number == 2 * TRIED + FOLLOWING:
            self._number, self._seconds = 0, {False: 0.0, True: 0.0}
        if tried := self._number < 2 * TRIED:
            shared = self._number >= TRIED
        else:
            shared = self._seconds[True] < self._seconds[False]
        self._number += 1
        started = time.perf_counter()
        future = self.submit(second) if shared else None
        first()
        if future is None or future.cancel():  # nobody has begun it
            second()
        else:
            future.result()
        if tried:
            self._seconds[shared] += time.perf_counter() - started


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
