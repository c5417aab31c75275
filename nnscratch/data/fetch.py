"""Files from a mirror over HTTP, each checked by size and hash. Nothing is written here."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscratch.config import DATA_DIR_VARIABLE
from nnscratch.data.catalogue import MNISTFile
from nnscratch.errors import DownloadError

if TYPE_CHECKING:
    import requests

OnBytes = Callable[[str, int, int], None]
OnNote = Callable[[str], None]


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for any mirror at all; for one of them to connect, between
    bytes, and for a whole file.
    """

    any_seconds: float = 8.0
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    file_seconds: float = 300.0


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
        self.mirrors = [mirror if mirror.endswith("/") else mirror + "/" for mirror in mirrors]
        self.patience = patience
        self.on_bytes = on_bytes
        self.on_note = on_note

    def check_network(self) -> None:
        """Raise DownloadError unless some mirror answers, whatever it says, within one deadline.

        All are asked side by side, each from a thread that nobody waits for: where packets vanish
        a name look-up alone can take half a minute, and no time-out of requests reaches it.
        """
        answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        for mirror in self.mirrors:
            threading.Thread(target=self._ask, args=(mirror, answers), daemon=True).start()
        said = dict.fromkeys(self.mirrors, "no answer")
        deadline = time.monotonic() + self.patience.any_seconds
        for _ in self.mirrors:
            try:
                mirror, problem = answers.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if not problem:
                return
            said[mirror] = problem
        raise _no_mirror("no mirror can be reached", [f"{m}: {text}" for m, text in said.items()])

    def _ask(self, mirror: str, answers: queue.SimpleQueue[tuple[str, str]]) -> None:
        import requests

        try:
            requests.head(mirror, timeout=self.patience.any_seconds, allow_redirects=False).close()
        except (requests.RequestException, OSError, ValueError) as error:
            answers.put((mirror, _in_a_line(error)))
        else:
            answers.put((mirror, ""))

    def fetch(self, file: MNISTFile) -> bytes:
        """Return one file, packed and verified.

        Raises:
            DownloadError: no mirror gave it; says in a line what each said.
        """
        said = []
        with _session() as session:
            for mirror in tuple(self.mirrors):
                try:
                    packed = self._fetch_from(session, mirror, file)
                except DownloadError as error:
                    said.append(f"{mirror}: {error.what}")
                    # It goes to the end, so that the next file does not wait for it again.
                    self.mirrors.append(self.mirrors.pop(self.mirrors.index(mirror)))
                    continue
                for line in said:
                    self.on_note(f"{line}; another mirror was used")
                return packed
        raise _no_mirror(f"no mirror gave {file.name}.gz", said)

    def _fetch_from(self, session: requests.Session, mirror: str, file: MNISTFile) -> bytes:
        import requests
        import urllib3

        try:
            packed = self._body(session, f"{mirror}{file.name}.gz", file)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(_in_a_line(error)) from error
        if hashlib.sha256(packed).hexdigest() != file.gz_sha256:
            raise DownloadError(f"{len(packed):,} bytes that are not MNIST's")
        return packed

    def _body(self, session: requests.Session, url: str, file: MNISTFile) -> bytes:
        """Read one body, never more than one byte past the size it should have."""
        deadline = time.monotonic() + self.patience.file_seconds
        timeout = (self.patience.connect_seconds, self.patience.read_seconds)
        with session.get(url, stream=True, timeout=timeout) as response:
            if response.status_code != 200:
                raise DownloadError(f"HTTP {response.status_code} {response.reason}")
            body = bytearray()
            while chunk := response.raw.read1(1 << 16):
                body += chunk
                self.on_bytes(file.name, min(len(body), file.gz_bytes), file.gz_bytes)
                if len(body) > file.gz_bytes:
                    raise DownloadError(f"more than the {file.gz_bytes:,} bytes it should send")
                if time.monotonic() > deadline:
                    raise DownloadError(f"not done after {self.patience.file_seconds:g} s")
        return bytes(body)


def _no_mirror(what: str, said: list[str]) -> DownloadError:
    return DownloadError(
        what,
        where="\n".join(said),
        next_step="check the network; or copy the four files from elsewhere and name their folder "
        f"with --data-dir or {DATA_DIR_VARIABLE}; or train on the built-in digits with "
        "--dataset synthetic",
    )


def _session() -> requests.Session:
    """Make a session that retries passing faults and never goes from https to http."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        total=2,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    session = requests.Session()
    session.max_redirects = 5
    session.headers["Accept-Encoding"] = "identity"
    session.headers["User-Agent"] = "nnscratch"
    session.hooks["response"].append(_refuse_downgrade)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _refuse_downgrade(response: requests.Response, **_: object) -> None:
    target = response.headers.get("location", "") if response.is_redirect else ""
    if response.url.startswith("https:") and target.lower().startswith("http:"):
        raise DownloadError("it redirects from https to http")


def _in_a_line(error: Exception) -> str:
    """Say in a few words what a failed request was about; urllib3 nests reasons in reasons."""
    import requests

    words: dict[type[Exception], str] = {
        requests.exceptions.SSLError: "its certificate cannot be trusted",
        requests.exceptions.ProxyError: "the proxy cannot be reached",
        requests.exceptions.ConnectTimeout: "no answer",
        requests.exceptions.ReadTimeout: "it stopped sending",
        requests.exceptions.TooManyRedirects: "it redirects in a loop",
        requests.exceptions.ConnectionError: "it cannot be reached",
        requests.exceptions.InvalidURL: "that is not a web address",
        requests.exceptions.MissingSchema: "that is not a web address",
        requests.exceptions.InvalidSchema: "that is not a web address",
    }
    for kind, text in words.items():
        if isinstance(error, kind):
            return text
    return f"the transfer broke off ({type(error).__name__})"
