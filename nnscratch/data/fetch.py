"""One file over HTTP, on its way from one mirror: the only place that knows requests."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from nnscratch.data.addresses import (
    in_a_line,
    is_public,
    masked,
    redirect_target,
    shown,
    written_out,
)
from nnscratch.data.background import Background
from nnscratch.data.mirrors import Patience
from nnscratch.errors import DownloadError

MOST_REDIRECTS = 5
LONGEST_REASON = 60
PASSING = (429, 500, 502, 503, 504)  # what a mirror may say today and not in a second
BLOCK_BYTES = 1 << 16

# What a request may fail with, whatever a mirror sends: a broken address is a ValueError.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


class Transfer:
    """One file on its way from one mirror, until it is closed.

    The time-outs of requests bound the gap between two bytes and nothing else: headers of a byte
    every five seconds would take days, and a name look-up knows no time-out at all. So it runs in
    the background, and closing it cuts the connection, which ends whatever still reads from it.

    Args:
        url: where the file is.
        size_bytes: what it should have; at most one byte more is received.
        patience: how long a connection may take, and how long nothing may come.
    """

    def __init__(self, url: str, size_bytes: int, patience: Patience) -> None:
        self._line = _Line()
        self._pieces = Background(_pieces(url, size_bytes, self._line, patience))

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.cut()
        self._pieces.close()

    def next(self, deadline: float) -> bytes | None:
        """Return what comes next: b"" when the mirror has answered, then pieces, at the end None.

        Args:
            deadline: until when to wait, by `time.monotonic`.

        Raises:
            TimeoutError: nothing came in time.
            DownloadError: the transfer failed; says in a few words how.
        """
        return self._pieces.next(deadline)


def knock(mirror: str, patience: Patience) -> None:
    """Connect to a mirror and leave again, since not all of them answer every question.

    Raises:
        DownloadError: no connection came about; says in a few words why.
    """
    line = _Line(leave_at_once=True)
    try:
        with _session(line) as session:
            _ask(session, mirror, patience).close()
    except _ConnectedError:
        return
    except FAILURES as error:
        raise _in_words(error, mirror) from None
    finally:
        line.cut()


class _ConnectedError(Exception):
    """A connection stands, and no more was wanted."""


class _Line:
    """The connection that a transfer runs over: who is at its other end, and how to cut it."""

    def __init__(self, leave_at_once: bool = False) -> None:
        self.leave_at_once = leave_at_once
        self.redirected = False
        self.mirror_is_near = False  # on this machine or in a private network
        self._socket: socket.socket | None = None
        self._cut = False

    def connected(self, connection: HTTPConnection) -> None:
        """Look at a new connection before anything is sent over it.

        Here, and not by looking names up beforehand: a name can mean another address the next time.
        """
        self._socket = connection.sock
        if self._cut:
            raise DownloadError("given up")
        if connection.proxy is None and connection.sock is not None:  # else a proxy is at the end
            peer = ipaddress.ip_address(connection.sock.getpeername()[0].partition("%")[0])
            self.check_far(None if is_public(peer) else peer)
        if self.leave_at_once:
            raise _ConnectedError

    def check_far(self, near: object) -> None:
        """Refuse a redirect from a public mirror to an address that is `near` (None: it is not)."""
        if not self.redirected:
            self.mirror_is_near = self.mirror_is_near or near is not None
        elif near is not None and not self.mirror_is_near:
            raise DownloadError("it redirects into a private network")

    def check_host(self, host: str) -> None:
        """The same, before connecting, as far as the host shows it: a proxy asks no further."""
        address = written_out(host)
        self.check_far(None if address is None or is_public(address) else address)

    def cut(self) -> None:
        """End the connection under whoever reads from it, in whatever thread."""
        self._cut = True
        if self._socket is not None:
            # Not the method of an SSL socket, which another thread may be reading from.
            with contextlib.suppress(OSError):  # it had ended
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _pieces(
    url: str, size_bytes: int, line: _Line, patience: Patience
) -> Generator[bytes, None, None]:
    """Yield b"" when the mirror has answered well, then its body as it comes."""
    try:
        with _session(line) as session, _answer(session, url, line, patience) as response:
            announced = response.raw.length_remaining
            if announced is not None and announced != size_bytes:
                raise DownloadError(f"{announced:,} bytes where there should be {size_bytes:,}")
            yield b""
            left = size_bytes + 1
            while left and (piece := response.raw.read1(min(left, BLOCK_BYTES))):
                left -= len(piece)
                yield piece
    except FAILURES as error:
        raise _in_words(error, url) from None


def _answer(
    session: requests.Session, url: str, line: _Line, patience: Patience
) -> requests.Response:
    """Return a good answer; ask again, after a pause, where the fault may pass.

    Not by urllib3's `Retry`: that reads the body of each bad answer, however long it is.
    """
    for pause in (*patience.pauses_seconds, None):
        try:
            response = _follow(session, url, line, patience)
        except (requests.exceptions.SSLError, requests.exceptions.ProxyError):
            raise  # ConnectionErrors as well, but these do not pass
        except requests.ConnectionError:
            if pause is None:
                raise
        else:
            if response.status_code == 200:
                return response
            response.close()
            if pause is None or response.status_code not in PASSING:
                reason = in_a_line(response.reason or "", LONGEST_REASON)
                raise DownloadError(f"HTTP {response.status_code} {reason}".rstrip())
        time.sleep(pause)
    raise AssertionError("the last pause is None")


def _follow(
    session: requests.Session, url: str, line: _Line, patience: Patience
) -> requests.Response:
    """Return the answer at the end of all redirects, whose bodies are not read.

    Not by requests: that reads and unpacks those bodies, even where it is told not to follow.
    """
    line.redirected = False
    line.check_host(urlsplit(url).hostname or "")
    for _ in range(1 + MOST_REDIRECTS):
        response = _ask(session, url, patience)
        if not response.is_redirect:
            return response
        response.close()
        url = redirect_target(url, response.headers["location"])
        line.redirected = True
        line.check_host(urlsplit(url).hostname or "")
    raise requests.TooManyRedirects


def _ask(session: requests.Session, url: str, patience: Patience) -> requests.Response:
    """Send one request and return its answer, unread, whatever it is."""
    request = session.prepare_request(requests.Request("GET", url))
    assert request.url is not None
    settings: dict[str, Any] = dict(
        session.merge_environment_settings(request.url, {}, True, None, None)
    )
    _check_environment(request.url, settings)
    timeout = (patience.connect_seconds, patience.answer_seconds)
    adapter = session.get_adapter(request.url)
    return adapter.send(request, timeout=timeout, **settings)


def _check_environment(url: str, settings: dict[str, Any]) -> None:
    """Raise DownloadError for what only the environment can be blamed for."""
    proxy = requests.utils.select_proxy(url, settings["proxies"]) or ""
    if proxy.lower().startswith("socks") and importlib.util.find_spec("socks") is None:
        raise DownloadError(
            f"a SOCKS proxy is set in the environment ({_variable_of(proxy)}), and PySocks is not "
            "installed: install it with `pip install pysocks`, or name an HTTP proxy"
        )
    bundle = settings["verify"]
    if url.lower().startswith("https:") and isinstance(bundle, str):
        folder = os.path.isdir(bundle)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
                cafile=None if folder else bundle, capath=bundle if folder else None
            )
        except OSError as error:
            what = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
            raise DownloadError(
                f"the certificates that {_variable_of(bundle)} names: {bundle} {what}"
            ) from None


def _variable_of(value: str) -> str:
    """Return the name of the environment variable that has a value."""
    names = [name for name, held in os.environ.items() if held == value]
    likely = ("proxy", "ca_bundle")
    return next((name for name in sorted(names) if name.lower().endswith(likely)), "the system")


class _Adapter(HTTPAdapter):
    """Shows each new connection to the line before anything is sent over it."""

    def __init__(self, line: _Line) -> None:
        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                line.connected(self)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                line.connected(self)

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **more)
        if not proxy.lower().startswith("socks"):  # those have connections of their own
            manager.pool_classes_by_scheme = self._pools
        return manager


def _session(line: _Line) -> requests.Session:
    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"
    session.headers["User-Agent"] = "nnscratch"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(line))
    return session


def _in_words(error: Exception, url: str) -> DownloadError:
    """Say in a few words what a failed request was about; urllib3 nests reasons in reasons.

    Its own words stay as a note for those who ask for the traceback, unless there is a secret in
    the address: they may hold any piece of it.
    """
    words: dict[type[Exception], str] = {
        requests.exceptions.SSLError: "its certificate cannot be trusted",
        requests.exceptions.ProxyError: "the proxy cannot be reached",
        requests.exceptions.ConnectTimeout: "no answer",
        requests.exceptions.ReadTimeout: "it stopped sending",
        requests.exceptions.TooManyRedirects: "it redirects in a loop",
        requests.exceptions.ConnectionError: "it cannot be reached",
        requests.exceptions.InvalidProxyURL: "the proxy in the environment is not a web address",
        requests.exceptions.InvalidURL: "that is not a web address",
        requests.exceptions.MissingSchema: "that is not a web address",
        requests.exceptions.InvalidSchema: "that is not a web address",
        urllib3.exceptions.ReadTimeoutError: "it stopped sending",
        urllib3.exceptions.LocationValueError: "that is not a web address",
    }
    kind = type(error).__name__
    what = next(
        (text for known, text in words.items() if isinstance(error, known)),
        f"the transfer broke off ({kind})",
    )
    told = DownloadError(what)
    told.add_note(in_a_line(f"{kind}: {masked(str(error)) if shown(url) == url else '***'}", 1000))
    return told
