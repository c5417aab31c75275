"""Downloading into a folder: what is there and verified stays, and a failure leaves nothing."""

import pytest

from conftest import as_kaggle_has_them, listing
from loopback import serving
from nnscratch.data import download
from nnscratch.errors import DataError, DownloadError

NOBODY = ["http://127.0.0.1:9/"]  # the port for discarding: nobody listens there


@pytest.mark.mnist
def test_download_finds_kaggles_files_there_and_fetches_nothing(mnist_dir, tmp_path):
    folder = as_kaggle_has_them(mnist_dir, tmp_path / "kaggle")
    with serving(lambda handler: handler.send(b"", 404)) as mirror:
        files = download(folder, mirrors=[mirror.url])
    assert mirror.requests == []
    assert [file.status for file in files] == ["verified"] * 4
    assert files[0].path == folder / "train-images.idx3-ubyte"
    assert len(listing(folder)) == 4


def test_a_download_that_fails_makes_no_folder_and_keeps_one_that_was_there(tmp_path):
    (tmp_path / "there").mkdir()
    with serving(lambda handler: handler.send(b"", 404)) as gone:
        for mirrors in (NOBODY, [gone.url]):
            for folder in (tmp_path / "there" / "new" / "deep", tmp_path / "there"):
                with pytest.raises(DownloadError):
                    download(folder, mirrors=mirrors)
            assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_download_takes_the_folder_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("NNSCRATCH_DATA_DIR", "file")
    with pytest.raises(DataError, match="cannot be made") as caught:
        download(mirrors=NOBODY)
    assert caught.value.where == "file"


def test_a_foreign_file_is_left_alone_and_the_command_to_replace_it_is_whole(own_data, tmp_path):
    folder = as_kaggle_has_them(own_data, tmp_path / "kaggle")
    with pytest.raises(DataError, match="left alone") as caught:
        download(folder, mirrors=NOBODY)
    assert f"nnscratch download --force --data-dir {folder}" in caught.value.next_step
