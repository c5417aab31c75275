"""Models side by side on the screen: the verdict, the figures behind it, and what differs."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from nnscratch.app.terminal import say, show_note, show_table, table, visible
from nnscratch.config import SETTINGS
from nnscratch.data import described
from nnscratch.lab.compare import Comparison, Difference

MODELS_SHOWN, NAMED = 20, 3
HASH_SHOWN = 12  # letters of a teacher's SHA-256


def show_comparison(comparison: Comparison, dataset: str, split: str = "test") -> None:
    """Write which model is better, or that nobody can tell; then the figures and the settings.

    Args:
        comparison: of two models or more.
        dataset: whose pictures they were measured on.
        split: which of them: `test`, or `all`.
    """
    is_certain = not all(difference.is_chance for difference in comparison.differences)
    say(verdict(comparison), style="bold green" if is_certain else "bold")
    show_table(_figures(comparison, dataset, split))
    say(_meaning(len(comparison.differences)), style="dim")
    if comparison.differing:
        show_table(_settings(comparison))
    else:
        say("Their settings are the same.")
    if len(comparison.models) > MODELS_SHOWN:
        show_note(f"the best {MODELS_SHOWN} of {len(comparison.models):,} models are shown; "
                  "--json has them all")  # fmt: skip


def verdict(comparison: Comparison) -> str:
    """Say which model is better, and whether that is more than chance."""
    best, *others = (visible(model.name) for model in comparison.models)
    noun = "picture" if comparison.samples == 1 else "pictures"
    nothing = f"no difference that {comparison.samples:,} {noun} could show"
    if len(others) == 1:
        (difference,) = comparison.differences
        if difference.other_only == difference.best_only == 0:
            return f"{best} and {others[0]} get the very same pictures right"
        p = f"p {_with_sign(difference.p)}"
        if difference.is_chance:
            return f"{best} and {others[0]}: {nothing} ({p})"
        return f"{best} is better: {_points(difference, comparison.samples)}, {p}"
    worse = sum(not difference.is_chance for difference in comparison.differences)
    alike = len(others) - worse
    if not worse:
        return f"{best} and the {alike} others: {nothing}"
    if not alike:
        return f"{best} is better than each of the {worse} others"
    pairs = list(zip(others, comparison.differences, strict=True))
    beaten = [name for name, difference in pairs if not difference.is_chance]
    equals = [name for name, difference in pairs if difference.is_chance]
    better = f"{best} is better than {', '.join(beaten[:NAMED])}"
    if len(beaten) > NAMED:
        better += f" and {len(beaten) - NAMED} more"
    rest = equals[0] if alike == 1 else f"the other {alike}"
    return f"{better}; between it and {rest}, {nothing}"


def _points(difference: Difference, samples: int) -> str:
    points = 100 * difference.net / samples
    return f"{points:.1f} points" if points >= 0.1 else f"{points:.2g} points"


def _with_sign(p: float) -> str:
    """Return p as one reads it: `= 0.31`, `= 0.002`, `< 0.001`."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def _meaning(tests: int) -> str:
    meaning = (
        "only it, only best: pictures that just one of the two gets right\n"
        "p: how likely equally good models would differ so much (McNemar's exact test)"
    )
    return f"{meaning}, corrected for {tests} tests (Holm)" if tests > 1 else meaning


def _figures(comparison: Comparison, dataset: str, split: str) -> Table:
    """Return a table of how many pictures each gets right, which only it and only the best does."""
    rows = table(f"On {comparison.samples:,} {described(dataset, split, comparison.samples)}")
    rows.add_column("model")
    for heading in ("accuracy", "95% interval", "only it", "only best", "p"):
        rows.add_column(heading, justify="right")
    differences = [None, *comparison.differences]
    for model, difference in list(zip(comparison.models, differences, strict=True))[:MODELS_SHOWN]:
        low, high = model.interval
        figures = ("", "", "")
        if difference is not None:
            p = _with_sign(difference.p_corrected).removeprefix("= ")
            figures = (f"{difference.other_only:,}", f"{difference.best_only:,}", p)
        accuracy = Text(f"{model.accuracy:.2%}", style="" if difference else "bold green")
        rows.add_row(visible(model.name), accuracy, f"{100 * low:.2f}-{high:.2%}", *figures)
    return rows


def _settings(comparison: Comparison) -> Table:
    """Return a table of what differs; models or settings are its columns, whichever are fewer."""
    models = comparison.models[:MODELS_SHOWN]
    names = [visible(model.name) for model in models]
    columns = [
        (SETTINGS[key].flag if key in SETTINGS else "learned from", *map(_shown, values))
        for key, values in comparison.differing.items()
    ]
    lines = list(zip(("model", *names), *columns, strict=False))
    if len(columns) > len(models):
        lines = [("", *names), *columns]
    rows = table("Settings that differ")
    rows.min_width = len("Settings that differ")
    for place, heading in enumerate(lines[0]):
        rows.add_column(heading, justify="right" if place else "left")
    for line in lines[1:]:
        rows.add_row(*line)
    return rows


def _shown(value: Any) -> str:
    """Return the value of a setting as a table has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text[:HASH_SHOWN] if len(text) == 64 else text
