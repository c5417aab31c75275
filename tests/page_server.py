"""`nnscratch draw` as a real process on loopback, and ways to ask it anything, well or badly."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

JSON = {"Content-Type": "application/json"}
THREE = [[[0.3, 0.2], [0.6, 0.2], [0.65, 0.35], [0.45, 0.48], [0.68, 0.6], [0.6, 0.8], [0.3, 0.8]]]


class Page:
    """A server that runs; `folder` is where it was started."""

    def __init__(self, process: subprocess.Popen, folder: Path) -> None:
        self.process, self.folder = process, folder
        self.told: list[str] = []  # what it said on stderr
        self.address = process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:"), process.stderr.read()
        self.port = int(self.address.rstrip("/").rpartition(":")[2])
        self.host = f"127.0.0.1:{self.port}"
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def _hear(self) -> None:
        self.told.extend(self.process.stderr)

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method: str, path: str, body: bytes | str | None = None, headers=None):
        """Return status, headers and body of an answer."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> dict:
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, asked, headers=JSON):
        """Return status and object of an answer to JSON."""
        status, _, body = self.ask("POST", path, json.dumps(asked), headers)
        return status, json.loads(body)

    def send(self, data: bytes, timeout: float = 30) -> bytes:
        """Send bytes as they are, and return all that comes back until the server hangs up.

        What it has sent may be lost if it hangs up on what it did not want to read.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            received = b""
            with suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(data)
                while piece := connection.recv(1 << 16):
                    received += piece
            return received

    @contextmanager
    def training(self, **asked):
        """Train; gives the events as they come. At the end the connection is closed."""
        connection = self.connect()
        connection.request("POST", "/api/train", json.dumps(asked), JSON)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        try:
            yield map(json.loads, answer)
        finally:
            connection.close()
            answer.close()

    def train(self, **asked) -> list[dict]:
        """Train to the end; all events but those of progress."""
        with self.training(**asked) as events:
            return [event for event in events if event["event"] != "progress"]

    def threads(self) -> int:
        """How many threads the process has; Linux alone tells."""
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._hearing.join(5)
        return code


def hear_signals() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


@contextmanager
def drawing_page(folder: Path, data_dir: Path, *options: str):
    """Run `nnscratch draw` in a folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NNSCRATCH_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "nnscratch", "draw", "--no-browser", *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**environment, "NNSCRATCH_DATA_DIR": str(data_dir)},
        preexec_fn=None if sys.platform == "win32" else hear_signals,
    )  # fmt: skip
    try:
        page = Page(process, folder)
        yield page
    finally:
        process.kill()
        process.wait(30)
        page._hearing.join(5)
        process.stdout.close()
        process.stderr.close()
