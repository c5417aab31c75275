"""The notebook in examples/ runs, and its outputs are those that are kept in it."""

import base64
import io
import platform
import re
import sys
from copy import deepcopy

import nbformat
import numpy as np
import pytest
from PIL import Image

from conftest import ROOT, listing
from notebooks import TOUR, executed
from readme_console import masked

LARGEST_IMAGES = 60_000  # bytes, all together
PNG = re.compile(r'(?<=src="data:image/png;base64,)[^"]+')
# On other processors the last bits of a product differ, and by the end of training more than those.
SAME_KIND = sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")


def kept():
    return nbformat.read(TOUR, as_version=4)


def texts_and_pictures(notebook):
    """All that the cells show: (cell, kind, text), and the PNGs in the same order."""
    texts, pictures = [], []
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        for output in cell.outputs:
            shown = {output.get("name"): output.text} if "text" in output else output.data
            for kind, text in sorted(shown.items()):
                if kind == "image/png":
                    pictures.append(text)
                else:
                    pictures += PNG.findall(text)
                    texts.append((number, kind, as_compared(PNG.sub("", text))))
    return texts, pictures


def as_compared(text):
    """A text without times and, on another kind of processor, without figures."""
    lines = masked(re.sub(r"</?(pre|span)[^>]*>", "", text))
    return lines if SAME_KIND else re.sub(r"[\d▇]+|(?<=>)\s*(?=<)", "#", lines)


def pixels(packed):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))).convert("RGBA")).astype(int)


def assert_same_outputs(one, other):
    (texts, pictures), (other_texts, other_pictures) = map(texts_and_pictures, (one, other))
    assert texts == other_texts
    assert len(pictures) == len(other_pictures)
    for picture, other_picture in zip(pictures, other_pictures, strict=True):
        found, wanted = pixels(picture), pixels(other_picture)
        assert found.shape == wanted.shape
        if SAME_KIND:  # up to the last step of a tone
            assert np.abs(found - wanted).mean() < 1


@pytest.mark.slow
def test_the_tour_runs_and_shows_what_is_kept_in_it(tmp_path):
    notebook = kept()
    fresh = executed(deepcopy(notebook), tmp_path)
    assert_same_outputs(notebook, fresh)
    assert [str(path) for path in listing(tmp_path)] == ["tour.npz"]


def test_nothing_in_the_tour_failed_or_warned():
    kinds = {name for _, name, _ in texts_and_pictures(kept())[0]}
    assert kinds == {"text/html", "text/plain", "stdout"}
    assert all(cell.outputs for cell in kept().cells if cell.cell_type == "code")


def shown_as(notebook, kind, pattern=""):
    """The first output of a kind that has a pattern in it, to be changed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return next(
        output.data
        for output in outputs
        if "data" in output and re.search(pattern, output.data.get(kind, ""))
        if kind in output.data
    )


@pytest.mark.skipif(not SAME_KIND, reason="figures are not compared here")
@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("text/html", r"\d\d(?=\.\d%)", "00"),
        ("text/html", r"(?<= → )0\.\d{4}", "0.0000"),
        ("text/html", r"(?<=  )0\.\d{4}", "0.0000"),
        ("text/plain", "True", "False"),
    ],
)
def test_one_changed_figure_in_the_tour_is_found(kind, old, new):
    notebook = kept()
    data = shown_as(notebook, kind, old)
    data[kind] = re.sub(old, new, data[kind], count=1)
    with pytest.raises(AssertionError):
        assert_same_outputs(notebook, kept())


@pytest.mark.skipif(not SAME_KIND, reason="pictures are not compared here")
def test_a_changed_picture_in_the_tour_is_found():
    notebook = kept()
    data = shown_as(notebook, "image/png")
    turned = io.BytesIO()
    Image.fromarray(pixels(data["image/png"]).astype(np.uint8)[::-1]).save(turned, "PNG")
    data["image/png"] = base64.b64encode(turned.getvalue()).decode()
    with pytest.raises(AssertionError):
        assert_same_outputs(notebook, kept())


def test_the_pictures_of_the_tour_are_small():
    _, pictures = texts_and_pictures(kept())
    assert len(pictures) > 30
    assert sum(len(base64.b64decode(picture)) for picture in pictures) <= LARGEST_IMAGES


def test_the_tour_names_nothing_of_the_machine_it_was_made_on():
    text = TOUR.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert "/tmp" not in text
    assert set(kept().metadata) == {"kernelspec"}


def test_it_says_first_how_to_install_and_stands_in_the_list_of_examples():
    assert "pip install" in kept().cells[0].source
    assert "(tour.ipynb)" in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
