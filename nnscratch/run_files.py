"""The files that a training run writes: their names, and checks before there is work to lose."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from nnscratch.config import TrainConfig
from nnscratch.errors import OutputError
from nnscratch.files import (
    cannot_write,
    check_distinct,
    check_named,
    check_output,
    write_atomically,
)
from nnscratch.model import Model
from nnscratch.model_file import check_model_output, previous_name, save_model
from nnscratch.training import EpochResult

INTERRUPTED = ".interrupted.npz"


def output_of(resumed: Path) -> Path:
    """Return the model that an interrupted run was to become: `m.interrupted.npz` → `m.npz`."""
    return resumed.with_name(resumed.name.removesuffix(INTERRUPTED).removesuffix(".npz") + ".npz")


def interrupted_name(output: Path) -> Path:
    """Return where an interrupted run is kept: `m.npz` → `m.interrupted.npz`."""
    return output.with_name(output.name.removesuffix(".npz") + INTERRUPTED)


def check_outputs(
    output: Path, config: TrainConfig, *, others: Mapping[str, Path | None] | None = None
) -> None:
    """Raise OutputError if the model, or an interrupted run, could not be saved; done first.

    Args:
        others: what else the command writes, by option; none may be a file of the run's own.
    """
    check_named(output, "the model")
    kept = interrupted_name(output)
    own = {
        "--output": output,
        "the earlier model": previous_name(output),
        "an interrupted run": kept,
        "an earlier interrupted run": previous_name(kept),
    }
    for what, path in own.items():
        check_distinct({what: path, **(others or {})})
    check_model_output(output, config, siblings=tuple(own.values())[1:])


def check_history(path: Path) -> None:
    """Raise OutputError if the table of epochs could not be written there; done first."""
    check_output(path, "the history", is_ours=_is_history)


def _is_history(path: Path) -> bool:
    """Tell whether a file has the first line that ours have."""
    header = ",".join(field.name for field in fields(EpochResult)).encode()
    with path.open("rb") as file:
        return file.read(len(header) + 1).rstrip(b"\r\n") == header


def save_history(path: Path, history: Sequence[EpochResult]) -> None:
    """Write every epoch's figures as CSV, under a header with the names of EpochResult.

    Raises:
        OutputError: it cannot be written there.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, vars(history[0]))
    writer.writeheader()
    writer.writerows(map(vars, history))
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as error:
        raise cannot_write(path, "the history", error) from error


def save_somewhere(output: Path, model: Model) -> Path | None:
    """Save the model, in the system's folder for temporary files if its own place fails.

    Returns:
        where an earlier model of that name is now; None if there was none.

    Raises:
        OutputError: it cannot be saved there; says where it was saved instead.
    """
    try:
        return save_model(output, model)
    except OutputError as error:
        rescue = Path(tempfile.mkdtemp(prefix="nnscratch-")) / "model.npz"
        save_model(rescue, model)
        error.next_step = f"the trained model is safe in {rescue}; move it from there"
        raise
