"""What is checked of a hand-in: right classes keep all points, wrong ones lose them by name."""

import itertools
import random
import re

import numpy as np
import pytest

from conftest import ROOT, some_digits
from nnscratch.handin import read_classes
from nnscratch.lab.grading.checks import CHECKS, examine, plan
from nnscratch.lab.grading.diagnoses import KNOWN, TRUE
from nnscratch.lab.grading.known_errors import ANCHORS, MATHS
from nnscratch.lab.grading.network_checks import network_cases
from nnscratch.lab.grading.pudding import learn
from nnscratch.lab.grading.trials import linear_cases, loss_cases, unit_cases
from planted import LOSS, MORE, REFERENCE, TWELVE, planted, title
from test_docs import anchors

RIGHT = sorted((ROOT / "tests" / "hand_ins" / "right").glob("*.py"))
IMAGES, LABELS = some_digits(64, 3)  # enough for two batches


@pytest.fixture
def checked(tmp_path):
    """Examines a hand-in, given as a path or as text."""

    def check(hand_in, images=IMAGES, labels=LABELS):
        path = hand_in
        if isinstance(hand_in, str):
            path = tmp_path / "linear.py"
            path.write_text(hand_in, encoding="utf-8")
        classes = read_classes(path)
        found = list(examine(classes, images, labels, IMAGES, LABELS, path=path))
        assert [(check.name, check.out_of) for check in found] == plan(classes)
        for one in found:
            assert one.points == (one.out_of if one.passed else 0)
            assert one.passed or one.reason
        return found

    return check


def failed(checks):
    return [check for check in checks if not check.passed]


def reasons(checks):
    return " | ".join(check.reason for check in failed(checks))


# ------------------------------------------------------------------------------ right solutions


def test_the_reference_solution_gets_full_marks_and_says_how_it_learned(checked):
    checks = checked(REFERENCE)
    assert failed(checks) == []
    assert sum(check.points for check in checks) == 20 + 4 + 6 + 4
    assert [check.reason for check in checks[:-1]] == [""] * (len(checks) - 1)
    assert "after 64 pictures in" in checks[-1].reason
    assert "; ours " in checks[-1].reason


def test_the_exercise_solved_gets_full_marks_though_its_network_starts_with_zeros(checked):
    checks = checked(ROOT / "tests" / "hand_ins" / "template_solved.py")
    assert failed(checks) == []
    (remark,) = [check.reason for check in checks[:-1] if check.reason]
    assert remark.startswith("both layers start with zeros")


def test_a_loss_that_knows_only_ten_classes_is_right(checked):
    text = planted().replace("np.eye(Z.shape[1])[labels]", "np.eye(10)[labels]")
    assert failed(checked(text)) == []


def test_our_own_classes_as_a_hand_in_get_full_marks(checked):
    source = (ROOT / "nnscratch" / "core.py").read_text(encoding="utf-8")
    assert failed(checked(source)) == []


def test_the_documents_own_code_fails_for_the_shape_of_b_and_for_nothing_else(checked):
    text = planted("b BROADCASTS BY ACCIDENT")
    first, *others = failed(checked(text[: text.index("class ReLU")]))
    assert first.reason.startswith(
        "b BROADCASTS BY ACCIDENT: b: (3,) in Linear(4, 3), where (3, 1)"
    )
    assert [check.name for check in others] == ["Learning digits, beside our own layers"]
    assert others[0].reason.startswith("not checked: ")


def test_an_error_of_the_network_is_named_whatever_is_wrong_in_its_parts(checked):
    found = failed(checked(planted("dLdA KEPT ALWAYS", "RELU FORGOTTEN")))
    assert any(check.reason.startswith("RELU FORGOTTEN: Z_o") for check in found)


def test_a_linear_alone_has_twenty_points_and_classes_that_are_missing_cost_none():
    assert sum(points for _, points in plan({"Linear": object})) == 20
    for kind, points in (("ReLU", 4), ("SoftmaxCrossEntropy", 6), ("Network", 4)):
        assert sum(points for _, points in CHECKS[kind]) == points


@pytest.mark.sampled(8)
@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_right_but_odd_solutions_are_not_marked_down(checked, path):
    assert failed(checked(path)) == []


def test_there_are_thirty_odd_solutions():
    assert len(RIGHT) >= 30


@pytest.mark.parametrize("dtype", ["np.float32", "np.float64"])
def test_the_reference_solution_may_keep_its_weights_in_either_precision(checked, dtype):
    text = REFERENCE.read_text(encoding="utf-8")
    for shape in ("(out_features, in_features)", "(out_features, 1)"):
        text = text.replace(f"np.zeros({shape})", f"np.zeros({shape}, {dtype})")
    assert failed(checked(text)) == []


# ------------------------------------------------------------------------------- planted errors


@pytest.mark.sampled(20)
@pytest.mark.parametrize("name", TWELVE | MORE)
def test_each_planted_error_is_named(checked, name):
    assert any(
        f"{title(name)}" in check.reason.partition(":")[0]
        for check in failed(checked(planted(name)))
    )


def pairs(names):
    """All pairs of errors that do not change the same line."""
    for pair in itertools.combinations(names, 2):
        places = [(TWELVE | MORE)[name][0] for name in pair]
        if not any(one in other for one, other in itertools.permutations(places)):
            yield pair


@pytest.mark.parametrize("pair", list(pairs(TWELVE)), ids=" + ".join)
@pytest.mark.sampled(10)
def test_of_two_planted_errors_at_least_one_is_named(checked, pair):
    found = reasons(checked(planted(*pair)))
    assert any(title(name) in found for name in pair), found


@pytest.mark.slow
def test_of_two_errors_in_any_form_at_least_one_is_named(checked):
    missed = []
    every = list(pairs(TWELVE | MORE))  # all 3,491 take minutes; 14 are described and not named
    for pair in random.Random(0).sample(every, 300):
        found = reasons(checked(planted(*pair)))
        if not any(title(name) in found for name in pair):
            missed.append((pair, found))
    assert missed == []


@pytest.mark.parametrize("name", TWELVE)
def test_an_error_in_one_class_is_told_once_and_then_referred_to(checked, name):
    told = [check.reason for check in failed(checked(planted(name)))]
    full = [
        reason for reason in told if reason.startswith(title(name)) and "as above" not in reason
    ]
    assert len(full) == 1, told


@pytest.mark.parametrize("name", ["LOGARITHM OF ZERO", "LOSS CUT OFF", "OUTPUTS CUT OFF"])
def test_what_is_wrong_for_large_outputs_alone_costs_that_point_alone(checked, name):
    assert [check.name for check in failed(checked(planted(name)))] == [
        "SoftmaxCrossEntropy: outputs of 1000"
    ]


@pytest.mark.slow
def test_no_reason_holds_a_name_that_only_our_own_code_knows(checked):
    for name in TWELVE | MORE:
        assert not re.search(r"dLd._[ho]|dLdZ_o|\bNothing\b", reasons(checked(planted(name)))), name


def test_both_errors_in_one_formula_are_named(checked):
    text = planted().replace(
        "self.dLdb = dLdZ.T.dot(self.Ones)", "self.dLdb = -dLdZ.sum() / self.N"
    )
    (wrong,) = [check for check in failed(checked(text)) if check.name == "Linear: dLdb"]
    assert wrong.reason.startswith("SCALAR BIAS GRADIENT AND 1/N TWICE AND WRONG SIGN: dLdb: ")


def test_numbers_that_no_known_error_gives_are_described_and_not_named(checked):
    text = planted().replace("dLdA = dLdZ.dot(self.W)", "dLdA = np.sin(dLdZ.dot(self.W))")
    (wrong,) = [check for check in failed(checked(text)) if check.name.startswith("Linear: dLdA")]
    assert wrong.reason.startswith("WRONG NUMBERS: dLdA: 19 of 20 differ in a batch of 5, by up to")
    assert wrong.reason.endswith("no known error gives these numbers")


def test_no_known_error_gives_the_numbers_of_another_or_the_right_ones():
    cases = dict.fromkeys(("Z", "dLdW", "dLdb", "dLdA"), linear_cases())
    cases |= dict.fromkeys(("A", "dLdZ"), unit_cases())
    cases |= dict.fromkeys(("loss", "dLdZ_o"), loss_cases())
    cases |= dict.fromkeys(set(KNOWN) - set(cases), network_cases())

    def numbers(formula, case):
        try:
            return np.asarray(formula(case), float).squeeze()
        except ValueError:
            return np.empty(0)

    for quantity, errors in KNOWN.items():
        formulas = [("", TRUE[quantity])] + [(error.names, error.formula) for error in errors]
        values = [
            (names, [numbers(formula, case) for case in cases[quantity]])
            for names, formula in formulas
        ]
        for (names, ours), (others, theirs) in itertools.combinations(values, 2):
            same = all(
                one.shape == other.shape and np.allclose(one, other)
                for one, other in zip(ours, theirs, strict=True)
            )
            assert not same or names == others, (quantity, names, others)


def test_what_is_right_is_what_differences_of_a_scalar_say():
    for case in linear_cases():
        arrays = {"dLdW": case.W, "dLdb": case.b, "dLdA": case.A}
        for name, array in arrays.items():
            slopes = np.zeros_like(array)
            for place in np.ndindex(array.shape):
                kept = array[place]
                array[place] = kept + 1  # the scalar is linear in each, so that any step is exact
                above = np.sum(case.G * TRUE["Z"](case))
                array[place] = kept - 1
                slopes[place] = (above - np.sum(case.G * TRUE["Z"](case))) / 2
                array[place] = kept
            np.testing.assert_allclose(TRUE[name](case), slopes, atol=1e-12)
    for loss_case in loss_cases():
        slopes = np.zeros_like(loss_case.Z)
        for place in np.ndindex(slopes.shape):
            kept = loss_case.Z[place]
            loss_case.Z[place] = kept + 1e-5
            above = TRUE["loss"](loss_case)
            loss_case.Z[place] = kept - 1e-5
            slopes[place] = (above - TRUE["loss"](loss_case)) / 2e-5
            loss_case.Z[place] = kept
        np.testing.assert_allclose(TRUE["dLdZ_o"](loss_case), slopes, atol=1e-9)


# ---------------------------------------------------------------------------- where to read on


@pytest.mark.slow
def test_every_heading_that_a_check_points_to_is_there(checked):
    there = {MATHS + anchor for anchor in anchors(ROOT / "docs" / "maths.md")}
    errors = [error for some in KNOWN.values() for error in some]
    named = {MATHS + anchor for anchor in ANCHORS.values()}
    named |= {MATHS + error.read_on for error in errors if error.read_on}
    for name in TWELVE | MORE:
        for check in failed(checked(planted(name))):
            named |= {check.read_on} if check.read_on else set()
    assert len(named) >= 10
    assert named <= there


def test_no_reason_shows_the_line_that_solves_it(checked):
    source = REFERENCE.read_text(encoding="utf-8").splitlines()
    lines = [line.split("= ", 1)[1] for line in source if "dLd" in line and ".dot(" in line]
    assert len(lines) >= 3
    for name in TWELVE:
        assert not any(line in reasons(checked(planted(name))) for line in lines)


# ------------------------------------------------------------------------- code that goes wrong


BODY = """import numpy as np
class Linear:
    def __init__(self, in_features, out_features, debug=False):
        {start}

    def forward(self, A):
        {forward}

    def backward(self, dLdZ):
        {backward}
"""
START = "self.W, self.b = np.zeros((out_features, in_features)), np.zeros((out_features, 1))"


@pytest.mark.parametrize(
    ("start", "forward", "backward", "first"),
    [
        ("raise NotImplementedError", "pass", "pass", "not written yet (linear.py, line 4)"),
        (START, "raise NotImplementedError", "pass", "not written yet (linear.py, line 7)"),
        (START, "return A @ self.w.T", "pass", "no attribute 'w'"),
        (START, "raise SystemExit(3)", "pass", "SystemExit: 3 (linear.py, line 7)"),
        (START, "return self.forward(A)", "pass", "RecursionError"),
        (START, "return 'Z'", "pass", "ValueError: could not convert string to float: 'Z'"),
        (START, "pass", "pass", "NOTHING RETURNED OR STORED: Z: forward returns nothing"),
        ("pass", "pass", "pass", "NO W: W: a new layer has none"),
        ("self.W = self.b = None", "pass", "pass", "NO W: W: a new layer has none"),
    ],
)
def test_whatever_their_code_raises_is_a_failed_check(checked, start, forward, backward, first):
    checks = checked(BODY.format(start=start, forward=forward, backward=backward))
    wrong = failed(checks)
    assert first in wrong[0].reason
    assert len(wrong) >= 8
    assert all(
        check.reason.startswith(("not checked: ", "not written yet"))
        for check in wrong[2:]
        if check.name.startswith("Linear: n")
    )


def changed(*lines):
    """Return the reference solution with lines of its own in place of others."""
    text = planted()
    for right, wrong in lines:
        assert right in text
        text = text.replace(right, wrong, 1)
    return text


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("self.dLdW = dLdZ", "self.dW = dLdZ", "dLdW: there is none after backward, but there is"),
        ("def forward(self, A)", "def foward(self, A)", "NO forward: Linear has none, but there"),
        ("def forward(self, A)", "def forward(A)", "does its def begin with self?"),
        ("return self.criterion.forward(Z_o, labels)", "pass", "loss: loss returns nothing"),
        ("self.hidden.backward(self", "(self", "dLdW of hidden: there is none after backward"),
        ("return Z\n", "return Z.T\n", "TRANSPOSED PRODUCT: Z: lies on its side, a sample a col"),
        (
            "self.dLdb = dLdZ.T.dot(self.Ones)",
            "self.dLdb = -dLdZ.sum(axis=0)",
            "dLdb: the sign is turned round; and (3,), where (3, 1) belongs",
        ),
        ("/ self.N)", "/ 3)", "loss: 5.968 in a batch of 5, where 3.581 belongs"),
    ],
)
def test_the_likely_mistake_is_told_and_no_other(checked, right, wrong, says):
    reasons = [check.reason for check in failed(checked(changed((right, wrong))))]
    assert says in reasons[0]
    assert not any("dLdA NOT KEPT" in reason or "BROADCASTS" in reason for reason in reasons[1:])


def test_a_division_in_place_that_integers_do_not_take_is_told_in_its_own_words(checked):
    text = changed(("dLdZ = np.array(dLdZ)", "dLdZ /= 1.0"))
    (wrong,) = failed(checked(text))
    assert wrong.name == "Linear: float32, integers and lists"
    assert wrong.reason.startswith("UFuncTypeError: ")


def test_a_forward_for_one_sample_only_is_not_said_to_forget_dLdA(checked):
    text = changed(("self.A = np.array(A)", "self.A = np.array(A).reshape(1, -1)"))
    assert "dLdA NOT KEPT" not in reasons(checked(text))


def test_a_gradient_that_is_missing_costs_its_own_points_and_not_those_of_the_others(checked):
    text = changed(("self.dLdb = dLdZ.T.dot(self.Ones)", "pass"))
    names = [check.name for check in failed(checked(text)) if check.name.startswith("Linear")]
    assert names == ["Linear: dLdb"]


def test_what_could_not_be_checked_is_never_diagnosed(checked):
    checks = checked(BODY.format(start="1 / 0", forward="pass", backward="pass"))
    assert checks[0].reason == "ZeroDivisionError: division by zero (linear.py, line 4)"
    assert {check.reason for check in checks[1:-1]} == {
        "not checked: no Linear(4, 3) could be made"
    }


def test_an_interrupt_goes_through(checked):
    with pytest.raises(KeyboardInterrupt):
        checked(BODY.format(start=START, forward="raise KeyboardInterrupt", backward="pass"))


# ---------------------------------------------------------------------------------- the pudding


def test_layers_that_learn_worse_than_ours_fail_beside_them(checked):
    images, labels = some_digits(1600, 5)
    right = checked(REFERENCE, images, labels)[-1]
    assert right.passed
    assert "after 1,600 pictures" in right.reason
    wrong = checked(planted("WRONG SIGN"), images, labels)[-1]
    assert not wrong.passed
    assert wrong.reason.startswith("LEARNS WORSE: ")
    assert wrong.reason.endswith("the errors above are the likely cause")


def test_a_loss_that_is_no_number_names_the_pictures_once(checked):
    text = changed(("log_P = shifted - np.log(sums)", "log_P = shifted - np.log(sums) + np.nan"))
    assert checked(text)[-1].reason.count("after 32 pictures") == 1


def test_as_many_pictures_are_learned_as_the_time_allows():
    from nnscratch.core import Network

    network = Network(rng=np.random.default_rng(0))
    short = learn(network, IMAGES, LABELS, IMAGES, LABELS, limit_seconds=0)
    assert short.pictures == 32
    assert learn(network, IMAGES, LABELS, IMAGES, LABELS).pictures == 64


@pytest.mark.parametrize("shape", ["(1,)", "(1, 1)"])
def test_a_loss_that_is_right_but_for_its_shape_has_one_fault_and_no_two_that_cancel(
    checked, shape
):
    text = REFERENCE.read_text(encoding="utf-8")
    wrong = text.replace(LOSS, f"np.full({shape}, {LOSS})")
    assert wrong != text
    found = next(check for check in failed(checked(wrong)) if "loss:" in check.reason)
    assert found.reason.startswith("WRONG SHAPE: loss: ")
    assert "the numbers are right" in found.reason


def test_numbers_that_differ_late_are_shown_as_far_as_they_do(checked):
    wrong = REFERENCE.read_text(encoding="utf-8").replace(LOSS, f"round({LOSS}, 3)")
    is_, should = re.search(
        r"loss: (\S+) in a batch of \d+, where (\S+) belongs", reasons(checked(wrong))
    ).groups()
    assert is_ != should
    assert float(is_) == pytest.approx(float(should), abs=5e-4)
