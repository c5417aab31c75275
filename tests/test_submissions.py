"""Which files are hand-ins."""

import os
import sys

import pytest

from nnscratch.errors import HandInError
from nnscratch.lab.grading.submissions import (
    LINK,
    NO_PYTHON,
    hand_ins,
    short_names,
    why_no_hand_in,
)


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("class Linear:\n    pass\n" if "layer" in name else "x = 1\n")


def found(folder, *named):
    return [path.relative_to(folder).as_posix() for path in hand_ins(named or [folder])]


def test_a_class_has_a_file_or_a_folder_for_each_in_the_order_of_names(tmp_path):
    put(tmp_path, "b.py", "a/linear.py", "c/part/my_layers.py", "c/other.py", "notes.txt", "d/z.py")
    assert found(tmp_path) == ["a/linear.py", "b.py", "c/part/my_layers.py", "d/z.py"]
    assert short_names(hand_ins([tmp_path]), [tmp_path])[1] == "b.py"


def test_the_usual_name_is_taken_first_wherever_it_lies(tmp_path):
    put(tmp_path, "a/a_layer.py", "a/deep/linear.py")
    assert found(tmp_path) == ["a/deep/linear.py"]


def test_what_is_hidden_or_made_by_a_machine_is_passed_over(tmp_path):
    put(tmp_path, "a.py", ".b.py", "__MACOSX/._a.py", "c/__pycache__/linear.py", "c/d.py",
        "e/.venv/linear.py", "e/f.py", "__init__.py")  # fmt: skip
    assert found(tmp_path) == ["a.py", "c/d.py", "e/f.py"]


def test_a_student_who_handed_in_something_else_is_not_forgotten(tmp_path):
    put(tmp_path, "a.py", "b/photo.jpg")
    assert found(tmp_path) == ["a.py", "b"]


def test_files_are_taken_as_they_are_named_and_each_once(tmp_path):
    put(tmp_path, "b.txt", "a.py")
    named = [tmp_path / "b.txt", tmp_path / "a.py", tmp_path]
    assert found(tmp_path, *named) == ["b.txt", "a.py"]
    assert short_names(named[:2], named[:2]) == ["b.txt", "a.py"]
    apart = [tmp_path / "anna" / "linear.py", tmp_path / "bert" / "linear.py"]
    assert short_names(apart, apart) == [os.path.join(n, "linear.py") for n in ("anna", "bert")]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: None, "there is no such file or folder"),
        (lambda path: path.mkdir(), "the folder holds no Python file"),
        (lambda path: put(path, "photo.jpg", "a/b.txt"), "the folder holds no Python file"),
    ],
)
def test_a_folder_without_hand_ins_is_an_error(make, what, tmp_path):
    path = tmp_path / "class"
    make(path)
    with pytest.raises(HandInError, match=what) as caught:
        hand_ins([path])
    assert caught.value.where == str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")
def test_a_pipe_or_a_link_to_nowhere_does_not_stop_the_class(tmp_path):
    put(tmp_path, "a.py", "b/c.txt")
    os.mkfifo(tmp_path / "b" / "d.py")
    (tmp_path / "e.py").symlink_to("gone")
    assert found(tmp_path) == ["a.py", "b", "e.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")
def test_links_that_go_round_in_a_circle_do_not_stop_the_class(tmp_path):
    put(tmp_path, "a.py", "b/c.py")
    for place in (tmp_path, tmp_path / "b"):
        (place / "loop.py").symlink_to("loop.py")
    assert found(tmp_path) == ["a.py", "b/c.py", "loop.py"]
    with pytest.raises(HandInError, match="there is no such file or folder"):
        hand_ins([tmp_path / "loop.py"])


@pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")
def test_a_link_to_a_folder_is_not_followed_and_that_is_told(tmp_path):
    put(tmp_path, "class/a.py", "class/b/c.py", "elsewhere/linear.py")
    for place in ("class/d", "class/b/d"):
        (tmp_path / place).symlink_to(tmp_path / "elsewhere")
    skipped = []
    files = hand_ins([tmp_path / "class"], lambda path, why: skipped.append((path.name, why)))
    assert [path.name for path in files] == ["a.py", "c.py"]
    assert skipped == [("d", LINK)]


def test_what_is_no_python_file_is_told_and_capital_letters_are_python(tmp_path):
    put(tmp_path, "A.PY", "b.ipynb", "c.zip", "d/LINEAR.PY", ".hidden")
    skipped = []
    files = hand_ins([tmp_path], lambda path, why: skipped.append((path.name, why)))
    assert [path.name for path in files] == ["A.PY", "LINEAR.PY"]
    assert skipped == [("b.ipynb", NO_PYTHON), ("c.zip", NO_PYTHON)]


def test_who_handed_in_a_notebook_is_told_what_to_do(tmp_path):
    put(tmp_path, "anna/part/layer.ipynb", "bert/photo.jpg")
    said = "no Python file in it: export a notebook as .py"
    assert why_no_hand_in(tmp_path / "anna") == said
    assert why_no_hand_in(tmp_path / "bert") == "no Python file in it"
    with pytest.raises(HandInError) as caught:
        hand_ins([tmp_path])
    assert caught.value.next_step.endswith("; export a notebook as .py")
