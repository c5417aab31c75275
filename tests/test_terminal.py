"""The screen, on a real terminal: one bar at a time, words kept whole, pictures without colours."""

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from PIL import Image

from conftest import ROOT
from nnscratch.app import calling
from nnscratch.app.drawings import PICTURE_WIDTH
from pages import SEVEN

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # what a live display writes first and last
FAST = ("--epochs", "2", "--validation", "200")


@pytest.fixture
def screen(tmp_path):
    """Run a command at a terminal of some width; gives all that it wrote there."""

    def screen(*arguments, width=80, code=0, **environment):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        unwanted = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "NNSCRATCH_DATA_DIR")
        env = {key: value for key, value in os.environ.items() if key not in unwanted}
        env |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
        env |= {key: str(value) for key, value in environment.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "nnscratch", *map(str, arguments)],
            cwd=tmp_path, env=env, stdin=follower, stdout=follower, stderr=follower,
        )  # fmt: skip
        os.close(follower)
        pieces = []
        while True:
            try:
                pieces.append(os.read(leader, 1 << 16))
            except OSError:  # Linux's end of file
                break
            if not pieces[-1]:
                break
        os.close(leader)
        seen = b"".join(pieces).decode(errors="replace").replace("\r\n", "\n")
        assert process.wait(120) == code, seen
        assert "Traceback" not in seen
        return seen

    return screen


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(SEVEN).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


@pytest.mark.slow
def test_drawing_digits_and_training_show_one_bar_after_the_other(screen, tmp_path):
    data = tmp_path / "data"
    seen = screen("train", "--dataset", "synthetic", "--epochs", 1, NNSCRATCH_DATA_DIR=data)
    lives = re.findall(f"{re.escape(HIDE)}|{re.escape(SHOW)}", seen)
    assert lives == [HIDE, SHOW] * 2
    assert seen.index("drawing digits") < seen.index(SHOW) < seen.index("epoch 1/1")


STYLE = re.compile("\x1b\\[[0-9;]*m")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [20, 40, 80])
def test_without_colours_a_picture_can_be_made_out(width, screen, photo):
    plain = screen("predict", photo.name, width=width, NO_COLOR=1)
    assert "\x1b[3" not in plain
    assert "…" not in plain
    drawn = [line[:PICTURE_WIDTH] for line in STYLE.sub("", plain).splitlines()]
    letters = "".join(line for line in drawn if set(line) <= set("▀▄█ "))
    assert {"█", " "} <= set(letters), "uniform blocks show nothing"


@pytest.mark.slow
def test_without_colours_a_picture_is_drawn_as_for_a_dumb_terminal(screen, photo):
    plain = screen("predict", photo.name, NO_COLOR=1)
    assert STYLE.sub("", plain) == screen("predict", photo.name, TERM="dumb")


def fits(text: str, width: int) -> bool:
    """Tell whether the screen need not break a line, but where it holds one long word alone."""
    return all(len(line) <= width or " " not in line.strip() for line in text.splitlines())


def test_an_error_is_wrapped_between_words_at_a_terminal(screen):
    name = "a/very/long/name/of/a/model/that/needs/more/than/forty/columns.npz"
    seen = STYLE.sub("", screen("evaluate", name, width=40, code=1))
    words = {"there", "is", "no", "such", "model", "where:", "next:", "train", "with:"}
    assert words <= set(seen.split())
    assert fits(seen, 40)
    assert sum(name in line for line in seen.splitlines()) == 2, "a path is never broken"


def test_results_are_wrapped_between_words_at_a_terminal(screen, own_data):
    seen = screen("train", *FAST, width=40, NNSCRATCH_DATA_DIR=own_data)
    seen = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", seen)
    assert {"parameters,", "Saved", "model.npz:", "pictures),"} <= set(seen.split())
    told = seen.partition("Test accuracy")[2].partition("Next: ")[0]  # a command stays whole
    assert fits(told, 40)


def test_a_table_is_shown_whole_on_a_narrow_screen(screen, own_data):
    seen = screen("gradcheck", width=40, NNSCRATCH_DATA_DIR=own_data, NO_COLOR=1)
    assert "…" not in seen
    for word in ("absolute error", "directions", "agrees"):
        assert word in seen


@pytest.mark.sampled(1)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_nothing_is_wrapped_in_a_pipe(stream, run, tmp_path):
    long = "-".join(["word"] * 40)
    folder = tmp_path / f"{long} with spaces"
    folder.mkdir()
    if stream == "stderr":
        done = run("evaluate", folder / "nope.npz", COLUMNS=40)
        assert f"where: {folder / 'nope.npz'}" in done.stderr.splitlines()
        assert any(str(folder) in line and "train one with" in line
                   for line in done.stderr.splitlines())  # fmt: skip
    else:
        Image.fromarray(SEVEN).save(folder / "seven.png")
        done = run("predict", folder, COLUMNS=40)
        assert done.stdout.splitlines()[0].endswith(str(folder / "seven.png"))


# ---------------------------------------------------------------------------- advised commands work


def advised(text, label):
    return next(
        line.partition(label)[2].strip() for line in text.splitlines() if line.startswith(label)
    )


def called(command, tmp_path, own_data, **environment):
    """Run a line as a user types it, in a shell; gives the finished process."""
    env = {**os.environ, "NNSCRATCH_DATA_DIR": str(own_data), **environment}
    return subprocess.run(
        command, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def installed(tmp_path):
    """A folder `.venv/bin` with a program `nnscratch` and this Python, as pip makes them."""
    place = tmp_path / ".venv" / "bin"
    place.mkdir(parents=True)
    program = place / "nnscratch"
    program.write_text(
        f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from nnscratch.app.cli import main\nmain()\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


NOWHERE = "/usr/bin:/bin"


@pytest.mark.parametrize("how", ["by its path", "by its name", "as a module"])
@pytest.mark.parametrize("model", ["my model.npz", "pretrained", "-dash.npz"])
@pytest.mark.sampled(1)
def test_the_next_command_works_where_it_was_called(how, model, installed, tmp_path, own_data):
    name, path = {
        "by its path": (".venv/bin/nnscratch", NOWHERE),
        "by its name": ("nnscratch", f"{installed.parent}:{NOWHERE}"),
        "as a module": (f"{shlex.quote(sys.executable)} -m nnscratch", NOWHERE),
    }[how]
    environment = {"PATH": path}
    if how == "as a module":
        environment["PYTHONPATH"] = str(ROOT)
    words = shlex.join(["train", *FAST, "--seed", "5", "-o", model])
    done = called(f"{name} {words}", tmp_path, own_data, **environment)
    assert done.returncode == 0, done.stderr
    following = advised(done.stderr, "Next: ")
    assert following.startswith(f"{name} evaluate ")
    again = called(following, tmp_path, own_data, **environment)
    assert again.returncode == 0, again.stderr
    assert "--seed 5" in again.stdout, "another model was evaluated"


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_a_command_advised_in_an_error_works_too(tmp_path, own_data):
    environment = {"PATH": NOWHERE}
    done = called(".venv/bin/nnscratch evaluate 'no model.npz'", tmp_path, own_data, **environment)
    following = advised(done.stderr, " next: train one with: ")
    assert following == ".venv/bin/nnscratch train --output 'no model.npz'"
    done = called(f"{following} {shlex.join(FAST)}", tmp_path, own_data, **environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("installed")
def test_a_usage_error_names_a_help_that_works(tmp_path, own_data):
    done = called(".venv/bin/nnscratch train --nonsense", tmp_path, own_data, PATH=NOWHERE)
    assert done.returncode == 2
    following = re.search(r"Try '(.*) -h'", done.stderr)[1]
    assert following == ".venv/bin/nnscratch train"
    assert called(f"{following} -h", tmp_path, own_data, PATH=NOWHERE).returncode == 0


def test_python_is_called_by_its_name_only_if_that_is_this_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(here))
    assert shlex.split(calling.python())[0] in os.listdir(here)
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert calling.python() == shlex.quote(sys.executable)


@pytest.mark.slow
def test_the_command_that_installs_an_extra_uses_this_python(tmp_path, own_data):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    python = shlex.quote(sys.executable)
    done = called(
        f"{python} -m nnscratch train --plot c.png", tmp_path, own_data,
        PATH=NOWHERE, PYTHONPATH=f"{tmp_path}:{ROOT}",
    )  # fmt: skip
    assert done.returncode == 1
    words = done.stderr.partition("install it with: ")[2].strip()
    assert words == f"{python} -m pip install 'nnscratch[plot]'"
    assert called(words.replace(" install ", " help install #"), tmp_path, own_data).returncode == 0


def test_a_thing_called_as_a_command_of_ours_is_left_alone():
    assert calling.as_called("where: my nnscratch notes") == "where: my nnscratch notes"


def test_a_sweep_shows_one_bar_with_the_best_so_far_and_then_the_table(screen, own_data):
    seen = screen("sweep", "--lr", "0.01,0.1", *FAST, width=50, NNSCRATCH_DATA_DIR=own_data)
    bar, _, results = seen.rpartition(SHOW)
    assert bar.count(HIDE) == 1
    assert "run 2/2" in bar
    assert "best so far" in bar
    results = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", results)
    assert "run 2/2" not in results
    assert fits(results.partition("To train it again: ")[0], 50)
