"""Files that are whole or not there: write to a temporary name, flush to disk, then rename.

A rename within one folder is atomic, so that whoever looks sees the old file or the new one, and
never half of either, even if the process is killed or the disk is full.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

SUFFIX = ".nnscratch-part"
STALE_SECONDS = 60


def write_atomically(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, or leave it as it was.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full; nothing is left over.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sweep_stale(folder: Path) -> None:
    """Remove the temporary files that a killed process left behind.

    One exists for as long as a write takes, so that a minute old is surely abandoned.
    """
    for temporary in folder.glob(f".*{SUFFIX}"):
        try:
            if time.time() - temporary.stat().st_mtime > STALE_SECONDS:
                temporary.unlink()
        except OSError:
            continue  # another process was quicker, or the folder is not ours to tidy


def _umask() -> int:
    # The mask can only be read by setting it; mkstemp made the file private, and a model is not.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
