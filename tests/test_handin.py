"""Hand-ins: which classes are read from a file, and what is said where that fails."""

import sys

import numpy as np
import pytest

from nnscratch.errors import HandInError
from nnscratch.handin import in_their_words, read_classes

LINEAR = """
import numpy as np

class Linear:
    def __init__(self, in_features, out_features, debug=False):
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros((out_features, 1))
        self.debug = debug

    def forward(self, A):
        self.A = np.asarray(A)
        return self.A @ self.W.T + self.b.T

    def backward(self, dLdZ):
        self.dLdW = dLdZ.T @ self.A
        self.dLdb = dLdZ.sum(axis=0)[:, None]
        return dLdZ @ self.W
"""


def hand_ins_loaded():
    return {name for name in sys.modules if name.startswith("hand-in ")}


def refused(path):
    before = hand_ins_loaded()
    with pytest.raises(HandInError) as caught:
        read_classes(path)
    assert caught.value.where == str(path)
    assert caught.value.next_step
    assert hand_ins_loaded() == before
    return caught.value.what


def test_the_classes_of_the_document_are_read_by_name_and_others_are_not(hand_in):
    before = hand_ins_loaded()
    classes = read_classes(hand_in(LINEAR + "class ReLU: pass\nclass Helper: pass\nNetwork = 3\n"))
    assert list(classes) == ["Linear", "ReLU"]
    assert classes["Linear"](3, 2).W.shape == (2, 3)
    assert len(hand_ins_loaded() - before) == 1


def test_a_file_may_use_dataclasses_and_be_called_like_a_module(hand_in):
    text = """
    from __future__ import annotations
    from dataclasses import dataclass
    import numpy as np

    @dataclass
    class Linear:
        in_features: int
        out_features: int
        debug: bool = False
    """
    before = sys.modules["numpy"]
    assert read_classes(hand_in(text, "numpy.py"))["Linear"](3, 2).out_features == 2
    assert sys.modules["numpy"] is before


def test_what_stands_under_main_is_not_run(hand_in):
    assert read_classes(hand_in(LINEAR + "if __name__ == '__main__':\n    raise SystemExit\n"))


def test_what_it_prints_does_not_go_to_stdout(hand_in, capsys):
    read_classes(hand_in(LINEAR + "print('hello')\n"))
    assert capsys.readouterr() == ("", "hello\n")


def test_settings_of_numpy_that_it_changes_are_restored(hand_in):
    before = np.geterr()
    read_classes(hand_in(LINEAR + "np.seterr(all='raise')\n"))
    assert np.geterr() == before


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    assert refused(tmp_path / "linear.py") == "there is no such file"
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Linear:\n    def forward(self, A)\n", "this is not Python: line 2: expected ':'"),
        (b"\x89PNG\r\n\x1a\n\x00", "this is not Python"),
        (b"x = 1\x00", "this is not Python"),
        (b"name = 'Andr\xe9'\n", "this is not Python"),
        ("(" * 1000, "this is not Python"),
        ("\nimport torch.nn\n", "it imports torch, which is not here (linear.py, line 2)"),
        ("from numpy import nothing", "it fails as soon as it runs: ImportError: cannot import"),
        ("x = 1\ny = x / 0\n", "ZeroDivisionError: division by zero (linear.py, line 2)"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 (linear.py, line 2)"),
        ("class Odd(BaseException): pass\nraise Odd\n", "Odd (linear.py, line 2)"),
        ("def f(): f()\nf()\n", "RecursionError"),
        ("raise NotImplementedError", "not written yet (linear.py, line 1)"),
        ("", "it defines none of Linear, ReLU, SoftmaxCrossEntropy and Network"),
        ("class linear: pass\nclass Layer: pass\n", "it defines linear and Layer"),
        ("from nnscratch import Linear, ReLU", "Linear and ReLU in it come from elsewhere"),
        (
            "import nnscratch\nclass Linear(nnscratch.Linear): pass",
            "Linear in it comes from elsewhere",
        ),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_in_one_sentence(hand_in, text, said):
    what = refused(hand_in(text))
    assert said in what
    assert "\n" not in what


def test_a_module_beside_it_is_not_searched_and_that_is_said(hand_in):
    path = hand_in("from mylib.layers import *\n" + LINEAR)
    assert "it imports mylib, which is not here (linear.py, line 1)" in refused(path)
    itself = hand_in("import linear_\n", name="linear_.py")
    assert "it imports linear_, which is not here" in refused(itself)
    path.with_name("mylib.py").write_text("x = 1\n")
    said = "mylib.py beside it is not seen, for a hand-in is a single file (linear.py, line 1)"
    assert said in refused(path)


def test_a_class_of_ours_does_not_count_beside_one_of_theirs(hand_in):
    assert list(read_classes(hand_in("from nnscratch import ReLU\n" + LINEAR))) == ["Linear"]


def test_ctrl_c_while_it_runs_is_no_fault_of_the_file(hand_in):
    with pytest.raises(KeyboardInterrupt):
        read_classes(hand_in("raise KeyboardInterrupt"))


def test_a_later_error_is_told_with_the_innermost_line_of_the_file(hand_in):
    path = hand_in(LINEAR)
    layer = read_classes(path)["Linear"](3, 2)
    with pytest.raises(ValueError, match="matmul") as caught:
        layer.forward(np.zeros((1, 4)))
    said = in_their_words(caught.value, path)
    assert said.startswith("ValueError: matmul: two matrices")
    assert said.endswith("(linear.py, line 12)")


def test_an_error_whose_own_words_fail_or_never_end_is_still_told_in_one_line(hand_in):
    path = hand_in("class Linear: pass\n")

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    assert in_their_words(Mute(), path) == "Mute (linear.py)"
    with pytest.raises(ValueError, match="matmul") as misfit:
        np.ones((5, 4)) @ np.ones((3, 2))
    assert in_their_words(misfit.value, path) == (
        "ValueError: matmul: two matrices that do not fit: 4 columns in the first, "
        "3 rows in the second (linear.py)"
    )
    said = in_their_words(ValueError("a\nb " * 1000), path)
    assert said.startswith("ValueError: a b a b")
    assert len(said) < 250
