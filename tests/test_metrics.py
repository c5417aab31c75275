"""The figures of a report, against scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as reference

from nnscratch.core import Network
from nnscratch.errors import ArrayError, DivergenceError
from nnscratch.metrics import (
    PIECE,
    accuracy,
    calibration_error,
    confusion_matrix,
    evaluate,
    per_class,
    reliability,
)
from nnscratch.pictures.framing import deskew
from nnscratch.products import scale_pixels


@pytest.fixture
def answers(rng):
    labels = rng.integers(0, 10, 500)
    return labels, np.where(rng.random(500) < 0.7, labels, rng.integers(0, 10, 500))


def test_confusion_matrix_is_scikit_learns(answers):
    assert np.array_equal(confusion_matrix(*answers), reference.confusion_matrix(*answers))


def test_precision_recall_and_f1_are_scikit_learns(answers):
    expected = np.array(reference.precision_recall_fscore_support(*answers)).T
    scores = per_class(confusion_matrix(*answers))
    found = [(score.precision, score.recall, score.f1, score.support) for score in scores]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_accuracy_is_the_trace_over_the_sum(answers):
    confusion = confusion_matrix(*answers)
    assert accuracy(*answers) == confusion.trace() / confusion.sum()


def test_a_digit_that_never_occurs_scores_0_and_warns_of_nothing():
    score = per_class(confusion_matrix(np.array([0]), np.array([0])))[5]
    assert (score.precision, score.recall, score.f1, score.support) == (0, 0, 0, 0)


def test_labels_of_one_byte_do_not_overflow():
    labels = np.full(3, 9, np.uint8)
    assert confusion_matrix(labels, labels)[9, 9] == 3


# ------------------------------------------------------------------------------------ evaluate


@pytest.fixture
def network(rng):
    return Network(rng=rng)


def test_evaluation_in_pieces_is_evaluation_at_once(network, own_dataset):
    images, labels = own_dataset.train_images, own_dataset.train_labels
    assert len(images) > PIECE
    report = evaluate(network, images, labels)
    A_o = network.predict_proba(scale_pixels(images))
    loss = network.loss(network.forward(scale_pixels(images)), labels)
    assert report.loss == pytest.approx(loss, rel=1e-5)
    assert np.array_equal(report.labels, labels)
    assert np.array_equal(report.predicted, A_o.argmax(axis=1))
    np.testing.assert_allclose(report.probability, A_o.max(axis=1), rtol=1e-5)
    assert report.accuracy == np.mean(report.predicted == labels)
    assert np.array_equal(report.confusion, confusion_matrix(labels, report.predicted))
    assert report.per_class == per_class(report.confusion)


def test_the_most_confident_mistakes_come_first(network, own_dataset):
    report = evaluate(network, own_dataset.test_images, own_dataset.test_labels)
    wrong = np.flatnonzero(report.predicted != report.labels)
    mistakes = report.mistakes(10**6)
    assert sorted(mistakes) == wrong.tolist()
    assert (np.diff(report.probability[mistakes]) <= 0).all()
    assert report.mistakes(3).tolist() == mistakes[:3].tolist()


def test_mistakes_that_are_equally_confident_stay_in_the_order_of_the_set(own_dataset):
    network = Network(1, rng=np.random.default_rng(0))
    network.theta = np.zeros_like(network.theta)
    report = evaluate(network, own_dataset.test_images, own_dataset.test_labels)
    mistakes = report.mistakes(1000)
    assert mistakes.tolist() == np.flatnonzero(own_dataset.test_labels != 0).tolist()


def test_a_network_in_float64_is_measured_in_float64(network, own_dataset):
    exact = network.astype(float)
    images, labels = own_dataset.test_images[:50], own_dataset.test_labels[:50]
    loss = exact.loss(exact.forward(scale_pixels(images, np.float64)), labels)
    assert evaluate(exact, images, labels).loss == pytest.approx(loss, rel=1e-14)


@pytest.mark.parametrize("value", [np.inf, np.nan, 3e38])
def test_a_loss_that_is_no_number_is_our_error_and_no_warning(network, own_dataset, value):
    network.theta[:] = value
    with pytest.raises(DivergenceError) as caught:
        evaluate(network, own_dataset.test_images, own_dataset.test_labels)
    assert caught.value.what == "the weights are so large that the loss is not a finite number"
    assert caught.value.next_step == "train again with a smaller rate, for example --lr 0.01"


def test_a_deskewed_network_is_measured_on_deskewed_pictures(network, own_dataset):
    images, labels = own_dataset.test_images, own_dataset.test_labels
    network.deskewed = True
    by_itself = evaluate(network, images, labels)
    told = evaluate(network, images, labels, deskewed=True)
    by_hand = evaluate(network, deskew(images), labels, deskewed=False)
    as_they_are = evaluate(network, images, labels, deskewed=False)
    assert by_itself.loss == told.loss == by_hand.loss != as_they_are.loss
    network.deskewed = False
    assert evaluate(network, images, labels).loss == as_they_are.loss
    assert evaluate(network, images, labels, deskewed=True).loss == told.loss


def test_lists_will_do_and_what_does_not_fit_is_refused():
    assert accuracy([0, 1, 2, 3], [0, 1, 2, 4]) == 0.75
    assert confusion_matrix([0, 1], [0, 0]).sum() == 2
    for labels, predicted in (([0, 1], [0, 1, 2]), ([], []), ([0.5], [1]), ([[0]], [[0]])):
        with pytest.raises(ArrayError):
            accuracy(labels, predicted)
        with pytest.raises(ArrayError):
            confusion_matrix(labels, predicted)
    for labels, predicted in (([0, 1], [0, 11]), ([-1, 1], [0, 1])):
        with pytest.raises(ArrayError, match="0 to 9"):
            confusion_matrix(labels, predicted)


def test_what_has_a_network_is_measured_by_it(own_dataset):
    from nnscratch.config import TrainConfig
    from nnscratch.training import TrainingState

    state = TrainingState.start(TrainConfig(deskew=True))
    images, labels = own_dataset.test_images, own_dataset.test_labels
    assert evaluate(state, images, labels).loss == evaluate(state.network, images, labels).loss


# -------------------------------------------------------------------------------------- calibration


def test_every_answer_lies_in_one_bin_also_0_and_1(rng):
    probability = np.concatenate([[0.0, 1.0, 0.1, 0.999], rng.random(500)])
    right = rng.random(504) < 0.5
    bins = reliability(probability, right)
    assert [tenth.low for tenth in bins] == [tenth / 10 for tenth in range(10)]
    assert sum(tenth.count for tenth in bins) == 504
    for tenth in bins:
        last = tenth.high == 1
        mine = (probability >= tenth.low) & ((probability < tenth.high) | last)
        assert tenth.count == mine.sum()
        assert tenth.probability == pytest.approx(probability[mine].mean())
        assert tenth.accuracy == pytest.approx(right[mine].mean())


def test_an_empty_bin_says_nothing_and_counts_for_nothing():
    bins = reliability(np.array([0.95, 0.95]), np.array([True, False]))
    assert bins[0].probability is bins[0].accuracy is None
    assert calibration_error(bins) == pytest.approx(0.45)


def test_answers_that_are_as_often_right_as_they_are_sure_have_no_calibration_error(rng):
    probability = rng.random(200_000)
    honest = reliability(probability, rng.random(200_000) < probability)
    boastful = reliability(probability, rng.random(200_000) < probability / 2)
    assert calibration_error(honest) < 0.005
    assert calibration_error(boastful) == pytest.approx(0.25, abs=0.01)


def test_a_report_tells_its_calibration(rng):
    images = rng.integers(0, 256, (50, 28, 28)).astype(np.uint8)
    report = evaluate(Network(4, rng=rng), images, np.arange(50) % 10)
    assert sum(tenth.count for tenth in report.reliability) == 50
    assert report.calibration_error == calibration_error(report.reliability)


@pytest.mark.parametrize(
    "confusion", [np.eye(10), np.ones((2, 3), int), np.arange(10), np.eye(2, dtype=bool)]
)
def test_what_is_no_square_of_counts_is_no_confusion_matrix(confusion):
    with pytest.raises(ArrayError, match=r"should be \(K, K\) counts, and is"):
        per_class(confusion)
