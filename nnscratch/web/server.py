"""The server of the page, on 127.0.0.1 and nothing else, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator

import uvicorn

from nnscratch.errors import NNScratchError
from nnscratch.web.guard import own_host
from nnscratch.web.site import Settings, Site

__all__ = ["Settings", "listen", "serving"]

LOOPBACK = "127.0.0.1"
ENDING_SECONDS = 0.5  # that the server has to end; what it does not do by then is left undone


def listen(port: int) -> socket.socket:
    """Return a socket that waits for the browser on this computer; 0 takes a free port.

    Raises:
        NNScratchError: the port is taken, or not ours to take.
    """
    # With the protocol named, asyncio turns off Nagle's algorithm, which costs an answer 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined,unused-ignore]
    else:  # so that a port can be taken again at once after the last page that had it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise NNScratchError(
            f"the page cannot be served: {error.strerror or error}",
            where=f"{LOOPBACK}, port {port}",
            next_step="name another port with --port; or leave it out, and a free one is taken",
        ) from error
    return listener


@contextlib.contextmanager
def serving(settings: Settings, listener: socket.socket) -> Iterator[str]:
    """Serve the page in a thread of its own; gives its address. At the end it is gone at once.

    Whatever is under way then, a run or an open connection, is not waited for.
    """
    _, port = listener.getsockname()
    site = Site(settings)
    config = uvicorn.Config(
        site.app(port), log_config=None, access_log=False, lifespan="off", ws="none", http="h11",
        loop="asyncio", server_header=False, proxy_headers=False, timeout_graceful_shutdown=0,
    )  # fmt: skip
    quiet = logging.getLogger("uvicorn")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    server = uvicorn.Server(config)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, _context: None)  # of connections that broke
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{own_host(port)}/"
    finally:
        site.lessons.stop()
        server.should_exit = server.force_exit = True
        thread.join(ENDING_SECONDS)
        listener.close()
