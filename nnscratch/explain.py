"""Why an answer came out: an account of one picture that adds up to the last digit.

Between the hidden units that are on, the network is linear. So for one picture the lead of one
digit over another, the difference of their two outputs, is a sum over pixels, and just as well a
sum over hidden units:

    Z_o[k] = Σ_p A[p]·C[k, p] + c[k]      C = W_o·diag(Z_h > 0)·W_h    (10, 784)
                                          c = W_o·diag(Z_h > 0)·b_h + b_o

The account is of the outputs before softmax. `docs/maths.md` derives it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnscratch.core import Network
from nnscratch.errors import ArrayError
from nnscratch.products import Floats

Reals = NDArray[np.float64]

BISECTIONS = 60  # halvings of an interval, down to the last bit of a float64
MARGIN = 1e-3  # by how much the other digit is to lead once the answer has tipped
LONGEST_STRIDE = 1e12
LONGER = 2 ** (np.arange(65) / 16)  # times the foretold stride: up to 16 times, in steps of 4 %


@dataclass(frozen=True)
class UnitShare:
    """What one hidden unit adds to the lead.

    Attributes:
        index: which unit, from 0.
        activation: A_h, 0 or more.
        weight_for, weight_against: its weights in W_o for the one digit and for the other.
        share: activation · (weight_for − weight_against).
    """

    index: int
    activation: float
    weight_for: float
    weight_against: float

    @property
    def share(self) -> float:
        """Return what the unit adds to the lead."""
        return self.activation * (self.weight_for - self.weight_against)


@dataclass(frozen=True)
class Explanation:
    """Why one digit leads another in one picture; both accounts add up to `lead`.

    Attributes:
        digit, against: the two digits, 0 … 9.
        lead: Z_o[digit] − Z_o[against], as the network computes it; negative if `against` leads.
        pixels: (28, 28) what each pixel's ink adds to the lead; with `constant` it sums to `lead`.
        constant: what a blank page would add, with the same hidden units on.
        units: the hidden units that are on, the largest share first; with `bias` their shares
            sum to `lead`.
        bias: b_o[digit] − b_o[against].
    """

    digit: int
    against: int
    lead: float
    pixels: Reals
    constant: float
    units: tuple[UnitShare, ...]
    bias: float


def explain(network: Network, A: Floats, digit: int, against: int) -> Explanation:
    """Account for the lead of one digit over another in one picture.

    Args:
        A: (784,), (1, 784) or (28, 28), float in [0, 1]: the picture as the network sees it, so
            deskewed if it was trained so.
        digit, against: 0 … 9, and not the same.

    Raises:
        ArrayError: A is not one picture, or the digits are not two.

    The sums are taken in float64; against the network's own float32 outputs they are off by its
    rounding alone.
    """
    Z_o = network.forward(_one_row(A, network))[0].astype(float)
    on, slopes, constant = _linear_piece(network, digit, against)
    W_o, b_o = (network.parameters[name].astype(float) for name in ("W_o", "b_o"))
    activations = network.A_h[0].astype(float)
    units = [
        UnitShare(int(j), float(activations[j]), float(W_o[digit, j]), float(W_o[against, j]))
        for j in np.flatnonzero(on)
    ]
    return Explanation(
        digit=digit,
        against=against,
        lead=float(Z_o[digit] - Z_o[against]),
        pixels=(slopes * np.asarray(A, float).ravel()).reshape(28, 28),
        constant=constant,
        units=tuple(sorted(units, key=lambda unit: -abs(unit.share))),
        bias=float(b_o[digit, 0] - b_o[against, 0]),
    )


def _one_row(A: Floats, network: Network) -> Floats:
    picture = np.asarray(A, network.theta.dtype)
    if picture.shape not in ((784,), (1, 784), (28, 28)):
        raise ArrayError(
            f"one picture is (784,), (1, 784) or (28, 28), and this is {picture.shape}"
        )
    return picture.reshape(1, -1)


def _linear_piece(
    network: Network, digit: int, against: int
) -> tuple[NDArray[np.bool_], Reals, float]:
    """Return which units are on after the last forward pass, and the lead as a function of pixels.

    Returns:
        on (H,); slopes (784,), row `digit` of C less row `against`; and the same of c.
    """
    if digit == against or not {digit, against} <= set(range(10)):
        raise ArrayError(f"two different digits 0 to 9 are compared, and not {digit} and {against}")
    W_h, b_h, W_o, b_o = (network.parameters[name].astype(float) for name in network.parameters)
    on = network.Z_h[0] > 0
    votes = (W_o[digit] - W_o[against]) * on  # (H,)
    slopes = votes @ W_h  # (784,)
    constant = votes @ b_h[:, 0] + b_o[digit, 0] - b_o[against, 0]
    return on, slopes, float(constant)


# ------------------------------------------------------------ what would have changed its mind


@dataclass(frozen=True)
class Tipping:
    """A small change of ink that tips the answer, and what the network says to it.

    Attributes:
        change: (28, 28) to be added to A; what it leads to stays within [0, 1].
        less, more: how much ink it takes away and adds, in pixels of full ink.
        stride: how far it goes, as a multiple of what the account foretold: 1 if no hidden unit
            that matters switched on the way.
        says: the digit that the network gives the changed picture.
        probability: how surely, 0–1.
        holds: whether that is the other digit.
    """

    change: Reals
    less: float
    more: float
    stride: float
    says: int
    probability: float
    holds: bool


def tip(network: Network, A: Floats, digit: int, against: int) -> Tipping | None:
    """Find a small change of ink after which the network says `against`, by trying it.

    Args:
        A, digit, against: as in `explain`.

    Returns:
        None if no change of ink would do with these hidden units on.

    As long as the same hidden units are on, the smallest change, of least Σ δ², that brings the
    lead to zero with 0 ≤ A + δ ≤ 1 is δ_p = −λ·s_p, cut to what the pixel can give and take, for
    the account's slope s_p and one λ. Units do switch, so the network is run on it, and on longer
    strides in the same direction until it says `against`. If it never does, the first stride is
    given with what the network says to that.
    """
    start = _one_row(A, network)
    ink = start[0].astype(float)
    lead = explain(network, A, digit, against).lead
    _, slopes, _ = _linear_piece(network, digit, against)
    foretold = _smallest_stride(ink, slopes, lead)
    if foretold is None:
        return None
    strides = foretold * LONGER
    changes = np.clip(-strides[:, np.newaxis] * slopes, -ink, 1 - ink)
    A_o = network.predict_proba((ink + changes).astype(start.dtype))
    says = A_o.argmax(axis=1)
    first = int((says == against).argmax())  # 0 if it is so nowhere
    change = changes[first]
    return Tipping(
        change=change.reshape(28, 28),
        less=float(-change[change < 0].sum()),
        more=float(change[change > 0].sum()),
        stride=float(LONGER[first]),
        says=int(says[first]),
        probability=float(A_o[first, says[first]]),
        holds=bool(says[first] == against),
    )


def _smallest_stride(ink: Reals, slopes: Reals, lead: float) -> float | None:
    """Return the λ at which a linear lead falls just below zero; it falls as λ grows."""

    def falls_below(stride: float) -> bool:
        return bool(lead + np.clip(-stride * slopes, -ink, 1 - ink) @ slopes < -MARGIN)

    low, high = 0.0, 1.0
    while not falls_below(high):
        low, high = high, 2 * high
        if high > LONGEST_STRIDE:
            return None
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if falls_below(middle) else (middle, high)
    return high
