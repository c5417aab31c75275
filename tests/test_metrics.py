"""The figures of a report, against scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as reference

from nnscratch.metrics import accuracy, confusion_matrix, per_class


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
