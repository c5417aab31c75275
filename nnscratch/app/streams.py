"""The two streams, made safe: a full disk or a reader that leaves ends no work.

What writes to stdout or stderr, ours or a library's, goes through an `Outlet`. A reader that leaves
early has seen enough: a report ends there, quietly, and training goes on in silence. Any other
failure is remembered, so that the exit code can tell of it, and the rest is not written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

# Escape sequences that draw: colours, moves of the cursor, erasing a line. Others can write to a
# clipboard or rename a window, and are nobody's business here.
DRAWING = r"\[[0-9;?]*[A-HJKfmhlsu]"
FOREIGN_ESCAPE = re.compile(rf"\x1b(?!{DRAWING})")


class ReaderLeft(BaseException):
    """Whoever read the pipe has left; like KeyboardInterrupt, not to be caught as an error."""


class Outlet:
    """A text stream that stands before another and takes its failures.

    Args:
        stream: what is written to; None if it was closed before we were called.
        name: `stdout` or `stderr`.

    Attributes:
        error: why nothing is written any more, or None.
    """

    work_goes_on = False  # set by `unheeded`: a reader that leaves stops nothing

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self.stream, self.name = stream, name
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write text, or swallow it if the stream has failed."""
        if self.error is None:
            try:
                if self.stream is None:
                    raise OSError(errno.EBADF, "it is closed")
                self.stream.write(FOREIGN_ESCAPE.sub("␛", text))
            except (OSError, ValueError) as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing if the stream has failed."""
        if self.error is None and self.stream is not None:
            try:
                self.stream.flush()
            except (OSError, ValueError) as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.error = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        self._silence()
        if isinstance(error, BrokenPipeError) and not Outlet.work_goes_on:
            raise ReaderLeft from error

    def _silence(self) -> None:
        """Point the descriptor nowhere, so that the interpreter's last flush cannot fail."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)

    @property
    def lost_something(self) -> bool:
        """Whether text was lost that somebody may want: not to a reader who left, and of stderr
        not to one who closed it.
        """
        if self.error is None or isinstance(self.error, BrokenPipeError):
            return False
        return self.name == "stdout" or self.error.errno not in (errno.EBADF, errno.EIO)

    @property
    def encoding(self) -> str:
        """The encoding of the stream, or UTF-8 if there is none."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        try:
            return self.stream is not None and self.stream.isatty()
        except ValueError:
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def unheeded() -> Iterator[None]:
    """Let work go on in silence if the readers of stdout and stderr leave."""
    Outlet.work_goes_on = True
    try:
        yield
    finally:
        Outlet.work_goes_on = False


def install() -> tuple[Outlet, Outlet]:
    """Put an outlet before stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        # A screen that lacks a letter shows a question mark in its place.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    outlets = Outlet(sys.stdout, "stdout"), Outlet(sys.stderr, "stderr")
    sys.stdout, sys.stderr = outlets
    return outlets
