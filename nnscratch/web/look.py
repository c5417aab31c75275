"""What a model makes of a drawing or a picture: all that the page shows of it, as one JSON object.

The answer is that of `nnscratch predict`, by the same way: `reading.read_digits`.
"""

from __future__ import annotations

import io
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nnscratch import records
from nnscratch.errors import NoDigitError
from nnscratch.model import UNITS_SHOWN, Model
from nnscratch.pictures.decode import LONGEST_SIDE, as_png, read_sheet
from nnscratch.pictures.framing import slant_per_row
from nnscratch.pictures.ink import Grey, Sheet
from nnscratch.pictures.ladder import climb
from nnscratch.pictures.read import Prepared
from nnscratch.products import scale_pixels
from nnscratch.reading import Reading, read_digits

NO_DIGIT = "?"
PAPER = 255
NAME = "the drawing"
NEXT_STEP = "show one digit, upright and whole"  # the command's own would name its options

# What each step of the preparation does, in plain words.
STEP_WORDS = {
    "shrunk": "shrunk to 28×28, and no more",
    "ink": "which tone is ink; light and shadow removed",
    "shape": "specks and edges dropped",
    "box": "fitted into 20×20",
    "centre": "centre of mass moved to the middle",
    "stroke": "strokes brought near MNIST's width",
    "unchanged": "framed as MNIST's pictures are: it passes as it is",
}


def look(
    model: Model,
    source: Grey | IO[bytes],
    *,
    against: int | None = None,
    explain: bool = True,
    image: str = NAME,
    model_path: str = "",
) -> dict[str, Any]:
    """Say all that the page shows of a drawing or a picture.

    Args:
        source: a drawing, (height, width) uint8, dark ink on paper of 255; or an open binary file
            of a picture, which can be sought in.
        against: the digit that the account is to be against; the runner-up if None.
        explain: False leaves out `why` and `ladder`, which take as long as all the rest.
        image, model_path: what `reading` calls the picture and the model.

    Returns:
        `answer`: the digit, several (rows by a line break), `?` for no digit, or nothing for an
        empty drawing. `probability`: of the digit, or of the least sure of several.
        `probabilities`: ten, of one digit. `notes`: every doubt. `error`: `what` and `next`, where
        there is no digit. `reading`: the object of `nnscratch predict --json`.

        Of one digit, and of a picture that was framed and refused: `seen` (28×28, as the network
        saw it), `outputs` (ten, before softmax), `units` (`index` and `activation` of the ten that
        have the most say about this picture, ascending by index), `why` (`records.why` without
        tipping), `onto` (left, top, right and bottom of what the 28×28 covers, as shares of the
        picture's sides, which may lie beyond 0 and 1), `shear` (28, by how many pixels of 28 each
        row of `seen` was moved to the left of where `onto` has it; null if it was not deskewed),
        `ladder` (per step of the preparation `step`, `text`, `image`, and the `digit` and
        `probability` that it would have been answered with).

        What is not known is null.

    Raises:
        PictureError: the picture cannot be read. A picture without a digit raises nothing.
    """
    blank: dict[str, Any] = dict.fromkeys(
        ("probability", "probabilities", "error", "reading", "seen", "outputs", "units", "why",
         "onto", "shear", "ladder")
    )  # fmt: skip
    if isinstance(source, np.ndarray) and (source == PAPER).all():
        return {"answer": "", "notes": [], **blank}
    picture = as_source(source)
    try:
        read = read_digits(model, picture, name=image)
    except NoDigitError as error:
        told = {"what": error.what, "next": NEXT_STEP}
        seen = error.picture
        answer = {**blank, "answer": NO_DIGIT, "notes": [], "error": told}
    else:
        seen = read.single.picture if read.single else None
        answer = {**blank, **_answer(read), "reading": records.reading(image, model_path, read)}
    if seen:
        answer |= _inside(model, seen)
        if explain:
            answer |= _explained(model, picture, seen, against)
            if answer["answer"] == str(against):
                other = answer["why"]["against"]
                told_of = f"it says {against} itself; the account is against {other}"
                answer["notes"] = [*answer["notes"], told_of]
    return answer


def as_source(source: Grey | IO[bytes]) -> Sheet | IO[bytes]:
    """Return a drawing or a picture as `read_digits` takes it."""
    if not isinstance(source, np.ndarray):
        return source
    if max(source.shape) > LONGEST_SIDE:  # decoding would reduce it
        return io.BytesIO(as_png(source))
    return Sheet(source)


def _answer(read: Reading) -> dict[str, Any]:
    return {
        "answer": read.text,
        "probability": min(one.probability for one in read.digits),
        "probabilities": read.single and read.single.probabilities.tolist(),
        "notes": list(read.notes),
    }


def _inside(model: Model, picture: Prepared) -> dict[str, Any]:
    """Say what the network sees of one framed digit, and what its units say."""
    network = model.network
    seen = model.seen(picture.image[np.newaxis])
    outputs = network.forward(scale_pixels(seen, network.theta.dtype))[0]
    activations = network.A_h[0]
    width, height = picture.size
    left, top, right, bottom = picture.window
    shear = slant_per_row(picture.image[np.newaxis])[0] if network.deskewed else None
    return {
        "seen": seen[0].tolist(),
        "outputs": outputs.tolist(),
        "units": [
            {"index": int(j), "activation": float(activations[j])} for j in _telling_units(model)
        ],
        "onto": [left / width, top / height, right / width, bottom / height],
        "shear": None if shear is None else shear.tolist(),
    }


def _explained(
    model: Model, source: Sheet | IO[bytes], picture: Prepared, against: int | None
) -> dict[str, Any]:
    """Say why the answer to one framed digit comes out, and by which steps the picture came."""
    reason = model.why(picture.image, against, tipping=False)
    return {"why": records.why(reason), "ladder": _ladder(model, source, picture)}


def _telling_units(model: Model) -> NDArray[np.intp]:
    """Return the numbers of the hidden units that say most about the last picture, ascending.

    A unit's say is its activation times the spread of its votes.
    """
    say = model.network.A_h[0] * np.ptp(model.network.parameters["W_o"], axis=0)
    return np.sort(np.argsort(-say, kind="stable")[:UNITS_SHOWN])


def _ladder(model: Model, source: Sheet | IO[bytes], picture: Prepared) -> list[dict[str, Any]]:
    """Give the picture after each step of its preparation, with the answer that it would get."""
    if picture.unchanged:
        steps = [("unchanged", picture.image)]
    else:
        steps = [(rung.step, rung.image) for rung in climb(read_sheet(source, NAME))]
    rungs = []
    for step, image in steps:
        probabilities = model.predict_proba(image[np.newaxis])[0]
        digit = int(probabilities.argmax())
        rungs.append(
            {
                "step": step,
                "text": STEP_WORDS[step],
                "image": image.tolist(),
                "digit": digit,
                "probability": float(probabilities[digit]),
            }
        )
    return rungs
