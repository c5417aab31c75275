"""Where the runs of a sweep are computed: processes of our own, or somebody else's executor.

Each process has one BLAS thread and maps the data set into its memory from one file, so that all
of them read the same pages. None outlives the sweep: each holds the end of a pipe, and leaves when
the other end is closed, which the system does even for a process that is killed.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from nnscratch import runs
from nnscratch.config import BUNDLED_NAME, NO_TEACHER, TrainConfig
from nnscratch.cores import cores
from nnscratch.data import Dataset
from nnscratch.errors import DivergenceError, ModelFileError, NNScratchError
from nnscratch.files import cannot_write, temporary_file
from nnscratch.model_file import to_bytes

TICK_SECONDS = 0.1
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Result:
    """What a worker says of a run.

    Attributes:
        accuracy, loss: on the pictures held out, after the last epoch; None if it diverged.
        seconds: of training alone.
        model: the bytes of its file; None if it was not wanted or cannot be loaded again.
    """

    config: TrainConfig
    accuracy: float | None
    loss: float | None
    seconds: float
    model: bytes | None


@dataclass(frozen=True)
class Mapped:
    """A data set in a file: its arrays one after the other, to be mapped into memory."""

    path: str
    name: str
    shapes: tuple[tuple[int, ...], ...]
    sha256: tuple[tuple[str, str], ...]
    drawn: int
    undivided: bool

    @functools.lru_cache(maxsize=1)  # noqa: B019  once in a process, however many runs it does
    def load(self) -> Dataset:
        """Return the data set; its arrays are the file's pages, and read-only."""
        whole, start, arrays = np.memmap(self.path, np.uint8, mode="r"), 0, {}
        for name, shape in zip(ARRAYS, self.shapes, strict=True):
            end = start + int(np.prod(shape))
            arrays[name] = np.asarray(whole[start:end]).reshape(shape)
            start = end
        return Dataset(
            self.name,
            **arrays,
            sha256=dict(self.sha256),
            drawn=self.drawn,
            undivided=self.undivided,
        )


@dataclass(frozen=True)
class Sent:
    """All that a run needs which is not in its settings, to be sent to another machine.

    Attributes:
        teachers: the bytes of model files, by the paths that the settings name.
    """

    dataset: Dataset
    teachers: Mapping[str, bytes]


class SharingExecutor(Executor):
    """An executor whose workers do not see our files.

    Attributes:
        lost: what is raised for a run whose worker is gone for good.
    """

    lost: tuple[type[BaseException], ...] = ()

    def share(self, data: Sent) -> Any:
        """Send data to all workers; what is returned stands for them in `submit`."""
        raise NotImplementedError


def train(config: TrainConfig, data: Mapped | Sent, keep: bool) -> Result:
    """Do one run, in whatever process; the model is finished as `nnscratch train` finishes it."""
    if isinstance(data, Mapped):
        dataset, run = data.load(), runs.start(config)
    else:
        dataset, run = data.dataset, _start_elsewhere(config, data)
    try:
        for _ in runs.learn(run, dataset):
            pass
    except DivergenceError:
        return Result(config, None, None, _seconds(run), None)
    last, model = run.state.history[-1], None
    if keep:
        with contextlib.suppress(ModelFileError):  # weights too large for any use
            model = to_bytes(runs.finish(run, dataset)[0])
    return Result(config, last.validation_accuracy, last.validation_loss, _seconds(run), model)


def _start_elsewhere(config: TrainConfig, data: Sent) -> runs.Run:
    """Begin a run where the file of its teacher does not lie."""
    if config.teacher not in data.teachers:
        return runs.start(config)
    with tempfile.TemporaryDirectory(prefix="nnscratch-") as folder:
        teacher = Path(folder) / "teacher.npz"
        teacher.write_bytes(data.teachers[config.teacher])
        return runs.start(replace(config, teacher=str(teacher)))


def _seconds(run: runs.Run) -> float:
    return sum(result.seconds or 0.0 for result in run.state.history)


class Workers:
    """Computes runs in an executor; a context, in which the data set is shared.

    Args:
        executor: None for processes of our own, as many as there are cores.
        folder: where the shared file lies; None for the system's folder for temporary files.
    """

    def __init__(
        self, dataset: Dataset, executor: Executor | None = None, folder: Path | None = None
    ) -> None:
        self._dataset = dataset
        self._given = executor
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._waiting: set[Future[Result]] = set()
        self._begun: tuple[Executor, Any] | None = None

    def __enter__(self) -> Workers:
        return self

    def _begin(self, configs: Iterable[TrainConfig]) -> tuple[Executor, Any]:
        """Share the data set and start the processes, when there is something to do."""
        if self._begun is None:
            executor, data = self._given, None
            if isinstance(executor, SharingExecutor):
                names = {run.teacher for run in configs} - {NO_TEACHER, BUNDLED_NAME}
                teachers = {name: Path(name).read_bytes() for name in names}
                data = executor.share(Sent(self._dataset, teachers))
            else:
                data = self._stack.enter_context(_mapped(self._dataset, self._folder))
            self._begun = executor or self._stack.enter_context(own_processes()), data
        return self._begun

    def __exit__(self, *error: object) -> None:
        for future in self._waiting:
            future.cancel()
        self._stack.close()

    def run(
        self,
        tasks: Sequence[tuple[int, TrainConfig]],
        keep: bool,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[int, Result]]:
        """Yield each run's number and result, whichever is done first."""
        if not tasks:
            return
        executor, data = self._begin(config for _, config in tasks)
        with starting():
            futures = {
                executor.submit(train, config, data, keep): number for number, config in tasks
            }
        self._waiting = set(futures)
        try:
            while self._waiting:
                on_wait()
                done, self._waiting = wait(self._waiting, TICK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    yield futures[future], future.result()
        except getattr(executor, "lost", BrokenProcessPool) as error:
            on_wait()  # if a signal ended the workers, it has also been sent to us
            raise NNScratchError(
                "a worker ended before its run did, perhaps for lack of memory",
                next_step="give the same command again: finished runs are not done twice",
            ) from error


@contextlib.contextmanager
def own_processes() -> Iterator[Executor]:
    """Yield an executor with a process for each core; all are gone at the end, done or not."""
    spawn = multiprocessing.get_context("spawn")  # the same everywhere; no thread is copied halfway
    theirs, ours = spawn.Pipe(duplex=False)
    executor = ProcessPoolExecutor(
        cores(), mp_context=spawn, initializer=_leave_with_parent, initargs=(theirs,)
    )
    try:
        yield executor
    finally:
        ours.close()
        executor.shutdown(cancel_futures=True)
        theirs.close()


def _leave_with_parent(lifeline: Connection) -> None:
    """End this process, whatever it does, when the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            lifeline.recv_bytes()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Let processes that are started here have one BLAS thread, and leave Ctrl-C to us.

    A terminal sends Ctrl-C to all of them; a blocked signal is inherited, and ours only waits.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    blocked: Any = None
    if hasattr(signal, "pthread_sigmask"):
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _mapped(dataset: Dataset, folder: Path | None) -> Iterator[Mapped]:
    """Write a data set into a file for as long as it is needed.

    In the sweep's own folder a killed sweep's is swept away when the sweep goes on.
    """
    folder = folder or Path(tempfile.gettempdir())
    arrays = [getattr(dataset, name) for name in ARRAYS]
    with contextlib.ExitStack() as stack:
        try:
            file, path = stack.enter_context(temporary_file(folder))
            for array in arrays:
                file.write(np.ascontiguousarray(array).data)
            file.flush()
        except OSError as error:
            what = "the data set, which all runs share,"
            raise cannot_write(folder, what, error) from error
        shapes = tuple(array.shape for array in arrays)
        sha256 = tuple(dataset.sha256.items())
        yield Mapped(str(path), dataset.name, shapes, sha256, dataset.drawn, dataset.undivided)


def shared_bytes(dataset: Dataset) -> int:
    """Return how large the file is that the workers share."""
    return sum(getattr(dataset, name).nbytes for name in ARRAYS)
