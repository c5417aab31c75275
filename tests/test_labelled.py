"""A folder of labelled pictures is a data set, prepared as `predict` prepares pictures."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import some_digits
from nnscratch import runs
from nnscratch.app.progress import data_bars
from nnscratch.config import TrainConfig
from nnscratch.data import divided, load_dataset, obtain_dataset
from nnscratch.data.labelled import list_pictures
from nnscratch.errors import ConfigError, DataError
from nnscratch.lab.grid import Grid
from nnscratch.lab.sweep import BEST, best_run, sweep
from nnscratch.model_file import load_model
from nnscratch.pictures.read import load_picture

COUNT = 60


def save_digit(path: Path, image: np.ndarray) -> None:
    """Save a digit as a scan would have it: dark on light, larger, and not in the middle."""
    page = np.full((120, 100), 230, np.uint8)
    large = np.asarray(Image.fromarray(255 - image).resize((84, 84)))
    page[20:104, 8:92] = np.minimum(large, 230)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).save(path)


def fill(folder: Path, count: int, seed: int = 5) -> Path:
    for number, (image, label) in enumerate(zip(*some_digits(count, seed), strict=True)):
        save_digit(folder / str(label) / f"{number:03}.png", image)
    return folder


def tabulate(folder: Path, count: int) -> Path:
    rows = ["file,writer,label"]
    for number, (image, label) in enumerate(zip(*some_digits(count, 5), strict=True)):
        save_digit(folder / "scans" / f"{number:03}.png", image)
        rows.append(f"scans/{number:03}.png,me,{label}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    return fill(tmp_path_factory.mktemp("mine"), COUNT)


@pytest.fixture(scope="module")
def in_two_parts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    fill(folder / "train", COUNT)
    fill(folder / "test", 12, seed=6)
    return folder


def test_every_picture_is_prepared_as_predict_prepares_it(mine):
    dataset = load_dataset(mine)
    assert (dataset.name, dataset.undivided) == ("pictures", True)
    files = sorted(mine.rglob("*.png"))
    assert len(dataset.train_images) == len(files) == COUNT
    for image, label, file in zip(dataset.train_images, dataset.train_labels, files, strict=True):
        assert (image == load_picture(file).image).all()
        assert label == int(file.parent.name)
    assert (dataset.test_images == dataset.train_images).all()


def test_a_table_says_what_folders_say(tmp_path):
    by_table = load_dataset(tabulate(tmp_path / "table", 20))
    by_folder = load_dataset(fill(tmp_path / "folders", 20))
    assert sorted(by_table.train_labels) == sorted(by_folder.train_labels)
    pictures = {image.tobytes() for image in by_folder.train_images}
    assert pictures == {image.tobytes() for image in by_table.train_images}


def test_a_spreadsheet_may_write_semicolons_capitals_and_a_mark_at_the_start(tmp_path):
    table = tabulate(tmp_path, 3) / "labels.csv"
    labels = list_pictures(tmp_path)
    text = table.read_text().replace(",", ";").replace("file;writer;label", "File;Writer;LABEL")
    table.write_text(text, encoding="utf-8-sig")
    assert list_pictures(tmp_path) == labels


def test_a_table_in_another_encoding_is_told_which_one_to_use(tmp_path):
    table = tabulate(tmp_path, 3) / "labels.csv"
    text = table.read_text().replace("me", "Müller")
    for encoding in ("utf-16", "utf-16-le", "latin-1"):
        table.write_text(text, encoding=encoding)
        with pytest.raises(DataError, match="it is not UTF-8") as caught:
            list_pictures(tmp_path)
        assert caught.value.next_step == "save it as CSV in UTF-8"


def test_train_and_test_folders_are_the_two_parts(in_two_parts):
    dataset = load_dataset(in_two_parts)
    assert not dataset.undivided
    assert (len(dataset.train_images), len(dataset.test_images)) == (COUNT, 12)
    assert divided(dataset, seed=3) is dataset


def test_a_set_is_divided_by_the_seed_and_a_tenth_is_for_the_test(mine):
    whole = load_dataset(mine)
    parts = divided(whole, seed=0)
    assert (len(parts.train_images), len(parts.test_images)) == (54, 6)
    both = [image.tobytes() for image in (*parts.train_images, *parts.test_images)]
    assert sorted(both) == sorted(image.tobytes() for image in whole.train_images)
    assert divided(whole, seed=0).sha256 == parts.sha256
    assert divided(whole, seed=1).sha256 != parts.sha256


def test_what_is_left_out_is_counted_and_named(tmp_path):
    fill(tmp_path, 10)
    (tmp_path / "3").mkdir(exist_ok=True)
    (tmp_path / "3" / "notes.txt").write_text("not a picture")
    Image.new("L", (50, 50), 255).save(tmp_path / "3" / "blank.png")
    (tmp_path / "3" / "more").mkdir()
    (tmp_path / "3" / ".DS_Store").write_text("never listed")
    notes: list[str] = []
    dataset = obtain_dataset(tmp_path, on_note=notes.append)
    assert len(dataset.train_images) == 10
    first, *named = notes[0].splitlines()
    assert first == "3 of 13 pictures were left out:"
    assert [line.partition(":")[0] for line in named] == ["3/blank.png", "3/more", "3/notes.txt"]
    with pytest.warns(UserWarning, match="3 of 13 pictures were left out"):
        load_dataset(tmp_path)


def test_a_folder_without_one_digit_is_an_error(tmp_path):
    (tmp_path / "7").mkdir()
    with pytest.raises(DataError, match="there are no pictures"):
        load_dataset(tmp_path)
    (tmp_path / "7" / "a.png").write_text("no picture")
    with pytest.raises(DataError, match="the only picture cannot be used: the picture") as caught:
        load_dataset(tmp_path)
    assert caught.value.where == str(tmp_path / "7" / "a.png")
    assert caught.value.next_step.endswith(f"nnscratch predict {tmp_path / '7' / 'a.png'}")
    Image.new("L", (50, 50), 255).save(tmp_path / "7" / "blank.png")
    with pytest.raises(DataError, match="none of the 2 pictures can be used; of the first: the"):
        load_dataset(tmp_path)


def test_folders_that_are_no_labels_are_named(tmp_path):
    fill(tmp_path / "train", 6)
    for name in ("12", "three", ".git"):
        (tmp_path / "train" / name).mkdir()
    (tmp_path / "train" / "notes.txt").write_text("a file is nobody's folder")
    notes: list[str] = []
    obtain_dataset(tmp_path / "train", on_note=notes.append)
    assert notes == ["12/ and three/ are passed over: their names are no labels"]
    tabulate(tmp_path / "test", 3)
    (tmp_path / "more").mkdir()
    obtain_dataset(tmp_path, on_note=notes.append)
    assert (
        notes[1] == "more/, train/12/ and train/three/ are passed over: their names are no labels"
    )


def test_one_picture_alone_is_refused_by_its_folder(run, tmp_path):
    fill(tmp_path / "one", 1)
    for words in (("train", "--data-dir"), ("sweep", "--data-dir"), ("pack",)):
        done = run(*words, "one")
        assert done.returncode == 1
        assert "one picture alone" in done.stderr
        assert "where: one\n" in done.stderr
        assert "next: add more pictures\n" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("table", "line", "what"),
    [
        ("name,label\na.png,3", 1, "should name the columns"),
        ("a.png,3", 1, "should name the columns"),
        ("", 1, "should name the columns"),
        ("file,label,label\na.png,3,4", 1, "2 columns are called `label`"),
        ("file,label,File\na.png,3,b.png", 1, "2 columns are called `file`"),
        ("file\tlabel\na.png\t3", 1, "separated by tabs, and should be by commas or semicolons"),
        ("file,label\n\na.png,3\na.png,10", 4, "the label should be 0 to 9, and is '10'"),
        ("file,label\na.png,3,x", 2, "there should be 2 columns, and there are 3"),
        ("file,label\na.png", 2, "there should be 2 columns, and there is 1"),
        ("file,label\nb.png,3", 2, "there is no file b.png"),
        (f"file,label\n{'b' * 300}.png,3", 2, "there is no file b"),
        ("file,label\n../a.png,3", 2, r"\.\./a.png leads out of this folder"),
        ("file,label\n/a.png,3", 2, "/a.png is an absolute path"),
        ("file,label\n,3", 2, "it names no file"),
        ("file,label\na.png,3\na.png,4", 3, "a.png is already on line 2"),
        ("file,label\na.png,3\n./a.png,3", 3, r"\./a.png is already on line 2"),
        ('file,label\na.png,3\n"a.png,3\nb.png,4', 3, "quotation mark .* is opened and never"),
        ('file,label\n"a".png,3', 2, "after a closing quotation mark"),
        (b"file,label\na.png,3\n\xff.png,4", 3, "it is not UTF-8"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(tmp_path, table, line, what):
    save_digit(tmp_path / "a.png", some_digits(1, 5)[0][0])
    (tmp_path / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(DataError, match=what) as caught:
        load_dataset(tmp_path)
    assert caught.value.where == f"{tmp_path / 'labels.csv'}, line {line}"


def test_a_folder_that_is_labelled_in_two_ways_or_by_half_is_refused(tmp_path):
    fill(tmp_path / "train", 3)
    with pytest.raises(DataError, match="it has labelled pictures in train/, and none in test/"):
        load_dataset(tmp_path)
    (tmp_path / "4").mkdir()
    with pytest.raises(DataError, match=r"labelled in two ways: by 4/ and by train/"):
        load_dataset(tmp_path)
    (tmp_path / "train" / "labels.csv").write_text("file,label")
    with pytest.raises(DataError, match=r"labelled in two ways: by labels.csv and by"):
        load_dataset(tmp_path / "train")


@pytest.mark.slow
def test_evaluate_measures_what_predict_says_whatever_the_model_learned_from(mine, run):
    done = run("evaluate", "pretrained", "--data-dir", mine, "--json")
    told = json.loads(done.stdout)
    assert (told["dataset"], told["split"], told["samples"]) == ("pictures", "all", COUNT)
    model = load_model("pretrained")
    right = 0
    for file in mine.rglob("*.png"):
        image = load_picture(file).image[np.newaxis]
        right += model.predict(image)[0] == int(file.parent.name)
    assert told["accuracy"] == right / COUNT
    assert "on 60 pictures of your own" in run("evaluate", "pretrained", data_dir=mine).stdout


def test_train_divides_the_pictures_and_says_so(mine, run, tmp_path):
    done = run("train", "--data-dir", mine, "--epochs", 3)
    assert done.returncode == 0
    assert "6 of 60 pictures are kept for the test" in done.stderr
    assert "5 of 54 training pictures are held out: a tenth, not 5,000" in done.stderr
    assert "of 6 test pictures of your own" in done.stdout
    model = load_model(tmp_path / "model.npz")
    assert (model.dataset, model.config.validation_size) == ("pictures", 5)
    assert model.sha256 == divided(load_dataset(mine), 0).sha256
    again = run("evaluate", "model.npz", "--data-dir", mine)
    assert "learned from 54 of these 60 pictures" in again.stderr


@pytest.mark.slow
def test_of_a_few_pictures_it_speaks_in_the_singular_and_warns_of_no_loss(run, tmp_path):
    fill(tmp_path / "few", 3)
    done = run("train", "--data-dir", "few", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["test_loss"] > np.log(10)
    assert "no better than chance" not in done.stderr
    done = run("train", "--data-dir", "few", "--batch-size", 1)
    assert "1 of 3 pictures is kept for the test" in done.stderr
    assert "no training picture is held out: a tenth of 2 is less than one" in done.stderr
    assert "of 1 test picture of your own" in done.stdout
    fill(tmp_path / "two", 2)
    done = run("train", "--data-dir", "two", "--epochs", 1)
    assert "a step takes the one picture that is left" in done.stderr
    done = run("pack", "two")
    assert "1 picture to learn from, 1 to be tested on" in done.stdout
    fill(tmp_path / "one", 1)
    assert "on 1 picture of your own" in run("evaluate", "model.npz", "--data-dir", "one").stdout


@pytest.mark.slow
def test_another_data_set_by_name_contradicts_the_folder(mine, run):
    for name in ("mnist", "synthetic", "mnist+synthetic"):
        done = run("train", "--data-dir", mine, "--dataset", name)
        assert done.returncode == 1
        assert "this folder holds labelled pictures" in done.stderr


@pytest.mark.slow
def test_a_model_of_pictures_asks_for_their_folder(mine, own_data, run):
    run("train", "--data-dir", mine, "--epochs", 1)
    done = run("evaluate", "model.npz", data_dir=own_data)
    assert done.returncode == 1
    assert "the model learned from labelled pictures, and this folder holds none" in done.stderr
    named = run("evaluate", "model.npz", "--data-dir", own_data)
    assert "on 400 custom test pictures" in named.stdout


def test_each_run_of_a_sweep_divides_the_pictures_as_train_does_by_its_seed(mine, tmp_path):
    grid = Grid(TrainConfig(epochs=1), {"learning_rate": (0.1, 0.3)}, seeds=(0, 1))
    dataset, finishing = load_dataset(mine), []
    for _ in range(2):
        with ThreadPoolExecutor(1) as executor:
            results = sweep(
                grid, dataset, tmp_path, executor=executor, on_finishing=finishing.append
            )
    assert len(finishing) == 1, "the best is not made twice"
    best = best_run(results)
    assert best is not None
    runs.train(runs.start(best.config), dataset, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / BEST).read_bytes()
    few = replace(dataset, train_images=dataset.train_images[:9])
    with pytest.raises(ConfigError, match="too few for a sweep"):
        sweep(grid, few)


def test_a_bar_is_shown_once_reading_takes_more_than_a_second():
    with data_bars() as bars:
        bars.on_read(1, 9)
        assert bars.progress is None
        assert bars.reading_since is not None
        bars.reading_since -= 2
        bars.on_read(2, 9)
        assert bars.progress is not None
        assert [(task.completed, task.total) for task in bars.progress.tasks] == [(2, 9)]


def test_gradients_are_checked_on_labelled_pictures_too(mine, run):
    done = run("gradcheck", data_dir=mine)
    assert done.returncode == 0
    assert "32 pictures" in done.stdout.splitlines()[0]


@pytest.mark.slow
def test_models_are_compared_on_the_folder_that_is_named(mine, run):
    run("train", "--data-dir", mine, "--epochs", 1, "-o", "m.npz")
    done = run("compare", "m.npz", "pretrained", "--data-dir", mine)
    assert "On 60 pictures of your own" in done.stdout
    assert "m.npz learned from 54 of these 60 pictures" in done.stderr
