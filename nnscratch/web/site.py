"""What each address of the page answers: a fixed table of routes, and a function for each.

The functions read what is asked, call what the command line calls, and give back what comes. Long
work is done in threads, so that a look is answered while a run goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nnscratch import runs
from nnscratch.config import BUNDLED_NAME, NO_TEACHER, TrainConfig, as_options
from nnscratch.data.dataset import TOGETHER
from nnscratch.errors import NNScratchError, OutputError
from nnscratch.model import Model
from nnscratch.model_file import save_model
from nnscratch.pictures.decode import as_png
from nnscratch.web import asked
from nnscratch.web.guard import BYTES, Guard, Receive, Refused, Scope, Send, content_type
from nnscratch.web.lessons import Lesson, Lessons, Pictures
from nnscratch.web.look import look
from nnscratch.web.shelf import STARTED_WITH, Kept, Shelf, described
from nnscratch.web.step import one_step
from nnscratch.web.worker import Worker

PAGE = Path(__file__).with_name("page")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
STEP_SAMPLES = 1000
ALWAYS_TOLD = ("learning_rate", "epochs", "batch_size", "hidden_size", "seed")
PICTURE = "the picture"  # as notes and errors name it


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
    """The page's application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf = Shelf(settings.model)
        self.pictures = Pictures(settings.data_dir)
        self._looks, self._longer = Worker("looks"), Worker("longer work")
        self.lessons = Lessons(
            self.shelf, self.pictures, self._command, self._looks.idle, settings.on_fault
        )

    def app(self, port: int) -> Guard:
        """Return the application as the server runs it, behind its guard."""
        routes = [
            *(Route(path, _file(file), methods=["GET"]) for path, file in page_files().items()),
            Route("/api/model", self.model, methods=["GET"]),
            Route("/api/look", self.look, methods=["POST"]),
            Route("/api/picture", self.picture, methods=["POST"]),
            Route("/api/train", self.train, methods=["POST"]),
            Route("/api/stop", self.stop, methods=["POST"]),
            Route("/api/step", self.step, methods=["POST"]),
            Route("/api/save", self.save, methods=["POST"]),
        ]
        handlers: Any = {
            HTTPException: _http_error,
            Refused: _refusal,
            NNScratchError: _our_error,
            Exception: _failure,
        }
        site = Starlette(routes=routes, exception_handlers=handlers)
        site.router.redirect_slashes = False
        pictures = frozenset({"/api/look"})
        return Guard(site, port, pictures=pictures, on_fault=self.settings.on_fault)

    async def model(self, request: Request) -> Response:
        """Describe a network."""
        name = asked.network(request.query_params, STARTED_WITH)
        kept = self._kept(name)
        shown = {
            "network": name,
            "name": self._named(name),
            **described(kept.model, asked.units(request.query_params, kept.model)),
            "command": self._command_of(name, kept),
            "limits": asked.LIMITS,
        }
        return JSONResponse(shown)

    async def look(self, request: Request) -> Response:
        """Say what a network makes of a drawing, or of the bytes of a picture."""
        body = await request.body()
        if content_type(request.scope) == BYTES:
            return await self._look_at_picture(request, body)
        fields = asked.parse(body)
        name, against = asked.network(fields, STARTED_WITH), asked.against(fields)
        explain, kept = asked.explain(fields), self._kept(name)

        def answer() -> dict[str, Any]:
            drawing, called = asked.drawing(fields), self._named(name)
            with kept.lock:
                return look(
                    kept.model, drawing, against=against, explain=explain, model_path=called
                )

        return JSONResponse({"network": name, **await self._looks.do(answer)})

    async def _look_at_picture(self, request: Request, body: bytes) -> Response:
        fields: dict[str, Any] = dict(request.query_params)
        if "against" in fields:
            fields["against"] = _digit(fields["against"])
        name, against = asked.network(fields, STARTED_WITH), asked.against(fields)
        kept = self._kept(name)

        def answer() -> dict[str, Any]:
            model, _ = kept.copied()
            source, called = io.BytesIO(body), self._named(name)
            return look(model, source, against=against, image=PICTURE, model_path=called)

        return JSONResponse({"network": name, **await self._longer.do(answer)})

    async def picture(self, request: Request) -> Response:
        """Return a drawing as a PNG, which `nnscratch predict` answers as the page does."""
        fields = asked.parse(await request.body())
        packed = await self._looks.do(lambda: as_png(asked.drawing(fields)))
        return Response(packed, media_type="image/png")

    async def train(self, request: Request) -> Response:
        """Begin a run and stream what happens; whoever closes the stream ends the run."""
        fields = asked.parse(await request.body())
        config = asked.config(fields)
        drawing = await self._looks.do(asked.drawing, fields) if fields.get("strokes") else None
        return Stream(await self.lessons.begin(config, drawing))

    async def stop(self, request: Request) -> Response:
        """End the run that is under way, after the batch in hand."""
        asked.parse(await request.body())
        return JSONResponse({"stopped": self.lessons.stop()})

    async def step(self, request: Request) -> Response:
        """Teach a copy of a network the drawing, by one step."""
        fields = asked.parse(await request.body())
        name = asked.network(fields, STARTED_WITH)
        digit, rate = asked.digit(fields, "digit"), asked.learning_rate(fields)
        kept = self._kept(name)

        def answer() -> dict[str, Any]:
            drawing, data = asked.drawing(fields), self.pictures.obtain()
            few = slice(STEP_SAMPLES)
            model, _ = kept.copied()
            taught, told = one_step(
                model, drawing, digit, rate, data.test_images[few], data.test_labels[few]
            )
            return {"network": self.shelf.add_step(taught), "from": name, **told}

        return JSONResponse(await self._longer.do(answer))

    async def save(self, request: Request) -> Response:
        """Save what a run was after an epoch: the file that the command line would have made."""
        fields = asked.parse(await request.body())
        name = asked.file_name(fields)
        kept = self._kept(asked.network(fields, self.shelf.latest or "run-1-1"))
        if kept.run is None:
            raise Refused(422, "only what a run has learned is saved", "train first")
        return JSONResponse(await self._longer.do(self._saved, name, kept))

    def _saved(self, name: str, kept: Kept) -> dict[str, Any]:
        _, run = kept.copied()
        assert run is not None
        model, report = runs.finish(run, self.pictures.obtain())
        previous = save_model(self.settings.folder / name, model)
        return {
            "model": name,
            "accuracy": report.accuracy,
            "loss": report.loss,
            "previous": previous.name if previous else None,
            "notes": self.pictures.notes,
            "command": self._command(run.config, "--output", name),
        }

    def _kept(self, name: str) -> Kept:
        try:
            return self.shelf[name]
        except KeyError:
            raise Refused(
                404, "there is no network of that name here", "train, or go back to the first one"
            ) from None

    def _named(self, name: str) -> str:
        return self.settings.named if name == STARTED_WITH else name

    def _command(self, config: TrainConfig, *more: str) -> str:
        """Return the command that trains the same model."""
        folder = self.settings.data_dir
        where = ["--data-dir", str(folder)] if folder else []
        words = ["train", *as_options(config, ALWAYS_TOLD), *where, *more]
        return self.settings.command(words)

    def _command_of(self, name: str, kept: Kept) -> str | None:
        """Return the command that trains a network like this one; None if there is none."""
        model = kept.model
        if kept.run:
            return self._command(kept.run.config)
        known = (NO_TEACHER, BUNDLED_NAME)
        unknown = (
            model.dataset not in ("mnist", "synthetic", TOGETHER)
            or model.config.teacher not in known
            or model.config.start not in known
        )
        if name != STARTED_WITH or unknown:
            return None
        return self._command(model.config, "--dataset", model.dataset)


def page_files() -> dict[str, Path]:
    """Return the table of the page's files by address, made once, before the first request."""
    table = {f"/{path.name}": path for path in sorted(PAGE.iterdir()) if path.suffix in KINDS}
    table["/"] = PAGE / "index.html"
    if "/icon.svg" in table:
        table["/favicon.ico"] = table["/icon.svg"]
    return table


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return Response(path.read_bytes(), media_type=KINDS[path.suffix])

    return answer


def _digit(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 1 else text


class Stream(Response):
    """A run as an answer of JSON lines; when the reader leaves, the run ends."""

    def __init__(self, lesson: Lesson) -> None:
        super().__init__(media_type="application/x-ndjson")
        self._lesson = lesson
        del self.headers["content-length"]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send every event as it comes."""
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lesson.stop()
            for task in (sending, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _send(self, send: Send) -> None:
        status = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **status})
        async for event in self._lesson.events():
            line = json.dumps(event, allow_nan=False) + "\n"
            await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


# ------------------------------------------------------------------------------------------ errors


def _error(status: int, error: str, next_step: str) -> Response:
    return JSONResponse({"error": error, "next": next_step}, status)


async def _http_error(_request: Request, error: HTTPException) -> Response:
    words = {404: "there is nothing at this address", 405: "this address takes another method"}
    answer = _error(error.status_code, words.get(error.status_code, error.detail), "")
    answer.headers.update(error.headers or {})
    return answer


async def _refusal(_request: Request, refused: Refused) -> Response:
    return _error(refused.status, refused.error, refused.next_step)


async def _our_error(_request: Request, error: NNScratchError) -> Response:
    return _error(409 if isinstance(error, OutputError) else 422, error.what, error.next_step)


async def _failure(_request: Request, _fault: Exception) -> Response:
    return _error(500, "the page's server has failed", "try again")
