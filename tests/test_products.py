"""The multiplying beneath the blackboard: the numbers are plain NumPy's, and arrays stay put."""

import numpy as np
import pytest

from nnscratch.products import empty_batch, identity, join, kept, ones, product, scale_pixels, split


@pytest.mark.parametrize("out_dtype", [None, np.float32, np.float64])
@pytest.mark.parametrize("right_dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("left_dtype", [np.float32, np.float64, np.int64])
def test_a_product_is_numpys_for_any_real_numbers_and_any_room(
    left_dtype, right_dtype, out_dtype, rng
):
    left = rng.integers(-9, 9, (3, 4)).astype(left_dtype)
    right = rng.integers(-9, 9, (4, 2)).astype(right_dtype)
    room = None if out_dtype is None else np.full((3, 2), np.nan, out_dtype)
    result = product(left, right, out=room)
    np.testing.assert_array_equal(result, left @ right)
    assert room is None or result is room


def test_ones_are_shared_and_so_cannot_be_written_to():
    column = ones(3, np.dtype(float))
    assert column.tolist() == [[1], [1], [1]]
    assert column is ones(3, np.dtype(float))
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 2


def test_the_identity_is_shared_and_so_cannot_be_written_to():
    matrix = identity(4, np.dtype(np.float32))
    assert np.array_equal(matrix, np.eye(4))
    assert matrix.dtype == np.float32
    assert matrix is identity(4, np.dtype(np.float32))
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale_pixels_takes_black_to_0_and_white_to_1_exactly(dtype):
    A = scale_pixels(np.repeat([[0, 255]], 392, axis=0).reshape(1, 784).astype(np.uint8), dtype)
    assert set(A.ravel()) == {0, 1}
    assert A.dtype == dtype


def test_scale_pixels_works_in_float32_and_keeps_the_order_of_the_pixels(rng):
    images = rng.integers(0, 256, (5, 28, 28), np.uint8)
    A = scale_pixels(images)
    assert A.dtype == np.float32
    np.testing.assert_allclose(A, images.reshape(5, 784) / 255, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [7, 64])
def test_an_empty_batch_starts_on_a_cache_line_and_takes_the_same_numbers(N, dtype, rng):
    images = rng.integers(0, 256, (7, 28, 28), np.uint8)
    room = empty_batch(N, 784, dtype)
    assert room.shape == (N, 784)
    assert room.dtype == dtype
    assert room.ctypes.data % 64 == 0
    A = scale_pixels(images, out=room)
    assert np.shares_memory(A, room)
    assert np.array_equal(A, scale_pixels(images, dtype))


class Owner:
    x = kept("x")

    def __init__(self, *values):
        self.x = np.array(values)


def test_what_is_assigned_to_a_kept_array_is_copied_into_its_place():
    owner, values = Owner(1.0, 2.0), np.array([3, 4])
    place = owner.x
    owner.x = values
    assert owner.x is place
    assert place.tolist() == [3, 4]
    values[:] = 0
    assert place.tolist() == [3, 4]
    owner.x += 1
    assert owner.x is place
    assert place.tolist() == [4, 5]


@pytest.mark.parametrize("wrong", [7, [7], [[7, 7]], [1, 2, 3]])
def test_a_kept_array_refuses_another_shape_even_one_that_would_stretch(wrong):
    owner = Owner(1.0, 2.0)
    with pytest.raises(ValueError, match=r"x should have the shape \(2,\), and has "):
        owner.x = wrong
    assert owner.x.tolist() == [1, 2]


def test_joined_arrays_are_pieces_of_one_vector_whoever_assigns():
    first, second = Owner(1.0, 2.0), Owner(3.0)
    vector, pieces = join({"one": (first, "x"), "two": (second, "x")})
    assert vector.tolist() == [1, 2, 3]
    assert first.x is pieces["one"]
    assert second.x is pieces["two"]
    first.x = [5, 6]
    assert vector.tolist() == [5, 6, 3]
    vector[2] = 7
    assert second.x.tolist() == [7]


def test_split_cuts_in_order_and_shares_the_memory():
    vector = np.arange(8.0)
    shapes = {"W": np.zeros((2, 3)), "b": np.zeros((2, 1))}
    pieces = split(vector, shapes)
    assert {name: piece.tolist() for name, piece in pieces.items()} == {
        "W": [[0, 1, 2], [3, 4, 5]],
        "b": [[6], [7]],
    }
    pieces["b"][:] = 0
    assert vector[6:].tolist() == [0, 0]
