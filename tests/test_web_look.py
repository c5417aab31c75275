"""What a look tells of a drawing is what the command line tells of its picture, and why."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from hand import CROSS, DOT, ONE_ZERO, SEVEN, SLANTED_ONE, THREE, ZERO
from nnscratch.config import TrainConfig
from nnscratch.errors import PictureError
from nnscratch.model import Model, build_network
from nnscratch.model_file import load_model, save_model
from nnscratch.pictures.decode import as_png
from nnscratch.pictures.framing import resize
from nnscratch.pictures.read import STEPS, prepare_grey
from nnscratch.pictures.strokes import draw_strokes
from nnscratch.web.look import look

DRAWINGS = {
    name: draw_strokes(strokes)
    for name, strokes in {
        "three": THREE, "zero": ZERO, "seven": SEVEN, "one": SLANTED_ONE, "ten": ONE_ZERO,
        "cross": CROSS, "dot": DOT,
    }.items()
}  # fmt: skip
DIGITS = ["three", "zero", "seven", "one"]
FRAMED = [*DIGITS, "cross", "dot"]


@pytest.fixture(scope="module")
def model():
    return load_model("pretrained")


def plain():
    config = TrainConfig()
    return Model(build_network(config, rng=np.random.default_rng(3)), config, "custom")


def from_command_line(run, folder, model_path, *options):
    """Give what `predict --json` says of the pictures of all drawings, by name."""
    for name, drawing in DRAWINGS.items():
        (folder / f"{name}.png").write_bytes(as_png(drawing))
    files = [f"{name}.png" for name in DRAWINGS]
    printed = run("predict", *files, "--model", model_path, "--json", *options).stdout
    return dict(zip(DRAWINGS, map(json.loads, printed.splitlines()), strict=True))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("model_path", ["pretrained", "plain.npz"])
def test_a_drawing_is_answered_as_predict_answers_its_picture(model_path, run, tmp_path):
    if model_path == "plain.npz":
        save_model(tmp_path / model_path, replace(plain(), test={"loss": 2.0, "accuracy": 0.1}))
    told = from_command_line(run, tmp_path, model_path)
    model = load_model(str(tmp_path / model_path) if model_path == "plain.npz" else model_path)
    for name, drawing in DRAWINGS.items():
        seen = look(model, drawing, image=f"{name}.png", model_path=model_path)
        if "error" in told[name]:
            assert (seen["answer"], seen["reading"]) == ("?", None)
            assert seen["error"]["what"] == told[name]["error"]
        else:
            assert seen["error"] is None
            assert seen["reading"] == told[name]
            assert seen["probabilities"] == told[name]["probabilities"]
            assert (seen["answer"], seen["notes"]) == (told[name]["text"], told[name]["notes"])


def test_the_account_is_that_of_predict(model, run, tmp_path):
    told = from_command_line(run, tmp_path, "pretrained", "--against", "3")
    for name in FRAMED:
        seen = look(model, DRAWINGS[name], against=3)
        assert seen["why"] == {**told[name]["why"], "tipping": None}
        assert seen["notes"] == told[name].get("notes", [])
    assert "it says 3 itself" in look(model, DRAWINGS["three"], against=3)["notes"][0]


def test_digits_are_answered_and_what_is_none_is_not(model):
    answers = {name: look(model, drawing)["answer"] for name, drawing in DRAWINGS.items()}
    assert answers == {
        "three": "3", "zero": "0", "seven": "7", "one": "1", "ten": "10", "cross": "?", "dot": "?",
    }  # fmt: skip


def test_nothing_drawn_is_answered_with_nothing(model):
    seen = look(model, draw_strokes([]))
    assert seen["answer"] == ""
    assert {key for key, value in seen.items() if value} == set()


def test_every_look_has_the_same_keys_and_is_json(model):
    looks = [look(model, drawing) for drawing in (*DRAWINGS.values(), draw_strokes([]))]
    assert len({frozenset(seen) for seen in looks}) == 1
    for seen in looks:
        assert json.loads(json.dumps(seen, allow_nan=False)) == seen


def test_of_several_digits_the_least_sure_counts_and_each_has_its_box(model):
    seen = look(model, DRAWINGS["ten"])
    digits = seen["reading"]["digits"]
    assert [one["digit"] for one in digits] == [1, 0]
    assert digits[0]["box"][2] < digits[1]["box"][0]
    assert seen["probability"] == min(one["probability"] for one in digits)
    for key in ("probabilities", "seen", "outputs", "units", "why", "onto", "shear", "ladder"):
        assert seen[key] is None


@pytest.mark.parametrize("name", ["cross", "dot"])
def test_a_refused_drawing_is_explained_all_the_same(model, name):
    seen = look(model, DRAWINGS[name])
    assert (seen["answer"], seen["probability"], seen["reading"]) == ("?", None, None)
    assert "none of the ten" in seen["error"]["what"]
    assert seen["error"]["next"] == "show one digit, upright and whole"
    assert np.sum(seen["seen"]) > 0
    assert seen["why"]["pixels"]
    assert seen["ladder"]


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_an_answer_without_its_explanation_is_the_same_in_all_else(model, name):
    whole, quick = look(model, DRAWINGS[name]), look(model, DRAWINGS[name], explain=False)
    assert quick == {**whole, "why": None, "ladder": None}


@pytest.mark.parametrize("name", FRAMED)
def test_what_the_network_says_follows_from_what_it_sees(model, name):
    seen = look(model, DRAWINGS[name])
    weights = {key: value.astype(float) for key, value in model.network.parameters.items()}
    A = np.array(seen["seen"]).ravel() / 255
    A_h = np.maximum(weights["W_h"] @ A + weights["b_h"][:, 0], 0)
    Z_o = weights["W_o"] @ A_h + weights["b_o"][:, 0]
    assert seen["outputs"] == pytest.approx(Z_o.tolist(), abs=1e-3)
    say = A_h * np.ptp(weights["W_o"], axis=0)
    assert [unit["index"] for unit in seen["units"]] == sorted(np.argsort(-say)[:10])
    for unit in seen["units"]:
        assert unit["activation"] == pytest.approx(A_h[unit["index"]], abs=1e-3)
    why = seen["why"]
    assert why["lead"] == pytest.approx(Z_o[why["digit"]] - Z_o[why["against"]], abs=1e-3)
    assert why["seen"] == seen["seen"]


def where_it_lands(seen, row, column):
    """Return where on the drawing, as shares of its sides, the middle of a seen pixel lies."""
    left, top, right, bottom = seen["onto"]
    moved = column + 0.5 + (seen["shear"][row] if seen["shear"] else 0)
    return left + (right - left) * moved / 28, top + (bottom - top) * (row + 0.5) / 28


@pytest.mark.parametrize(
    ("pen", "off", "away"),  # pixels of 280; where strokes are thickened, they reach beyond
    [(0.02, 5, 11), (0.06, 1.5, 5), (0.2, 1.5, 1)],
)
@pytest.mark.parametrize("deskewed", [True, False])
@pytest.mark.parametrize("strokes", [THREE, SEVEN, SLANTED_ONE], ids=["three", "seven", "one"])
def test_the_ink_that_is_seen_lies_on_the_ink_that_was_drawn(
    strokes, deskewed, pen, off, away, model
):
    drawing = draw_strokes(strokes, pen)
    answering = replace(model, rejector=None) if deskewed else plain()
    seen = look(answering, drawing)
    assert (seen["shear"] is not None) == deskewed
    ink = np.array(seen["seen"])
    places = [where_it_lands(seen, *at) for at in np.argwhere(ink > 0)]
    weight = ink[ink > 0]
    drawn = np.argwhere(drawing < 128) + 0.5
    middle = np.average(places, axis=0, weights=weight)
    assert middle * 280 == pytest.approx(drawn.mean(axis=0)[::-1], abs=off)
    for place in np.array(places)[weight > 128]:
        assert np.hypot(*(drawn - 280 * place[::-1]).T).min() <= away


def test_the_ladder_climbs_to_what_the_network_sees(model):
    seen = look(model, DRAWINGS["three"])
    ladder = seen["ladder"]
    assert [rung["step"] for rung in ladder] == ["shrunk", *STEPS]
    for number, rung in enumerate(ladder[1:], 1):
        image = prepare_grey(DRAWINGS["three"], skip=STEPS[number:]).image
        assert rung["image"] == image.tolist()
    assert ladder[0]["image"] == np.rint(resize(DRAWINGS["three"], 28, 28)).astype(int).tolist()
    assert len({rung["text"] for rung in ladder}) == 6
    for rung in ladder:
        probabilities = model.predict_proba(np.array([rung["image"]], np.uint8))[0]
        assert (rung["digit"], rung["probability"]) == (
            probabilities.argmax(), probabilities.max(),
        )  # fmt: skip
    assert (ladder[-1]["digit"], ladder[-1]["probability"]) == (3, seen["probability"])


def test_a_picture_is_looked_at_as_a_drawing_is(model):
    for drawing in DRAWINGS.values():
        assert look(model, io.BytesIO(as_png(drawing))) == look(model, drawing)


def test_a_drawing_finer_than_pictures_are_read_is_reduced_as_its_picture_is(model):
    drawing = draw_strokes(THREE, side=1000)
    fine = look(model, drawing)
    assert look(model, io.BytesIO(as_png(drawing))) == fine
    assert fine["onto"] == pytest.approx(look(model, DRAWINGS["three"])["onto"], abs=0.01)


def test_a_blank_picture_holds_no_digit(model):
    seen = look(model, io.BytesIO(as_png(draw_strokes([]))))
    assert seen["answer"] == "?"
    assert "nothing stands out" in seen["error"]["what"]
    assert (seen["seen"], seen["why"], seen["ladder"]) == (None, None, None)


def test_what_is_no_picture_is_an_error(model):
    with pytest.raises(PictureError, match="no known format"):
        look(model, io.BytesIO(b"no picture"))


def test_a_look_leaves_the_network_as_it_was(model):
    theta = model.network.theta.copy()
    assert look(model, DRAWINGS["three"]) == look(model, DRAWINGS["three"])
    assert np.array_equal(model.network.theta, theta)


@pytest.mark.mnist
def test_mnists_own_pictures_are_answered_as_the_model_answers_them(mnist, model):
    images = mnist.test_images[:200]
    looks = [look(model, io.BytesIO(as_png(image))) for image in images]
    refused = model.strangeness(images) > 0
    assert refused.sum() <= 4
    for seen, image, no_digit in zip(looks, images, refused, strict=True):
        probabilities = model.predict_proba(image[np.newaxis])[0]
        assert seen["answer"] == ("?" if no_digit else str(probabilities.argmax()))
        assert seen["probabilities"] == (None if no_digit else probabilities.tolist())
        (rung,) = seen["ladder"]
        assert (rung["step"], rung["digit"]) == ("unchanged", probabilities.argmax())
        assert seen["onto"] == [0, 0, 1, 1]
        assert seen["seen"] == model.seen(image[np.newaxis])[0].tolist()
