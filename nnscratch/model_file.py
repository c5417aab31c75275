"""A trained model in a file: an `.npz` of four arrays and a page of JSON, never a pickle.

    W_h (H, 784)   b_h (H, 1)   W_o (10, H)   b_o (10, 1)     float32, little-endian
    metadata       JSON text: format version, package version, what the network computes, data set
                   and hashes, preprocessing, every hyper-parameter, history without times, test
                   result; of a model that had a teacher, the teacher's name and hash; of a model
                   that started from another, that one's

A model that has learned to refuse (`train --refuse`) adds its rejector, of R units:

    reject_W_h (R, 784)   reject_b_h (R, 1)   reject_W_o (11, R)   reject_b_o (11, 1)

A file kept for `--resume` adds `velocity_W_h` … `velocity_b_o` and `generator`, the state of the
random generator as JSON, and to the metadata the names of the classes that were not ours
(`train --layers`). `numpy.load` opens it anywhere. Nothing in it depends on the time, the
path or the machine's name: the same run gives the same bytes.

Format version 1 did not say what the network computes; there was one kind. Version 2 says it, and
a file that says anything else than what this program computes is refused, not read wrongly.
Version 3 adds the temperature and what rejects. A model without them is written as version 2, so
that its bytes stay what they were; and older files load, and never refuse.
"""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.archive import Members, UnsoundError, holds, pack, read_floats, read_json, unpack
from nnscratch.config import BUNDLED_NAME, LARGEST_WIDTH, TrainConfig
from nnscratch.core import CLASSES, IN_FEATURES
from nnscratch.errors import ModelFileError, OutputError
from nnscratch.files import cannot_write, check_named, check_output, open_plain, write_atomically
from nnscratch.metadata import (
    describe_network,
    metadata_of,
    read_config,
    read_dataset,
    read_own_classes,
    read_results,
    read_start,
    read_teacher,
)
from nnscratch.model import Model, build_network
from nnscratch.products import Floats, split
from nnscratch.reject import UNITS, Rejector

FORMAT_VERSION = 3
BUNDLED_MODEL = Path(__file__).with_name(f"{BUNDLED_NAME}.npz")
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
            has that name, or the earlier model's new one; every earlier file stays whole. Or the
            path is the text `pretrained`, which `load_model` takes for the model on board.
    """
    if path == BUNDLED_NAME:
        raise OutputError(
            "this text names the model on board, which is never replaced",
            where=str(path),
            next_step="choose another name, such as model.npz",
        )
    path = Path(path)
    packed = to_bytes(model)
    previous = None
    try:
        check_named(path, "the model")
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
    return holds(path, REQUIRED)


def check_model_output(path: Path, config: TrainConfig, *, siblings: tuple[Path, ...] = ()) -> None:
    """Raise OutputError if a model with these settings could not be saved there; done first.

    Args:
        siblings: further files that a run may write beside it.
    """
    beside = (previous_name(path), *siblings)
    check_output(
        path, "the model", is_ours=is_model, siblings=beside, room_bytes=largest_file_bytes(config)
    )


def largest_file_bytes(config: TrainConfig) -> int:
    """Return how much room a model with these settings may take."""
    H = config.hidden_size
    room_bytes = 4 * (H * (IN_FEATURES + 1) + CLASSES * (H + 1)) + OTHER_BYTES
    if config.refuse:
        room_bytes += 4 * (UNITS * (IN_FEATURES + 1) + (CLASSES + 1) * (UNITS + 1))
    return room_bytes


def to_bytes(model: Model) -> bytes:
    """Return the bytes of a model's file, having read them back as `load_model` will.

    Raises:
        ModelFileError: as `save_model`.
    """
    try:
        packed = pack(_members(model))
        _read(io.BytesIO(packed), len(packed))
    except (UnsoundError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"the model cannot be saved: {error}",
            next_step="train it again, if need be with a smaller rate",
        ) from error
    return packed


def _members(model: Model) -> dict[str, NDArray[Any]]:
    parameters = model.network.parameters
    blocks: dict[str, NDArray[Any]] = {
        **parameters,
        "metadata": np.array(json.dumps(metadata_of(model))),
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
    except UnsoundError as error:
        raise _unreadable(str(error), path) from error


def _read(file: IO[bytes], file_bytes: int) -> Model:
    return _model_from(unpack(file, file_bytes, _expected, texts=("metadata", "generator")))


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


def _expected(names: list[str]) -> tuple[str, ...]:
    """Name the members that a file must have, and no others, given those that it has."""
    expected: tuple[str, ...] = REQUIRED if "generator" not in names else REQUIRED + FOR_RESUME
    return expected + (FOR_REJECTING if FOR_REJECTING[0] in names else ())


def _model_from(members: Members) -> Model:
    metadata = read_json("metadata", members)
    version = metadata.get("format_version")
    if type(version) is not int or version < 1:
        raise UnsoundError("metadata gives no format version")
    if version not in READERS:
        raise UnsoundError(
            f"it has format version {version}, and this nnscratch reads up to {FORMAT_VERSION}; "
            "a newer one is needed"
        )
    model = READERS[version](metadata, members)
    return replace(model, own_classes=read_own_classes(metadata))


def _read_version_3(metadata: Mapping[str, Any], members: Members) -> Model:
    """Read a file that says how sure to be, and perhaps what to refuse."""
    model = _read_version_2(metadata, members)
    temperature, said = metadata.get("temperature"), metadata.get("rejector")
    if type(temperature) is not float or not LOWEST_T <= temperature <= 1 / LOWEST_T:
        raise UnsoundError("metadata gives no sound temperature")
    if (said is None) != (FOR_REJECTING[0] not in members):
        raise UnsoundError("metadata and members differ about what rejects")
    rejector = None if said is None else _rejector_of(said, members)
    return replace(model, temperature=temperature, rejector=rejector)


def _rejector_of(said: object, members: Members) -> Rejector:
    units = said.get("units") if isinstance(said, dict) else None
    threshold = said.get("threshold") if isinstance(said, dict) else None
    if type(units) is not int or not 1 <= units <= LARGEST_WIDTH:
        raise UnsoundError("metadata gives the rejector no sound number of units")
    if type(threshold) is not float or not abs(threshold) <= LARGEST_THRESHOLD:
        raise UnsoundError("metadata gives the rejector no sound threshold")
    parameters = _read_blocks(REJECT, members, units, CLASSES + 1)
    _check_range(parameters)
    rejector = Rejector(units, rng=np.random.default_rng(0))
    for name, block in parameters.items():
        rejector.parameters[name][:] = block
    rejector.threshold = threshold
    return rejector


def _read_version_2(metadata: Mapping[str, Any], members: Members) -> Model:
    """Read a file that says what its network computes."""
    config = read_config(metadata)
    if metadata.get("network") != describe_network(config.hidden_size):
        raise UnsoundError("its network computes something that this nnscratch does not know")
    preprocessing = {"scale": "pixels / 255", "deskew": config.deskew}
    if metadata.get("preprocessing") != preprocessing:
        raise UnsoundError("it prepares pictures in a way that this nnscratch does not know")
    return _read_version_1(metadata, members)


def _read_version_1(metadata: Mapping[str, Any], members: Members) -> Model:
    config = read_config(metadata)
    parameters = _read_blocks("", members, config.hidden_size)
    _check_range(parameters)
    network = build_network(config, rng=np.random.default_rng(0))
    network.load_parameters(parameters)
    memory, generator = {}, None
    if "generator" in members:
        generator = _generator_of(read_json("generator", members))
        blocks = _read_blocks("velocity_", members, config.hidden_size)
        memory["velocity"] = np.concatenate([block.ravel() for block in blocks.values()])
    dataset = read_dataset(metadata)
    history, test = read_results(metadata)
    return Model(
        network, config, dataset["name"], dataset["sha256"], history, test, memory, generator,
        read_teacher(metadata)["sha256"], start_sha256=read_start(metadata)["sha256"],
    )  # fmt: skip


READERS: dict[int, Callable[[Mapping[str, Any], Members], Model]] = {
    1: _read_version_1,
    2: _read_version_2,
    3: _read_version_3,
}


def _generator_of(state: dict[str, Any]) -> dict[str, Any]:
    try:
        if min(state["state"].values()) < 0:  # of which NumPy 1.26 makes something else
            raise ValueError("a negative state")
        np.random.PCG64().state = state  # type: ignore[assignment]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UnsoundError("the member generator is no state of a random generator") from error
    return state


def _shapes(H: int, K: int) -> dict[str, tuple[int, ...]]:
    return {"W_h": (H, IN_FEATURES), "b_h": (H, 1), "W_o": (K, H), "b_o": (K, 1)}


def _read_blocks(prefix: str, members: Members, H: int, K: int = CLASSES) -> dict[str, Floats]:
    return {
        name: read_floats(prefix + name, members, shape) for name, shape in _shapes(H, K).items()
    }


def _check_range(parameters: Mapping[str, NDArray[Any]]) -> None:
    """Refuse weights that are finite, and yet so large that some picture's outputs are not."""
    W_h, b_h, W_o, b_o = (
        np.abs(parameters[name].astype(np.float64)) for name in ("W_h", "b_h", "W_o", "b_o")
    )
    A_h = W_h.sum(axis=1, keepdims=True) + b_h
    if max(A_h.max(), (W_o @ A_h + b_o).max()) > LARGEST_OUTPUT:
        raise UnsoundError("its weights are so large that a picture's outputs would not be finite")
