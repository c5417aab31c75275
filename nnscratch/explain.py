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

MARGIN = 1e-3  # by how much the other digit is to lead once the answer has tipped


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
            deskewed if it was trained so. The account also holds for ink outside of that range.
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
    if not np.isfinite(picture).all():
        raise ArrayError("a pixel of the picture is not a finite number")
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
    """A small change of ink after which the network says the other digit, as it was tried.

    Attributes:
        change: (28, 28) to be added to A; A + change stays within [0, 1].
        less, more: how much ink it takes away and adds, in pixels of full ink.
        pixels: how many pixels it changes.
        probability: how surely the network then says the other digit, 0–1.
    """

    change: Reals
    less: float
    more: float
    pixels: int
    probability: float


def tip(network: Network, A: Floats, against: int) -> Tipping | None:
    """Find a small change of ink after which the network says `against`.

    The account gives each pixel a slope: what one unit of ink there adds to the lead of the
    likeliest digit over `against`. The pixel with the steepest slope is changed first, as far as
    it goes or as far as it takes. Between hidden units that stay on, this takes the least ink
    possible: each bit of it goes where it changes the lead most. Units do switch, so the account
    is made anew after every pixel, until the network says `against`.

    Args:
        A: as in `explain`.

    Returns:
        None if that never comes, every pixel having been changed once at most.

    Raises:
        ArrayError: A is not one picture with ink from 0 to 1.
    """
    start = _one_row(A, network)
    if start.min() < 0 or start.max() > 1:
        raise ArrayError(f"ink is from 0 to 1, and this is from {start.min():g} to {start.max():g}")
    exact = network.astype(np.float64)
    ink, unchanged = start[0].astype(float), np.ones(start.size, bool)
    while True:
        Z_o = network.forward(ink[np.newaxis].astype(start.dtype))[0]
        if Z_o.argmax() == against:
            break
        others = np.where(np.arange(len(Z_o)) == against, -np.inf, Z_o)
        found = _steepest_change(exact, ink, unchanged, int(others.argmax()), against)
        if found is None:
            return None
        place, ink[place] = found
        unchanged[place] = False
    change = ink - start[0]
    return Tipping(
        change=change.reshape(28, 28),
        less=float(abs(change[change < 0].sum())),
        more=float(change[change > 0].sum()),
        pixels=int(np.count_nonzero(change)),
        probability=float(network.predict_proba(ink[np.newaxis].astype(start.dtype))[0, against]),
    )


def _steepest_change(
    network: Network, ink: Reals, unchanged: NDArray[np.bool_], digit: int, against: int
) -> tuple[int, float] | None:
    """Return the pixel that lowers the lead of `digit` most per ink, and the ink it is to have."""
    Z_o = network.forward(ink[np.newaxis])[0]
    _, slopes, _ = _linear_piece(network, digit, against)
    room = np.where(slopes > 0, ink, 1 - ink)  # what can be taken away, or added
    steepness = np.abs(slopes) * (unchanged & (room > 0))
    place = int(steepness.argmax())
    if steepness[place] == 0:
        return None
    wanted = max(Z_o[digit] - Z_o[against], 0) + MARGIN
    amount = min(room[place], wanted / steepness[place])
    return place, float(ink[place] - np.sign(slopes[place]) * amount)
