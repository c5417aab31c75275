"""Curves and heat maps of letters: where a value is drawn, and how wide it may be."""

import pytest

from nnscratch.app.charts import HEIGHT, draw_curve, draw_heat_map
from nnscratch.app.terminal import out


def plain(lines):
    return [line.plain for line in lines]


def points(lines):
    """The line, from the top, of each point of a curve, from left to right."""
    places = {line.index("●"): n for n, line in enumerate(lines) if "●" in line}
    return [places[place] for place in sorted(places)]


def test_a_curve_is_highest_where_the_share_is():
    lines = plain(draw_curve(["a", "b", "c"], [0.5, 0.9, 0.7], [0.0, 0.0, 0.0], width=60))
    assert points(lines) == [HEIGHT - 1, 0, (HEIGHT - 1) // 2]
    assert [line.split()[0] for line in lines[:HEIGHT:4]] == ["90.0%", "70.0%", "50.0%"]
    assert lines[-1].split() == ["a", "b", "c"]
    assert all(lines[-1].index(label) in (13, 23, 33) for label in "abc")


def test_names_are_not_joined_by_a_line_and_their_spread_is_drawn():
    lines = draw_curve(["constant", "cosine"], [0.5, 0.9], [0.0, 0.1], width=60, joined=False)
    assert "·" not in "".join(line.plain for line in lines)
    assert [line.plain.count("│") for line in lines[:9]] == [2, 2, 1, 2, 1, 1, 1, 1, 1]


def test_what_diverged_is_a_cross_at_the_foot_and_no_line_leads_there():
    lines = plain(draw_curve(["1", "2", "3"], [0.5, 0.9, None], [0.0, 0.0, 0.0], width=60))
    assert lines[HEIGHT - 1].index("×") == 33
    assert max(line.rfind("·") for line in lines) < 23


@pytest.mark.parametrize("means", [[None, None], [0.5, 0.5], [0.1]])
def test_a_curve_with_nothing_to_scale_by_is_drawn_too(means):
    lines = draw_curve(["x"] * len(means), means, [0.0] * len(means), width=60)
    assert len(lines) == HEIGHT + 2


@pytest.mark.parametrize("width", [20, 50, 80])
@pytest.mark.parametrize("count", [1, 7, 40, 1000])
def test_a_curve_is_no_wider_than_the_screen(count, width):
    labels = [f"{0.001 * number:g}" for number in range(count)]
    lines = plain(draw_curve(labels, [0.001 * n for n in range(count)], [0.1] * count, width=width))
    assert max(map(len, lines)) <= width
    assert set(lines[-1].split()) <= set(labels), "a label is whole or left out"
    assert labels[0] in lines[-1].split()


def test_a_heat_map_has_a_cell_for_each_pair(capsys):
    out.print(draw_heat_map(["5", "10"], ["0.1", "1", "3"], [[0.5, 0.6, None], [0.7, 0.9, 0.8]]))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["5", "50.0", "60.0░", "×"],
        ["10", "70.0▒", "90.0█", "80.0▓"],
        ["0.1", "1", "3"],
    ]
