"""Runs on other machines: the workers of a Dask cluster in place of processes of our own.

Somebody else starts the cluster (docs/sweep.md); only its address is needed here. The executor is
the only difference: what is computed, and to the last bit what comes out on machines of one kind,
is the same.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from nnscratch import __version__
from nnscratch.errors import MissingExtraError, NNScratchError
from nnscratch.lab.workers import Sent, SharingExecutor

CONNECT_SECONDS = 5


class ClusterExecutor(SharingExecutor):
    """Submits to a cluster.

    Attributes:
        notes: what the user should know of the workers; empty if they are all like this machine.
    """

    def __init__(self, client: Any, notes: list[str], lost: tuple[type[BaseException], ...]):
        self.lost = lost
        self.notes = notes
        self._client = client
        # Not pure: a run that is asked for twice is done twice, also for somebody else's sweep.
        self._executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call; what `share` returned is replaced by what was shared."""
        future: Future[Any] = self._executor.submit(function, *args, **kwargs)
        return future

    def share(self, data: Sent) -> Any:
        """Send the data to every worker, once.

        They are the result of a task, since what is scattered dies with the workers that hold it,
        and a task is done again.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # that is what is wanted
            shared = self._client.submit(_given, data, pure=False)
        if self._client.scheduler_info(n_workers=-1)["workers"]:
            self._client.replicate([shared])
        return shared

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take back what is not done, and leave the cluster to its owner."""
        self._executor.shutdown(wait=wait and not cancel_futures)


def _given(data: Sent) -> Sent:
    return data


@contextmanager
def cluster_executor(address: str) -> Iterator[ClusterExecutor]:
    """Connect to a cluster for as long as the context lasts.

    Args:
        address: of its scheduler: `tcp://host:8786`.

    Raises:
        MissingExtraError: Dask is not installed.
        NNScratchError: nobody answers there, or a worker lacks nnscratch.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError(
            "a sweep on a cluster needs Dask, which is not installed",
            next_step=f"{sys.executable} -m pip install 'nnscratch[cluster]'",
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is raised
    connect: Any = distributed.Client  # untyped
    try:
        _check_address(address)
        client = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise NNScratchError(
            f"the cluster does not answer: {error}",
            where=address,
            next_step="name the address that its scheduler printed, like tcp://host:8786",
        ) from error
    try:
        notes = _notes(_kinds(client, address))
        executor = ClusterExecutor(client, notes, (distributed.KilledWorker, CancelledError))
        try:
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            client.close(timeout=1)


def _check_address(address: str) -> None:
    """Raise for what is no address, or names no machine: a client that tries it ends untidily.

    Raises:
        ValueError, OSError: it is not.
    """
    parts = urlsplit(address)
    if not (parts.scheme and parts.hostname and parts.port):
        raise ValueError("that is no address")
    socket.getaddrinfo(parts.hostname, parts.port)


def _kinds(client: Any, address: str) -> dict[str, dict[str, str]]:
    """Ask every worker what it computes with."""
    try:
        kinds: dict[str, dict[str, str]] = client.run(kind_of_machine)
    except ImportError as error:
        raise NNScratchError(
            f"a worker of the cluster lacks what it needs: {error}",
            where=address,
            next_step="install nnscratch, in this version, where the workers run",
        ) from error
    return kinds


def kind_of_machine() -> dict[str, str]:
    """Return all that the last bits of a result depend on, by what it is called."""
    found: Any = np.show_config(mode="dicts")
    features = found.get("SIMD Extensions", {}).get("found", ())
    return {
        "version of nnscratch": __version__,
        "version of NumPy": np.__version__,
        "processor": f"{platform.machine()} with {', '.join(features)}",
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
    }


def _notes(kinds: dict[str, dict[str, str]]) -> list[str]:
    """Say which workers may round otherwise than this machine."""
    if not kinds:
        return ["the cluster has no worker yet, and the runs wait for one"]
    ours = {**kind_of_machine(), "OPENBLAS_NUM_THREADS": "1"}
    notes = []
    for worker, theirs in kinds.items():
        for what, value in ours.items():
            if theirs[what] != value:
                notes.append(
                    f"{worker}: its {what} is {theirs[what]}, and here {value}: "
                    "results may differ in the last bits"
                )
    return notes
