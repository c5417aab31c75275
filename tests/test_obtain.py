"""The wanted data set: a folder that the user named is never passed over, nor written into."""

import shutil

import pytest

from conftest import as_kaggle_has_them, listing
from loopback import folder_answer, serving
from nnscratch.data import obtain_dataset
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.errors import DataError, DownloadError

NAMES = [file.name for file in MNIST_FILES]
NOBODY = ["http://127.0.0.1:9/"]  # the port for discarding: nobody listens there
NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOBODY[0])


@pytest.fixture(params=["argument", "environment"])
def obtain(request, monkeypatch):
    """Call obtain_dataset with a folder that was named by argument, or by the environment."""

    def obtain(folder, wanted="auto", **more):
        if request.param == "argument":
            return obtain_dataset(folder, wanted, **more)
        monkeypatch.setenv("NNSCRATCH_DATA_DIR", str(folder))
        return obtain_dataset(None, wanted, **more)

    return obtain


@pytest.fixture
def default_folder(tmp_path, monkeypatch):
    """The default data folder, `data`, in an empty place; no other is named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNSCRATCH_DATA_DIR", raising=False)
    return tmp_path / "data"


# --------------------------------------------------------------------------- a folder that is named


@pytest.mark.parametrize("wanted", ["auto", "mnist"])
@pytest.mark.parametrize("holds", ["some of the files", "something else"])
def test_a_named_folder_without_the_files_is_an_error_and_no_mirror_is_asked(
    obtain, wanted, holds, own_data, tmp_path
):
    folder = tmp_path / "named"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    if holds == "some of the files":
        shutil.copy(own_data / NAMES[0], folder)
    before = listing(folder)
    with (
        serving(lambda handler: handler.send(b"", 404)) as mirror,
        pytest.raises(DataError, match=f"{NAMES[3]} are missing") as caught,
    ):
        obtain(folder, wanted, mirrors=[mirror.url])
    assert mirror.requests == []
    assert "which holds notes.txt" in caught.value.where
    assert listing(folder) == before


@pytest.mark.parametrize("wanted", ["auto", "mnist"])
def test_a_named_folder_that_does_not_exist_is_an_error_without_a_network(obtain, wanted, tmp_path):
    with pytest.raises(DownloadError, match="does not exist") as caught:
        obtain(tmp_path / "my" / "mnsit", wanted, mirrors=NOBODY)
    assert str(tmp_path / "my" / "mnsit") in caught.value.where
    assert NOBODY[0] in caught.value.where
    assert "spelling" in caught.value.next_step
    assert listing(tmp_path) == []


def test_a_named_folder_that_is_empty_is_an_error_without_a_network(obtain, tmp_path):
    with pytest.raises(DownloadError, match="is empty"):
        obtain(tmp_path, mirrors=NOBODY)
    assert listing(tmp_path) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("there", [True, False], ids=["empty", "absent"])
@pytest.mark.mnist
def test_with_a_network_mnist_is_downloaded_into_a_named_folder(
    obtain, there, packed_mnist, tmp_path
):
    folder = tmp_path / "named"
    if there:
        folder.mkdir()
    with serving(folder_answer(packed_mnist)) as mirror:
        assert obtain(folder, mirrors=[mirror.url]).name == "mnist"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


@pytest.mark.mnist
def test_a_named_folder_that_got_some_of_the_files_is_not_called_empty(
    obtain, packed_mnist, tmp_path
):
    good = folder_answer(packed_mnist)

    def answer(handler):
        good(handler) if "labels" not in handler.path else handler.send(b"", 404)

    with serving(answer) as mirror, pytest.raises(DownloadError, match="is incomplete"):
        obtain(tmp_path, mirrors=[mirror.url])
    assert missing_in(tmp_path) == NAMES[1:]


def test_a_model_of_an_own_set_is_told_which_folder_it_needs(obtain, tmp_path):
    with (
        serving(lambda handler: handler.send(b"", 404)) as mirror,
        pytest.raises(DataError, match="does not exist") as caught,
    ):
        obtain(tmp_path / "gone", "custom", mirrors=[mirror.url])
    assert mirror.requests == []
    assert "learned from" in caught.value.next_step


# ------------------------------------------------------------------------------ the default folder


def test_an_own_set_that_lacks_a_file_is_not_filled_up_with_mnists(default_folder, own_data):
    shutil.copytree(own_data, default_folder)
    (default_folder / NAMES[1]).unlink()
    with pytest.raises(DataError, match=f"{NAMES[1]} is missing"):
        obtain_dataset(mirrors=NOBODY)
    assert missing_in(default_folder) == [NAMES[1]]


@pytest.mark.mnist
@pytest.mark.slow
def test_falling_back_says_what_the_default_folder_lacks(default_folder, packed_mnist):
    default_folder.mkdir()
    for name in NAMES[:3]:
        shutil.copy(packed_mnist / f"{name}.gz", default_folder)
    notes = []
    dataset = obtain_dataset(mirrors=NOBODY, on_note=notes.append)
    assert dataset.name == "synthetic"
    assert len(notes) == 1
    assert f"data: lacks {NAMES[3]}\n" in notes[0]


@pytest.mark.parametrize("wanted", ["mnist", "mnist+synthetic"])
def test_what_asks_for_mnist_never_falls_back(default_folder, wanted):
    with pytest.raises(DownloadError, match="could not be fetched"):
        obtain_dataset(None, wanted, mirrors=NOBODY)
    assert not default_folder.exists()


@pytest.mark.parametrize("wanted", ["mnist", "mnist+synthetic"])
def test_files_that_are_not_mnists_are_not_taken_for_them(obtain, wanted, own_data):
    with pytest.raises(DataError, match="not MNIST's") as caught:
        obtain(own_data, wanted, mirrors=NOBODY)
    assert "--dataset auto" in caught.value.next_step


def missing_in(folder):
    return [name for name in NAMES if not (folder / name).exists()]


# --------------------------------------------------------------------------------- the command line


def test_a_misspelt_folder_is_refused_and_nothing_is_made(run, tmp_path):
    done = run("train", "--data-dir", "my/mnsit", **NO_NETWORK)
    assert done.returncode == 1
    assert "does not exist" in done.stderr
    assert " next: " in done.stderr
    assert listing(tmp_path) == []


def test_a_folder_that_lacks_a_file_is_refused_and_left_as_it_was(run, own_data, tmp_path):
    folder = shutil.copytree(own_data, tmp_path / "named")
    (folder / NAMES[2]).unlink()
    done = run("train", data_dir=folder, **NO_NETWORK)
    assert done.returncode == 1
    assert f"{NAMES[2]} is missing" in done.stderr
    assert "digits are used instead" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["named"]
    assert missing_in(folder) == [NAMES[2]]
    assert len(listing(folder)) == 3


def test_a_folder_from_kaggle_trains(run, own_data, tmp_path):
    folder = as_kaggle_has_them(own_data, tmp_path / "kaggle")
    done = run("train", "--epochs", 1, "--validation", 0, "--data-dir", folder, **NO_NETWORK)
    assert done.returncode == 0, done.stderr
    assert "custom test pictures" in done.stdout
    assert len(listing(folder)) == 4


def test_gradcheck_takes_random_samples_only_where_no_others_were_asked_for(run, tmp_path):
    assert "random samples" in run("gradcheck").stdout
    (tmp_path / "empty").mkdir()
    assert "random samples" in run("gradcheck", "--data-dir", "empty").stdout
    done = run("gradcheck", "--data-dir", "mnsit")
    assert done.returncode == 1
    assert "does not exist" in done.stderr
