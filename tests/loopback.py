"""A real web server on loopback that serves what a test tells it to, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Passes each GET to the test's function, with the number of the request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append(self.path)
        self.close_connection = True
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            return  # the client had seen enough

    do_CONNECT = do_GET  # what a client asks of a proxy before it speaks https through it

    def do_HEAD(self):
        """Hang up: a mirror need not answer what only asks whether it is there."""
        self.server.requests.append("HEAD")
        self.close_connection = True

    def send(self, body: bytes, status: int = 200, **headers):
        """Send an answer; `Content_Length=None` leaves that header out."""
        headers = {"Content_Length": str(len(body)), "Connection": "close"} | headers
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        pass


@contextmanager
def serving(answer: Callable[[Handler], None], host: str = "127.0.0.1"):
    """Serve on a free port; gives the server, with `url` and the list of `requests`."""
    with Server((host, 0), Handler) as server:
        server.answer, server.requests = answer, []
        server.url = f"http://{host}:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


def folder_answer(folder):
    """Answer with the packed files of a folder, as a mirror does."""

    def answer(handler):
        path = folder / handler.path.lstrip("/")
        if path.is_file():
            handler.send(path.read_bytes())
        else:
            handler.send(b"no", 404)

    return answer
