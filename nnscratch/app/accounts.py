"""The account of an answer: pixels in red and blue, hidden units, the sum, and two sentences."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nnscratch.app.drawings import CROP, PICTURE_WIDTH, draw, draw_signed, show_side_by_side
from nnscratch.app.terminal import out, say
from nnscratch.explain import Explanation
from nnscratch.model import Why

UNITS_LISTED = 8
TABLE_WIDTH = 48


def show_why(reason: Why, of_which: str = "") -> None:
    """Write the account of one answer: what was seen, what it was made of, what would tip it.

    Args:
        of_which: says which of several digits it is about.
    """
    account = reason.account
    digit, against = account.digit, account.against
    say()
    colours = f"Red (+) speaks for {digit}, blue (-) for {against}"
    say(f"{of_which}Why {digit} and not {against}? {colours}", style="bold")
    if reason.deskewed:
        say("The pixels are those that this model saw: sheared upright", style="dim")
    panels: list[RenderableType] = [Group(*draw_signed(account.pixels)), _unit_table(account)]
    if reason.tipping and out.width >= 2 * PICTURE_WIDTH + TABLE_WIDTH + 4:
        title = Text(f"The change of ink that makes it say {against}", "dim")
        panels.append(Group(*draw_signed(reason.tipping.change), title))
    if out.width >= PICTURE_WIDTH + TABLE_WIDTH + 2:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_row(*panels)
        out.print(grid)
    else:
        out.print(Group(*panels))
    for sentence in in_words(reason):
        say(sentence)


def _unit_table(account: Explanation) -> Table:
    """Return the hidden units, the largest share first, and what they come to."""
    rows = Table(box=box.SIMPLE, padding=(0, 1))
    for heading in ("unit", "active", f"for {account.digit}", f"for {account.against}", "share"):
        rows.add_column(heading, justify="right")
    shown, rest = account.units[:UNITS_LISTED], account.units[UNITS_LISTED:]
    for unit in shown:
        figures = (unit.activation, unit.weight_for, unit.weight_against)
        rows.add_row(str(unit.index), *(f"{x:.3f}" for x in figures), f"{unit.share:+.4f}")
    if rest:
        rows.add_row(f"{len(rest)} more", "", "", "", f"{sum(u.share for u in rest):+.4f}")
    rows.add_row("bias", "", "", "", f"{account.bias:+.4f}", end_section=True)
    total = sum(unit.share for unit in account.units) + account.bias
    rows.add_row("sum", "", "", "", f"{total:+.4f}", style="bold")
    return rows


def in_words(reason: Why) -> list[str]:
    """Return two sentences: what made the difference, and what would have changed it."""
    account, tipping = reason.account, reason.tipping
    digit, against, pixels = account.digit, account.against, account.pixels
    first = (
        f"The ink adds {pixels[pixels > 0].sum():.2f} for {digit} and "
        f"{-pixels[pixels < 0].sum():.2f} for {against}, the constant {account.constant:+.2f}: "
        f"{digit} leads {against} by {account.lead:.2f}."
    )
    if tipping is None:
        return [first, f"No change of ink was found that makes it say {against}."]
    places = "1 pixel" if tipping.pixels == 1 else f"{tipping.pixels} pixels"
    return [
        first,
        f"Change {places}, {tipping.more:.1f} of full ink more and {tipping.less:.1f} less, and it "
        f"just says {against}.",
    ]


def show_mistakes_explained(reasons: Sequence[Why], captions: Sequence[Text]) -> None:
    """Draw mistakes, each with its account below it, as many side by side as there is room for."""
    cells = []
    for reason, caption in zip(reasons, captions, strict=True):
        account = reason.account
        lead = Text(f"{account.digit} (+) over {account.against} (-): {account.lead:+.2f}")
        units = ", ".join(f"{unit.index} {unit.share:+.1f}" for unit in account.units[:2])
        picture = draw(reason.seen[CROP, CROP])
        red_and_blue = draw_signed(account.pixels[CROP, CROP])
        cells.append(
            Group(*picture, caption, *red_and_blue, lead, Text(f"units {units}", "dim"), Text())
        )
    show_side_by_side(cells)
