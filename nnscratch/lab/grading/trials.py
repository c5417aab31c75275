"""Trials of a student's class: small arrays of several shapes, and what came of them.

The numbers are eighths, so that every product and sum of them is exact also in float32.
"""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnscratch.core import Integers
from nnscratch.errors import Terminated
from nnscratch.products import Floats
from nnscratch.their_code import prints_to_stderr

# N, C_in, C_out. In the second shape every product of two matrices is possible, whichever way they
# are turned; in the fourth N = C_out, so that a column of biases fits where a row belongs.
LINEAR_SHAPES = ((5, 4, 3), (3, 3, 3), (1, 4, 3), (3, 4, 3), (7, 2, 4))
# N, K; ten classes, since a loss may rely on that.
LOSS_SHAPES = ((5, 10), (10, 10), (1, 10), (6, 10))


@dataclass(frozen=True)
class Failure:
    """What came instead of numbers: the error that was raised, or None where nothing was tried."""

    error: BaseException | None = None


class Nothing(Exception):
    """Nothing was returned, or kept under a name where something should be.

    Its text is the name of theirs that looks like the one that is missing, or nothing.
    """


EXPECTED = {"W", "b", "A", "Z", "dLdA", "dLdW", "dLdb", "dLdZ", "debug", "forward", "backward"}
Outcome = NDArray[Any] | Failure


@dataclass(frozen=True)
class LinearCase:
    """A (N, C_in), W (C_out, C_in), b (C_out, 1) and G = dLdZ (N, C_out)."""

    A: Floats
    W: Floats
    b: Floats
    G: Floats

    @property
    def N(self) -> int:
        """The number of samples."""
        return len(self.A)

    @property
    def width(self) -> int:
        """C_out, the number of outputs."""
        return len(self.b)


@dataclass(frozen=True)
class OutputsCase:
    """Z (N, width), what a layer put out."""

    Z: Floats

    @property
    def N(self) -> int:
        """The number of samples."""
        return len(self.Z)

    @property
    def width(self) -> int:
        """H units for ReLU, K classes for the loss."""
        return int(self.Z.shape[1])


@dataclass(frozen=True)
class UnitCase(OutputsCase):
    """Z (N, H) and D = dLdA (N, H), for ReLU."""

    D: Floats


@dataclass(frozen=True)
class LossCase(OutputsCase):
    """Z (N, K) and labels (N,), for the loss."""

    labels: Integers


def eighths(rng: np.random.Generator, *shape: int) -> Floats:
    """Return numbers of −2 … 2 in steps of 1/8, none of them 0."""
    values: Floats = rng.integers(1, 17, shape) * rng.choice([-1.0, 1.0], shape) / 8
    return values


def linear_cases() -> list[LinearCase]:
    """Return one case of each of LINEAR_SHAPES, the same ones each time."""
    rng = np.random.default_rng(25)
    return [
        LinearCase(
            eighths(rng, N, C_in), eighths(rng, C_out, C_in), eighths(rng, C_out, 1),
            eighths(rng, N, C_out),
        )
        for N, C_in, C_out in LINEAR_SHAPES
    ]  # fmt: skip


def unit_cases() -> list[UnitCase]:
    """Return cases of several shapes, none of whose numbers lies at the kink."""
    rng = np.random.default_rng(20)
    return [UnitCase(eighths(rng, *shape), eighths(rng, *shape)) for shape in LOSS_SHAPES]


def loss_cases() -> list[LossCase]:
    """Return one case of each of LOSS_SHAPES; in the first, most classes are nobody's label."""
    rng = np.random.default_rng(21)
    cases = [LossCase(eighths(rng, N, K), rng.integers(0, K, N)) for N, K in LOSS_SHAPES]
    cases[0].labels[:] = [2, 0, 1, 2, 1]
    return cases


def parameters(cls: type) -> list[str]:
    """Return the names of what a class of theirs takes when it is made."""
    try:
        return list(inspect.signature(cls).parameters)
    except (TypeError, ValueError):
        return []


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep NumPy's warnings about overflow, and all others, off stderr."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def attempt(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a call of theirs returns, or a Failure with whatever it raised."""
    try:
        with unwarned(), prints_to_stderr():
            return call(*arguments)
    except (KeyboardInterrupt, Terminated):
        raise
    except BaseException as error:
        return Failure(error)


def numbers(value: Any) -> Outcome:
    """Return a float64 copy of what they returned; a Failure if it is no array of numbers."""
    if isinstance(value, Failure):
        return value
    if value is None:
        return Failure(Nothing())
    copy: Outcome = attempt(lambda: np.array(value, dtype=np.float64))
    return copy


def alike(found: Outcome, right: Outcome, tolerance: float = 1e-5) -> bool:
    """Tell whether two outcomes have the same shape and the same numbers."""
    if isinstance(found, Failure) or isinstance(right, Failure):
        return False
    return found.shape == right.shape and bool(
        np.allclose(found, right, rtol=tolerance, atol=tolerance)
    )


def lend(layer: Any, name: str, value: Floats) -> None:
    """Give a layer of theirs a parameter, as `layer.W -= …` does: in place, and then assigned.

    What is kept turned round behind a property, a view of W or a copy made as W is assigned all
    see the new numbers.
    """
    held = getattr(layer, name, None)
    if (
        isinstance(held, np.ndarray)
        and held.shape == value.shape
        and held.dtype.kind == "f"
        and held.flags.writeable
    ):
        held[...] = value
        given = held
    else:
        given = value.copy()
    try:
        setattr(layer, name, given)
    except AttributeError:  # a property without a setter
        if not alike(numbers(getattr(layer, name)), value):
            raise


@dataclass(frozen=True)
class Form:
    """The shapes in which a class of theirs keeps W and b, so that only one check fails for them.

    Attributes:
        turned: W is (C_in, C_out).
        b: makes their shape of a column.
    """

    turned: bool = False
    b: Callable[[Floats], Floats] = field(default=lambda column: column)

    def W(self, W: Floats) -> Floats:
        """Return W, or dLdW, as they keep it."""
        return W.T if self.turned else W


COLUMN = Form()


def form_of(cls: type) -> Form:
    """Find out how a class keeps W and b: from the shapes that a new layer has."""
    layer = attempt(cls, 4, 3)
    W, b = (numbers(attempt(getattr, layer, name)) for name in ("W", "b"))
    turned = not isinstance(W, Failure) and W.shape == (4, 3)
    shape = () if isinstance(b, Failure) else b.shape
    ways: list[Callable[[Floats], Floats]] = [lambda column: column]
    if shape == (3,):
        ways.insert(0, lambda column: column[:, 0])
    elif shape == (1, 3):
        ways.insert(0, lambda column: column.T)
    forms = [Form(turned, way) for way in ways]
    for form in forms:  # the document's own code makes b flat, and multiplies it as a column
        if not isinstance(run_linear(cls, linear_cases()[0], form)["Z"], Failure):
            return form
    return forms[-1]


def build(cls: type, case: LinearCase, form: Form, **options: Any) -> Any:
    """Return a layer of theirs with the weights of a case; raises whatever they raise."""
    C_out, C_in = case.W.shape
    layer = cls(C_in, C_out, **options)
    lend(layer, "W", form.W(case.W))
    lend(layer, "b", form.b(case.b))
    return layer


def run_linear(
    cls: type, case: LinearCase, form: Form = COLUMN, dtype: DTypeLike = float, **options: Any
) -> dict[str, Any]:
    """Run a new layer of theirs forward and backward once.

    Returns:
        `layer`; the outcomes `Z`, `dLdA`, `dLdW`, `dLdb`; `touched`, the names of what they should
        have left as it was.
    """
    run: dict[str, Any] = dict.fromkeys(("Z", "dLdA", "dLdW", "dLdb"), Failure()) | {"touched": []}
    run["layer"] = layer = attempt(lambda: build(cls, case, form, **options))
    if isinstance(layer, Failure):
        return run | {"Z": layer}
    A, G = case.A.astype(dtype), case.G.astype(dtype)
    before = [A.copy(), G.copy(), *(numbers(attempt(getattr, layer, name)) for name in "Wb")]
    run["Z"] = numbers(attempt(lambda: layer.forward(A)))
    if isinstance(run["Z"], Failure):
        return run
    run |= gathered(layer, attempt(lambda: layer.backward(G)))
    after = [A, G, *(numbers(attempt(getattr, layer, name)) for name in "Wb")]
    names = ("A", "dLdZ", "W", "b")
    run["touched"] = [
        name
        for name, old, new in zip(names, before, after, strict=True)
        if not alike(new, old, 0) and not isinstance(old, Failure)
    ]
    return run


def gathered(layer: Any, returned: Any) -> dict[str, Any]:
    """Return the outcomes of a backward pass: what it returned, and what it stored."""
    found = {"dLdA": numbers(returned)}
    for name in ("dLdW", "dLdb"):
        found[name] = kept(layer, name, returned)
    return found


def kept(layer: Any, name: str, returned: Any) -> Outcome:
    """Return what is kept under a name; where it is missing, what was raised before it."""
    value = attempt(getattr, layer, name)
    if isinstance(value, Failure) and isinstance(value.error, AttributeError):
        if isinstance(returned, Failure):
            return returned
        return Failure(Nothing(similar(name, layer)))
    return Failure(Nothing("")) if value is None else numbers(value)


def similar(name: str, owner: Any) -> str:
    """Return the name of theirs that looks most like one that is missing; "" if none does."""
    theirs = {each for each in dir(owner) if not each.startswith("_")} - EXPECTED
    return next(iter(difflib.get_close_matches(name, theirs, 1, 0.6)), "")
