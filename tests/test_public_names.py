"""The public names, as an editor and a type checker see them: classes, not `Any`."""

import re
import subprocess
import sys

import pytest

import nnscratch
from conftest import ROOT

GOOD = """
import numpy as np
import nnscratch

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
"""

# Of each line that is wrong: what mypy calls it.
BAD = {
    "nnscratch.TrainConfig(learning_rat=0.1)": "call-arg",
    "nnscratch.TrainConfig(epochs='three')": "arg-type",
    "nnscratch.load_dataset(42)": "arg-type",
    "nnscratch.load_model(b'm.npz')": "arg-type",
    "nnscratch.load_model('m.npz').netwrk": "attr-defined",
    "nnscratch.Network(hidden_size=10)": "call-arg",
    "nnscratch.Linear('3', 2)": "arg-type",
    "nnscratch.save_model('m.npz', nnscratch.TrainConfig())": "arg-type",
    "nnscratch.TrainConfig().epochs = 3": "misc",
    "nnscratch.no_such_name": "attr-defined",
}


NAMES = [name for name in nnscratch.__all__ if name != "__version__"]
FILES = {
    "good.py": GOOD,
    "bad.py": "\n".join(["import nnscratch", *BAD]),
    "names.py": "\n".join(["import nnscratch", *(f"reveal_type(nnscratch.{n})" for n in NAMES)]),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What mypy says of three files of someone who uses the package: by file, (line, words)."""
    folder = tmp_path_factory.mktemp("types")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
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


@pytest.mark.slow
def test_a_good_file_is_accepted(said):
    assert said["good.py"] == []


@pytest.mark.slow
def test_every_line_of_a_bad_file_is_refused_for_its_own_reason(said):
    kinds = {
        line: words.rpartition("[")[2].rstrip("]")
        for line, words in said["bad.py"]
        if words.startswith("error: ")
    }
    assert kinds == dict(enumerate(BAD.values(), start=2))


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
