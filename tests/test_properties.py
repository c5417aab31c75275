"""Whatever the bytes, settings or options: a right answer or our own error, and nothing else."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from typer.testing import CliRunner

from nnscratch.app.cli import app
from nnscratch.augment import augment
from nnscratch.config import TrainConfig, load_settings
from nnscratch.core import log_softmax
from nnscratch.data.idx import decode_idx, encode_idx
from nnscratch.errors import ConfigError, IDXError, ModelFileError, PictureError
from nnscratch.metrics import confusion_matrix, per_class
from nnscratch.model import Model
from nnscratch.model_file import load_model, save_model
from nnscratch.pictures.framing import centre_of_mass, deskew
from nnscratch.pictures.read import load_picture

settings.register_profile("ours", deadline=None, max_examples=150, print_blob=True)
settings.load_profile("ours")

pictures = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(28), st.just(28)))


# ---------------------------------------------------------------------------------- mathematics


@given(hnp.arrays(np.float64, (3, 10), elements=st.floats(-1e300, 1e300)))
def test_softmax_is_a_probability_for_any_finite_input(Z):
    A = np.exp(log_softmax(Z))
    assert np.isfinite(log_softmax(Z)).all()
    np.testing.assert_allclose(A.sum(axis=1), 1, rtol=1e-12)


@given(hnp.arrays(np.float64, (3, 10), elements=st.floats(-50, 50)), st.floats(-50, 50))
def test_softmax_does_not_change_when_all_inputs_move_together(Z, shift):
    np.testing.assert_allclose(log_softmax(Z + shift), log_softmax(Z), atol=1e-9)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_a_confusion_matrix_holds_every_answer_once(answers):
    labels, predicted = np.array(answers).T
    confusion = confusion_matrix(labels, predicted)
    assert confusion.sum() == len(answers)
    assert confusion.sum(axis=1).tolist() == np.bincount(labels, minlength=10).tolist()
    assert all(0 <= score.f1 <= 1 for score in per_class(confusion))


@given(pictures)
def test_deskewing_keeps_the_shape_and_loses_no_row(images):
    upright = deskew(images)
    assert upright.shape == images.shape
    assert not upright[~images.any(axis=2)].any()


@given(pictures, st.integers(0, 2**32))
def test_variants_of_any_picture_are_pictures(images, seed):
    variants = augment(images, np.random.default_rng(seed))
    assert variants.shape == images.shape
    assert variants.dtype == np.uint8


@given(pictures)
def test_a_centre_of_mass_lies_within_the_picture(images):
    centres = centre_of_mass(images)
    assert (centres >= 0).all()
    assert (centres <= 27).all()


# ----------------------------------------------------------------------------------------- readers

headers = st.builds(
    lambda zeros, kind, rank, lengths, rest: (
        struct.pack(">HBB", zeros, kind, rank) + struct.pack(f">{len(lengths)}I", *lengths) + rest
    ),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([8, 8, 8, 9, 13]),
    st.integers(0, 4),
    st.lists(st.integers(0, 6) | st.integers(0, 2**32 - 1), max_size=4),
    st.binary(max_size=300),
)  # fmt: skip


@given(st.binary(max_size=200) | headers, st.sampled_from([1, 3]))
def test_any_bytes_are_an_idx_array_or_our_error(data, rank):
    try:
        array = decode_idx(data, rank=rank)
    except IDXError:
        return
    assert array.ndim == rank
    assert encode_idx(array) == data


def sound_model() -> bytes:
    from nnscratch.core import Network

    network = Network(3, rng=np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m"
        save_model(path, Model(network, TrainConfig(hidden_size=3), "mnist", {}, [], None))
        return path.read_bytes()


def sound_picture() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(file, "png")
    return file.getvalue()


SOUND_MODEL, SOUND_PICTURE = sound_model(), sound_picture()


def damaged(sound: bytes):
    """Cut, overwrite and repeat pieces of sound bytes."""
    places = st.integers(0, len(sound))
    edits = st.lists(st.tuples(places, places, st.binary(max_size=12)), min_size=1, max_size=4)

    def edited(changes):
        data = sound
        for start, end, piece in changes:
            data = data[:start] + piece + data[min(start, end) :]
        return data

    return edits.map(edited)


@given(st.binary(max_size=300) | damaged(SOUND_MODEL))
def test_any_bytes_are_a_model_or_our_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.npz"
        path.write_bytes(data)
        try:
            model = load_model(path)
        except ModelFileError as error:
            assert error.where == str(path)
            assert "pickle" not in str(error)
        else:
            assert model.network.theta.shape == (3 * 785 + 40,)


@given(st.binary(max_size=300) | damaged(SOUND_PICTURE))
def test_any_bytes_are_a_picture_or_our_error(data):
    try:
        prepared = load_picture(io.BytesIO(data), name="x.png")
    except PictureError as error:
        assert error.where == "x.png"
        return
    assert prepared.image.shape == (28, 28)


toml_values = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.text(max_size=5).map(repr), st.just("[1]")
).map(str)
toml_lines = st.tuples(
    st.sampled_from([*TrainConfig().__dict__, "lerning_rate", "[table]", "a.b"]), toml_values
)


@given(st.binary(max_size=100) | st.lists(toml_lines).map(
    lambda lines: "\n".join(f"{key} = {value}" for key, value in lines).encode()
))  # fmt: skip
def test_any_bytes_are_settings_or_our_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_bytes(data)
        try:
            assert load_settings(path)
        except ConfigError as error:
            assert error.where == str(path)
            assert error.next_step


# ------------------------------------------------------------------------------------ command lines

numbers = st.sampled_from(
    ["0", "1", "2", "7", "-1", "0.5", "nan", "inf", "1e400", "x", "", "9" * 20, "9" * 400, "1,0"]
)
paths = st.sampled_from(
    ["m.npz", "no/m.npz", ".", "", "[bold].npz", "\x00", "a b", "-", "--", "p.png", "c.svg",
     "h.csv", "pretrained", "http://127.0.0.1:9/", "http://[", "ftp://x/"]
)  # fmt: skip
words = st.sampled_from(
    ["auto", "mnist", "synthetic", "mnist+synthetic", "constant", "cosine", "test", "W_h", "q"]
)
flags = st.sampled_from(
    [
        "--lr", "--batch-size", "--hidden", "--momentum", "--weight-decay", "--schedule", "--seed",
        "--augment", "--no-augment", "--deskew", "--validation", "--dataset", "--config", "-o",
        "--json", "--no-json", "--resume", "--split", "--model", "--invert", "--break", "--force",
        "--save-prepared", "--help", "-h", "--no-such", "--epochs", "--plot", "--history",
        "--mistakes", "--weights", "--no-weights", "--data-dir", "--mirror", "--no-invert",
    ]
)  # fmt: skip
pieces = st.one_of(
    flags.map(lambda flag: [flag]),
    st.tuples(flags, st.one_of(numbers, paths, words)).map(list),
    paths.map(lambda path: [path]),
)
command_lines = st.tuples(
    st.sampled_from(["train", "evaluate", "predict", "gradcheck", "download", "", "no-such"]),
    st.lists(pieces, max_size=5),
).map(lambda line: [line[0], *(word for piece in line[1] for word in piece)])


NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def busy_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "m.npz").write_bytes(SOUND_MODEL)
    (folder / "p.png").write_bytes(SOUND_PICTURE)
    return folder


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=command_lines)
@pytest.mark.slow
def test_any_command_line_ends_in_0_1_or_2_and_never_in_a_traceback(line, busy_folder, own_data):
    quick = {"train": ["--epochs", "1", "--validation", "200"]}.get(line[0], [])
    offline = {"download": ["--mirror", "http://127.0.0.1:9/"]}.get(line[0], [])
    line = [*line[:1], *quick, *offline, *line[1:]]
    environment = {"NNSCRATCH_DATA_DIR": str(own_data), "NNSCRATCH_DEBUG": "0"}
    # No mirror, whatever its name, is asked anywhere but at a closed door of this machine.
    environment |= dict.fromkeys(
        ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], NOWHERE
    )
    environment |= {"NO_PROXY": "", "no_proxy": ""}
    if "synthetic" in line:
        return  # sound, and takes three seconds: test_synthetic.py
    before = Path.cwd()
    os.chdir(busy_folder)
    try:
        with mock.patch.dict(os.environ, environment):
            result = CliRunner().invoke(app, line, prog_name="nnscratch")
    finally:
        os.chdir(before)
    assert result.exit_code in (0, 1, 2), (line, result.output, result.exception)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
