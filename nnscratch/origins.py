"""The models that a run begins with: the one that gives its first weights, and its teacher.

The user names a file, which may be moved or overwritten later; so a run keeps its SHA-256.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnscratch.config import BUNDLED_NAME, NO_TEACHER, TrainConfig
from nnscratch.errors import ConfigError, ModelFileError
from nnscratch.model import Model
from nnscratch.model_file import BUNDLED_MODEL, load_model


@dataclass(frozen=True)
class NamedModel:
    """A model that a run learns from or starts from: as the user named it, and as its own will."""

    model: Model
    named: str
    sha256: str

    @property
    def name(self) -> str:
        """Return `pretrained`, or the SHA-256 of its file, which is the same wherever it lies."""
        return BUNDLED_NAME if self.named == BUNDLED_NAME else self.sha256


def load_named(named: str) -> NamedModel:
    """Load a model by the name that the user gave it.

    Raises:
        ModelFileError: it cannot be read.
    """
    model = load_model(named)
    path = BUNDLED_MODEL if named == BUNDLED_NAME else Path(named)
    return NamedModel(model, named, hashlib.sha256(path.read_bytes()).hexdigest())


def taken_over(config: TrainConfig, origin: NamedModel, asked: Collection[str]) -> TrainConfig:
    """Return the settings of a run that starts from a model: they have its width and deskewing.

    Args:
        asked: the settings that were chosen.

    Raises:
        ModelFileError: the model is an interrupted run.
        ConfigError: a setting that was chosen contradicts the model.
    """
    if origin.model.generator is not None:
        raise ModelFileError(
            "this is an interrupted run, not a finished model",
            where=origin.named,
            next_step=f"go on with it: nnscratch train --resume {shlex.quote(origin.named)}",
        )
    taken: dict[str, Any] = {}
    for key in ("hidden_size", "deskew"):
        wanted, found = getattr(config, key), getattr(origin.model.config, key)
        chosen = key in asked or wanted != getattr(TrainConfig, key)
        if chosen and wanted != found:
            raise ConfigError(
                f"{key} must be {_plainly(found)}, as in the model to start from, and is "
                f"{_plainly(wanted)}",
                key=key,
            )
        taken[key] = found
    return replace(config, start=origin.name, **taken)


def _plainly(value: int) -> str:
    return str(value).lower()


def same_teacher(saved: Model, named: str | None, path: Path) -> NamedModel | None:
    """Load the teacher that an interrupted run had; None if it had none.

    Args:
        saved: the run, and `path` its file.
        named: the teacher, as the user names it now; the bundled one need not be named.

    Raises:
        ModelFileError: the teacher is not there, or is another one.
        ConfigError: a teacher was named, and the run had none.
    """
    name = saved.config.teacher
    if name == NO_TEACHER:
        if named not in (None, NO_TEACHER):
            raise ConfigError(
                f"teacher must be none, as in the interrupted run, and is {named!r}", key="teacher"
            )
        return None
    its_file = f"the file of its teacher, whose SHA-256 is {saved.teacher_sha256}"
    if named is None and name != BUNDLED_NAME:
        raise ModelFileError(
            "the interrupted run has a teacher that is not in its file",
            where=str(path),
            next_step=f"name {its_file}, with --teacher",
        )
    teacher = load_named(named or BUNDLED_NAME)
    if teacher.sha256 != saved.teacher_sha256:
        raise ModelFileError(
            "this is not the teacher that the interrupted run had",
            where=teacher.named,
            next_step=f"name {its_file}, with --teacher",
        )
    return teacher
