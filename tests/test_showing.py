"""What a notebook shows of a model, a report, a picture and a history; and what a prompt shows."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT, some_digits
from nnscratch import DigitClassifier, load_model, load_picture
from nnscratch.showing import Pictures, history_html, image_html, prediction_html
from nnscratch.training import EpochResult, History
from notebooks import outputs_of

THREE = ROOT / "data" / "samples" / "three.png"


@pytest.fixture(scope="module")
def digits():
    return DigitClassifier(epochs=4, validation_size=200).fit(*some_digits(1200, 3))


@pytest.fixture(scope="module")
def report(digits):
    return digits.model_.evaluate(*some_digits(400, 4))


@pytest.fixture(scope="module")
def shown(digits, report):
    """All that is shown as HTML."""
    read = load_model("pretrained").read(THREE)
    return {type(x).__name__: x._repr_html_() for x in (digits, report, digits.history_, read)}


def pictures_in(html):
    """The pictures that lie in HTML, as arrays."""
    packed = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(p))).convert("RGB")) for p in packed]


def words_of(html):
    return re.sub(r"<[^>]*>", " ", html)


def test_a_prepared_picture_shows_itself_enlarged():
    picture = load_picture(THREE)
    seen = np.asarray(Image.open(io.BytesIO(picture._repr_png_())))
    np.testing.assert_array_equal(seen[::6, ::6], picture.image)
    np.testing.assert_array_equal(seen[5::6, 5::6], picture.image)


def test_signed_values_are_red_above_zero_and_blue_below_and_white_at_zero():
    values = np.array([[2.0, -2.0, 0.0, 0.5]])
    (seen,) = pictures_in(image_html(values, scale=1))
    (red, blue, white, pale) = seen[0].astype(int)
    assert red[0] > red[2] + 100
    assert blue[2] > blue[0] + 100
    assert np.ptp(white) == 0
    assert red[0] - red[2] > pale[0] - pale[2] > 20
    (same,) = pictures_in(image_html(values * 1000, scale=1))
    np.testing.assert_array_equal(same, seen)
    (blank,) = pictures_in(image_html(np.zeros((2, 2)), scale=1))
    assert (blank == white).all()


def test_a_model_shows_its_hidden_units_and_what_they_vote_for(digits, shown):
    units = digits.model_.hidden_units()
    assert len(pictures_in(shown["DigitClassifier"])) == 10
    W_h, W_o = digits.network_.parameters["W_h"], digits.network_.parameters["W_o"]
    for number, (image, caption) in enumerate(zip(units.images, units.captions, strict=True)):
        np.testing.assert_array_equal(image.ravel(), W_h[number])
        best, worst = W_o[:, number].argmax(), W_o[:, number].argmin()
        assert re.fullmatch(rf"for {best} \d, against {worst} \d", caption)
        assert caption in words_of(shown["DigitClassifier"])
    assert digits.model_._repr_html_() == shown["DigitClassifier"]
    assert DigitClassifier()._repr_html_() is None


def test_a_report_shows_every_count_and_its_share(report, shown):
    rows = re.findall(r"<tr><th>(\d)</th>(.*?)</tr>", shown["Report"])
    assert len(rows) == 10
    for digit, row in rows:
        *counts, precision, recall, f1 = re.findall(r"<td[^>]*>([^<]*)</td>", row)
        assert [int(count or 0) for count in counts] == report.confusion[int(digit)].tolist()
        score = report.per_class[int(digit)]
        figures = (score.precision, score.recall, score.f1)
        assert [precision, recall, f1] == [f"{figure:.1%}" for figure in figures]


def test_a_history_shows_its_curves_with_their_ends(digits, shown):
    first, last = digits.history_[0], digits.history_[-1]
    words = words_of(shown["History"])
    assert "4 epochs" in words
    assert f"train loss {first.train_loss:.4f} → {last.train_loss:.4f}" in words
    accuracies = (first.validation_accuracy, last.validation_accuracy)
    assert "validation accuracy {:.2%} → {:.2%}".format(*accuracies) in words
    assert len(pictures_in(shown["History"])) == 2
    curves = pictures_in(shown["History"])[1][6:-6, 6:-6]  # without the frame
    columns = curves.max(axis=2).argmax(axis=0)
    assert columns[5] > columns[-5], "the curve of accuracy rises"


def test_a_history_without_validation_shows_the_loss_alone():
    html = History([EpochResult(1, 0.5, None, None, None)])._repr_html_()
    assert "1 epoch<" in html
    assert len(pictures_in(html)) == 1
    assert "validation" not in html
    assert pictures_in(history_html([])) == []


def test_a_prediction_shows_what_was_seen_and_how_sure_it_is(shown):
    read = load_model("pretrained").read(THREE)
    (seen,) = pictures_in(shown["Prediction"])
    np.testing.assert_array_equal(seen[::6, ::6, 0], read.picture.image)
    assert "This is a 3" in words_of(shown["Prediction"])
    assert f"{read.probability:.1%}" in words_of(shown["Prediction"])


def test_what_is_shown_has_no_colour_for_text_or_paper(shown):
    for html in shown.values():
        assert not re.search(r"[\"; ]color:|<body|<script|background: (?!rgba?\(0, 114, 178)", html)


def test_text_is_shown_as_text():
    image, probabilities = np.zeros((28, 28), np.uint8), np.full(10, 0.1)
    html = prediction_html(image, 0, probabilities, ["<script>alert(1)</script>"])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>x" not in Pictures(image[None], ["<b>x"])._repr_html_()


def test_captions_that_are_too_few_are_refused():
    with pytest.raises(ValueError, match="n captions"):
        Pictures(np.zeros((3, 28, 28)), ["one"])


def test_at_a_prompt_each_is_one_line(digits, report):
    read = load_model("pretrained").read(THREE)
    model = digits.model_
    for value in (model, report, read, read.picture, digits.network_, digits, model.hidden_units()):
        assert "\n" not in repr(value)
        assert repr(value).startswith(f"{type(value).__name__}(")
    assert repr(digits.network_) == "Network(784-10-10, float32)"
    assert f"accuracy={report.accuracy:.4f}" in repr(report)
    assert "test accuracy 99.38%" in repr(load_model("pretrained"))


def test_a_notebook_takes_the_picture_and_a_console_the_text(tmp_path):
    start = "from nnscratch import *; model = load_model('pretrained'); model"
    results = outputs_of(start, f"load_picture({str(THREE)!r})", "model.network", folder=tmp_path)
    (model,), (picture,), (network,) = results
    assert set(model.data) == {"text/html", "text/plain"}
    assert set(picture.data) == {"image/png", "text/plain"}
    assert dict(network.data) == {"text/plain": "Network(784-256-10, float32)"}
