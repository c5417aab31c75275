"""The data folder: loading trusts nothing, downloading verifies everything."""

import gzip
import hashlib
import shutil

import numpy as np
import pytest

from loopback import folder_answer, serving
from nnscratch.data import differing_files, download, load_dataset, obtain_dataset
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.idx import encode_idx
from nnscratch.errors import DataError, DownloadError

NAMES = [file.name for file in MNIST_FILES]


@pytest.fixture
def folder(own_data, tmp_path):
    """A copy of the small data set, to be damaged."""
    return shutil.copytree(own_data, tmp_path / "copy")


def test_a_sound_foreign_set_loads_as_custom(own_data):
    dataset = load_dataset(own_data)
    assert dataset.name == "custom"
    assert dataset.train_images.shape == (1200, 28, 28)
    assert differing_files(dataset) == NAMES
    for name, digest in dataset.sha256.items():
        assert hashlib.sha256((own_data / name).read_bytes()).hexdigest() == digest


def test_packed_files_load_as_the_plain_ones_and_loading_writes_nothing(folder, own_dataset):
    for name in NAMES:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    dataset = load_dataset(folder)
    assert np.array_equal(dataset.train_images, own_dataset.train_images)
    assert dataset.sha256 == own_dataset.sha256
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.gz" for n in NAMES)


def test_a_missing_file_is_named_with_the_ways_to_get_it(folder):
    (folder / NAMES[1]).unlink()
    with pytest.raises(DataError, match=NAMES[1]) as caught:
        load_dataset(folder)
    assert "the folder that holds the four files" in caught.value.next_step


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (NAMES[0], b"", "header"),
        (NAMES[0], encode_idx(np.zeros((1200, 27, 28), np.uint8)), "28×28"),
        (NAMES[0], encode_idx(np.zeros((1199, 28, 28), np.uint8)), "1,199 pictures"),
        (NAMES[1], encode_idx(np.full(1200, 10, np.uint8)), "0 to 9"),
        (NAMES[3], encode_idx(np.zeros((2, 2), np.uint8)), "dimensions"),
    ],
)
def test_a_damaged_file_is_named(folder, name, content, words):
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        load_dataset(folder)
    assert "ubyte" in caught.value.where


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda packed: packed[:-9], "too soon"),
        (lambda packed: packed + b"junk", "follows"),
        (lambda packed: b"", "too soon"),
        (lambda packed: b"<html>", "gzip"),
        (lambda packed: packed[:40] + b"\0\0\0\0" + packed[44:], "gzip"),
    ],
)
def test_damaged_gzip_is_refused(folder, change, words):
    packed = gzip.compress((folder / NAMES[3]).read_bytes())
    (folder / NAMES[3]).unlink()
    (folder / f"{NAMES[3]}.gz").write_bytes(change(packed))
    with pytest.raises(DataError, match=words):
        load_dataset(folder)


def test_mnist_is_never_replaced_by_something_else(own_data):
    with pytest.raises(DataError, match="train-images") as caught:
        obtain_dataset(own_data, "mnist")
    assert "--force" in caught.value.next_step


def test_auto_takes_a_foreign_set_and_says_so_in_one_line(own_data):
    notes = []
    assert obtain_dataset(own_data, "auto", on_note=notes.append).name == "custom"
    assert len(notes) == 1
    assert str(own_data) in notes[0]


# ------------------------------------------------------------------------------------- downloading


def test_when_no_mirror_answers_the_error_lists_what_each_said(tmp_path):
    with (
        serving(lambda handler: handler.send(b"", 404)) as gone,
        serving(lambda handler: handler.send(b"<html>")) as portal,
        pytest.raises(DownloadError) as caught,
    ):
        download(tmp_path / "data", mirrors=[gone.url, portal.url])
    assert f"{gone.url}: HTTP 404" in caught.value.where
    assert f"{portal.url}: 6 bytes where there should be 9,912,422" in caught.value.where
    assert "--data-dir" in caught.value.next_step
    assert not (tmp_path / "data").exists()


@pytest.mark.mnist
def test_a_dead_mirror_is_skipped_with_one_line_and_not_asked_again(tmp_path, packed_mnist):
    notes = []
    with (
        serving(lambda handler: handler.send(b"", 404)) as gone,
        serving(folder_answer(packed_mnist)) as good,
    ):
        files = download(tmp_path, mirrors=[gone.url, good.url], on_note=notes.append)
    assert [file.status for file in files] == ["fetched"] * 4
    assert len(notes) == len(gone.requests) == 1
    assert load_dataset(tmp_path).name == "mnist"


@pytest.mark.mnist
def test_a_second_run_fetches_nothing(tmp_path, packed_mnist):
    seen = {}
    with serving(folder_answer(packed_mnist)) as mirror:
        download(
            tmp_path,
            mirrors=[mirror.url],
            on_bytes=lambda name, received, total: seen.update({name: (received, total)}),
        )
        assert seen == {file.name: (file.gz_bytes, file.gz_bytes) for file in MNIST_FILES}
        assert len(mirror.requests) == 4
        files = download(tmp_path, mirrors=[mirror.url])
        assert len(mirror.requests) == 4
    assert [file.status for file in files] == ["verified"] * 4
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.mnist
def test_a_file_that_is_not_mnists_is_replaced_only_by_force(tmp_path, packed_mnist):
    with serving(folder_answer(packed_mnist)) as mirror:
        download(tmp_path, mirrors=[mirror.url])
        labels = tmp_path / NAMES[1]
        labels.write_bytes(encode_idx(np.zeros(60000, np.uint8)))
        altered = labels.read_bytes()
        with pytest.raises(DataError, match=NAMES[1]):
            download(tmp_path, mirrors=[mirror.url])
        assert labels.read_bytes() == altered
        files = download(tmp_path, mirrors=[mirror.url], force=True)
    assert [file.status for file in files] == ["verified", "fetched", "verified", "verified"]
    assert load_dataset(tmp_path).name == "mnist"


@pytest.mark.mnist
def test_mnist_is_what_it_should_be(mnist):
    assert mnist.train_images.shape == (60000, 28, 28)
    assert mnist.test_images.shape == (10000, 28, 28)
    assert np.bincount(mnist.test_labels).sum() == 10000
    assert mnist.train_images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)


def test_the_published_sizes_agree_with_the_shapes():
    assert [file.raw_bytes for file in MNIST_FILES] == [
        16 + 60000 * 784, 8 + 60000, 16 + 10000 * 784, 8 + 10000,
    ]  # fmt: skip
