"""Soak the server of `nnscratch draw`: looks, runs and closed tabs, and what stays behind of them.

    python benchmarks/draw.py                       # 10,000 looks, ten runs, fifty closed tabs
    python benchmarks/draw.py --looks 500 --runs 2  # a shorter one

Prints memory (resident, as Linux counts it) and threads after each part, and the times of looks,
alone and ten a second while a run goes on. The first tenth of each part warms up: what is counted
as growth comes after it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

JSON = {"Content-Type": "application/json"}
THREE = [[[0.3, 0.2], [0.6, 0.2], [0.65, 0.35], [0.45, 0.48], [0.68, 0.6], [0.6, 0.8], [0.3, 0.8]]]
PER_SECOND = 10


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    process: int
    port: int

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to ask over."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def megabytes(self) -> float:
        """Return the resident memory."""
        with open(f"/proc/{self.process}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def threads(self) -> int:
        """Return the number of threads."""
        return len(os.listdir(f"/proc/{self.process}/task"))


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Run `nnscratch draw` in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "nnscratch", "draw", "--no-browser"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            yield Server(process.pid, int(address.rstrip("/").rpartition(":")[2]))
        finally:
            process.terminate()
            process.communicate()


def look(connection: http.client.HTTPConnection) -> float:
    """Ask about a drawing; return how long the answer took, in milliseconds."""
    started = time.perf_counter()
    connection.request("POST", "/api/look", json.dumps({"strokes": THREE}), JSON)
    answer = json.loads(connection.getresponse().read())
    assert answer["answer"] == "3", answer
    return 1e3 * (time.perf_counter() - started)


@contextlib.contextmanager
def training(server: Server, **asked: object) -> Iterator[http.client.HTTPResponse]:
    """Train; gives the lines as they come, and closes the connection at the end."""
    connection = server.connect()
    connection.request("POST", "/api/train", json.dumps({"strokes": THREE, **asked}), JSON)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    try:
        yield answer
    finally:
        connection.close()
        answer.close()


def looks(server: Server, count: int) -> list[float]:
    """Ask again and again over one connection; return the times."""
    connection = server.connect()
    times = [look(connection) for _ in range(count)]
    connection.close()
    return times


def run(server: Server, **asked: object) -> str:
    """Train to the end; return the last event."""
    with training(server, **asked) as lines:
        *_, last = (json.loads(line) for line in lines)
    return str(last["event"])


def close_a_tab(server: Server, **asked: object) -> None:
    """Begin to train, and leave."""
    with training(server, **{**asked, "epochs": 200, "hidden": 64}) as lines:
        lines.readline()
        lines.readline()


def looks_while_training(server: Server, count: int, **asked: object) -> list[float]:
    """Ask ten times a second while a run goes on; return the times."""
    connection, times = server.connect(), []
    with training(server, **{**asked, "epochs": 200}) as lines:
        lines.readline()
        for _ in range(count):
            times.append(look(connection))
            time.sleep(max(0, 1 / PER_SECOND - times[-1] / 1e3))
    connection.close()
    return times


def in_words(times: list[float]) -> str:
    """Return the median, the 99th of a hundred, and the worst."""
    ordered = sorted(times)
    high = ordered[int(0.99 * (len(ordered) - 1))]
    return f"median {statistics.median(times):.0f} ms, 99% {high:.0f} ms, most {ordered[-1]:.0f} ms"


def settled(server: Server) -> str:
    """Return memory and threads, once what has ended is gone."""
    time.sleep(0.5)
    return f"{server.megabytes():6.1f} MB  {server.threads():3d} threads"


def soak(count: int, runs: int, tabs: int, **asked: object) -> None:
    with serving() as server:
        print(f"{settled(server)}  at the start")
        for part in (count // 10, count - count // 10):
            times = looks(server, part)
            print(f"{settled(server)}  after {part:,} looks: {in_words(times)}")
        for part in (max(2, runs // 5), runs - max(2, runs // 5)):
            events = {run(server, **asked) for _ in range(part)}
            print(f"{settled(server)}  after {part} training runs: {', '.join(events)}")
        for part in (tabs // 5, tabs - tabs // 5):
            for _ in range(part):
                close_a_tab(server, **asked)
            print(f"{settled(server)}  after {part} closed tabs")
        times = looks_while_training(server, 100, **asked)
        print(f"{settled(server)}  after 100 looks while training: {in_words(times)}")
        print(f"{settled(server)}  after 100 more looks: {in_words(looks(server, 100))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--looks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--tabs", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=5)
    chosen = parser.parse_args()
    soak(chosen.looks, chosen.runs, chosen.tabs, epochs=chosen.epochs)


if __name__ == "__main__":
    main()
