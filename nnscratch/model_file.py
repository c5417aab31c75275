"""A trained model in a file: an `.npz` of four arrays and a page of JSON, never a pickle.

    W_h (H, 784)   b_h (H, 1)   W_o (10, H)   b_o (10, 1)     float32, little-endian
    metadata       JSON text: format version, package version, what the network computes, data set
                   and hashes, preprocessing, every hyper-parameter, history without times, test
                   result; of a model that had a teacher, the teacher's name and hash

A model that has learned to refuse (`train --refuse`) adds its rejector, of R units:

    reject_W_h (R, 784)   reject_b_h (R, 1)   reject_W_o (11, R)   reject_b_o (11, 1)

A file kept for `--resume` adds `velocity_W_h` … `velocity_b_o` and `generator`, the state of the
random generator as JSON. `numpy.load` opens it anywhere. The members are stored uncompressed, so
that every size can be judged from the directory of the archive before a byte is read. Nothing in
it depends on the time, the path or the machine's name: the same run gives the same bytes.

Format version 1 did not say what the network computes; there was one kind. Version 2 says it, and
a file that says anything else than what this program computes is refused, not read wrongly.
Version 3 adds the temperature and what rejects. A model without them is written as version 2, so
that its bytes stay what they were; and older files load, and never refuse.
"""

from __future__ import annotations

import io
import json
import math
import re
import shlex
import struct
import tokenize
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nnscratch import __version__
from nnscratch.config import LARGEST_WIDTH, NO_TEACHER, TrainConfig, as_dict, config_from
from nnscratch.core import CLASSES, IN_FEATURES
from nnscratch.data.dataset import DATASET_NAMES
from nnscratch.errors import ConfigError, ModelFileError
from nnscratch.files import cannot_write, check_output, open_plain, write_atomically
from nnscratch.model import Model, build_network
from nnscratch.products import Floats, split
from nnscratch.reject import UNITS, Rejector

FORMAT_VERSION = 3
BUNDLED_NAME = "pretrained"  # names the model on board, whatever files lie about
BUNDLED_MODEL = Path(__file__).with_name(f"{BUNDLED_NAME}.npz")
LARGEST_TEXT_BYTES = 1 << 26  # the history of a hundred thousand epochs
LARGEST_HEADER_BYTES = 256
LARGEST_OUTPUT = float(np.finfo(np.float32).max) / 4  # so that differences of outputs are finite
LOWEST_T = 0.01  # nobody is so sure; and 1 / LOWEST_T nobody so doubtful
LARGEST_THRESHOLD = 1e6
OTHER_BYTES = 1 << 16  # room for all that is not an array


def save_model(path: Path | str, model: Model) -> Path | None:
    """Write a model file, whole or not at all; the suffix is left as it is given.

    Returns:
        Where an earlier model of that name is now kept (`NAME.previous.npz`), or None.

    Raises:
        ModelFileError: `load_model` would not take it back: a value that is not finite, a shape
            that is not the settings', a data set of no known name; nothing is written.
        OutputError: the folder is missing, not writable or full, or something that is no model
            has that name, or the earlier model's new one; every earlier file stays whole.
    """
    path = Path(path)
    packed = _packed(model)
    previous = None
    try:
        check_output(path, "the model", is_ours=is_model, siblings=[previous_name(path)])
        if path.exists() and path.stat().st_size:
            previous = previous_name(path)
            write_atomically(previous, path.read_bytes())
        write_atomically(path, packed)
    except OSError as error:
        raise cannot_write(path, "the model", error) from error
    return previous


def previous_name(path: Path) -> Path:
    """Return the name under which an earlier model is kept: `m.npz` → `m.previous.npz`."""
    return path.with_name(f"{path.name.removesuffix('.npz')}.previous.npz")


def is_model(path: Path) -> bool:
    """Tell whether a file is a model of ours, readable by this version or not."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in REQUIRED} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        return False


def check_model_output(path: Path, config: TrainConfig, *, siblings: tuple[Path, ...] = ()) -> None:
    """Raise OutputError if a model with these settings could not be saved there; done first.

    Args:
        siblings: further files that a run may write beside it.
    """
    H = config.hidden_size
    room_bytes = 4 * (H * (IN_FEATURES + 1) + CLASSES * (H + 1)) + OTHER_BYTES
    if config.refuse:
        room_bytes += 4 * (UNITS * (IN_FEATURES + 1) + (CLASSES + 1) * (UNITS + 1))
    beside = (previous_name(path), *siblings)
    check_output(path, "the model", is_ours=is_model, siblings=beside, room_bytes=room_bytes)


def _packed(model: Model) -> bytes:
    """Return the bytes of a model's file, having read them back as `load_model` will."""
    try:
        packed = _npz(_members(model))
        _read(io.BytesIO(packed), len(packed))
    except (_Unsound, TypeError, ValueError) as error:
        raise ModelFileError(
            f"the model cannot be saved: {error}",
            next_step="train it again, if need be with a smaller rate",
        ) from error
    return packed


def _members(model: Model) -> dict[str, NDArray[Any]]:
    parameters = model.network.parameters
    blocks: dict[str, NDArray[Any]] = {
        **parameters,
        "metadata": np.array(json.dumps(_metadata(model))),
    }
    if model.rejector is not None:
        rejecting = model.rejector.parameters
        blocks |= {f"{REJECT}{name}": block for name, block in rejecting.items()}
    if model.generator is not None:
        for kind, vector in model.memory.items():
            pieces = split(vector, parameters)
            blocks |= {f"{kind}_{name}": piece for name, piece in pieces.items()}
        blocks["generator"] = np.array(json.dumps(model.generator))
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite: refused
        return {
            name: block.astype("<f4") if block.dtype.kind == "f" else block
            for name, block in blocks.items()
        }


def _npz(members: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack arrays as `numpy.savez` does, with the fixed date of 1980 that zip begins at."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return packed.getvalue()


def _metadata(model: Model) -> dict[str, Any]:
    config = as_dict(model.config)
    name = config.pop("teacher")  # a model without a teacher has the bytes that it always had
    taught = {"teacher": {"name": name, "sha256": model.teacher_sha256}}
    if not config["refuse"]:
        del config["refuse"]
    calibration: dict[str, Any] = {}
    if model.rejector is not None or model.temperature != 1:
        rejector = model.rejector and {
            "units": len(model.rejector.hidden.b),
            "threshold": model.rejector.threshold,
        }
        calibration = {"temperature": model.temperature, "rejector": rejector}
    return {
        "format_version": 3 if calibration else 2,
        "nnscratch_version": __version__,
        "network": _described(model.config.hidden_size),
        "dataset": {"name": model.dataset, "sha256": model.sha256},
        "preprocessing": {"scale": "pixels / 255", "deskew": model.config.deskew},
        "config": config,
        "history": model.history,
        "test": model.test,
        **(taught if name != NO_TEACHER else {}),
        **calibration,
    }


def _described(hidden_size: int) -> dict[str, Any]:
    """Say what a network computes, so that no reader takes it for something else."""
    return {
        "layers": [IN_FEATURES, hidden_size, CLASSES],
        "hidden_activation": "relu",
        "output_activation": "softmax",
        "loss": "cross-entropy",
    }


# ---------------------------------------------------------------------------------------- loading


def load_model(path: Path | str) -> Model:
    """Read a model file; nothing in it is run, and nothing is believed before it is checked.

    Args:
        path: a file; or the text `pretrained`, for the model on board (a file of that name is
            `Path("pretrained")`).

    Raises:
        ModelFileError: the file is missing, damaged, of a newer format, or not a model of ours;
            one sentence says which member is wrong and how.
    """
    path = BUNDLED_MODEL if path == BUNDLED_NAME else Path(path)
    try:
        with open_plain(path) as file:
            return _read(file, path.stat().st_size)
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


def _read(file: IO[bytes], file_bytes: int) -> Model:
    with zipfile.ZipFile(file) as archive:
        _check_directory(archive, file_bytes)
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    return _model_from(members)


class _Unsound(Exception):
    """A member is not what it must be; the text names it."""


def _unreadable(reason: str, path: Path) -> ModelFileError:
    return ModelFileError(
        f"the model cannot be read: {reason}",
        where=str(path),
        next_step="train a new one with: nnscratch train; or name another file",
    )


REQUIRED = ("W_h", "b_h", "W_o", "b_o", "metadata")
REJECT = "reject_"
FOR_REJECTING = tuple(f"{REJECT}{name}" for name in REQUIRED[:4])
FOR_RESUME = ("velocity_W_h", "velocity_b_h", "velocity_W_o", "velocity_b_o", "generator")


def _check_directory(archive: zipfile.ZipFile, file_bytes: int) -> None:
    """Judge names, sizes and packing from the archive's directory, before anything is read."""
    names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
    expected: tuple[str, ...] = REQUIRED if "generator" not in names else REQUIRED + FOR_RESUME
    expected += FOR_REJECTING if FOR_REJECTING[0] in names else ()
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


def _model_from(members: Mapping[str, bytes]) -> Model:
    metadata = _read_json("metadata", members["metadata.npy"])
    version = metadata.get("format_version")
    if type(version) is not int or version < 1:
        raise _Unsound("metadata gives no format version")
    if version not in READERS:
        raise _Unsound(
            f"it has format version {version}, and this nnscratch reads up to {FORMAT_VERSION}; "
            "a newer one is needed"
        )
    return READERS[version](metadata, members)


def _read_version_3(metadata: Mapping[str, Any], members: Mapping[str, bytes]) -> Model:
    """Read a file that says how sure to be, and perhaps what to refuse."""
    model = _read_version_2(metadata, members)
    temperature, said = metadata.get("temperature"), metadata.get("rejector")
    if type(temperature) is not float or not LOWEST_T <= temperature <= 1 / LOWEST_T:
        raise _Unsound("metadata gives no sound temperature")
    if (said is None) != (f"{FOR_REJECTING[0]}.npy" not in members):
        raise _Unsound("metadata and members differ about what rejects")
    rejector = None if said is None else _rejector_of(said, members)
    return replace(model, temperature=temperature, rejector=rejector)


def _rejector_of(said: object, members: Mapping[str, bytes]) -> Rejector:
    units = said.get("units") if isinstance(said, dict) else None
    threshold = said.get("threshold") if isinstance(said, dict) else None
    if type(units) is not int or not 1 <= units <= LARGEST_WIDTH:
        raise _Unsound("metadata gives the rejector no sound number of units")
    if type(threshold) is not float or not abs(threshold) <= LARGEST_THRESHOLD:
        raise _Unsound("metadata gives the rejector no sound threshold")
    parameters = _read_blocks(REJECT, members, units, CLASSES + 1)
    _check_range(parameters)
    rejector = Rejector(units, rng=np.random.default_rng(0))
    for name, block in parameters.items():
        rejector.parameters[name][:] = block
    rejector.threshold = threshold
    return rejector


def _read_version_2(metadata: Mapping[str, Any], members: Mapping[str, bytes]) -> Model:
    """Read a file that says what its network computes."""
    config = _config_of(metadata)
    if metadata.get("network") != _described(config.hidden_size):
        raise _Unsound("its network computes something that this nnscratch does not know")
    preprocessing = {"scale": "pixels / 255", "deskew": config.deskew}
    if metadata.get("preprocessing") != preprocessing:
        raise _Unsound("it prepares pictures in a way that this nnscratch does not know")
    return _read_version_1(metadata, members)


def _read_version_1(metadata: Mapping[str, Any], members: Mapping[str, bytes]) -> Model:
    config = _config_of(metadata)
    parameters = _read_blocks("", members, config.hidden_size)
    _check_range(parameters)
    network = build_network(config, rng=np.random.default_rng(0))
    network.load_parameters(parameters)
    memory, generator = {}, None
    if "generator.npy" in members:
        generator = _generator_of(_read_json("generator", members["generator.npy"]))
        blocks = _read_blocks("velocity_", members, config.hidden_size)
        memory["velocity"] = np.concatenate([block.ravel() for block in blocks.values()])
    dataset = _dataset_of(metadata)
    history, test = _results_of(metadata)
    return Model(
        network, config, dataset["name"], dataset["sha256"], history, test, memory, generator,
        _teacher_of(metadata)["sha256"],
    )  # fmt: skip


READERS: dict[int, Callable[[Mapping[str, Any], Mapping[str, bytes]], Model]] = {
    1: _read_version_1,
    2: _read_version_2,
    3: _read_version_3,
}


def _config_of(metadata: Mapping[str, Any]) -> TrainConfig:
    settings = metadata.get("config")
    if not isinstance(settings, dict) or "teacher" in settings:
        raise _Unsound("metadata holds no settings")
    try:
        return config_from({**settings, "teacher": _teacher_of(metadata)["name"]})
    except ConfigError as error:
        raise _Unsound(f"metadata: {error.what}") from error


def _teacher_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the name and the hash of the teacher; its name is no path, but `pretrained` or it."""
    if "teacher" not in metadata:
        return {"name": NO_TEACHER, "sha256": ""}
    teacher = metadata["teacher"]
    if not (
        isinstance(teacher, dict)
        and isinstance(teacher.get("sha256"), str)
        and re.fullmatch("[0-9a-f]{64}", teacher["sha256"])
        and teacher.get("name") in (BUNDLED_NAME, teacher["sha256"])
    ):
        raise _Unsound("metadata does not say which teacher it had")
    return {"name": teacher["name"], "sha256": teacher["sha256"]}


def _dataset_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    dataset = metadata.get("dataset")
    if (
        not isinstance(dataset, dict)
        or dataset.get("name") not in DATASET_NAMES
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
        if min(state["state"].values()) < 0:  # of which NumPy 1.26 makes something else
            raise ValueError("a negative state")
        np.random.PCG64().state = state  # type: ignore[assignment]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise _Unsound("the member generator is no state of a random generator") from error
    return state


def _shapes(H: int, K: int) -> dict[str, tuple[int, ...]]:
    return {"W_h": (H, IN_FEATURES), "b_h": (H, 1), "W_o": (K, H), "b_o": (K, 1)}


def _read_blocks(
    prefix: str, members: Mapping[str, bytes], H: int, K: int = CLASSES
) -> dict[str, Floats]:
    return {
        name: _read_floats(prefix + name, members[f"{prefix}{name}.npy"], shape)
        for name, shape in _shapes(H, K).items()
    }


def _read_json(name: str, member: bytes) -> dict[str, Any]:
    shape, _, dtype, body = _split_header(name, member)
    if shape != () or dtype.kind != "U" or dtype.byteorder == ">":
        raise _Unsound(f"the member {name} is not a text")
    if len(body) != dtype.itemsize:
        raise _Unsound(
            f"the member {name} has {len(body):,} bytes, and declares {dtype.itemsize:,}"
        )
    try:
        value = json.loads(bytes(body).decode("utf-32-le").rstrip("\0"))
    except (ValueError, RecursionError) as error:
        raise _Unsound(f"the member {name} is not JSON") from error
    if not isinstance(value, dict):
        raise _Unsound(f"the member {name} is not a JSON object")
    return value


def _read_floats(name: str, member: bytes, shape: tuple[int, ...]) -> Floats:
    found, fortran_order, dtype, body = _split_header(name, member)
    if dtype != np.dtype("<f4"):
        raise _Unsound(f"the member {name} should hold <f4, and holds {dtype.str}")
    if found != shape:
        raise _Unsound(f"the member {name} should be {shape}, and is {found}"[:120])
    if fortran_order:
        raise _Unsound(f"the member {name} is stored column by column, and ours never are")
    if len(body) != 4 * math.prod(shape):
        raise _Unsound(f"the member {name} has {len(body):,} bytes for the shape {shape}")
    values: Floats = np.frombuffer(body, "<f4").reshape(shape)
    if not np.isfinite(values).all():
        raise _Unsound(f"the member {name} holds a value that is not a finite number")
    return values


def _check_range(parameters: Mapping[str, NDArray[Any]]) -> None:
    """Refuse weights that are finite, and yet so large that some picture's outputs are not."""
    W_h, b_h, W_o, b_o = (
        np.abs(parameters[name].astype(np.float64)) for name in ("W_h", "b_h", "W_o", "b_o")
    )
    A_h = W_h.sum(axis=1, keepdims=True) + b_h
    if max(A_h.max(), (W_o @ A_h + b_o).max()) > LARGEST_OUTPUT:
        raise _Unsound("its weights are so large that a picture's outputs would not be finite")


def _split_header(
    name: str, member: bytes
) -> tuple[tuple[int, ...], bool, np.dtype[Any], memoryview]:
    """Part an `.npy` into shape, order, type and bytes; NumPy reads the header, and only that.

    Its reader of whole arrays allocates what the header declares, and advises pickles.
    """
    file = io.BytesIO(member)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise _Unsound(f"the member {name} is not an array")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(
            file, max_header_size=LARGEST_HEADER_BYTES
        )
    except (
        ValueError, TypeError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError,
    ) as error:  # fmt: skip
        raise _Unsound(f"the member {name} has a damaged header") from error
    return shape, fortran_order, dtype, memoryview(member)[file.tell() :]
