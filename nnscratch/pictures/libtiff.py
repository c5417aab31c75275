"""libtiff, which decodes packed TIFF for Pillow, kept from writing to our stderr.

It tells of each oddity in a file by itself, past Python, and between our own lines. What matters of
it Pillow raises as an error.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import _imaging

STDERR = 2
_one_at_a_time = threading.Lock()


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """Keep libtiff quiet while a TIFF is decoded.

    It is asked to be; the request stays with the process, so that threads need not wait for one
    another. Where nobody can ask, as Pillow is built for Windows, stderr leads nowhere meanwhile.
    """
    if _ask_for_silence():
        yield
    else:
        with stderr_nowhere():
            yield


def _ask_for_silence() -> bool:
    """Take libtiff's two handlers of messages away; False if they cannot be reached."""
    try:
        library = ctypes.CDLL(_imaging.__file__)
        for handler in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            handler.restype = ctypes.c_void_p
            handler(None)
    except (OSError, AttributeError, TypeError):
        return False
    return True


@contextmanager
def stderr_nowhere() -> Iterator[None]:
    """Lead the descriptor of stderr nowhere, for every thread, until the block is left."""
    with _one_at_a_time:
        try:
            kept = os.dup(STDERR)
        except OSError:  # it is closed
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, STDERR)
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            os.close(nowhere)
