"""Work that may hang, done in a thread of its own, so that whoever waits for it keeps the clock."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator
from typing import Generic, TypeVar

Piece = TypeVar("Piece")

LONGEST_WAIT_SECONDS = 0.5  # on Windows, Ctrl-C is heard only between two waits


class Background(Generic[Piece]):
    """The pieces that a generator yields, each waited for until a deadline and no longer.

    Nobody waits for the thread in the end: whoever closes this has to end what hangs in it. Where
    no thread can be started, `next` does the work itself and looks at the clock after each piece.
    """

    def __init__(self, pieces: Generator[Piece, None, None]) -> None:
        self._pieces = pieces
        self._done: queue.SimpleQueue[Piece | Exception | None] = queue.SimpleQueue()
        self._threaded = True
        try:
            threading.Thread(target=self._work, daemon=True).start()
        except RuntimeError:
            self._threaded = False

    def next(self, deadline: float) -> Piece | None:
        """Return the next piece, None after the last.

        Args:
            deadline: until when to wait, by `time.monotonic`.

        Raises:
            TimeoutError: nothing came in time.
            Exception: whatever the generator raised.
        """
        piece = self._wait(deadline) if self._threaded else self._step()
        if isinstance(piece, Exception):
            raise piece
        if not self._threaded and piece is not None and time.monotonic() > deadline:
            raise TimeoutError
        return piece

    def close(self) -> None:
        """End a generator that has no thread; one that has a thread ends when its work does."""
        if not self._threaded:
            self._pieces.close()

    def _wait(self, deadline: float) -> Piece | Exception | None:
        while True:
            left = deadline - time.monotonic()
            try:
                return self._done.get(timeout=max(0, min(left, LONGEST_WAIT_SECONDS)))
            except queue.Empty:
                if left <= 0:
                    raise TimeoutError from None

    def _work(self) -> None:
        while True:
            piece = self._step()
            self._done.put(piece)
            if piece is None or isinstance(piece, Exception):
                return

    def _step(self) -> Piece | Exception | None:
        try:
            return next(self._pieces, None)
        except Exception as error:
            return error
