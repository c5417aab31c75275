"""Nobody else gets in: every request is judged here before anything of ours sees it.

A server on loopback can be reached by every page that the browser on this computer has open, and
through a name that someone points at 127.0.0.1 (DNS rebinding). So a request must name our own
address as its host, must not come from another page, and must be of the kind and size that its
route takes. Its body is read here, whole, within a time. Pure ASGI: what is passed on still hears
when the browser leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON, BYTES = "application/json", "application/octet-stream"
LARGEST_JSON_BYTES = 256 << 10
LARGEST_PICTURE_BYTES = 20_000_000
SLOWEST_BODY_SECONDS = 10.0

# A browser that is told no while it still sends does not read the answer, so the rest of a body
# is taken and thrown away, within these bounds.
DRAINED_BYTES, DRAINING_SECONDS = 64_000_000, 2.0

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
ENCODED_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Refused(Exception):
    """A request that gets no further: the code of the answer, and its two parts."""

    def __init__(self, status: int, error: str, next_step: str) -> None:
        super().__init__(status, error)
        self.status, self.error, self.next_step = status, error, next_step


class Guard:
    """Stands before an application and lets through only what our own page asks.

    Args:
        app: gets requests whose body has arrived.
        port: at which we are reached; the address is 127.0.0.1.
        pictures: the paths whose POST also takes the bytes of a picture.
        on_fault: told of an exception that the application did not answer.
    """

    def __init__(
        self,
        app: App,
        port: int,
        *,
        pictures: frozenset[str] = frozenset(),
        on_fault: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self.app, self.pictures, self.on_fault = app, pictures, on_fault
        self.host = own_host(port)
        self.origin = f"http://{self.host}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it; every answer carries our headers."""
        if scope["type"] != "http":
            return
        sending = _Sending(send)
        try:
            headers = _by_name(scope)
            self._check_sender(scope["method"], headers)
            largest = self._largest(scope, headers)
            body = await _read(receive, headers, largest)
        except Refused as refused:
            await _answer(sending, refused)
            await _drain(receive)
            await sending.finish()
            return
        except _Left:
            return
        try:
            await self.app(scope, _after(body, receive), sending)
        except Exception as error:
            self.on_fault(error)
            if not sending.started:
                await _answer(sending, Refused(500, "the page's server has failed", "try again"))
                await sending.finish()

    def _check_sender(self, method: str, headers: Mapping[str, list[str]]) -> None:
        """Refuse a request that names another host, or that another page has sent."""
        if headers.get("host") != [self.host]:
            raise Refused(421, f"this is not the page's address: {self.host}", "open that address")
        if any(origin != self.origin for origin in headers.get("origin", [])):
            raise Refused(403, "another page asks", f"open http://{self.host}/ itself")
        allowed = ("same-origin", "none") if method in ("GET", "HEAD") else ("same-origin",)
        if any(site not in allowed for site in headers.get("sec-fetch-site", [])):
            raise Refused(403, "another page asks", f"open http://{self.host}/ itself")

    def _largest(self, scope: Scope, headers: Mapping[str, list[str]]) -> int:
        """Return how many bytes the body may have; refuse one of the wrong kind."""
        if scope["method"] != "POST":
            return LARGEST_JSON_BYTES
        kinds = {JSON: LARGEST_JSON_BYTES}
        if scope["path"] in self.pictures:
            kinds[BYTES] = LARGEST_PICTURE_BYTES
        given = headers.get("content-type", [])
        kind = given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""
        if kind not in kinds:
            raise Refused(415, f"this takes {' or '.join(kinds)}", "send it as that")
        return kinds[kind]


def own_host(port: int) -> str:
    """Return what the browser names as our host: without the port if it is HTTP's own."""
    return "127.0.0.1" if port == 80 else f"127.0.0.1:{port}"


def content_type(scope: Scope) -> str:
    """Return the kind of body that a POST which was let through has."""
    return _by_name(scope)["content-type"][0].partition(";")[0].strip().lower()


def _by_name(scope: Scope) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


class _Left(Exception):
    """The browser left before its request was complete."""


async def _read(receive: Receive, headers: Mapping[str, list[str]], largest: int) -> bytes:
    """Return the body, of at most `largest` bytes, whatever its header says."""
    too_large = Refused(
        413, f"at most {largest:,} bytes are taken", "send a smaller picture, or fewer strokes"
    )
    declared = headers.get("content-length", ["0"])[0]
    if declared.isdecimal() and int(declared[:20]) > largest:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Left
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > largest:
                    raise too_large
    except TimeoutError:
        raise Refused(408, "the request took too long to arrive", "try again") from None
    return bytes(body)


def _after(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body at once, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def following() -> Message:
        return waiting.pop() if waiting else await receive()

    return following


class _Sending:
    """A `send` that adds our headers, and remembers whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                if name.decode("latin-1").lower() not in HEADERS
            ]
            message = {**message, "headers": [*kept, *ENCODED_HEADERS]}
        await self._send(message)

    async def finish(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(sending: _Sending, refused: Refused) -> None:
    """Send a refusal, complete for the browser, while the server still holds the connection."""
    body = json.dumps({"error": refused.error, "next": refused.next_step}).encode()
    headers = [
        (b"content-type", JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await sending({"type": "http.response.start", "status": refused.status, "headers": headers})
    await sending({"type": "http.response.body", "body": body, "more_body": True})


async def _drain(receive: Receive) -> None:
    """Take what is left of a body, to a bound, and forget it."""
    left = DRAINED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAINING_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
