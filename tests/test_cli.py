"""The command line, as a real process: streams, exit codes, JSON, and errors in three parts."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from nnscratch.config import SETTINGS, as_dict
from nnscratch.model_file import BUNDLED_MODEL, load_model
from nnscratch.products import scale_pixels
from pages import SEVEN

FAST = ("--epochs", "2", "--validation", "200", "--batch-size", "10")


@pytest.fixture(scope="module")
def model(tmp_path_factory, own_data):
    path = tmp_path_factory.mktemp("model") / "model.npz"
    subprocess.run(
        [sys.executable, "-m", "nnscratch", "train", *FAST, "-o", path],
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)},
        check=True,
        capture_output=True,
    )
    return path


def refused(process, code=1):
    """Assert that a command failed as it should: nothing on stdout, no traceback; gives stderr."""
    assert process.returncode == code, process.stderr
    assert process.stdout == ""
    assert "Traceback" not in process.stderr
    if code == 1:
        assert process.stderr.count("Error: ") == 1
        assert " next: " in process.stderr
    return process.stderr


def test_train_writes_results_to_stdout_and_progress_to_stderr(run, own_data, tmp_path):
    done = run("train", *FAST, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert "Test accuracy" in done.stdout
    assert "1/2" in done.stderr
    assert "1/2" not in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_the_threads_that_blas_is_allowed_do_not_change_a_model(run, own_data, tmp_path):
    wide = (*FAST, "--hidden", "128", "--batch-size", "256")
    for threads in "12":
        done = run("train", *wide, "-o", threads, data_dir=own_data, OPENBLAS_NUM_THREADS=threads)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_the_next_command_can_be_pasted_whatever_the_model_is_called(run, own_data):
    done = run("train", *FAST, "-o", "my model.npz", data_dir=own_data)
    assert "-m nnscratch evaluate 'my model.npz'" in done.stderr


def test_train_json_is_one_object_a_line_and_nothing_else(run, own_data):
    done = run("train", *FAST, "--json", data_dir=own_data)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    keys = ["event", "epoch", "train_loss", "validation_loss", "validation_accuracy", "seconds"]
    assert [list(line) for line in lines[:-1]] == [keys, keys]
    assert [line["epoch"] for line in lines[:-1]] == [1, 2]
    assert list(lines[-1]) == [
        "event", "model", "dataset", "test_loss", "test_accuracy", "seconds", "settings",
        "previous", "notes",
    ]  # fmt: skip
    assert lines[-1]["dataset"] == "custom"


def test_evaluate_repeats_the_figures_of_training_exactly(run, own_data, tmp_path):
    trained = json.loads(run("train", *FAST, "--json", data_dir=own_data).stdout.splitlines()[-1])
    report = json.loads(run("evaluate", "model.npz", "--json", data_dir=own_data).stdout)
    assert report["accuracy"] == trained["test_accuracy"]
    assert report["loss"] == trained["test_loss"]
    assert load_model(tmp_path / "model.npz").test == {
        "loss": report["loss"], "accuracy": report["accuracy"],
    }  # fmt: skip
    confusion = np.array(report["confusion_matrix"])
    assert confusion.sum() == report["samples"] == 400
    assert confusion.trace() == round(report["accuracy"] * 400)
    assert [list(score) for score in report["per_class"]] == [
        ["digit", "precision", "recall", "f1", "support"]
    ] * 10


def test_the_same_command_gives_the_same_bytes(run, own_data, tmp_path):
    for name in ("a.npz", "b.npz"):
        run("train", *FAST, "--seed", 3, "-o", name, data_dir=own_data)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_evaluate_in_text_shows_every_digit_and_the_confusion_matrix(run, own_data, model):
    done = run("evaluate", model, data_dir=own_data)
    assert done.returncode == 0
    assert "Accuracy" in done.stdout
    assert "Confusion matrix: rows true, columns predicted" in done.stdout


def test_evaluate_can_measure_the_training_part(run, own_data, model):
    report = json.loads(
        run("evaluate", model, "--split", "train", "--json", data_dir=own_data).stdout
    )
    assert (report["split"], report["samples"]) == ("train", 1200)


def test_predict_gives_the_labels_of_the_network_in_both_polarities(
    run, model, own_dataset, tmp_path
):
    pictures, names = own_dataset.test_images[:20], []
    for number, picture in enumerate(pictures):
        for polarity, pixels in (("bright", picture), ("dark", 255 - picture)):
            names.append(tmp_path / f"{polarity}{number:02}.png")
            Image.fromarray(pixels).save(names[-1])
    done = run("predict", *names, "--model", model, "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    expected = load_model(model).network.predict(scale_pixels(pictures)).repeat(2)
    assert [answer["digit"] for answer in answers] == expected.tolist()
    assert [answer["image"] for answer in answers] == [str(name) for name in names]
    for answer in answers:
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert answer["probability"] == max(answer["probabilities"])


@pytest.fixture
def pictures(own_dataset, tmp_path):
    """A folder with two pictures, a bad one, and a text."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(own_dataset.test_images[number]).save(folder / f"good{number}.png")
    (folder / "bad.png").write_text("no picture", encoding="utf-8")
    (folder / "notes.txt").write_text("not even that", encoding="utf-8")
    return folder


def test_predict_tells_a_bad_picture_and_goes_on_with_the_others(run, model, pictures):
    names = [pictures / "bad.png", pictures / "good0.png"]
    done = run("predict", *names, "--model", model)
    assert done.returncode == 1
    assert "good0.png" in done.stdout
    assert "bad.png" in done.stderr
    lines = run("predict", *names, "--model", model, "--json").stdout.splitlines()
    assert list(json.loads(lines[0])) == ["image", "error"]
    assert "digit" in json.loads(lines[1])


def test_predict_takes_a_folder_and_leaves_out_what_is_no_picture(run, model, pictures):
    done = run("predict", pictures, "--model", model)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for number, line in enumerate(lines):
        assert str(pictures / f"good{number}.png") in line
    assert "notes.txt" not in done.stdout + done.stderr


def test_predict_refuses_a_folder_without_pictures(run, model, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no picture" in run("predict", "empty", "--model", model).stderr


def test_predict_reads_a_picture_from_stdin(run, model, pictures):
    data = (pictures / "good0.png").read_bytes()
    piped = json.loads(run("predict", "-", "--model", model, "--json", stdin=data).stdout)
    named = run("predict", pictures / "good0.png", "--model", model, "--json").stdout
    assert piped["image"] == "-"
    assert piped["probabilities"] == json.loads(named)["probabilities"]


def test_predict_shows_what_the_network_saw_and_saves_it(run, model, pictures, tmp_path):
    picture = pictures / "good0.png"
    done = run("predict", picture, "--model", model, "--save-prepared", "seen.png")
    assert done.returncode == 0, done.stderr
    assert "This is a" in done.stdout
    assert "█" in done.stdout
    assert "model: model.npz" in done.stdout
    seen = np.asarray(Image.open(tmp_path / "seen.png"))
    assert seen.shape == (28, 28)
    assert sum(line.count("█") for line in done.stdout.splitlines()) > 5


def test_predict_saves_only_one_picture(run, model, pictures):
    error = refused(run("predict", pictures, "--model", model, "--save-prepared", "x.png"), 2)
    assert "--save-prepared" in error


def test_predict_in_ascii_where_there_are_no_blocks(run, model, pictures):
    done = run("predict", pictures / "good0.png", "--model", model, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "@" in done.stdout


def test_predict_asks_the_model_on_board_unless_there_is_one_here(run, model, pictures, tmp_path):
    picture = pictures / "good0.png"
    assert "model: pretrained" in run("predict", picture).stdout
    (tmp_path / "model.npz").write_bytes(model.read_bytes())
    assert "model: model.npz" in run("predict", picture).stdout


def test_predict_finds_no_digit_on_a_blank_page(run, tmp_path):
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    assert "no digit found" in refused(run("predict", "blank.png"))


def test_names_are_printed_as_they_are(run, model, pictures, tmp_path):
    data = (pictures / "good0.png").read_bytes()
    names = ["[bold].png", "with a space.png", "ünïcödé.png", "-dash.png", ":smile:.png"]
    for name in names:
        (tmp_path / name).write_bytes(data)
    done = run("predict", "--model", model, "--", *names)
    assert done.returncode == 0, done.stderr
    for name in names:
        assert name in done.stdout


def test_a_missing_model_is_refused(run):
    error = refused(run("evaluate", "nope.npz"))
    assert "nope.npz" in error
    assert "nnscratch train" in error


@pytest.mark.slow
def test_the_model_on_board_is_meant_by_its_name_whatever_lies_about(
    run, pictures, own_data, tmp_path
):
    picture = pictures / "good0.png"
    expected = json.loads(run("predict", picture, "--model", BUNDLED_MODEL, "--json").stdout)
    for name in ("pretrained", "model.npz"):
        (tmp_path / name).mkdir()
    for options in ((), ("--model", "pretrained")):
        answer = json.loads(run("predict", picture, *options, "--json").stdout)
        assert answer["model"] == "pretrained"
        assert answer["probabilities"] == expected["probabilities"]
    (tmp_path / "pretrained").rmdir()
    (tmp_path / "pretrained").write_text("not a model", encoding="utf-8")
    done = run("evaluate", "pretrained", "--dataset", "auto", "--json", data_dir=own_data)
    assert json.loads(done.stdout)["settings"] == as_dict(load_model(BUNDLED_MODEL).config)
    assert run("gradcheck", "--model", "pretrained", data_dir=own_data).returncode == 0
    assert "not a model file" in refused(run("evaluate", "./pretrained", data_dir=own_data))


@pytest.mark.slow
def test_every_doubt_is_in_the_json(run, model, own_data, tmp_path):
    two = np.concatenate([SEVEN, SEVEN], axis=1)
    Image.fromarray(255 - two).save(tmp_path / "two.png")
    shown = run("predict", "two.png", "--model", model, "--single").stderr
    single = run("predict", "two.png", "--model", model, "--single", "--json")
    told = json.loads(single.stdout)["notes"]
    assert told
    assert [line for line in shown.splitlines() if line] == [f"Note: {note}" for note in told]
    for command in (("train", *FAST, "--lr", "50"), ("evaluate", model, "--dataset", "auto")):
        done = run(*command, "--json", data_dir=own_data)
        notes = json.loads(done.stdout.splitlines()[-1])["notes"]
        assert notes
        assert notes == [
            line.removeprefix("Note: ") for line in done.stderr.splitlines() if "Note: " in line
        ]


def test_saving_what_the_network_saw_goes_with_json(run, model, pictures, tmp_path):
    done = run(
        "predict", pictures / "good0.png", "--model", model, "--save-prepared", "x.png", "--json"
    )
    assert json.loads(done.stdout)["digit"] is not None
    assert np.asarray(Image.open(tmp_path / "x.png")).shape == (28, 28)


def test_the_settings_are_shown_by_train_and_evaluate(run, own_data):
    options = ("--momentum", "0.5", "--seed", "3")
    done = json.loads(
        run("train", *FAST, *options, "--json", data_dir=own_data).stdout.splitlines()[-1]
    )
    assert (done["settings"]["momentum"], done["settings"]["epochs"]) == (0.5, 2)
    told = run("evaluate", "model.npz", data_dir=own_data).stdout.splitlines()[1]
    for words in (
        "784-10-10",
        "--epochs 2",
        "--validation 200",
        *map(" ".join, [options[:2], options[2:]]),
    ):
        assert words in told


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "option", ["--hidden", "--epochs", "--batch-size", "--validation", "--seed"]
)
def test_a_number_beyond_all_bounds_is_a_usage_error(option, run, own_data):
    error = refused(run("train", option, "9" * 20, data_dir=own_data), 2)
    assert option in error
    assert "9" * 20 in error


@pytest.mark.sampled(1)
@pytest.mark.parametrize("value", ["1,0", "one", "1e999"])
def test_a_value_that_is_no_number_is_shown_as_it_was_typed(value, run, own_data):
    assert f"'{value}'" in refused(run("train", "--lr", value, data_dir=own_data), 2)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "name", ["learning-rate", "learning_rate", "hidden-size", "validation-size"]
)
def test_the_name_of_a_setting_leads_to_its_option(name, run):
    flag = SETTINGS[name.replace("-", "_")].flag
    assert f"(Possible options: {flag})" in refused(run("train", f"--{name}", "1"), 2)


def test_a_files_value_that_does_not_go_with_the_data_is_named_by_its_option(
    run, own_data, tmp_path
):
    (tmp_path / "c.toml").write_text("validation_size = 5000")
    error = refused(run("train", "--config", "c.toml", data_dir=own_data))
    assert "Error: --validation must be below the 1,200 training samples" in error
    assert "choose another value with --validation" in error


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", ["", "download", "train", "evaluate", "predict", "gradcheck"])
def test_help_reads_well_at_80_columns(command, run):
    text = run(*[command][: len(command)], "--help", COLUMNS=80, TERMINAL_WIDTH=80).stdout
    for clumsy in ("<bool>", "<str>", "list[", "<int", "[default: (", "<auto"):
        assert clumsy not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lr", "-1"),
        ("--lr", "nan"),
        ("--epochs", "0"),
        ("--momentum", "1"),
        ("--seed", "-1"),
        ("--schedule", "linear"),
        ("--no-such-option",),
    ],
)
@pytest.mark.sampled(1)
def test_a_bad_option_is_a_usage_error_that_names_it(run, own_data, arguments):
    error = refused(run("train", *arguments, data_dir=own_data), 2)
    assert arguments[0] in error
    assert "Value error" not in error  # the parser's own kind, which tells a user nothing


def test_a_batch_larger_than_the_set_is_a_usage_error(run, own_data):
    error = refused(run("train", *FAST, "--batch-size", "1001", data_dir=own_data), 2)
    assert "--batch-size" in error
    assert "1,000" in error


def test_a_bad_key_in_a_config_is_refused_by_name(run, own_data, tmp_path):
    (tmp_path / "bad.toml").write_text("lerning_rate = 1", encoding="utf-8")
    error = refused(run("train", "--config", "bad.toml", data_dir=own_data))
    assert "lerning_rate" in error
    assert "bad.toml" in error


def test_a_damaged_data_file_is_refused_by_name(run, tmp_path, own_data):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in own_data.iterdir():
        (folder / path.name).write_bytes(path.read_bytes()[:-1])
    assert "train-images-idx3-ubyte" in refused(run("train", data_dir=folder))


def test_a_place_that_cannot_be_written_is_refused_before_training(run, own_data):
    error = refused(run("train", "-o", "missing/m.npz", data_dir=own_data))
    assert "missing" in error
    assert "epoch" not in error


def test_flags_come_before_the_file_and_the_file_before_the_defaults(run, own_data, tmp_path):
    (tmp_path / "c.toml").write_text(
        "epochs = 1\nlearning_rate = 0.5\nvalidation_size = 200", encoding="utf-8"
    )
    done = run("train", "--config", "c.toml", "--lr", "0.25", data_dir=own_data)
    assert done.returncode == 0, done.stderr
    config = load_model(tmp_path / "model.npz").config
    assert (config.epochs, config.learning_rate, config.batch_size) == (1, 0.25, 32)


def test_an_unreachable_mirror_is_an_error_that_names_the_ways_out(run):
    error = refused(run("download", "--data-dir", "d", "--mirror", "http://127.0.0.1:9/"))
    assert "http://127.0.0.1:9/: it cannot be reached" in error
    assert "--data-dir" in error


def test_the_reader_of_a_pipe_may_leave_early(own_data, model):
    command = [sys.executable, "-m", "nnscratch", "evaluate", str(model)]
    environment = {**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_ctrl_c_ends_with_130_and_saves_no_model(own_data, tmp_path):
    environment = {**os.environ, "NNSCRATCH_DATA_DIR": str(own_data)}
    process = subprocess.Popen(
        [sys.executable, "-m", "nnscratch", "train", "--epochs", "100000", "--validation", "200"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while "1/100000" not in process.stderr.readline():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert not (tmp_path / "model.npz").exists()


def test_debug_asks_for_the_traceback(run):
    assert "Traceback" in run("evaluate", "nope.npz", NNSCRATCH_DEBUG="1").stderr


@pytest.mark.parametrize("command", [(), ("download",), ("train",), ("evaluate",), ("predict",)])
def test_every_command_has_help_with_an_example(run, command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert not command or "Examples" in done.stdout


def test_version(run):
    from nnscratch import __version__

    assert run("--version").stdout == f"nnscratch {__version__}\n"


def test_the_changelog_knows_the_version():
    from nnscratch import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_defaults_that_help_and_docs_tell_are_those_of_the_settings(run):
    import re

    from nnscratch.config import SETTINGS, TrainConfig, as_dict

    help_text = run("train", "--help", COLUMNS=200, TERMINAL_WIDTH=200).stdout
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    table = re.search(r"\| `train` \| default.*?\n\n", page, re.DOTALL)[0]
    for key, value in as_dict(TrainConfig()).items():
        flag = SETTINGS[key].flag
        told = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else f"{value}"
        told = told.removesuffix(".0")
        shown = f"no-{flag[2:]}" if value is False else told
        assert re.search(rf"{flag} .*\[default: {shown}\]", help_text), flag
        assert re.search(rf"\| `{flag}`[^|]*\| {told} \|", table), flag
