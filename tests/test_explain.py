"""Why an answer came out: accounts that add up, and changes of ink that are tried."""

import numpy as np
import pytest

from nnscratch.core import Network
from nnscratch.errors import ArrayError
from nnscratch.explain import explain, tip
from nnscratch.model_file import load_model
from nnscratch.products import scale_pixels

PAIRS = [(d, a) for d in range(10) for a in range(10) if d != a]


def pictures(rng, count, dtype):
    return (rng.random((count, 784)) * (rng.random((count, 784)) < 0.3)).astype(dtype)


@pytest.mark.parametrize(("dtype", "within"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_both_accounts_add_up_to_the_difference_of_the_outputs(rng, dtype, within):
    network = Network(20, rng=rng, dtype=dtype)
    network.hidden.b = rng.normal(size=(20, 1))
    network.output.b = rng.normal(size=(10, 1))
    for A in pictures(rng, 5, dtype):
        Z_o = network.forward(A[np.newaxis])[0].astype(float)
        for digit, against in PAIRS:
            why = explain(network, A, digit, against)
            assert why.lead == Z_o[digit] - Z_o[against]
            assert why.pixels.sum() + why.constant == pytest.approx(why.lead, abs=within)
            shares = sum(unit.share for unit in why.units)
            assert shares + why.bias == pytest.approx(why.lead, abs=within)


@pytest.mark.mnist
def test_the_account_of_the_bundled_model_adds_up_on_real_pictures(mnist):
    model = load_model("pretrained")
    A = scale_pixels(model.seen(mnist.test_images[:100]))
    for row, (digit, against) in zip(A, PAIRS * 2, strict=False):
        why = explain(model.network, row, digit, against)
        assert why.pixels.sum() + why.constant == pytest.approx(why.lead, abs=1e-4)


def test_a_pixels_part_is_what_its_ink_changes_as_long_as_no_unit_switches(rng):
    network = Network(6, rng=rng, dtype=np.float64)
    (A,) = pictures(rng, 1, float)
    why, place = explain(network, A, 3, 7), int(A.argmax())
    less = A.copy()
    less[place] *= 1 - 1e-6
    assert (network.Z_h[0] != 0).all()
    found = (why.lead - explain(network, less, 3, 7).lead) / 1e-6
    assert why.pixels.ravel()[place] == pytest.approx(found, rel=1e-4)
    assert (why.pixels[A.reshape(28, 28) == 0] == 0).all()


def test_the_units_are_those_that_are_on_the_largest_share_first(rng):
    network = Network(20, rng=rng)
    (A,) = pictures(rng, 1, np.float32)
    why = explain(network, A, 0, 1)
    assert sorted(unit.index for unit in why.units) == np.flatnonzero(network.Z_h[0] > 0).tolist()
    sizes = [abs(unit.share) for unit in why.units]
    assert sizes == sorted(sizes, reverse=True)
    unit = why.units[0]
    assert unit.activation == network.A_h[0, unit.index]
    assert unit.weight_for == network.parameters["W_o"][0, unit.index]
    assert unit.weight_against == network.parameters["W_o"][1, unit.index]


def test_turned_round_it_is_the_same_account_with_the_other_sign(rng):
    network = Network(8, rng=rng)
    (A,) = pictures(rng, 1, np.float32)
    one, other = explain(network, A, 2, 5), explain(network, A, 5, 2)
    assert one.lead == -other.lead
    assert np.array_equal(one.pixels, -other.pixels)


@pytest.mark.parametrize("shape", [(784,), (1, 784), (28, 28)])
def test_a_picture_may_have_any_of_three_shapes(rng, shape):
    network = Network(8, rng=rng)
    (A,) = pictures(rng, 1, np.float32)
    assert explain(network, A.reshape(shape), 2, 5).lead == explain(network, A, 2, 5).lead


@pytest.mark.parametrize("wrong", [(2, 784), (27, 28), (10,)])
def test_what_is_not_one_picture_is_refused(rng, wrong):
    with pytest.raises(ArrayError, match="one picture"):
        explain(Network(rng=rng), np.zeros(wrong), 1, 2)


@pytest.mark.parametrize("pair", [(1, 1), (10, 2), (0, -1), (1, 2.5), ("1", 2)])
def test_two_different_digits_are_asked_for(rng, pair):
    with pytest.raises(ArrayError, match="two different digits"):
        explain(Network(rng=rng), np.zeros(784), *pair)


# ------------------------------------------------------------ what would have changed its mind


@pytest.mark.mnist
def test_a_small_change_of_ink_tips_the_answer_and_the_network_says_so(mnist):
    model, ink_changed = load_model("pretrained"), []
    for row in scale_pixels(model.seen(mnist.test_images[:50])):
        second = int(model.network.forward(row[np.newaxis])[0].argsort()[-2])
        tipped = tip(model.network, row, second)
        changed = row + tipped.change.ravel()
        assert changed.min() > -1e-6
        assert changed.max() < 1 + 1e-6
        A_o = model.network.predict_proba(changed[np.newaxis].astype(np.float32))[0]
        assert A_o.argmax() == second
        assert tipped.probability == pytest.approx(A_o[second], abs=1e-4)
        assert tipped.pixels == np.count_nonzero(tipped.change)
        assert tipped.less == pytest.approx(-tipped.change.clip(max=0).sum())
        assert tipped.more == pytest.approx(tipped.change.clip(min=0).sum())
        ink_changed.append(tipped.less + tipped.more)
    assert np.median(ink_changed) < 15  # of some hundred that a digit has


def test_where_no_unit_switches_no_change_takes_less_ink(rng):
    network = Network(4, rng=rng, dtype=np.float64)
    network.hidden.b = np.full((4, 1), 100.0)  # all units are on, whatever the picture
    A = np.full(784, 0.5)
    Z_o = network.forward(A[np.newaxis])[0]
    digit, against = (int(d) for d in Z_o.argsort()[:-3:-1])
    lead = 0.02
    network.output.b[against] += Z_o[digit] - Z_o[against] - lead  # a close race
    tipped = tip(network, A, against)
    slopes = explain(network, A, digit, against).pixels.ravel() / A
    # The best that a linear program could do: the steepest pixels, as far as they go.
    least, left = 0.0, lead + 1e-3
    for steep in sorted(abs(slopes), reverse=True):
        amount = min(0.5, left / steep)
        least, left = least + amount, left - amount * steep
    assert tipped.less + tipped.more == pytest.approx(least, rel=1e-6)


def test_where_no_ink_could_tip_it_there_is_no_answer(rng):
    network = Network(4, rng=rng, dtype=np.float64)
    network.output.b[3] = 1e6
    assert tip(network, np.zeros(784), 4) is None


def test_what_is_said_already_needs_no_change(rng):
    network = Network(8, rng=rng)
    (A,) = pictures(rng, 1, np.float32)
    says = int(network.forward(A[np.newaxis])[0].argmax())
    assert tip(network, A, says).pixels == 0


@pytest.mark.parametrize("ink", [-0.1, 1.5, 255])
def test_ink_to_be_changed_is_from_0_to_1(rng, ink):
    with pytest.raises(ArrayError, match="ink is from 0 to 1"):
        tip(Network(rng=rng), np.full(784, ink), 2)


@pytest.mark.parametrize("ink", [np.nan, np.inf])
def test_ink_is_a_finite_number(rng, ink):
    with pytest.raises(ArrayError, match="finite"):
        explain(Network(rng=rng), np.full(784, ink), 1, 2)
