"""The exercise: it says what to write, replaces nothing that is there, and can be solved."""

import ast
import json
import re

import numpy as np
import pytest

from conftest import ROOT
from nnscratch.errors import HandInError, OutputError
from nnscratch.handin import CLASSES_TO_WRITE, OwnNetwork, read_classes
from nnscratch.lab.grading.template import TEMPLATE, write_template

SOLVED = ROOT / "tests" / "hand_ins" / "template_solved.py"


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "linear.py"
    write_template(path)
    return path


def methods(text):
    """Yield each class and method: its name, its arguments and defaults, its docstring."""
    for kind in ast.parse(text).body:
        if isinstance(kind, ast.ClassDef):
            yield kind.name, ast.get_docstring(kind)
            for method in kind.body:
                if isinstance(method, ast.FunctionDef):
                    yield method.name, ast.unparse(method.args), ast.get_docstring(method)


def test_every_class_is_in_it_and_every_body_is_to_be_written(sheet):
    assert sheet.read_text(encoding="utf-8") == TEMPLATE
    assert list(read_classes(sheet)) == list(CLASSES_TO_WRITE)
    functions = [node for node in ast.walk(ast.parse(TEMPLATE)) if type(node) is ast.FunctionDef]
    assert len(functions) == 11
    for function in functions:
        docstring, body = function.body
        assert isinstance(docstring.value, ast.Constant)
        assert ast.unparse(body) == "raise NotImplementedError"


def test_it_does_not_hold_the_answers():
    code = "".join(re.split(r'"""', TEMPLATE)[::2])
    assert not re.search(r"zeros|@|dot|np\.(?!$)\w", code)


def test_unwritten_it_says_what_to_do_next(sheet):
    with pytest.raises(HandInError, match="not written yet") as caught:
        OwnNetwork(read_classes(sheet), rng=np.random.default_rng(0))
    assert "delete the class" in caught.value.next_step


def test_what_is_there_is_never_replaced(sheet, tmp_path):
    sheet.write_text("my own work", encoding="utf-8")
    link = tmp_path / "link.py"
    link.symlink_to(tmp_path / "nowhere.py")
    for path in (sheet, link, tmp_path):
        with pytest.raises(OutputError, match="would replace"):
            write_template(path)
    assert sheet.read_text(encoding="utf-8") == "my own work"
    with pytest.raises(OutputError, match="cannot be saved"):
        write_template(tmp_path / "missing" / "linear.py")


def test_the_solved_one_is_the_exercise_with_its_bodies_written():
    solved = SOLVED.read_text(encoding="utf-8")
    assert "NotImplementedError" not in solved.partition('"""\n\nimport')[2]
    assert list(methods(solved)) == list(methods(TEMPLATE))


@pytest.mark.slow
def test_solved_its_gradients_are_right_and_it_learns(run, own_data):
    done = run("gradcheck", "--layers", SOLVED)
    assert done.returncode == 0, done.stderr
    words = ("train", "--epochs", 3, "--validation", 200, "--json")
    ours, theirs = (
        json.loads(run(*words, *more, data_dir=own_data).stdout.splitlines()[-1])
        for more in ([], ["--layers", SOLVED])
    )
    assert theirs["test_accuracy"] > 0.5
    assert abs(theirs["test_accuracy"] - ours["test_accuracy"]) <= 0.01
