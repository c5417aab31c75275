"""A training run as a stream: what happens is told as it happens, and may be ended at any batch.

The run is the command line's (`runs.py`), in a thread of its own, with a network of its own. There
is one at a time. Between two batches it lets a look go first: two threads of Python that compute
at once take turns every 5 ms, and each would take twice as long.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from nnscratch import records, runs
from nnscratch.config import TrainConfig
from nnscratch.data import Dataset, obtain_dataset
from nnscratch.errors import ConfigError, NNScratchError, NoDigitError
from nnscratch.model import Model, Prediction
from nnscratch.pictures.decode import as_png
from nnscratch.pictures.ink import Grey
from nnscratch.pictures.read import Prepared, load_picture
from nnscratch.training import EpochResult
from nnscratch.web.asked import in_the_pages_words
from nnscratch.web.guard import Refused
from nnscratch.web.shelf import Shelf, shown_units

PROGRESS_SECONDS = 0.2
LETTING_SECONDS = 0.2  # that a run waits at most for looks before its next batch
ENDING_SECONDS = 5.0  # that a new run waits for one that is ending

Event = dict[str, Any]


class Pictures:
    """The pictures to learn from, obtained when they are first needed.

    Args:
        data_dir: as in `obtain_dataset`.

    Attributes:
        notes: what was to be said when they were obtained.
    """

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._dataset: Dataset | None = None
        self._lock = threading.Lock()
        self.notes: list[str] = []

    def obtain(self) -> Dataset:
        """Return the data set.

        Raises:
            DataError: it is not to be had.
        """
        with self._lock:
            if self._dataset is None:
                self.notes = []
                self._dataset = obtain_dataset(self._data_dir, on_note=self.notes.append)
            return self._dataset


class _Stopped(Exception):
    """Somebody wants the run to end."""


class Lesson:
    """One training run under way.

    Args:
        number: from 1, of those since the server was started.
        drawing: that every epoch's network is asked about; None for none.
        command: gives the line that makes the same model as settings do.
        looks: set while nobody waits for a look.
    """

    def __init__(
        self,
        number: int,
        config: TrainConfig,
        drawing: Grey | None,
        *,
        shelf: Shelf,
        pictures: Pictures,
        command: Callable[[TrainConfig], str],
        looks: threading.Event,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self.number, self.config, self._command = number, config, command
        self._drawing, self._shelf, self._pictures = drawing, shelf, pictures
        self._looks_are_done, self._on_fault = looks, on_fault
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._stopping = threading.Event()
        self._epochs_done, self._samples_done, self._told_at = 0, 0, 0.0
        self._thread = threading.Thread(target=self._work, name=f"run {number}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the run after the batch in hand; the epochs that are finished stay on the shelf."""
        self._stopping.set()

    @property
    def running(self) -> bool:
        """Whether its thread is still there."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping.is_set()

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens, to the end of the run."""
        while (event := await self._events.get()) is not None:
            yield event

    def _tell(self, event: Event | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def _work(self) -> None:
        try:
            self._train()
        except _Stopped:
            self._tell({"event": "stopped", "epochs": self._epochs_done})
        except ConfigError as error:
            self._tell_error(in_the_pages_words(error), "change that field")
        except NNScratchError as error:
            self._tell_error(error.what, error.next_step)
        except MemoryError:
            self._tell_error("there is not enough memory", "try fewer hidden units")
        except Exception as error:
            self._on_fault(error)
            self._tell_error("the run has failed", "try again")
        finally:
            self._tell(None)

    def _tell_error(self, error: str, next_step: str) -> None:
        self._tell({"event": "error", "error": error, "next": next_step})

    def _train(self) -> None:
        data = self._pictures.obtain()
        self._check()
        run = runs.start(self.config)
        watched = self._watched()
        asked, whole = run.config, data
        data = runs.suit(run, whole)
        suited = runs.what_was_suited(asked, run.config, data, whole)
        samples = len(data.train_images) - run.config.validation_size
        learning = runs.learn(run, data, on_samples=self._on_samples)
        self._tell(
            {
                "event": "start",
                "run": self.number,
                "command": self._command(self.config),
                "dataset": data.name,
                "samples": samples,
                "notes": [*self._pictures.notes, *suited],
            }
        )
        name, self._told_at = "", time.monotonic()
        for result in learning:
            self._epochs_done, self._samples_done = result.epoch, 0
            name = self._shelf.add_epoch(self.number, run)
            self._tell(self._epoch(result, self._shelf[name].model, watched, name))
            self._check()
        model, report = runs.finish(run, data)
        finished = runs.Finished(model, report, tuple(run.state.history), None)
        self._tell({**records.done(finished, name, self._pictures.notes), "network": name})

    def _watched(self) -> Prepared | None:
        if self._drawing is None:
            return None
        try:
            return load_picture(io.BytesIO(as_png(self._drawing)))
        except NoDigitError:
            return None

    def _epoch(
        self, result: EpochResult, model: Model, watched: Prepared | None, name: str
    ) -> Event:
        answer: tuple[str, Prediction] | None = None
        if watched:
            with contextlib.suppress(NoDigitError):
                answer = "the drawing", model.answer(watched)
        record = records.epoch(result, answer)
        record.setdefault("watched", None)
        command = self._command(model.config)
        return {**record, "network": name, "units": shown_units(model), "command": command}

    def _on_samples(self, count: int) -> None:
        self._looks_are_done.wait(LETTING_SECONDS)
        self._check()
        self._samples_done += count
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            done = {"epoch": self._epochs_done + 1, "done": self._samples_done}
            self._tell({"event": "progress", **done})

    def _check(self) -> None:
        if self._stopping.is_set():
            raise _Stopped


class Lessons:
    """The runs of a server, one at a time.

    Args:
        command: gives the line that makes the same model as settings do.
        looks: set while nobody waits for a look.
    """

    def __init__(
        self,
        shelf: Shelf,
        pictures: Pictures,
        command: Callable[[TrainConfig], str],
        looks: threading.Event,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._shelf, self._pictures, self._command = shelf, pictures, command
        self._looks, self._on_fault = looks, on_fault
        self._number = 0
        self._lesson: Lesson | None = None

    async def begin(self, config: TrainConfig, drawing: Grey | None) -> Lesson:
        """Begin a run.

        Raises:
            Refused: 409: another one is under way.
        """
        await self._wait_for_one_that_ends()
        if self._lesson and self._lesson.running:
            raise Refused(
                409, "a run is under way in another tab", "stop it there, or wait for its end"
            )
        self._number += 1
        self._lesson = Lesson(
            self._number, config, drawing, shelf=self._shelf, pictures=self._pictures,
            command=self._command, looks=self._looks, on_fault=self._on_fault,
        )  # fmt: skip
        self._lesson.start()
        return self._lesson

    async def _wait_for_one_that_ends(self) -> None:
        until = time.monotonic() + ENDING_SECONDS
        while (one := self._lesson) and one.stopping and one.running and time.monotonic() < until:
            await asyncio.sleep(0.01)

    def stop(self) -> bool:
        """End the run that is under way; False if there is none."""
        if self._lesson is None or not self._lesson.running:
            return False
        self._lesson.stop()
        return True
