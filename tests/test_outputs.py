"""Nothing is lost: what is not ours is never replaced, and an earlier model is kept."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from conftest import listing
from nnscratch.app.plots import check_plot, save_curves
from nnscratch.config import TrainConfig
from nnscratch.core import Network
from nnscratch.errors import OutputError, PictureError
from nnscratch.model import Model
from nnscratch.model_file import load_model, save_model
from nnscratch.pictures.decode import check_picture_output, save_picture
from nnscratch.run_files import check_history, check_outputs
from pages import SEVEN

FAST = ("--epochs", "2", "--validation", "200", "--batch-size", "10")
PREPARED = np.zeros((28, 28), np.uint8)
NOT_OURS = "a file that nnscratch did not make"


def some_model(seed=0, **options) -> Model:
    network = Network(10, rng=np.random.default_rng(seed))
    return Model(network, TrainConfig(seed=seed), "mnist", {}, [], **options)


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(SEVEN).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def refused(done, words):
    assert done.returncode == 1, done.stderr
    assert words in done.stderr
    assert "1/2" not in done.stderr, "it was refused only after training"
    assert done.stdout == ""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["photo.png", "notes.ipynb", "notes.txt"])
def test_a_model_never_replaces_what_is_no_model(name, run, own_data, photo, tmp_path):
    path = tmp_path / name
    if path != photo:
        path.write_text('{"cells": []}', encoding="utf-8")
    before = path.read_bytes()
    refused(run("train", *FAST, "-o", name, data_dir=own_data), NOT_OURS)
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match=NOT_OURS):
        save_model(path, some_model())


@pytest.mark.sampled(1)
@pytest.mark.parametrize("beside", ["m.previous.npz", "m.interrupted.npz"])
def test_nor_does_a_file_that_is_kept_beside_it(beside, run, own_data, tmp_path):
    (tmp_path / beside).write_text("mine", encoding="utf-8")
    refused(run("train", *FAST, "-o", "m.npz", data_dir=own_data), beside)
    assert (tmp_path / beside).read_text(encoding="utf-8") == "mine"


def test_saving_never_moves_a_model_onto_what_is_no_model(tmp_path):
    save_model(tmp_path / "m.npz", some_model(1))
    (tmp_path / "m.previous.npz").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=NOT_OURS):
        save_model(tmp_path / "m.npz", some_model(2))
    assert load_model(tmp_path / "m.npz").config.seed == 1
    assert (tmp_path / "m.previous.npz").read_text(encoding="utf-8") == "mine"


def test_an_earlier_model_is_kept_and_the_line_that_says_saved_says_so(run, own_data, tmp_path):
    run("train", *FAST, data_dir=own_data)
    first = (tmp_path / "model.npz").read_bytes()
    done = run("train", *FAST, "--seed", 1, data_dir=own_data)
    saved = next(line for line in done.stdout.splitlines() if line.startswith("Saved"))
    assert saved.endswith("; the earlier model is now model.previous.npz")
    assert (tmp_path / "model.previous.npz").read_bytes() == first
    second = (tmp_path / "model.npz").read_bytes()
    done = run("train", *FAST, "--seed", 2, "--json", data_dir=own_data)
    assert json.loads(done.stdout.splitlines()[-1])["previous"] == "model.previous.npz"
    assert (tmp_path / "model.previous.npz").read_bytes() == second


@pytest.mark.sampled(1)
@pytest.mark.parametrize("option", ["--history", "--plot"])
@pytest.mark.parametrize("spelling", ["model.npz", "./sub/../model.npz", "link.png"])
def test_two_outputs_are_never_the_same_file(option, spelling, run, own_data, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.png").symlink_to("model.npz")
    save_model(tmp_path / "model.npz", some_model())
    before = (tmp_path / "model.npz").read_bytes()
    refused(run("train", *FAST, option, spelling, data_dir=own_data), "name the same file")
    assert (tmp_path / "model.npz").read_bytes() == before


@pytest.mark.parametrize("kept", ["m.previous.npz", "m.interrupted.npz"])
def test_no_other_output_takes_the_place_of_a_model_that_is_kept(kept, tmp_path):
    with pytest.raises(OutputError, match="name the same file"):
        check_outputs(
            tmp_path / "m.npz", TrainConfig(), others={"--history": tmp_path / "sub" / ".." / kept}
        )


def test_plot_and_history_are_not_the_same_file(run, own_data, tmp_path):
    done = run("train", *FAST, "--plot", "c.png", "--history", "c.png", data_dir=own_data)
    refused(done, "--plot and --history name the same file")
    assert listing(tmp_path) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("option", "what"), [("--plot", "the plot"), ("--history", "the history"), ("-o", "the model")]
)
def test_a_folder_is_refused_in_the_right_words_before_training(
    option, what, run, own_data, tmp_path
):
    (tmp_path / "folder.png").mkdir()
    done = run("train", *FAST, option, "folder.png", data_dir=own_data)
    refused(done, f"{what} cannot be saved: that is a folder")


def test_a_folder_without_a_name_is_refused_as_any_other(run, own_data, tmp_path):
    refused(
        run("train", *FAST, "-o", ".", data_dir=own_data), "the model cannot be saved: that is a"
    )
    with pytest.raises(OutputError, match="that is a folder"):
        save_model(".", load_model("pretrained"))
    assert listing(tmp_path) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("option", ["--plot", "--history"])
def test_plot_and_history_never_replace_what_is_not_ours(option, run, own_data, photo):
    before = photo.read_bytes()
    refused(run("train", *FAST, option, "photo.png", data_dir=own_data), NOT_OURS)
    assert photo.read_bytes() == before


@pytest.mark.slow
def test_the_same_command_may_be_run_twice(run, own_data):
    command = ("train", *FAST, "--plot", "c.svg", "--history", "h.csv")
    for _ in range(2):
        done = run(*command, data_dir=own_data)
        assert done.returncode == 0, done.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_plot_that_speaks_of_nnscratch_is_not_ours_for_that(suffix, tmp_path):
    path = tmp_path / f"c{suffix}"
    epoch = {"epoch": 1, "train_loss": 1.0, "validation_loss": None, "validation_accuracy": None}
    save_curves(path, "title", [epoch])
    check_plot(path)
    path.write_text("<svg>how nnscratch works, drawn by me</svg>", encoding="utf-8")
    with pytest.raises(OutputError, match=NOT_OURS):
        check_plot(path)


def test_a_table_of_epochs_with_other_columns_is_not_ours(tmp_path):
    (tmp_path / "h.csv").write_text("epoch,loss\n1,0.5\n", encoding="utf-8")
    with pytest.raises(OutputError, match=NOT_OURS):
        check_history(tmp_path / "h.csv")


# ----------------------------------------------------------------------------------- save-prepared


@pytest.mark.sampled(1)
@pytest.mark.parametrize("spelling", ["photo.png", "./sub/../photo.png", "link.png"])
def test_the_picture_that_is_read_is_never_replaced(spelling, run, photo, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.png").symlink_to("photo.png")
    before = photo.read_bytes()
    refused(run("predict", "photo.png", "--save-prepared", spelling), "name the same file")
    assert photo.read_bytes() == before


def test_not_even_if_it_is_ours(run, tmp_path):
    save_picture(SEVEN, tmp_path / "ours.png")
    refused(run("predict", "ours.png", "--save-prepared", "ours.png"), "name the same file")


def test_no_picture_of_the_user_is_replaced_by_a_prepared_one(run, photo, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())
    refused(run("predict", "photo.png", "--save-prepared", "other.png"), NOT_OURS)
    assert other.read_bytes() == photo.read_bytes()


@pytest.mark.usefixtures("photo")
def test_our_own_prepared_picture_is_replaced_when_the_command_is_run_again(run, tmp_path):
    for _ in range(2):
        done = run("predict", "photo.png", "--save-prepared", "seen.png", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["digit"] is not None
        assert np.asarray(Image.open(tmp_path / "seen.png")).shape == (28, 28)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff", ".webp", ".gif", ".bmp"])
def test_a_picture_of_ours_is_known_by_its_signature(suffix, tmp_path):
    path = tmp_path / f"p{suffix}"
    save_picture(PREPARED, path)
    if suffix in (".gif", ".bmp"):  # they have no room for one
        with pytest.raises(OutputError, match=NOT_OURS):
            check_picture_output(path)
    else:
        check_picture_output(path)
    Image.fromarray(SEVEN).save(path)
    with pytest.raises(OutputError, match=NOT_OURS):
        check_picture_output(path)


def test_a_picture_without_a_known_suffix_is_refused_before_the_answer(run, photo):
    refused(run("predict", "photo.png", "--save-prepared", "seen.npz"), "not saved as .npz")
    with pytest.raises(PictureError, match="without a suffix"):
        check_picture_output(photo.with_name("seen"))


# ------------------------------------------------------------------------------------------ resume


@pytest.fixture
def interrupted(own_data, tmp_path):
    """A run called `wide`, interrupted after one of two epochs, beside a model.npz."""
    from nnscratch import load_dataset
    from nnscratch.errors import Terminated
    from nnscratch.runs import start, train

    save_model(tmp_path / "model.npz", some_model())

    def stop(_):
        raise Terminated

    def interrupt(seed):
        config = TrainConfig(epochs=2, validation_size=200, seed=seed)
        kept = []
        with pytest.raises(Terminated):
            train(
                start(config), load_dataset(own_data), tmp_path / "wide.npz",
                on_epoch=stop, on_kept=kept.append,
            )  # fmt: skip
        return kept[0]

    return interrupt


def test_a_resumed_run_becomes_the_model_it_was_to_be(interrupted, run, own_data, tmp_path):
    interrupted(seed=0)
    before = (tmp_path / "model.npz").read_bytes()
    done = run("train", "--resume", "wide.interrupted.npz", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert load_model(tmp_path / "wide.npz").test is not None
    assert re.search(r"its last \d+ epochs trained in \d", done.stdout)
    assert (tmp_path / "model.npz").read_bytes() == before


def test_a_second_interrupted_run_keeps_the_first(interrupted, tmp_path):
    assert interrupted(seed=1).previous is None
    assert interrupted(seed=2).previous == tmp_path / "wide.interrupted.previous.npz"
    assert load_model(tmp_path / "wide.interrupted.previous.npz").config.seed == 1
    assert load_model(tmp_path / "wide.interrupted.npz").config.seed == 2
