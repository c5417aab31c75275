"""The table of points: a line for each hand-in, and never over what is not ours."""

import csv

import pytest

from nnscratch.errors import OutputError
from nnscratch.lab.grading.checks import Check
from nnscratch.lab.grading.grade import Grade
from nnscratch.lab.grading.marks import check_table, save_table

GRADES = [
    Grade(
        "=cmd.py", (Check("one", True, 2, 2), Check("two", False, 0, 3, "SIGN: x")), "a\nb,\udcff"
    ),
    Grade("b.py", (Check("two", True, 3, 3), Check("three", True, 1, 1)), "all right"),
]


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_every_check_has_a_column_and_no_text_is_a_formula(tmp_path):
    save_table(tmp_path / "points.csv", GRADES)
    assert rows(tmp_path / "points.csv") == [
        ["file", "points", "out_of", "verdict", "one", "two", "three"],
        ["'=cmd.py", "2", "5", "a b,\\udcff", "2", "0", ""],
        ["b.py", "4", "4", "all right", "", "3", "1"],
    ]


def test_a_table_of_ours_is_replaced_and_nothing_else(tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    save_table(ours, GRADES[:1])
    check_table(ours)
    save_table(ours, GRADES)
    assert len(rows(ours)) == 3
    theirs.write_text("name,points\nAnna,12\n")
    for path in (theirs, tmp_path, tmp_path / "no" / "folder.csv"):
        with pytest.raises(OutputError):
            check_table(path)
    assert theirs.read_text() == "name,points\nAnna,12\n"
