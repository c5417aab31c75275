"""The server of the page: a fixed table of routes, on 127.0.0.1 and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nnscratch.errors import NNScratchError
from nnscratch.model import Model
from nnscratch.web.guard import Guard, Refused, own_host
from nnscratch.web.shelf import STARTED_WITH, Shelf, described

LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LIMITS = {"strokes": 500, "points": 20_000, "epochs": 200, "hidden": 256}


@dataclass(frozen=True)
class Settings:
    """What the page is started with.

    Attributes:
        model: that answers, and `named`, as the user named it.
        data_dir: where the pictures are that a run learns from; None for the usual place.
        folder: into which models are saved.
        command: makes of words the command as it works here.
        on_fault: told of an error of ours that a request met.
    """

    model: Model
    named: str
    data_dir: Path | None
    folder: Path
    command: Callable[[Sequence[str]], str]
    on_fault: Callable[[Exception], None] = lambda error: None


class Site:
    """The page's application: what each route answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf = Shelf(settings.model, settings.named)

    def app(self, port: int) -> Guard:
        """Return the application as the server runs it, behind its guard."""
        routes = [
            *(Route(path, _file(file), methods=["GET"]) for path, file in page_files().items()),
            Route("/api/model", self.model, methods=["GET"]),
        ]
        handlers: Any = {
            HTTPException: _http_error,
            Refused: _refusal,
            NNScratchError: _our_error,
            Exception: _failure,
        }
        site = Starlette(routes=routes, exception_handlers=handlers)
        site.router.redirect_slashes = False
        return Guard(site, port, pictures=frozenset({"/api/look"}), on_fault=self.settings.on_fault)

    async def model(self, request: Request) -> Response:
        """Describe a network."""
        name = request.query_params.get("network", STARTED_WITH)
        model = self._network(name)
        shown = {**described(name, self.settings.named, model, None), "limits": LIMITS}
        return JSONResponse(shown)

    def _network(self, name: str) -> Model:
        try:
            return self.shelf[name]
        except KeyError:
            raise Refused(404, "there is no network of that name here", "train it again") from None


def page_files() -> dict[str, Path]:
    """Return the table of the page's files by address, made once, before the first request."""
    table = {f"/{path.name}": path for path in sorted(PAGE.iterdir()) if path.suffix in KINDS}
    table["/"] = PAGE / "index.html"
    if "/icon.svg" in table:
        table["/favicon.ico"] = table["/icon.svg"]
    return table


def _file(path: Path) -> Callable[[Request], Response]:
    return lambda _request: Response(path.read_bytes(), media_type=KINDS[path.suffix])


# ------------------------------------------------------------------------------------------ errors


def error_answer(status: int, error: str, next_step: str, **more: Any) -> Response:
    """Return an error as the page understands it: what, and what to do next."""
    return JSONResponse({"error": error, "next": next_step, **more}, status)


def _http_error(_request: Request, error: HTTPException) -> Response:
    words = {404: "there is nothing at this address", 405: "this address takes another method"}
    answer = error_answer(error.status_code, words.get(error.status_code, error.detail), "")
    answer.headers.update(error.headers or {})
    return answer


def _refusal(_request: Request, refused: Refused) -> Response:
    return error_answer(refused.status, refused.error, refused.next_step)


def _our_error(_request: Request, error: NNScratchError) -> Response:
    return error_answer(422, error.what, error.next_step)


def _failure(_request: Request, _error: Exception) -> Response:
    return error_answer(500, "the page's server has failed", "try again")


# ----------------------------------------------------------------------------------------- serving


def listen(port: int) -> socket.socket:
    """Return a socket that waits for the browser on this computer; 0 takes a free port.

    Raises:
        NNScratchError: the port is taken, or not ours to take.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
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
        server.should_exit = server.force_exit = True
        thread.join(ENDING_SECONDS)
        listener.close()


ENDING_SECONDS = 0.5
