"""What a sweep keeps as it goes: one line for each finished run, so that a kill costs no more.

sweep.json    which sweep this is: the data set, the settings, the values, the seeds
runs.jsonl    a JSON object a line for each finished run: appended, and flushed to disk
sweep.csv     the same as a table, when all runs are done
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nnscratch.config import BUNDLED_NAME, NO_TEACHER, SETTINGS, TrainConfig, as_dict, config_from
from nnscratch.data import Dataset
from nnscratch.errors import ConfigError, OutputError
from nnscratch.files import cannot_write, check_output, lock, write_atomically
from nnscratch.lab.grid import Grid
from nnscratch.runs import start

SWEEP, RUNS, TABLE = "sweep.json", "runs.jsonl", "sweep.csv"
AGAIN = "make room, then give the same command again: finished runs are not done twice"
LINE_BYTES = 1 << 10  # more than any line has
KEYS = {"settings", "validation_accuracy", "validation_loss", "seconds", "model", "diverged"}
DIFFERENCES = {
    "dataset": "the data set",
    "sha256": "the files of the data set",
    "settings": "the settings that all runs share",
    "varied": "the values that are tried",
    "seeds": "the seeds",
    "teachers": "the teacher",
    "keep": "which models are kept",
}


@dataclass(frozen=True)
class RunResult:
    """What one run of a sweep came to.

    Attributes:
        config: its settings.
        validation_accuracy, validation_loss: after the last epoch; None if it diverged.
        seconds: of training alone, without measuring.
        model: the name of its file within the sweep's folder; None if it was not kept.
        diverged: whether its loss became no number. That is a result, not an error.
    """

    config: TrainConfig
    validation_accuracy: float | None
    validation_loss: float | None
    seconds: float
    model: str | None
    diverged: bool


def as_record(result: RunResult) -> dict[str, Any]:
    """Return a result as a line of the journal has it."""
    record = dict(vars(result))
    return {"settings": as_dict(record.pop("config")), **record}


def identity(grid: Grid, dataset: Dataset, keep_all: bool) -> dict[str, Any]:
    """Return what tells one sweep from another, as plain JSON values.

    Raises:
        ModelFileError: a teacher cannot be read.
    """
    shared = as_dict(grid.base)
    for key in ("seed", "start", *grid.varied):  # it never has a start: see Grid
        del shared[key]
    names = sorted({config.teacher for config in grid.settings()} - {NO_TEACHER, BUNDLED_NAME})
    return {
        "dataset": dataset.name,
        "sha256": dataset.sha256,
        "settings": shared,
        "varied": {key: list(values) for key, values in grid.varied.items()},
        "seeds": list(grid.seeds),
        "teachers": {name: start(TrainConfig(teacher=name)).config.teacher for name in names},
        "keep": "all" if keep_all else "best",
    }


class Journal:
    """The journal of one sweep; a context, in which no other process may write it.

    Args:
        sweep: as `identity` returns it.
        runs: all that the sweep is to make.
        room_bytes: of everything else that will be written into the folder.

    Raises:
        OutputError: on entering: the folder holds another sweep, or another process is at work in
            it; a line is not one of ours; or nothing can be written there.
    """

    def __init__(
        self, folder: Path, sweep: dict[str, Any], runs: Iterable[TrainConfig], room_bytes: int = 0
    ) -> None:
        self.folder = folder
        self._sweep = sweep
        self._runs = set(runs)
        self._room_bytes = room_bytes + LINE_BYTES * len(self._runs)
        self._results: dict[TrainConfig, RunResult] = {}

    def __enter__(self) -> Journal:
        path = self.folder / RUNS
        try:
            self.folder.mkdir(exist_ok=True)
            check_output(
                path, "the journal", is_ours=lambda path: True, room_bytes=self._room_bytes
            )
            self._check_table()
            self._file: IO[bytes] = open(path, "a+b", buffering=0)
        except OSError as error:
            raise cannot_write(path, "the journal", error) from error
        try:
            self._begin(path)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def _check_table(self) -> None:
        """Raise if the table could not be written, or somebody has made it his own."""
        try:
            check_output(self.folder / TABLE, "the table of runs", is_ours=_is_table)
        except OutputError as error:
            error.next_step = "move that file, or name another folder with --output"
            raise

    def _begin(self, path: Path) -> None:
        if not lock(self._file.fileno()):
            raise OutputError(
                "another process is running this sweep",
                where=str(self.folder),
                next_step="let it finish, or name another folder with --output",
            )
        self._file.seek(0)
        data = self._file.read()
        self._check_identity(bool(data))
        self._end = data.rfind(b"\n") + 1  # what follows is half a line: the run is done again
        for number, line in enumerate(data[: self._end].splitlines(), 1):
            self._take(line, number)
        try:
            self._file.truncate(self._end)
        except OSError as error:
            raise cannot_write(path, "the journal", error) from error

    def _check_identity(self, begun: bool) -> None:
        """Raise unless the folder holds this sweep, or none; then write down which it is."""
        path = self.folder / SWEEP
        other_folder = "name another folder with --output"
        try:
            known = json.loads(path.read_bytes())
        except FileNotFoundError:
            if begun:
                raise OutputError(
                    f"there are runs here, but no {SWEEP} that says of which sweep",
                    where=str(self.folder),
                    next_step=other_folder,
                ) from None
            try:
                write_atomically(path, f"{json.dumps(self._sweep, indent=2)}\n".encode())
            except OSError as error:
                raise cannot_write(path, "the sweep", error) from error
            return
        except OSError as error:
            raise OutputError(
                f"the sweep cannot be read: {error.strerror}", where=str(path),
                next_step=other_folder,
            ) from error  # fmt: skip
        except ValueError:
            known = None
        if not isinstance(known, dict) or known.keys() != self._sweep.keys():
            raise OutputError(
                "this file does not say which sweep the folder holds",
                where=str(path),
                next_step=other_folder,
            )
        ours = json.loads(json.dumps(self._sweep))
        differing = [words for key, words in DIFFERENCES.items() if known[key] != ours[key]]
        if differing:
            raise OutputError(
                f"the folder holds another sweep, which differs in {', '.join(differing)}",
                where=str(self.folder),
                next_step=f"{other_folder}, or give that sweep's own command to go on with it",
            )

    def _take(self, line: bytes, number: int) -> None:
        """Take a finished run from its line."""
        again = "and its run is done again"
        try:
            result = _result(line)
            if result.config not in self._runs:
                raise ValueError("it is a run of another sweep")
            if result.config in self._results:
                again = "which stands there twice"
                raise ValueError("its run has been there before")
        except ValueError as error:
            reason = error.what if isinstance(error, ConfigError) else error
            raise OutputError(
                f"line {number} of the journal is no finished run: {reason}",
                where=str(self.folder / RUNS),
                next_step=f"delete that line, {again}; or name another folder with --output",
            ) from error
        self._results[result.config] = result

    def results(self) -> dict[TrainConfig, RunResult]:
        """Return the finished runs, in the order in which they were."""
        return dict(self._results)

    def add(self, result: RunResult) -> None:
        """Write down a finished run; it is on the disk when this returns.

        Raises:
            OutputError: it cannot be written; the lines before it are whole.
        """
        line = memoryview(f"{json.dumps(as_record(result))}\n".encode())
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._end)
            problem = cannot_write(self.folder / RUNS, "the journal", error)
            problem.next_step = AGAIN
            raise problem from error
        self._end += written
        self._results[result.config] = result


def _result(line: bytes) -> RunResult:
    """Read a line; raises ValueError, and ConfigError is one."""
    try:
        record = json.loads(line)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(record, dict) or record.keys() != KEYS:
        raise ValueError(f"its keys should be {', '.join(sorted(KEYS))}")
    settings = record["settings"]
    if not isinstance(settings, dict) or settings.keys() != SETTINGS.keys():
        raise ValueError("its settings are not those of a run")
    accuracy, loss = record["validation_accuracy"], record["validation_loss"]
    diverged, model = record["diverged"], record["model"]
    if diverged is True:
        sound = accuracy is None and loss is None
    else:
        sound = diverged is False and _within(accuracy, 1) and _within(loss)
    named = model is None or (isinstance(model, str) and model == Path(model).name)
    if not (sound and named and _within(record["seconds"])):
        raise ValueError("its figures are not those of a run")
    return RunResult(config_from(settings), accuracy, loss, record["seconds"], model, diverged)


def _within(value: Any, highest: float = float("inf")) -> bool:
    return type(value) in (int, float) and 0 <= value <= highest and value != float("inf")


def save_table(folder: Path, results: Iterable[RunResult]) -> None:
    """Write all results as CSV, a line for each run; the settings have a column each.

    Raises:
        OutputError: it cannot be written there.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_columns())
    for result in results:
        record = as_record(result)
        writer.writerow([*record.pop("settings").values(), *record.values()])
    path = folder / TABLE
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as error:
        raise cannot_write(path, "the table of runs", error) from error


def _columns() -> list[str]:
    return [*SETTINGS, "validation_accuracy", "validation_loss", "seconds", "model", "diverged"]


def _is_table(path: Path) -> bool:
    header = ",".join(_columns()).encode()
    with path.open("rb") as file:
        return file.read(len(header) + 1).rstrip(b"\r\n") == header
