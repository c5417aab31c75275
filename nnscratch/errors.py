"""Every error a user can meet.

    NNScratchError
    ├── ConfigError          a setting that is unknown, of the wrong type or out of range
    ├── ArrayError           pictures or labels that are not what they should be
    ├── DataError            the data folder: missing, damaged or not what was asked for
    │   ├── IDXError         the bytes of one IDX file do not add up
    │   └── DownloadError    no mirror gave the bytes that were wanted
    ├── ModelFileError       a model file that cannot be read or trusted
    ├── PictureError         a picture that cannot be read
    │   └── NoDigitError     a picture that was read, and holds no digit
    ├── DivergenceError      training whose loss is no longer a number
    ├── HandInError          a file with somebody's own classes that cannot be used
    ├── OutputError          a file that cannot be written, or would replace what is not ours
    └── MissingExtraError    an optional library that is not installed

Each says three things: what happened, where, and what to do next. The command line prints the
three and exits with 1; `NNSCRATCH_DEBUG=1` adds the traceback. They survive pickling, so that one
can come back from another process. ConfigError and ArrayError are also ValueErrors, as whoever
knows scikit-learn expects.
"""

from __future__ import annotations

from typing import Any


class NNScratchError(Exception):
    """Say what went wrong, where, and what to do next.

    Args:
        what: one sentence, in the user's words.
        where: the file, folder, setting or place in the work that it concerns; may be empty.
        next_step: what the user can do about it; may be empty.
    """

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what, where, next_step)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        return "; ".join(part for part in (self.what, self.where, self.next_step) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, vars(self))


def _remade(
    kind: type[NNScratchError], args: tuple[Any, ...], state: dict[str, Any]
) -> NNScratchError:
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error


class ConfigError(NNScratchError, ValueError):
    """A setting is unknown, of the wrong type or out of range; `key` names it."""

    def __init__(self, what: str, *, key: str = "", where: str = "", next_step: str = "") -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.key = key


class ArrayError(NNScratchError, ValueError):
    """Pictures or labels are not what they should be."""


class DataError(NNScratchError):
    """The data folder is missing, damaged or not what was asked for."""


class IDXError(DataError):
    """The bytes of one IDX file do not add up."""


class DownloadError(DataError):
    """No mirror gave the bytes that were wanted."""


class ModelFileError(NNScratchError):
    """A model file cannot be read or trusted."""


class PictureError(NNScratchError):
    """A picture cannot be read."""


class NoDigitError(PictureError):
    """A picture was read and holds no digit.

    Attributes:
        picture: as the network saw it, where it was the network that refused it; else None.
    """

    picture: Any = None


class DivergenceError(NNScratchError):
    """The loss of a training run is no longer a finite number."""


class HandInError(NNScratchError):
    """A file with somebody's own classes cannot be read, or what is in it fails."""


class OutputError(NNScratchError):
    """A file cannot be written, or would replace what is not ours."""


class MissingExtraError(NNScratchError):
    """An optional library is not installed."""


class Terminated(BaseException):
    """A signal asked us to end: SIGTERM, or SIGHUP; like KeyboardInterrupt, not to be caught."""

    def __init__(self, number: int = 15) -> None:
        super().__init__(number)
        self.number = number
