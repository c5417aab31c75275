"""What is exported gives, in ONNX Runtime, what the model gives here."""

import json
import os
import re
import runpy
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from conftest import ROOT, listing, some_digits
from nnscratch.config import TrainConfig
from nnscratch.core import Network
from nnscratch.errors import OutputError
from nnscratch.model import Model
from nnscratch.model_file import load_model, save_model
from nnscratch.onnx_file import export_model, is_export, notes_on, to_onnx

IMAGES, _ = some_digits(300, 5)


def some_model(hidden_size=10, **options):
    network = Network(hidden_size, rng=np.random.default_rng(1))
    return Model(network, TrainConfig(hidden_size=hidden_size), "mnist", {}, [], **options)


def session(packed):
    return onnxruntime.InferenceSession(packed, providers=["CPUExecutionProvider"])


def answers(packed, images):
    return session(packed).run(["labels", "probabilities"], {"images": images})


def assert_same_answers(model, images):
    labels, probabilities = answers(to_onnx(model), model.seen(images))
    assert (labels.dtype, probabilities.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(labels, model.predict(images))
    np.testing.assert_allclose(probabilities, model.predict_proba(images), atol=1e-5)


@pytest.mark.mnist
def test_onnx_runtime_gives_our_answers_to_the_10000_test_pictures(mnist):
    assert len(mnist.test_images) == 10_000
    assert_same_answers(load_model("pretrained"), mnist.test_images)


@pytest.mark.parametrize("hidden_size", [1, 10, 100])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_width_and_the_temperature_are_those_of_the_model(hidden_size, temperature):
    assert_same_answers(some_model(hidden_size, temperature=temperature), IMAGES)


@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_pictures_is_answered(count):
    labels, probabilities = answers(to_onnx(some_model()), IMAGES[:count])
    assert (labels.shape, probabilities.shape) == ((count,), (count, 10))


@pytest.mark.parametrize("images", [IMAGES.astype(np.float32), IMAGES.reshape(-1, 784)])
def test_what_is_no_picture_is_refused(images):
    with pytest.raises(Exception, match=r"Unexpected input|Invalid rank"):
        answers(to_onnx(some_model()), images)


def test_the_metadata_say_what_to_do_first_and_where_it_comes_from():
    model = some_model()
    said = session(to_onnx(model)).get_modelmeta().custom_metadata_map
    assert (said["deskew"], said["dataset"]) == ("no", "mnist")
    assert json.loads(said["settings"])["hidden_size"] == 10
    assert notes_on(model) == []
    model.network.deskewed = True
    said = session(to_onnx(model)).get_modelmeta().custom_metadata_map
    module, _, name = said["deskew"].split()[-1].rpartition(".")
    assert callable(getattr(sys.modules[module], name))
    assert name in notes_on(model)[0]


def test_a_model_that_refuses_says_that_its_file_does_not():
    model = load_model("pretrained")
    assert any("never refuses" in note for note in notes_on(model))
    assert not any("never refuses" in note for note in notes_on(replace(model, rejector=None)))


def test_the_same_model_gives_the_same_bytes_in_any_process(tmp_path):
    save_model(tmp_path / "m.npz", some_model())
    script = (
        "import hashlib; from nnscratch.model_file import load_model; from nnscratch.onnx_file "
        "import to_onnx; print(hashlib.sha256(to_onnx(load_model('m.npz'))).hexdigest())"
    )
    hashes = {
        subprocess.check_output(
            [sys.executable, "-c", script], cwd=tmp_path, text=True,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        )
        for seed in "12"
    }  # fmt: skip
    assert len(hashes) == 1
    assert str(tmp_path).encode() not in to_onnx(some_model())


def test_an_earlier_export_is_replaced_and_nothing_else(tmp_path):
    path = tmp_path / "m.onnx"
    export_model(path, some_model(5))
    export_model(path, some_model(6))
    assert answers(path.read_bytes(), IMAGES)[0].shape == (300,)
    assert is_export(path)
    theirs = onnx.load(path)
    theirs.producer_name = "theirs"
    onnx.save(theirs, path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="did not make"):
        export_model(path, some_model())
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match=r"as \.npz"):
        export_model(tmp_path / "m.npz", some_model())
    assert listing(tmp_path) == [path.relative_to(tmp_path)]


def test_the_command_exports_beside_the_model_and_says_so(run, tmp_path):
    (tmp_path / "sub").mkdir()
    save_model(tmp_path / "sub" / "m.npz", some_model())
    done = run("export", "sub/m.npz")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Exported sub/m.onnx: 784-10-10, ")
    assert done.stderr == ""
    done = run("export", "pretrained", "-o", "p.onnx", "--json")
    record = json.loads(done.stdout)
    assert (record["output"], record["deskew"]) == ("p.onnx", True)
    assert record["bytes"] == (tmp_path / "p.onnx").stat().st_size
    assert len(record["notes"]) == done.stderr.count("Note: ") == 2


def test_what_cannot_be_exported_is_an_error_in_three_parts(run, tmp_path):
    for words, said in (
        (["missing.npz"], "no such model"),
        (["pretrained", "-o", "p.npz"], "cannot be saved as .npz"),
        (["pretrained", "-o", "no/p.onnx"], "cannot be saved"),
    ):
        done = run("export", *words)
        assert done.returncode == 1
        assert said in done.stderr
        assert "next:" in done.stderr
    assert listing(tmp_path) == []


def test_without_the_library_the_error_names_the_extra(run, tmp_path):
    (tmp_path / "onnx.py").write_text("raise ImportError('as if it were not there')\n")
    done = run("export", "pretrained", PYTHONPATH=os.pathsep.join(map(str, (tmp_path, ROOT))))
    assert done.returncode == 1
    assert "where: pretrained.onnx\n" in done.stderr
    assert "next: install it with: " in done.stderr
    assert "-m pip install 'nnscratch[onnx]'\n" in done.stderr
    assert not (tmp_path / "pretrained.onnx").exists()


def test_the_python_of_the_page_runs(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "page.py").write_text(code, encoding="utf-8")
    (tmp_path / "three.png").write_bytes((ROOT / "data/samples/three.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    export_model("model.onnx", load_model("pretrained"))
    runpy.run_path("page.py")
    label, probability = capsys.readouterr().out.split()
    assert 0 <= int(label) <= 9
    assert 0.1 <= float(probability) <= 1
