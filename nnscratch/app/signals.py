"""Ctrl-C, a request to end, a terminal that closes: heard once, and acted on where it is safe.

The first signal ends the work, at once or, while training, at the next batch; whatever comes
after it is ignored, so that what is finished can be kept undisturbed.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nnscratch.errors import Terminated

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

HEARD = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
AGAIN_SECONDS = 0.01  # until a signal that was lost is said again


class Signals:
    """What has been heard so far.

    Attributes:
        heard: the first signal, or None.
        postponed: whether a signal waits for the next `check` instead of ending the work at once.
    """

    def __init__(self) -> None:
        self.heard: int | None = None
        self.postponed = False

    def listen(self) -> None:
        """Hear signals from now on; one that our caller has us ignore stays ignored (nohup)."""
        for number in HEARD:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._hear)
        sys.unraisablehook = self._lost

    def hear_no_more(self) -> None:
        """Ignore signals from now on: the work is done, and the interpreter is leaving."""
        for number in HEARD:
            signal.signal(number, signal.SIG_IGN)

    def _hear(self, number: int, _frame: Any) -> None:
        if self.heard is None:
            self.heard = number
            if not self.postponed:
                self.check()

    def _lost(self, lost: UnraisableHookArgs) -> None:
        """Say a signal again that came while Python could not stop: it drops whatever is raised in
        a `__del__` or in the callback of a weak reference, of which every import has one.
        """
        number, what = self.heard, lost.exc_value
        if number is None or not isinstance(what, (KeyboardInterrupt, Terminated)):
            sys.__unraisablehook__(lost)
            return
        self.heard = None
        again = threading.Timer(AGAIN_SECONDS, _say_again, [number, threading.get_ident()])
        again.daemon = True
        again.start()

    def check(self) -> None:
        """Raise if a signal has come.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            Terminated: any other signal.
        """
        if self.heard == signal.SIGINT:
            raise KeyboardInterrupt
        if self.heard is not None:
            raise Terminated(self.heard)

    @contextlib.contextmanager
    def at_checks_only(self) -> Iterator[None]:
        """Let signals wait for `check`, so that they never come between two lines that belong
        together; at the end one that has come is acted on.
        """
        self.postponed = True
        try:
            yield
        finally:
            self.postponed = False
        self.check()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Let signals end the work at once again, within `at_checks_only`: in somebody else's code,
        which may never come to an end.
        """
        before, self.postponed = self.postponed, False
        try:
            self.check()
            yield
        finally:
            self.postponed = before


def _say_again(number: int, thread: int) -> None:
    """Send a thread a signal, which wakes it if it waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, number)
    else:  # Windows
        signal.raise_signal(number)


signals = Signals()
