"""Files that are whole or not there, and that never take the place of what is not ours.

A file is written under a temporary name, flushed to disk, then renamed. A rename within one folder
is atomic, so that whoever looks sees the old file or the new one, and never half of either, even
if the process is killed or the disk is full.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nnscratch.errors import OutputError

SUFFIX = ".nnscratch-part"
BLOCK_BYTES = 1 << 20
NO_PLAIN_FILE = "a device, a pipe or a socket, and no plain file"
ANOTHER_PLACE = "choose another place or another name"


def write_atomically(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, or leave it as it was; a symbolic link is followed.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full; nothing is left over.
    """
    place = Path(os.path.realpath(path))
    with temporary_file(place.parent) as (file, temporary):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        if os.name == "nt":
            file.close()  # Windows renames no open file
        temporary.replace(place)


@contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a temporary file, removed at the end if it still has its name.

    It is locked for as long as it is open, which tells `sweep_stale` that its owner is alive.
    """
    while True:
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=SUFFIX, dir=folder)
        if lock(descriptor) and os.path.exists(name):
            break
        os.close(descriptor)  # it was swept before it was locked
    temporary = Path(name)
    try:
        with open(descriptor, "wb") as file:
            yield file, temporary
    finally:
        temporary.unlink(missing_ok=True)


def lock(descriptor: int) -> bool:
    """Lock an open file; False if another process holds it. There are no locks on Windows."""
    if os.name == "nt":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks: a sweep finds none either, and takes it for stale
    return True


def sweep_stale(folder: Path) -> None:
    """Remove the temporary files that a killed process left behind: those that nobody locks.

    Windows removes no file that is open, so that there the attempt alone is enough.
    """
    for temporary in folder.glob(f".*{SUFFIX}"):
        with suppress(OSError):  # another process was quicker, or the folder is not ours to tidy
            if os.name == "nt":
                temporary.unlink()
                continue
            descriptor = os.open(temporary, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if lock(descriptor):
                    temporary.unlink()
            finally:
                os.close(descriptor)


def _umask() -> int:
    # The mask can only be read by setting it; mkstemp made the file private, and a model is not.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def open_plain(path: Path | str) -> IO[bytes]:
    """Open a plain file for reading: no pipe that waits for a writer, no device without end.

    Raises:
        OSError: as `open`; also if it is no plain file, which its `strerror` says.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        number, reason = errno.EINVAL, f"it is {NO_PLAIN_FILE}"
        if stat.S_ISDIR(mode):
            number, reason = errno.EISDIR, os.strerror(errno.EISDIR)
        raise OSError(number, reason, str(path))
    return open(path, "rb")


# ------------------------------------------------------------------------- before work is begun


def check_output(
    path: Path,
    what: str,
    *,
    is_ours: Callable[[Path], bool],
    siblings: Sequence[Path] = (),
    room_bytes: int = 0,
) -> None:
    """Raise, before any work is done, if a file could not be written or must not be replaced.

    Writing is tried for real: a temporary file of the size that is needed is made and removed.

    Args:
        what: what is to be written, with its article: "the model".
        is_ours: tells whether a file that is there already may be replaced.
        siblings: files of the same kind that may be written beside it.
        room_bytes: how much room it will take.

    Raises:
        OutputError: a folder, a device, a pipe; a file that is not ours or may not be written; a
            place that is missing, forbidden or full.
    """
    place = Path(os.path.realpath(path))
    try:
        for name in (path, *siblings):
            _check_kind(name, what)
            _check_ours(name, what, is_ours)
        _check_replaceable(place)
        _check_room(place.parent, room_bytes)
        sweep_stale(place.parent)
    except OSError as error:
        raise cannot_write(path, what, error) from error


def cannot_write(path: Path, what: str, error: OSError) -> OutputError:
    """Say that a file cannot be written, with the system's own reason."""
    return OutputError(
        f"{what} cannot be saved: {error.strerror or error}",
        where=str(path),
        next_step=ANOTHER_PLACE,
    )


def check_distinct(outputs: Mapping[str, Path | None]) -> None:
    """Raise OutputError if two files of one command, by option, are the same file."""
    seen: dict[str, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        place = os.path.normcase(os.path.realpath(path))
        if place in seen:
            raise OutputError(
                f"{seen[place]} and {option} name the same file",
                where=str(path),
                next_step="give each a name of its own",
            )
        seen[place] = option


def check_named(path: Path, what: str) -> None:
    """Raise OutputError for a folder without a name, such as . : no name can be made of it."""
    if not path.name:
        raise _no_file(path, what, "a folder")


def _check_kind(path: Path, what: str) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode):
        return
    raise _no_file(path, what, "a folder" if stat.S_ISDIR(mode) else NO_PLAIN_FILE)


def _no_file(path: Path, what: str, kind: str) -> OutputError:
    return OutputError(
        f"{what} cannot be saved: that is {kind}", where=str(path), next_step=ANOTHER_PLACE
    )


def _check_ours(path: Path, what: str, is_ours: Callable[[Path], bool]) -> None:
    if path.exists() and path.stat().st_size and not is_ours(path):
        raise OutputError(
            f"{what} would replace a file that nnscratch did not make",
            where=str(path),
            next_step="choose another name; the file was left as it is",
        )


def _check_replaceable(place: Path) -> None:
    """Raise OSError if a file is there that we may not replace: protected, or somebody else's."""
    if not place.exists():
        return
    os.close(os.open(place, os.O_WRONLY | os.O_APPEND))
    if os.name == "nt":
        return
    folder, user = place.parent.stat(), os.geteuid()
    if folder.st_mode & stat.S_ISVTX and user not in (0, folder.st_uid, place.stat().st_uid):
        raise PermissionError(0, "it belongs to another user, in a folder that all share")


def _check_room(folder: Path, room_bytes: int) -> None:
    with temporary_file(folder) as (file, _):
        for start in range(0, room_bytes, BLOCK_BYTES):
            file.write(bytes(min(BLOCK_BYTES, room_bytes - start)))
        file.flush()
