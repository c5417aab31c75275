"""Cuts, candidates, and the path through them."""

import numpy as np

from nnscratch.pictures.cuts import Candidate, Piece, best_path, cut_row, find_candidates
from nnscratch.pictures.rows import find_rows
from nnscratch.pictures.segment import find_shapes


def ring(page, top, left, size=40, stroke=5):
    y, x = np.mgrid[: page.shape[0], : page.shape[1]]
    radius = np.hypot(y - top - size / 2 + 0.5, x - left - size / 2 + 0.5)
    page[(radius <= size / 2) & (radius > size / 2 - stroke)] = 1


def two_rings():
    page = np.zeros((80, 140), np.float32)
    ring(page, 20, 20)
    ring(page, 20, 59)
    labels, shapes = find_shapes(page)
    assert len(shapes) == 1
    return page, labels, find_rows(shapes, 40)[0]


def test_two_rings_that_touch_may_be_cut_where_they_touch():
    page, labels, row = two_rings()
    pieces = cut_row(labels, row)
    assert min(abs(piece.box[0] - 59.5) for piece in pieces[1:]) <= 2.5
    assert pieces[0].cut == 0 < min(piece.cut for piece in pieces[1:])
    assert {piece.label for piece in pieces} == set(np.unique(labels)) - {0}
    assert ((labels > 0) == (page > 0.35)).all()


def test_candidates_are_neighbours_joined_and_framed_as_one_digit():
    page, labels, row = two_rings()
    pieces = cut_row(labels, row)
    candidates = find_candidates(page, labels, pieces, row.height)
    spans = [(candidate.first, candidate.last) for candidate in candidates]
    assert len(set(spans)) == len(spans)
    halves = [c for c in candidates if abs(c.box[2] - c.box[0] - 40) <= 4]
    assert halves
    for candidate in halves:
        assert candidate.image.shape == (28, 28)
        rows, columns = (np.flatnonzero(candidate.image.any(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) == 19
    whole = [c for c in candidates if c.box[2] - c.box[0] > 70]
    assert all(c.cost > max(h.cost for h in halves) for c in whole)


def test_nothing_is_cut_that_need_not_be():
    _, labels, row = two_rings()
    assert len(cut_row(labels, row, cut=False)) == 1


def test_the_cheapest_path_is_taken_and_may_leave_out_a_speck():
    page = np.zeros((80, 200), np.float32)
    ring(page, 20, 10)
    page[55:59, 62:66] = 1
    ring(page, 20, 80)
    labels, shapes = find_shapes(page)
    row = find_rows(shapes, 40)[0]
    pieces = cut_row(labels, row, cut=False)
    candidates = find_candidates(page, labels, pieces, row.height)
    costs = np.array([candidate.cost for candidate in candidates])
    path = best_path(pieces, candidates, costs, row.height)
    assert [(candidates[n].first, candidates[n].last) for n in path] == [(0, 1), (2, 3)]


def test_a_dear_candidate_is_passed_by():
    pieces = [Piece(n + 1, n + 1, (30 * n, 0, 30 * n + 20, 40)) for n in range(3)]
    spans = [(0, 1), (1, 2), (2, 3), (0, 2)]
    image = np.zeros((28, 28), np.uint8)
    candidates = [Candidate(*span, (0, 0, 1, 1), image, 0.0) for span in spans]
    assert best_path(pieces, candidates, np.array([0.1, 0.1, 0.1, 1.0]), 40) == [0, 1, 2]
    assert best_path(pieces, candidates, np.array([0.1, 3.0, 0.1, 1.0]), 40) == [3, 2]
