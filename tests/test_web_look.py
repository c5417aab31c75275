"""What a look tells of a drawing is what the command line tells of its picture, and why."""

import json

import pytest

from hand import ONE_ZERO, THREE
from nnscratch.model_file import load_model
from nnscratch.pictures.decode import as_png
from nnscratch.pictures.strokes import draw_strokes
from nnscratch.web.look import look


@pytest.fixture(scope="module")
def model():
    return load_model("pretrained")


def test_a_drawing_is_answered_as_predict_answers_its_picture(model, run, tmp_path):
    for strokes in (THREE, ONE_ZERO):
        drawing = draw_strokes(strokes)
        (tmp_path / "drawing.png").write_bytes(as_png(drawing))
        told = json.loads(run("predict", "drawing.png", "--json").stdout)
        seen = look(model, drawing, image="drawing.png", model_path="pretrained")
        assert seen["reading"] == told
        assert seen["probabilities"] == told["probabilities"]
        assert seen["answer"] == told["text"]


def test_nothing_drawn_is_answered_with_nothing(model):
    seen = look(model, draw_strokes([]))
    assert seen["answer"] == ""
    assert {key for key, value in seen.items() if value} == set()
