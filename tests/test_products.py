"""The multiplying beneath the blackboard: the numbers are plain NumPy's, and arrays stay put."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nnscratch.cores import TRIED, second_core
from nnscratch.errors import ArrayError
from nnscratch.products import (
    PIECE,
    SMALL_PRODUCT,
    WORTH_SHARING,
    add_multiple,
    empty_batch,
    identity,
    join,
    kept,
    largest_uncut,
    ones,
    product,
    scale_pixels,
    small_kernels,
    split,
    tile,
)


@pytest.fixture(params=["SkylakeX", "Haswell"])
def kind(request, monkeypatch):
    """Cut products as on one kind of processor and on another; BLAS itself was loaded before."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", request.param)
    for function in (small_kernels, largest_uncut):
        function.cache_clear()
    yield request.param
    for function in (small_kernels, largest_uncut):
        function.cache_clear()


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


units = st.sampled_from([1, 7, 10, 31, 32, 33, 64, 128])
samples = st.sampled_from([1, 4, 31, 64, 95, 100, 127, 128, 129, 256, 300])


@pytest.mark.usefixtures("kind")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(units, samples, st.sampled_from([np.float32, np.float64]), st.booleans())
@example(400, 300, np.float32, False)
@example(1000, 200, np.float32, False)
@example(333, 129, np.float32, True)
@example(128, 900, np.float64, True)
@example(10, 1000, np.float32, True)
@pytest.mark.slow
def test_the_large_products_of_any_shape_are_the_plain_ones_up_to_rounding(H, N, dtype, given_room):
    rng = np.random.default_rng(H * N)
    W, A = rng.standard_normal((H, 784)).astype(dtype), rng.random((N, 784)).astype(dtype)
    dLdZ = rng.standard_normal((H, N)).astype(dtype)
    for left, right in ((W, A.T), (dLdZ, A), (W.T, dLdZ), (W, A[:, ::-1].T), (dLdZ[:, ::-1], A)):
        out = np.full((len(left), right.shape[1]), np.nan, dtype) if given_room else None
        with second_core():
            result = product(left, right, out=out)
        assert result.dtype == dtype
        assert out is None or result is out
        exact = left.astype(float) @ right.astype(float)
        largest = np.abs(left).astype(float) @ np.abs(right).astype(float)
        assert (np.abs(result - exact) <= 20 * np.finfo(dtype).eps * largest).all()


@pytest.mark.usefixtures("kind")
def test_a_large_product_takes_any_numbers_and_any_room(rng):
    left, right = rng.integers(-9, 9, (300, 784)), rng.integers(-9, 9, (784, 400))
    with second_core():
        for room in (np.full((300, 400), np.nan), np.full((300, 400), np.nan, np.float32)):
            assert product(left.astype(np.float32), right, out=room) is room
            np.testing.assert_array_equal(room, left @ right)
        np.testing.assert_array_equal(product(left, right), left @ right)


@pytest.mark.usefixtures("kind")
def test_what_overflows_in_a_large_product_says_nothing():
    huge = np.full((300, 784), 3e38, np.float32)
    with second_core():
        assert np.isinf(product(huge, np.ones((784, 512), np.float32))).all()


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("kind", ["SkylakeX"], indirect=True)
@pytest.mark.parametrize("H", [7, 10, 18, 19, 31, 32, 33, 64, 128, 1024])
@pytest.mark.parametrize("N", [4, 32, 64, 96, 127, 128, 256, 1024])
def test_every_tile_is_small_enough_for_the_kernels_or_the_product_itself(H, N):
    for shape, transposed in (((H, 784, N), True), ((H, N, 784), False)):
        rows, depth, columns = tile(*shape, transposed)
        whole = (rows, depth, columns) == shape
        assert whole or rows * depth * columns <= 1_000_000
        assert whole or not transposed or rows * columns <= 1_200
        assert rows <= shape[0]
        assert depth <= shape[1]
        assert columns <= shape[2]
    assert tile(H, 784, N, True) != (H, 784, N) or H * 784 * N <= SMALL_PRODUCT
    assert tile(H, N, 784, False) != (H, N, 784) or N > 128 or H * 784 * N <= SMALL_PRODUCT


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("kind", ["Haswell"], indirect=True)
def test_without_kernels_for_small_matrices_there_are_no_tiles():
    assert tile(128, 784, 256, True) == (128, 784, 256)
    assert tile(128, 64, 784, False) == (128, 64, 784)


@pytest.mark.sampled(1)
@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize(("H", "N"), [(10, 4), (10, 32), (10, 64), (10, 100), (10, 55_000)])
def test_the_published_settings_at_ten_units_keep_the_bits_of_the_plain_product(H, N, rng):
    W, A = rng.random((H, 784), np.float32), rng.random((N, 784), np.float32)
    dLdZ = rng.random((H, N), np.float32)
    with second_core():
        assert np.array_equal(product(W, A.T), W.dot(A.T))
        assert np.array_equal(product(dLdZ, A), dLdZ.dot(A))


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize(("H", "N"), [(128, 900), (150, 1200), (300, 400), (1024, 130)])
def test_the_bits_do_not_depend_on_whether_the_other_core_has_time(H, N, rng):
    W, A = rng.random((H, 784), np.float32), rng.random((N, 784), np.float32)
    assert H * N * 784 > WORTH_SHARING
    with second_core():
        results = [product(W, A.T) for _ in range(2 * TRIED + 4)]  # alone, shared, and one of them
    for result in results:
        assert np.array_equal(result, results[0])


@pytest.mark.parametrize("n", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_multiple_is_added_to_the_last_bit_as_written_plainly(n, dtype, rng):
    place, vector = rng.standard_normal((2, n)).astype(dtype)
    plain = place.copy()
    plain -= 0.1 * vector
    add_multiple(place, -0.1, vector)
    assert place.dtype == dtype
    assert np.array_equal(place, plain)


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


def test_floats_are_no_pixels(rng):
    with pytest.raises(ArrayError, match="array of uint8, 0 to 255, and are float64"):
        scale_pixels(rng.random((2, 28, 28)))
    with pytest.raises(ArrayError, match="array of uint8, 0 to 255, and are str"):
        scale_pixels("a")


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
