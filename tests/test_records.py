"""Every JSON object: its keys, plain values, and null for what is not known."""

import json
from pathlib import Path

import numpy as np
import pytest

from nnscratch import records
from nnscratch.config import TrainConfig, as_dict
from nnscratch.data import Fetched
from nnscratch.errors import PictureError
from nnscratch.gradcheck import BlockCheck
from nnscratch.lab.journal import RunResult
from nnscratch.metrics import evaluate
from nnscratch.model import Model, Prediction, build_network
from nnscratch.pictures.read import load_picture
from nnscratch.reading import ReadDigit, Reading
from nnscratch.runs import Finished
from nnscratch.training import EpochResult

CONFIG = TrainConfig(hidden_size=12)
EPOCH = EpochResult(2, 0.5, 0.25, 0.75, 1.5)


@pytest.fixture
def model(rng):
    return Model(build_network(CONFIG, rng=rng), CONFIG, "custom")


def same_after_json(record):
    """JSON takes it without help, and nothing in it changes on the way."""
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    return record


def test_an_epoch():
    assert same_after_json(records.epoch(EPOCH)) == {
        "event": "epoch",
        "epoch": 2,
        "train_loss": 0.5,
        "validation_loss": 0.25,
        "validation_accuracy": 0.75,
        "seconds": 1.5,
    }


def test_an_epoch_of_which_little_is_known_has_nulls():
    record = same_after_json(records.epoch(EpochResult(1, 0.5, None, None, None)))
    assert record["seconds"] is record["validation_loss"] is record["validation_accuracy"] is None


def test_one_run_of_a_sweep():
    assert same_after_json(records.swept(RunResult(CONFIG, 0.75, 0.25, 1.5, None, False))) == {
        "settings": as_dict(CONFIG),
        "validation_accuracy": 0.75,
        "validation_loss": 0.25,
        "seconds": 1.5,
        "model": None,
        "diverged": False,
    }


@pytest.mark.parametrize("previous", [None, Path("m.previous.npz")])
def test_the_end_of_a_run(previous, model, own_dataset):
    report = model.evaluate(own_dataset.test_images, own_dataset.test_labels)
    history = (EpochResult(1, 0.5, None, None, None), EPOCH, EPOCH)
    record = records.done(Finished(model, report, history, previous), "m.npz", ["a doubt"])
    assert same_after_json(record) == {
        "event": "done",
        "model": "m.npz",
        "dataset": "custom",
        "test_loss": report.loss,
        "test_accuracy": report.accuracy,
        "seconds": 3.0,
        "settings": as_dict(CONFIG),
        "previous": previous and str(previous),
        "notes": ["a doubt"],
    }


def test_a_report(model, own_dataset):
    images, labels = own_dataset.test_images, own_dataset.test_labels
    report = evaluate(model.network, images, labels)
    told = records.report(report, model, "m.npz", "custom", "test", 0, ["a doubt"])
    record = same_after_json(told)
    assert record["notes"] == ["a doubt"]
    assert {key: record[key] for key in ("model", "dataset", "split", "samples")} == {
        "model": "m.npz",
        "dataset": "custom",
        "split": "test",
        "samples": 400,
    }
    assert (record["loss"], record["accuracy"]) == (report.loss, report.accuracy)
    assert record["settings"] == as_dict(CONFIG)
    assert np.array_equal(record["confusion_matrix"], report.confusion)
    assert [score["digit"] for score in record["per_class"]] == list(range(10))
    assert record["per_class"][3].keys() == {"digit", "precision", "recall", "f1", "support"}
    assert record["per_class"][3]["support"] == int((labels == 3).sum())
    units = model.outspoken_units()
    assert len(record["hidden_unit_votes"]) == 10
    assert np.array_equal(record["hidden_unit_votes"], model.network.output.W.T[units])


@pytest.mark.parametrize(("asked", "listed"), [(0, 20), (3, 3)])
def test_the_mistakes_of_a_report(asked, listed, model, own_dataset):
    images, labels = own_dataset.test_images, own_dataset.test_labels
    report = model.evaluate(images, labels)
    mistakes = records.report(report, model, "m", "custom", "test", asked, [])["mistakes"]
    assert len(mistakes) == listed
    for mistake in same_after_json(mistakes):
        index = mistake["index"]
        assert mistake["true"] == labels[index] != mistake["predicted"]
        assert mistake["predicted"] == report.predicted[index]
        assert mistake["probability"] == pytest.approx(report.probability[index])
    given = [mistake["probability"] for mistake in mistakes]
    assert given == sorted(given, reverse=True)


def test_a_reading_of_one_digit_with_its_doubts(own_dataset, tmp_path):
    from PIL import Image

    Image.fromarray(own_dataset.test_images[0]).save(tmp_path / "x.png")
    probabilities = np.array([0.5, 0.25, *[0.03125] * 8], np.float32)
    notes = ("unsure", "two")
    answer = Prediction(load_picture(tmp_path / "x.png"), 0, probabilities, notes)
    image, box = answer.picture.image, (0, 0, 28, 28)
    digit = ReadDigit(0, 0.5, probabilities, image, box, row=0, strange=False, doubtful=True)
    read = Reading(answer, (digit,), (28, 28), inverted=False, notes=notes)
    assert same_after_json(records.reading("x.png", "m.npz", read)) == {
        "image": "x.png",
        "model": "m.npz",
        "text": "0",
        "digit": 0,
        "probability": 0.5,
        "probabilities": [0.5, 0.25, *[0.03125] * 8],
        "digits": [
            {"digit": 0, "probability": 0.5, "box": [0, 0, 28, 28], "row": 0, "doubtful": True}
        ],
        "notes": ["unsure", "two"],
    }


def test_a_picture_without_an_answer():
    error = PictureError("it holds no digit", where="x.png", next_step="draw one")
    assert records.failure("x.png", error) == {"image": "x.png", "error": "it holds no digit"}


def test_a_fetched_file():
    file = Fetched(name="t10k", path=Path("data/t10k"), status="fetched", size_bytes=7)
    assert same_after_json(records.fetched(file)) == {
        "file": "t10k",
        "path": str(Path("data/t10k")),
        "status": "fetched",
        "bytes": 7,
    }


def test_a_gradient_check_passes_when_every_block_does():
    good = BlockCheck("b_h", (10, 1), 10, False, 1e-12, 1e-9)
    bad = BlockCheck("W_o", (10, 10), 100, False, 1e-3, 0.01)
    record = same_after_json(records.gradient_check([good], "mnist"))
    assert record["passed"] is True
    assert record["samples"] == "mnist"
    assert record["blocks"] == [
        {
            "block": "b_h",
            "compared": 10,
            "absolute_error": 1e-12,
            "relative_error": 1e-9,
            "passed": True,
        }
    ]
    record = records.gradient_check([good, bad], "random")
    assert record["passed"] is False
    assert [block["passed"] for block in record["blocks"]] == [True, False]
