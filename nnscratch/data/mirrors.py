"""Mirrors: asked in turn until one has sent the right bytes, and never waited for without end."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nnscratch.config import DATA_DIR_VARIABLE
from nnscratch.data.addresses import file_address, shown
from nnscratch.data.catalogue import MNISTFile
from nnscratch.errors import DownloadError

OnBytes = Callable[[str, int, int], None]
OnNote = Callable[[str], None]

GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Patience:
    """How long to wait for mirrors.

    Args:
        any_seconds: until a connection to any of them stands.
        connect_seconds: for one try at a connection.
        answer_seconds: for connecting, headers and redirects of one mirror, together.
        slow_seconds, slow_bytes: a body is abandoned if it is slower than this many bytes in this
            many seconds; otherwise it is allowed its time.
        idle_seconds: for all mirrors and files together, as long as none makes progress.
        pauses_seconds: before each further try at a mirror with a passing fault.
    """

    any_seconds: float = 8.0
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    slow_seconds: float = 30.0
    slow_bytes: int = 30_000
    idle_seconds: float = 300.0
    pauses_seconds: tuple[float, ...] = (0.5, 1.0)


class Mirrors:
    """Addresses to fetch from, of which the first that gives the right bytes will do.

    Args:
        mirrors: tried in order; one that fails goes to the end.
        patience: how long to wait for them.
        on_bytes: called with (file name, bytes received, bytes in all).
        on_note: called with a line about each mirror that failed where another did not.
    """

    def __init__(
        self, mirrors: Sequence[str], patience: Patience, on_bytes: OnBytes, on_note: OnNote
    ) -> None:
        self.mirrors = list(mirrors)
        self.patience = patience
        self.on_bytes = on_bytes
        self.on_note = on_note
        self.idle_left = patience.idle_seconds

    def check_network(self) -> None:
        """Raise DownloadError unless a connection to some mirror stands, within one deadline.

        All are tried side by side, each from a thread that nobody waits for: where packets vanish
        a name look-up alone can take half a minute, and no time-out of requests reaches it.
        """
        results: queue.SimpleQueue[tuple[int, DownloadError | None]] = queue.SimpleQueue()
        started = time.monotonic()
        try:
            for place in range(len(self.mirrors)):
                threading.Thread(target=self._knock, args=(place, results), daemon=True).start()
        except RuntimeError:
            return  # no thread can be started: the first file will show whether there is a network
        failed = [DownloadError("no answer") for _ in self.mirrors]
        for _ in self.mirrors:
            left = self.patience.any_seconds - (time.monotonic() - started)
            try:
                place, problem = results.get(timeout=max(0, left))
            except queue.Empty:
                break
            if problem is None:
                self.idle_left -= time.monotonic() - started
                return
            failed[place] = problem
        raise _no_mirror("no mirror can be reached", list(zip(self.mirrors, failed, strict=True)))

    def _knock(
        self, place: int, results: queue.SimpleQueue[tuple[int, DownloadError | None]]
    ) -> None:
        from nnscratch.data.fetch import knock

        try:
            knock(self.mirrors[place], self.patience)
        except DownloadError as error:
            results.put((place, error))
        else:
            results.put((place, None))

    def fetch(self, file: MNISTFile) -> bytes:
        """Return one file, packed and verified.

        Raises:
            DownloadError: no mirror gave it; says in a line what each said.
        """
        failed: list[tuple[str, DownloadError]] = []
        for mirror in tuple(self.mirrors):
            try:
                packed = self._fetch_from(mirror, file)
            except DownloadError as error:
                failed.append((mirror, error))
                # It goes to the end, so that the next file does not wait for it again.
                self.mirrors.append(self.mirrors.pop(self.mirrors.index(mirror)))
                continue
            for other, problem in failed:
                self.on_note(f"{shown(other)}: {problem.what}; another mirror was used")
            return packed
        raise _no_mirror(f"no mirror gave {file.name}.gz", failed)

    def _fetch_from(self, mirror: str, file: MNISTFile) -> bytes:
        if self.idle_left <= 0:
            raise DownloadError(f"not asked: {self.patience.idle_seconds:g} s went by for nothing")
        try:
            url = file_address(mirror, f"{file.name}.gz")
        except ValueError:
            raise DownloadError("that is not a web address") from None
        packed = self._body(url, file)
        if hashlib.sha256(packed).hexdigest() != file.gz_sha256:
            raise DownloadError(f"{len(packed):,} bytes that are not MNIST's")
        return packed

    def _body(self, url: str, file: MNISTFile) -> bytes:
        """Receive one body, never more than one byte past the size it should have.

        Time counts as idle from the question to the answer, and from the last progress, which is
        `slow_bytes` more, to the failure.
        """
        from nnscratch.data.fetch import Transfer

        body = bytearray()
        since, progress = time.monotonic(), 0
        limit, what, idle_seconds = self.patience.answer_seconds, "no answer", 0.0
        with Transfer(url, file.gz_bytes, self.patience) as transfer:
            try:
                while True:
                    left = min(limit, self.idle_left - idle_seconds)
                    if (chunk := transfer.next(since + left)) is None:
                        return bytes(body)
                    body += chunk
                    if not chunk:
                        idle_seconds += time.monotonic() - since
                        since, limit = time.monotonic(), self.patience.slow_seconds
                        what = "it sends too slowly"
                        continue
                    self.on_bytes(file.name, min(len(body), file.gz_bytes), file.gz_bytes)
                    _check_so_far(body, file)
                    if len(body) - progress >= self.patience.slow_bytes:
                        since, progress = time.monotonic(), len(body)
            except (DownloadError, TimeoutError) as error:
                waited = time.monotonic() - since
                self.idle_left -= idle_seconds + waited
                if isinstance(error, TimeoutError):
                    raise DownloadError(f"{what}: given up after {waited:.0f} s") from None
                raise


def _check_so_far(body: bytearray, file: MNISTFile) -> None:
    if body[:2] != GZIP[: len(body)]:
        raise DownloadError("what it sends is not MNIST's")
    if len(body) > file.gz_bytes:
        raise DownloadError(f"more than the {file.gz_bytes:,} bytes it should send")


def _no_mirror(what: str, failed: Sequence[tuple[str, DownloadError]]) -> DownloadError:
    error = DownloadError(
        what,
        where="\n".join(f"{shown(mirror)}: {each.what}" for mirror, each in failed),
        next_step="check the network; or copy the four files from elsewhere and name their folder "
        f"with --data-dir or {DATA_DIR_VARIABLE}; or train on the built-in digits with "
        "--dataset synthetic",
    )
    for _, each in failed:
        for note in getattr(each, "__notes__", ()):
            error.add_note(note)  # what requests said, for those who ask for the traceback
    return error
