"""A hand-in: a file in which somebody has written `Linear`, or another of the four classes.

Reading it runs it. `OwnNetwork` then takes its classes in place of ours, and everything that works
on a `Network` (training, measuring, the gradient check) works on theirs.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnscratch.core import CLASSES, IN_FEATURES, Network, one_hot
from nnscratch.errors import HandInError, Terminated
from nnscratch.files import open_plain
from nnscratch.products import Floats
from nnscratch.stand_ins import OwnLinear, OwnLoss, OwnReLU, OwnWhole
from nnscratch.their_code import (
    TheirCode,
    in_their_words,
    no_sudden_end,
    one_line,
    place,
    prints_to_stderr,
)

__all__ = ["CLASSES_TO_WRITE", "HandInError", "OwnNetwork", "in_their_words", "read_classes"]

CLASSES_TO_WRITE = ("Linear", "ReLU", "SoftmaxCrossEntropy", "Network")


def read_classes(path: Path | str, *, beside: Collection[str] | None = None) -> dict[str, type]:
    """Run a hand-in, and return those of the four classes that it defines, by name.

    Args:
        beside: the names of the files beside it, if `path` is a copy.

    It may import NumPy, the standard library and `nnscratch`; a class that is nnscratch's own, or
    is derived from one, does not count as written here. Its folder is not searched for other files.

    Raises:
        HandInError: there is no such file, it is no Python, it fails while it runs, or it defines
            none of the classes.
    """
    path = Path(path)
    code = _compiled(path)
    # A name that is no other module's. Registered, because dataclasses and pickle look there.
    module = ModuleType(f"hand-in {os.path.realpath(path)}".replace(".", " "))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        with np.errstate(), warnings.catch_warnings(), prints_to_stderr(), no_sudden_end():
            exec(code, vars(module))
        return _own_classes(module, path)
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, (KeyboardInterrupt, Terminated, HandInError)):
            raise
        names = [file.name for file in path.parent.glob("*.py")] if beside is None else beside
        raise _failed(error, path, names) from error


def _compiled(path: Path) -> CodeType:
    """Return the file's code, whose lines carry its full path."""
    try:
        with open_plain(path) as file:
            source = file.read()
        with warnings.catch_warnings(action="ignore"):
            return compile(source, os.path.realpath(path), "exec", dont_inherit=True)
    except FileNotFoundError as error:
        raise HandInError(
            "there is no such file",
            where=str(path),
            next_step="name a Python file in which Linear is written",
        ) from error
    except OSError as error:
        raise HandInError(
            f"the file cannot be read: {error.strerror or error}",
            where=str(path),
            next_step="name a Python file in which Linear is written",
        ) from error
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise HandInError(
            f"this is not Python: {line}{one_line(error.msg)}",
            where=str(path),
            next_step="correct it there; running the file with python shows the place",
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; too deeply nested
        raise HandInError(
            f"this is not Python: {one_line(str(error)) or type(error).__name__}",
            where=str(path),
            next_step="name a Python file in which Linear is written",
        ) from error


def _failed(error: BaseException, path: Path, beside: Collection[str]) -> HandInError:
    """Say how a file failed while it ran from top to bottom."""
    if isinstance(error, ModuleNotFoundError):
        missing = error.name or "a module"
        file = f"{missing.partition('.')[0]}.py"
        why = "which is not here"
        if file in beside and file != path.name:
            why = f"and {file} beside it is not seen, for a hand-in is a single file"
        return HandInError(
            f"it imports {missing}, {why}{place(error, path)}",
            where=str(path),
            next_step="NumPy and the standard library will do; the classes belong in one file",
        )
    return HandInError(
        f"it fails as soon as it runs: {in_their_words(error, path)}",
        where=str(path),
        next_step="running the file with python shows the place",
    )


def _own_classes(module: ModuleType, path: Path) -> dict[str, type]:
    """Return those of the four classes that are written in the file; HandInError if none is."""
    found = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
    written = {name: kind for name, kind in found.items() if _is_written_in(module, kind)}
    own = {name: written[name] for name in CLASSES_TO_WRITE if name in written}
    if own:
        return own
    what = "it defines none of Linear, ReLU, SoftmaxCrossEntropy and Network"
    if borrowed := [name for name in CLASSES_TO_WRITE if name in found]:
        come = "come" if len(borrowed) > 1 else "comes"
        what += f": {_listed(borrowed)} in it {come} from elsewhere"
    elif written:
        what += f"; it defines {_listed(list(written))}"
    raise HandInError(
        what,
        where=str(path),
        next_step="write a class of that name; "
        "nnscratch grade --template linear.py makes a file to start from",
    )


def _is_written_in(module: ModuleType, kind: type) -> bool:
    """Tell whether a class is of this file, and not derived from one of ours."""
    rooms = [base.__module__.partition(".")[0] for base in kind.__mro__]
    return kind.__module__ == module.__name__ and "nnscratch" not in rooms


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# ------------------------------------------------------------------------ in the place of our own


class OwnNetwork(Network):
    """Our network with their classes in it; where one is missing, ours does the work.

    Args:
        classes: as `read_classes` gives them. A `Network` among them does all the work itself.
        hidden_size, rng, dtype: as for `Network`; the same generator state gives the same weights.
        around: entered whenever their code runs.

    Parameters and gradients lie where `Network` keeps them. Before each forward pass `W` and `b`
    are lent to their layers, and after each backward pass `dLdW` and `dLdb` are gathered.

    Raises:
        HandInError: here and in every method: their code fails, or gives an array of another shape
            than it should.
    """

    def __init__(
        self,
        classes: Mapping[str, type],
        hidden_size: int = 10,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        super().__init__(hidden_size, rng=rng, dtype=dtype)
        self.classes, self._around = classes, around
        code = TheirCode(_file_of(classes), around)
        self._whole = None
        if "Network" in classes:
            self._whole = OwnWhole(classes["Network"], code, self.hidden, self.output)
            return
        if "Linear" in classes:
            self.hidden = OwnLinear(classes["Linear"], code, self.hidden)
            self.output = OwnLinear(classes["Linear"], code, self.output)
        if "ReLU" in classes:
            self.relu = OwnReLU(classes["ReLU"], code)
        if "SoftmaxCrossEntropy" in classes:
            self.softmax_cross_entropy = OwnLoss(classes["SoftmaxCrossEntropy"], code)

    def forward(self, A: Floats) -> Floats:
        """Return Z_o, (N, 10), for A (N, 784)."""
        return self._whole.forward(A) if self._whole else super().forward(A)

    def loss(self, Z_o: Floats, labels: NDArray[Any]) -> float:
        """Return the mean cross-entropy of Z_o (N, 10) and labels (N,), or Y."""
        return self._whole.loss(Z_o, labels) if self._whole else super().loss(Z_o, labels)

    def backward(self) -> None:
        """Fill `gradients` from the last `forward` and `loss`."""
        if self._whole:
            self._whole.backward()
        else:
            super().backward()

    def check_takes_Y(self) -> None:
        """Raise HandInError if their loss takes labels (N,) alone, and not Y (N, 10).

        Y is one-hot here, and so must give the loss that the labels give.
        """
        labels = np.arange(3)
        Y = one_hot(labels, CLASSES, self.theta.dtype)
        A = np.random.default_rng(0).random((len(labels), IN_FEATURES)).astype(self.theta.dtype)
        Z_o = self.forward(A)
        loss = self.loss(Z_o, labels)
        try:
            good = bool(np.isclose(self.loss(Z_o, Y), loss, rtol=1e-3))
            self.backward()
        except HandInError:
            good = False
        if not good:
            raise HandInError(
                "the loss in it takes labels alone, and a teacher gives Y, (N, 10)",
                where=_file_of(self.classes),
                next_step="let the loss take Y as well, or train without --teacher",
            )

    def agrees(self, A: Floats) -> bool:
        """Tell whether they say of A, (N, 784), what our classes say with the same weights."""
        ours = Network.astype(self, self.theta.dtype).forward(A)
        return bool(np.allclose(self.forward(A), ours, rtol=1e-2, atol=1e-2))

    def astype(self, dtype: DTypeLike) -> Network:
        """Return a copy of its own, with their classes, that computes in `dtype`."""
        return _own_network(self.classes, self.theta.astype(dtype), self.deskewed, self._around)

    def __reduce__(self) -> tuple[Any, ...]:
        return _own_network, (self.classes, self.theta, self.deskewed)


def _own_network(
    classes: Mapping[str, type],
    theta: Floats,
    deskewed: bool,
    around: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> OwnNetwork:
    hidden_size = (len(theta) - CLASSES) // (IN_FEATURES + 1 + CLASSES)
    rng = np.random.default_rng(0)
    network = OwnNetwork(classes, hidden_size, rng=rng, dtype=theta.dtype, around=around)
    network.theta, network.deskewed = theta, deskewed
    return network


def _file_of(classes: Mapping[str, type]) -> str:
    modules = (sys.modules.get(kind.__module__) for kind in classes.values())
    return next((file for module in modules if (file := getattr(module, "__file__", None))), "")
