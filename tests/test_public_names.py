"""The public names, as an editor and a type checker see them: classes, not `Any`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nnscratch
from conftest import ROOT

GOOD = """# pyright: strict
from pathlib import Path

import numpy as np
from PIL import Image

import nnscratch
from nnscratch.data.synthetic import draw_digits

config = nnscratch.TrainConfig(learning_rate=0.1, epochs=3)
state = nnscratch.TrainingState.start(config)
dataset = nnscratch.load_dataset("data")
for result in nnscratch.fit(state, dataset.train_images, dataset.train_labels, config):
    print(result.epoch + 1, result.train_loss * 2)
report = nnscratch.evaluate(state.network, dataset.test_images, dataset.test_labels)
print(report.accuracy + 1, report.per_class[0].f1)
model: nnscratch.Model = nnscratch.load_model("pretrained")
print(model.predict(dataset.test_images).shape, model.read("x.png").digit + 1)
layer = nnscratch.Linear(3, 2)
print(layer.forward(np.zeros((1, 3))).T)

labels = np.arange(10)
print(draw_digits(labels, np.random.default_rng(0)).shape)

digits = nnscratch.DigitClassifier(hidden_size=20, epochs=3)
digits = digits.fit(dataset.train_images, [int(label) for label in dataset.train_labels])
print(digits.score(dataset.test_images, dataset.test_labels) * 2)
print(digits.predict(dataset.test_images).shape, digits.predict([[0.5] * 784]).shape)
print(digits.predict("x.png") + 1, digits.predict(Path("x.png")) + 1)
print(digits.predict(Image.new("L", (28, 28))) + 1, digits.predict(open("x.png", "rb")) + 1)
print(digits.history_[-1].train_loss, digits.network_.parameters["W_h"].shape)
nnscratch.DigitClassifier.load("pretrained").set_params(seed=1).save("m.npz")
"""

# Of each line that is wrong: what mypy and pyright call it.
BAD = {
    "nnscratch.TrainConfig(learning_rat=0.1)": ("call-arg", "CallIssue"),
    "nnscratch.TrainConfig(epochs='three')": ("arg-type", "ArgumentType"),
    "nnscratch.DigitClassifier(epoch=3)": ("call-arg", "CallIssue"),
    "nnscratch.DigitClassifier(epochs='three')": ("arg-type", "ArgumentType"),
    "nnscratch.DigitClassifier().fit([])": ("call-arg", "CallIssue"),
    "nnscratch.DigitClassifier().predict('x.png').shape": ("attr-defined", "AttributeAccessIssue"),
    "nnscratch.TrainConfig(schedule='linear')": ("arg-type", "ArgumentType"),
    "nnscratch.DigitClassifier(schedule='linear')": ("arg-type", "ArgumentType"),
    "nnscratch.DigitClassifier().predict(None)": ("call-overload", "ArgumentType"),
    "nnscratch.DigitClassifier().predict(3)": ("call-overload", "ArgumentType"),
    "nnscratch.DigitClassifier().newtork_": ("attr-defined", "AttributeAccessIssue"),
    "nnscratch.load_dataset(42)": ("arg-type", "ArgumentType"),
    "nnscratch.load_model(b'm.npz')": ("arg-type", "ArgumentType"),
    "nnscratch.load_model('m.npz').netwrk": ("attr-defined", "AttributeAccessIssue"),
    "nnscratch.Network(hidden_size=10)": ("call-arg", "CallIssue"),
    "nnscratch.Linear('3', 2)": ("arg-type", "ArgumentType"),
    "nnscratch.save_model('m.npz', nnscratch.TrainConfig())": ("arg-type", "ArgumentType"),
    "nnscratch.TrainConfig().epochs = 3": ("misc", "AttributeAccessIssue"),
    "nnscratch.no_such_name": ("attr-defined", "AttributeAccessIssue"),
}


NAMES = [name for name in nnscratch.__all__ if name != "__version__"]
FILES = {
    "good.py": GOOD,
    "bad.py": "\n".join(["import nnscratch", *BAD]),
    "names.py": "\n".join(["import nnscratch", *(f"reveal_type(nnscratch.{n})" for n in NAMES)]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The three files of someone who uses the package."""
    folder = tmp_path_factory.mktemp("types")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def said(folder):
    """What mypy says of them: by file, (line, words)."""
    (folder / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "mypy.ini", *FILES],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert f"checked {len(FILES)} source files" in done.stdout, done.stdout + done.stderr
    lines = re.findall(r"^(\w+\.py):(\d+): (.*)$", done.stdout, re.MULTILINE)
    return {file: [(int(n), words) for f, n, words in lines if f == file] for file in FILES}


@pytest.fixture(scope="module")
def said_by_pyright(folder):
    """What pyright says of them: by file, (line, rule or words)."""
    pytest.importorskip("pyright")
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(FILES)
    lines = [
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1, found)
        for found in report["generalDiagnostics"]
    ]
    return {
        file: [(n, found.get("rule", found["message"])) for f, n, found in lines if f == file]
        for file in FILES
    }


@pytest.mark.slow
def test_a_good_file_is_accepted(said):
    assert said["good.py"] == []


def test_pyright_accepts_a_good_file(said_by_pyright):
    assert said_by_pyright["good.py"] == []


def test_pyright_refuses_every_line_of_a_bad_file_for_its_own_reason(said_by_pyright):
    kinds = {line: f"report{kind}" for line, (_, kind) in enumerate(BAD.values(), start=2)}
    found = [(line, kind) for line, kind in said_by_pyright["bad.py"] if kind in kinds.values()]
    assert dict(found) == kinds


def test_pyright_knows_the_type_of_every_public_name(said_by_pyright):
    for name, (_, words) in zip(NAMES, said_by_pyright["names.py"], strict=True):
        value = getattr(nnscratch, name)
        assert words.startswith(f'Type of "nnscratch.{name}" is "')
        assert "Unknown" not in words
        if isinstance(value, type):
            assert words.endswith(f'is "type[{name}]"')


@pytest.mark.slow
def test_every_line_of_a_bad_file_is_refused_for_its_own_reason(said):
    kinds = {
        line: words.rpartition("[")[2].rstrip("]")
        for line, words in said["bad.py"]
        if words.startswith("error: ")
    }
    assert kinds == {line: kind for line, (kind, _) in enumerate(BAD.values(), start=2)}


@pytest.mark.slow
def test_every_public_name_has_a_type_of_its_own(said):
    for name, (_, words) in zip(NAMES, said["names.py"], strict=True):
        value = getattr(nnscratch, name)
        assert 'Revealed type is "def ' in words
        assert "-> Any" not in words
        if isinstance(value, type):
            assert f"-> {value.__module__}.{name}" in words


def test_the_three_lists_of_public_names_are_one():
    assert sorted(nnscratch.__all__) == nnscratch.__dir__() == dir(nnscratch)
    rooms = [name for names in nnscratch._ROOMS.values() for name in names]
    assert sorted([*rooms, "__version__"]) == sorted(nnscratch.__all__)
    assert len(set(nnscratch.__all__)) == len(nnscratch.__all__)
