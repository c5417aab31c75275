"""Models side by side: intervals and p values as SciPy has them, and plain words about chance."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from nnscratch.config import TrainConfig
from nnscratch.errors import ArrayError
from nnscratch.lab.compare import Measured, compare, holm, mcnemar, wilson


def measured(name, right, **settings):
    return Measured(name, TrainConfig(**settings), "mnist", [], np.array(right, bool), 0.5)


def test_the_interval_is_that_of_scipy(rng):
    for samples in (1, 2, 7, 400, 10_000, 3_000_000):
        for right in {0, 1, samples - 1, samples, *rng.integers(0, samples + 1, 30).tolist()}:
            low, high = wilson(right, samples)
            theirs = binomtest(right, samples).proportion_ci(method="wilson")
            assert low == pytest.approx(theirs.low, rel=1e-9, abs=1e-12)
            assert high == pytest.approx(theirs.high, rel=1e-9, abs=1e-12)
            assert 0 <= low <= right / samples <= high <= 1


def test_p_is_that_of_scipy_for_every_small_table():
    for first in range(40):
        for second in range(40):
            if first + second:
                theirs = binomtest(first, first + second).pvalue
                assert mcnemar(first, second) == pytest.approx(theirs, rel=1e-10)


def test_p_is_that_of_scipy_for_random_tables(rng):
    for reach in (100, 1_000, 10_000, 1_000_000):
        for first, second in rng.integers(0, reach, (50, 2)).tolist():
            near = second + abs(first - second) // max(1, int(math.sqrt(reach) / 2))
            for other in (second, near):
                theirs = binomtest(other, other + second).pvalue if other + second else 1
                assert mcnemar(other, second) == pytest.approx(theirs, rel=1e-7, abs=1e-300)


def test_p_of_huge_counts_neither_overflows_nor_fails():
    assert mcnemar(10**9, 0) == 0
    assert mcnemar(10**9, 10**9) == 1
    # 2·10⁹ tosses deviate by √(5·10⁸) ≈ 22,361; this is 1.96 of it.
    off = round(1.959963985 * math.sqrt(5e8))
    assert mcnemar(10**9 + off, 10**9 - off) == pytest.approx(0.05, abs=1e-4)


def test_p_does_not_mind_the_order_and_falls_as_the_gap_grows():
    assert mcnemar(12, 30) == mcnemar(30, 12)
    values = [mcnemar(100 - gap, 100 + gap) for gap in range(101)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1
    assert mcnemar(0, 0) == 1


def test_holms_correction_is_the_one_of_the_textbook():
    # Holm by definition: reject while p_(i) ≤ α / (m − i + 1). The corrected p is the least α.
    rng = np.random.default_rng(3)
    for m in range(1, 9):
        p_values = rng.random(m) ** 3
        corrected = holm(p_values.tolist())
        for alpha in np.linspace(0.001, 0.999, 200):
            rejected = set()
            for rank, index in enumerate(np.argsort(p_values)):
                if p_values[index] > alpha / (m - rank):
                    break
                rejected.add(int(index))
            assert rejected == {i for i, p in enumerate(corrected) if p <= alpha}
    assert holm([]) == []


def test_the_best_comes_first_and_each_other_is_held_against_it():
    best = measured("b", [1] * 30 + [0] * 10, hidden_size=20)
    close = measured("c", [1] * 29 + [0] * 10 + [1] * 0 + [0])
    poor = measured("a", [0] * 25 + [1] * 5 + [1] * 3 + [0] * 7)
    found = compare([poor, best, close])
    assert [model.name for model in found.models] == ["b", "c", "a"]
    near, far = found.differences
    assert (near.best_only, near.other_only) == (1, 0)
    assert near.is_chance
    assert (far.best_only, far.other_only) == (25, 3)
    assert far.p == pytest.approx(binomtest(3, 28).pvalue)
    assert far.p_corrected == 2 * far.p
    assert not far.is_chance
    assert found.samples == 40


def test_of_equals_the_one_named_first_comes_first_and_nothing_is_claimed():
    found = compare([measured("z", [1, 0, 1]), measured("a", [0, 1, 1])])
    assert [model.name for model in found.models] == ["z", "a"]
    assert found.differences[0].p == 1
    assert found.differences[0].is_chance


def test_the_settings_that_differ_are_named_in_the_order_of_the_models():
    first = measured("a", [0, 0], learning_rate=0.3, seed=1)
    second = measured("b", [1, 1], learning_rate=0.1, seed=1)
    assert compare([first, second]).differing == {"learning_rate": (0.1, 0.3)}
    assert compare([first, first]).differing == {}


def test_models_measured_on_other_pictures_are_refused():
    with pytest.raises(ArrayError):
        compare([measured("a", [1]), measured("b", [1, 0])])
