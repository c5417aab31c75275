"""`nnscratch grade` as a user sees it: one hand-in, a class, JSON, CSV, and what is refused."""

import csv
import json
import shlex

import pytest

from nnscratch.app.grades import show_class
from nnscratch.lab.grading.checks import Check
from nnscratch.lab.grading.grade import Grade
from test_grade import RIGHT

WRONG = RIGHT.replace("self.dLdb = dLdZ.T @ np.ones((self.N, 1))", "self.dLdb = dLdZ.sum()")
assert WRONG != RIGHT


@pytest.fixture
def a_class(tmp_path):
    folder = tmp_path / "class"
    (folder / "cleo").mkdir(parents=True)
    (folder / "anna.py").write_text(RIGHT)
    (folder / "bert.py").write_text(WRONG)
    (folder / "cleo" / "linear.py").write_text(WRONG)
    (folder / "dora.py").write_text("class Linear(:")
    return folder


def test_a_hand_in_that_is_right_is_ticked_check_by_check(run, own_data, tmp_path):
    (tmp_path / "linear.py").write_text(RIGHT)
    done = run("grade", "linear.py", data_dir=own_data)
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines, _pudding, last = done.stdout.splitlines()
    assert (first, last) == ("linear.py", "20 of 20 points")
    assert all(line.startswith("  ✓  ") for line in lines)


def test_below_a_check_that_failed_stand_the_reason_and_where_to_read_on(run, own_data, a_class):
    done = run("grade", a_class / "bert.py", data_dir=own_data, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (place,) = [i for i, line in enumerate(lines) if line.startswith("  no  Linear: dLdb ")]
    assert lines[place].endswith("0 of 3")
    assert "dLdb" in lines[place + 1]
    assert lines[place + 2].startswith("     read on: docs/maths.md#")


def test_a_file_that_cannot_be_read_says_why_once(run, own_data, a_class):
    done = run("grade", a_class / "dora.py", data_dir=own_data)
    assert done.returncode == 1
    assert done.stdout.count("this is not Python") == 1
    assert done.stdout.splitlines()[-1] == "0 of 20 points"


@pytest.mark.slow
def test_a_class_is_a_table_with_its_mean_and_what_went_wrong_most(run, own_data, a_class):
    done = run("grade", a_class, "--csv", "points.csv", data_dir=own_data, COLUMNS="80")
    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines() if " of 20 " in line]
    assert [row[0] for row in rows] == ["anna.py", "bert.py", "cleo/linear.py", "dora.py"]
    assert rows[0] == ["anna.py", "20", "of", "20", "all", "right"]
    assert "4 hand-ins: 1 with full marks" in done.stdout
    assert "What went wrong more than once" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "graded 4/4  dora.py  0 of 20" in done.stderr
    assert "the points are in points.csv" in done.stderr
    with (a_class.parent / "points.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["points"] for row in table][0::3] == ["20", "0"]
    again = run("grade", a_class / "anna.py", "--csv", "points.csv", data_dir=own_data)
    assert again.returncode == 0


def test_what_a_class_holds_beside_hand_ins_is_named(run, own_data, a_class):
    for name in ("emil.ipynb", *(f"{i}.txt" for i in range(9))):
        (a_class / name).write_text("")
    (a_class / "fred").mkdir()
    (a_class / "fred" / "linear.ipynb").write_text("")
    done = run("grade", a_class, data_dir=own_data, COLUMNS="120")
    note = "0.txt, 1.txt, 2.txt, 3.txt, 4.txt, 5.txt, 6.txt, 7.txt and 2 more"
    assert f"Note: not graded, since they are no Python files: {note}" in done.stderr
    assert "export a notebook as .py" in done.stderr
    (row,) = [line for line in done.stdout.splitlines() if "fred" in line]
    assert (
        row.split(maxsplit=1)[1].rstrip()
        == "0 of 20   no Python file in it: export a notebook as .py"
    )


def shown(grades, capsys):
    show_class(grades, [one.file for one in grades])
    return capsys.readouterr().out


def made(points, out_of=20, reason=""):
    return Grade("a.py", (Check("all", points == out_of, points, out_of, reason),), "")


def test_the_average_is_100_percent_only_if_no_point_is_missing(capsys):
    assert "1 with full marks, 100% of the points" in shown([made(20)], capsys)
    assert "300 with full marks, 99% of the points" in shown([made(20)] * 300 + [made(19)], capsys)
    assert "1 with full marks, 67% of the points" in shown([made(20), made(20, 60)], capsys)


def test_the_heading_of_what_went_wrong_stays_in_one_line(capsys):
    lines = shown([made(0, reason="OFF: x")] * 2, capsys).splitlines()
    place = lines.index("What went wrong more than once")
    assert lines[place + 2].split() == ["hand-ins", "error"]
    assert lines[place + 4].split() == ["2", "OFF"]


def test_json_has_an_object_for_each_hand_in(run, own_data, a_class):
    done = run("grade", a_class, "--json", data_dir=own_data)
    assert done.returncode == 1
    anna, bert, cleo, dora = map(json.loads, done.stdout.splitlines())
    assert set(anna) == {"file", "points", "out_of", "verdict", "checks"}
    assert (anna["points"], anna["out_of"], anna["verdict"]) == (20, 20, "all right")
    assert set(anna["checks"][0]) == {"name", "passed", "points", "out_of", "reason", "read_on"}
    assert cleo["file"] == str(a_class / "cleo" / "linear.py")
    assert [check["passed"] for check in bert["checks"]].count(False) >= 1
    assert bert["checks"][:-1] == cleo["checks"][:-1]  # the last one has times
    assert sum(check["out_of"] for check in dora["checks"]) == dora["out_of"] == 20


def test_without_a_data_set_digits_are_drawn_and_that_is_said(run, tmp_path):
    (tmp_path / "linear.py").write_text(RIGHT)
    done = run("grade", "linear.py")
    assert done.returncode == 0
    assert "learn from the built-in digits" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["linear.py"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "name a file, or a folder of them"),
        (("no.py",), 1, "there is no such file or folder"),
        (("linear.py", "--csv", "linear.py"), 1, "would replace a file that nnscratch did not"),
        (("linear.py", "--data-dir", "no"), 1, "no"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(words, code, told, run, tmp_path):
    (tmp_path / "linear.py").write_text("open('stray', 'w')")
    done = run("grade", *words)
    assert done.returncode == code
    assert told in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["linear.py"]


def test_the_advice_for_a_sheet_can_be_pasted_even_if_its_name_begins_with_a_dash(run, own_data):
    done = run("grade", "--template", "-x.py")
    assert (done.returncode, done.stdout) == (0, "Wrote the exercise to -x.py\n")
    words = shlex.split(done.stderr.partition(": ")[2])
    assert words[-2:] == ["grade", "./-x.py"]
    done = run(*words[-2:], data_dir=own_data)
    assert done.returncode == 1
    assert "not written yet" in done.stdout
