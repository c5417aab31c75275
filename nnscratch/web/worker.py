"""A thread that does one job after another, so that the server meanwhile answers others.

It is a daemon: when the command ends, no job is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


class Worker:
    """One thread and its queue.

    Attributes:
        idle: set while it has nothing to do.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self.idle = threading.Event()
        self.idle.set()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def do(self, task: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Do a task in the thread, and return what it returns or raise what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def job() -> None:
            settle: Callable[[Any], None] = future.set_result
            try:
                outcome: Any = task(*args, **kwargs)
            except Exception as error:
                settle, outcome = future.set_exception, error
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(_settle, future, settle, outcome)

        self._count(1)
        self._jobs.put(job)
        return await future

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._waiting += more
            if self._waiting:
                self.idle.clear()
            else:
                self.idle.set()


def _settle(future: asyncio.Future[Any], settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.cancelled():
        settle(outcome)
