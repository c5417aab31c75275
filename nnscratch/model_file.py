"""A trained model in a file: an `.npz` of four arrays and a page of JSON, never a pickle.

    W_h (H, 784)   b_h (H, 1)   W_o (10, H)   b_o (10, 1)     float32, little-endian
    metadata       JSON text: format version, package version, data set and hashes, preprocessing,
                   every hyper-parameter, history without times, test result

A file kept for `--resume` adds `velocity_W_h` … `velocity_b_o` and `generator`, the state of the
random generator as JSON. `numpy.load` opens it anywhere. The members are stored uncompressed, so
that every size can be judged from the directory of the archive before a byte is read. Nothing in
it depends on the time, the path or the machine's name: the same run gives the same bytes.
"""

from __future__ import annotations

import ast
import io
import json
import math
import shlex
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch import __version__
from nnscratch.config import TrainConfig, as_dict, config_from
from nnscratch.core import CLASSES, IN_FEATURES, Floats, Network
from nnscratch.errors import ConfigError, ModelFileError
from nnscratch.files import SUFFIX, sweep_stale, write_atomically

FORMAT_VERSION = 1
BUNDLED_MODEL = Path(__file__).with_name("pretrained.npz")
LARGEST_TEXT_BYTES = 1 << 22
LARGEST_HEADER_BYTES = 256


@dataclass(frozen=True)
class SavedModel:
    """What a model file holds.

    Attributes:
        network: ready to predict.
        config: the settings it was trained with.
        dataset: the name of the set it learned from: `mnist`, `custom` or `synthetic`.
        sha256: of that set's four plain files, by name.
        history: per epoch `epoch`, `train_loss`, `validation_loss`, `validation_accuracy`.
        test: `loss` and `accuracy` on the test set; None in a file kept for `--resume`.
        velocity, generator: what `--resume` needs; None in a finished model. The velocity is laid
            out as `network.theta`.
    """

    network: Network
    config: TrainConfig
    dataset: str
    sha256: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    test: dict[str, float] | None = None
    velocity: Floats | None = None
    generator: dict[str, Any] | None = None


def save_model(path: Path | str, model: SavedModel) -> None:
    """Write a model file, whole or not at all; the suffix is left as it is given.

    Raises:
        ModelFileError: the folder is missing, not writable or full; an earlier file stays whole.
    """
    members: dict[str, NDArray[Any]] = {
        name: value.astype("<f4") for name, value in model.network.parameters.items()
    }
    members["metadata"] = np.array(json.dumps(_metadata(model)))
    if model.velocity is not None:
        for name, value in model.network.split(model.velocity).items():
            members[f"velocity_{name}"] = value.astype("<f4")
        members["generator"] = np.array(json.dumps(model.generator))
    try:
        write_atomically(Path(path), _npz(members))
    except OSError as error:
        raise not_writable(Path(path), error) from error


def _npz(members: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack arrays as `numpy.savez` does, with the fixed date of 1980 that zip begins at."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return packed.getvalue()


def _metadata(model: SavedModel) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "nnscratch_version": __version__,
        "dataset": {"name": model.dataset, "sha256": model.sha256},
        "preprocessing": {"scale": "pixels / 255", "deskew": model.config.deskew},
        "config": as_dict(model.config),
        "history": model.history,
        "test": model.test,
    }


def check_writable(path: Path) -> None:
    """Raise ModelFileError if a model could not be saved there; said before training starts."""
    if path.is_dir():
        raise ModelFileError(
            "the model cannot be saved: that is a folder",
            where=str(path),
            next_step="give a file name, for example --output model.npz",
        )
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=SUFFIX):
            sweep_stale(path.parent)
    except OSError as error:
        raise not_writable(path, error) from error


def not_writable(path: Path, error: OSError) -> ModelFileError:
    """Say that a file cannot be saved, and how to choose another place."""
    return ModelFileError(
        f"the file cannot be saved: {error.strerror or error}",
        where=str(path),
        next_step="choose another place with --output",
    )


# ---------------------------------------------------------------------------------------- loading


def load_model(path: Path | str) -> SavedModel:
    """Read a model file; nothing in it is run, and nothing is believed before it is checked.

    Raises:
        ModelFileError: the file is missing, damaged, of a newer format, or not a model of ours;
            one sentence says which member is wrong and how.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            _check_directory(archive, path.stat().st_size)
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        return _model_from(members)
    except FileNotFoundError as error:
        raise ModelFileError(
            "there is no such model",
            where=str(path),
            next_step=f"train one with: nnscratch train --output {shlex.quote(str(path))}",
        ) from error
    except OSError as error:
        raise _unreadable(error.strerror or str(error), path) from error
    except zipfile.BadZipFile as error:
        raise _unreadable("it is damaged, or not a model file", path) from error
    except _Unsound as error:
        raise _unreadable(str(error), path) from error
    except (NotImplementedError, RuntimeError, ValueError, EOFError, struct.error) as error:
        # What zipfile says of an archive whose directory is damaged.
        raise _unreadable("it is damaged", path) from error


class _Unsound(Exception):
    """A member is not what it must be; the text names it."""


def _unreadable(reason: str, path: Path) -> ModelFileError:
    return ModelFileError(
        f"the model cannot be read: {reason}",
        where=str(path),
        next_step="train a new one with: nnscratch train; or name another file",
    )


REQUIRED = ("W_h", "b_h", "W_o", "b_o", "metadata")
FOR_RESUME = ("velocity_W_h", "velocity_b_h", "velocity_W_o", "velocity_b_o", "generator")


def _check_directory(archive: zipfile.ZipFile, file_bytes: int) -> None:
    """Judge names, sizes and packing from the archive's directory, before anything is read."""
    names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
    expected = REQUIRED if "generator" not in names else REQUIRED + FOR_RESUME
    for name in expected:
        if names.count(name) != 1:
            raise _Unsound(f"the member {name} is {'missing' if name not in names else 'doubled'}")
    for info, name in zip(archive.infolist(), names, strict=True):
        if name not in expected or info.filename != f"{name}.npy":
            raise _Unsound(f"it has a member that no model has: {info.filename[:40]!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise _Unsound(f"the member {name} is compressed, and ours never are")
        if name in ("metadata", "generator") and info.file_size > LARGEST_TEXT_BYTES:
            raise _Unsound(f"the member {name} is too large")
    if sum(info.file_size for info in archive.infolist()) > file_bytes:
        raise _Unsound("its members are larger than the file")


def _model_from(members: Mapping[str, bytes]) -> SavedModel:
    metadata = _read_json("metadata", members["metadata.npy"])
    if type(metadata.get("format_version")) is not int or metadata["format_version"] < 1:
        raise _Unsound("metadata gives no format version")
    if metadata["format_version"] > FORMAT_VERSION:
        raise _Unsound(
            f"it has format version {metadata['format_version']}, and this nnscratch reads "
            f"up to {FORMAT_VERSION}; a newer one is needed"
        )
    config = _config_of(metadata)
    parameters = _read_parameters("", members, config.hidden_size)
    network = Network(config.hidden_size, rng=np.random.default_rng(0))
    network.load_parameters(parameters)
    velocity = generator = None
    if "generator.npy" in members:
        generator = _generator_of(_read_json("generator", members["generator.npy"]))
        blocks = _read_parameters("velocity_", members, config.hidden_size)
        velocity = np.concatenate([block.ravel() for block in blocks.values()])
    dataset = _dataset_of(metadata)
    history, test = _results_of(metadata)
    return SavedModel(
        network, config, dataset["name"], dataset["sha256"], history, test, velocity, generator
    )


def _config_of(metadata: Mapping[str, Any]) -> TrainConfig:
    settings = metadata.get("config")
    if not isinstance(settings, dict):
        raise _Unsound("metadata holds no settings")
    try:
        return config_from(settings)
    except ConfigError as error:
        raise _Unsound(f"metadata: {error.what}") from error


def _dataset_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    dataset = metadata.get("dataset")
    if (
        not isinstance(dataset, dict)
        or dataset.get("name") not in ("mnist", "custom", "synthetic")
        or not isinstance(dataset.get("sha256"), dict)
    ):
        raise _Unsound("metadata does not say which data set it learned from")
    return dataset


def _results_of(metadata: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    history, test = metadata.get("history"), metadata.get("test")
    if not isinstance(history, list) or not all(map(_is_epoch, history)):
        raise _Unsound("metadata holds no sound history")
    if test is not None and (
        not isinstance(test, dict)
        or not all(isinstance(test.get(key), float) for key in ("loss", "accuracy"))
    ):
        raise _Unsound("metadata holds no sound test result")
    return history, test


HISTORY_KEYS = {"epoch", "train_loss", "validation_loss", "validation_accuracy"}


def _is_epoch(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == HISTORY_KEYS
        and type(entry["epoch"]) is int
        and type(entry["train_loss"]) is float
        and all(entry[key] is None or type(entry[key]) is float for key in HISTORY_KEYS - {"epoch"})
    )


def _generator_of(state: dict[str, Any]) -> dict[str, Any]:
    try:
        np.random.PCG64().state = state  # type: ignore[assignment]
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise _Unsound("the member generator is no state of a random generator") from error
    return state


def _read_parameters(prefix: str, members: Mapping[str, bytes], H: int) -> dict[str, Floats]:
    shapes = {"W_h": (H, IN_FEATURES), "b_h": (H, 1), "W_o": (CLASSES, H), "b_o": (CLASSES, 1)}
    return {
        name: _read_floats(prefix + name, members[f"{prefix}{name}.npy"], shape)
        for name, shape in shapes.items()
    }


def _read_json(name: str, member: bytes) -> dict[str, Any]:
    header, body = _split_header(name, member)
    descr = str(header["descr"])
    letters = descr.removeprefix("<U")
    if header["shape"] != () or letters == descr or not letters.isdigit():
        raise _Unsound(f"the member {name} is not a text")
    if len(body) != 4 * int(letters):
        raise _Unsound(f"the member {name} has {len(body):,} bytes for {letters} letters")
    try:
        value = json.loads(body.decode("utf-32-le").rstrip("\0"))
    except (ValueError, RecursionError) as error:
        raise _Unsound(f"the member {name} is not JSON") from error
    if not isinstance(value, dict):
        raise _Unsound(f"the member {name} is not a JSON object")
    return value


def _read_floats(name: str, member: bytes, shape: tuple[int, ...]) -> Floats:
    header, body = _split_header(name, member)
    if header["descr"] != "<f4":
        raise _Unsound(f"the member {name} should hold <f4, and holds {header['descr']}"[:120])
    if header["shape"] != shape or header["fortran_order"] is not False:
        raise _Unsound(f"the member {name} should be {shape}, and is {header['shape']}"[:120])
    if len(body) != 4 * math.prod(shape):
        raise _Unsound(f"the member {name} has {len(body):,} bytes for the shape {shape}")
    values: Floats = np.frombuffer(body, "<f4").reshape(shape)
    if not np.isfinite(values).all():
        raise _Unsound(f"the member {name} holds a value that is not a finite number")
    return values


def _split_header(name: str, member: bytes) -> tuple[dict[str, Any], bytes]:
    """Part an `.npy` into its header and its bytes, without NumPy's reader.

    NumPy's allocates what the header declares, and advises switching pickles on.
    """
    if member[:8] != b"\x93NUMPY\x01\x00":
        raise _Unsound(f"the member {name} is not an array")
    end = 10 + struct.unpack_from("<H", member, 8)[0]
    if end > LARGEST_HEADER_BYTES or end > len(member):
        raise _Unsound(f"the member {name} has a damaged header")
    try:
        header = ast.literal_eval(member[10:end].decode("latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise _Unsound(f"the member {name} has a damaged header") from error
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise _Unsound(f"the member {name} has a damaged header")
    return header, member[end:]
