"""A trained model as an ONNX file: the format that other programs, languages and phones read.

    images (n, 28, 28) uint8 ──/ 255──▶ A ──W_h, b_h──▶ ReLU ──W_o, b_o──▶ / T ──softmax──▶

    probabilities (n, 10) float32, labels (n,) int64

The scaling of pixels and the temperature are inside, deskewing is not: a model that wants it says
so in the file's metadata. Operators and format (https://onnx.ai/onnx/operators/) are old enough for
any reader of today. Nothing depends on the time or the path: the same model gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch import __version__
from nnscratch.config import as_dict
from nnscratch.core import CLASSES, IN_FEATURES
from nnscratch.errors import MissingExtraError, OutputError
from nnscratch.files import cannot_write, check_output, write_atomically
from nnscratch.model import Model
from nnscratch.pictures.framing import SIZE

if TYPE_CHECKING:
    import onnx

SUFFIX = ".onnx"
OPSET, IR_VERSION = 17, 8  # both of 2022
PRODUCER = "nnscratch"
SIGNATURE = b"\x12" + bytes([len(PRODUCER)]) + PRODUCER.encode()  # field 2 of an ONNX model
SIGNED_BYTES = 16  # field 1, the version, stands before it
DESKEW = "nnscratch.pictures.framing.deskew"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        size_bytes: of the file.
        notes: what whoever feeds the file has to know, each in one line.
    """

    size_bytes: int
    notes: tuple[str, ...]


def check_export(path: Path) -> None:
    """Raise before any work is done if a model could not be exported there.

    Raises:
        OutputError: a suffix that is not `.onnx`, a place that cannot be written, or a file that
            is no export of ours.
        MissingExtraError: onnx is not installed.
    """
    if path.suffix.lower() != SUFFIX:
        raise OutputError(
            f"an export cannot be saved as {path.suffix or 'a file without a suffix'}",
            where=str(path),
            next_step=f"name it with {SUFFIX}",
        )
    check_output(path, "the export", is_ours=is_export)
    _library()


def is_export(path: Path) -> bool:
    """Tell whether a file is an ONNX model that nnscratch wrote."""
    with path.open("rb") as file:
        return SIGNATURE in file.read(SIGNED_BYTES)


def export_model(path: Path | str, model: Model) -> Exported:
    """Write a model as an ONNX file, whole or not at all.

    Raises:
        OutputError, MissingExtraError: as `check_export`; every earlier file stays whole.
    """
    path = Path(path)
    check_export(path)
    packed = to_onnx(model)
    try:
        write_atomically(path, packed)
    except OSError as error:
        raise cannot_write(path, "the export", error) from error
    return Exported(len(packed), tuple(notes_on(model)))


def notes_on(model: Model) -> list[str]:
    """Return what an ONNX file cannot do that the model does, each in one line."""
    notes = []
    if model.network.deskewed:
        notes.append(
            "this model wants its pictures upright, which the file does not do: "
            f"shear them first with {DESKEW}"
        )
    if model.rejector is not None:
        notes.append("the file never refuses a picture, as this model does where it sees no digit")
    return notes


def to_onnx(model: Model) -> bytes:
    """Return the bytes of the ONNX file of a model.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    onnx = _library()
    helper, kind = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        _steps(onnx),
        f"{IN_FEATURES}-{len(model.network.hidden.b)}-{CLASSES}",
        [helper.make_tensor_value_info("images", kind.UINT8, ["n", SIZE, SIZE])],
        [
            helper.make_tensor_value_info("labels", kind.INT64, ["n"]),
            helper.make_tensor_value_info("probabilities", kind.FLOAT, ["n", CLASSES]),
        ],
        [onnx.numpy_helper.from_array(array, name) for name, array in _constants(model).items()],
    )
    proto = helper.make_model(
        graph,
        producer_name=PRODUCER,
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        doc_string="Reads handwritten digits, framed as MNIST's are: ink bright on a dark ground.",
    )
    helper.set_model_props(proto, _metadata(model))
    onnx.checker.check_model(proto, full_check=True)
    packed: bytes = proto.SerializeToString(deterministic=True)
    return packed


def _steps(onnx: Any) -> list[onnx.NodeProto]:
    """Return the operators in their order, each with the names of what goes in and comes out."""
    node = onnx.helper.make_node
    return [
        node("Cast", ["images"], ["pixels"], to=onnx.TensorProto.FLOAT),
        node("Reshape", ["pixels", "one_row_each"], ["rows"]),
        node("Mul", ["rows", "scale"], ["A"]),
        node("Gemm", ["A", "W_h", "b_h"], ["Z_h"], transB=1),
        node("Relu", ["Z_h"], ["A_h"]),
        node("Gemm", ["A_h", "W_o", "b_o"], ["Z_o"], transB=1),
        node("Div", ["Z_o", "T"], ["Z_o_over_T"]),
        node("Softmax", ["Z_o_over_T"], ["probabilities"], axis=1),
        node("ArgMax", ["probabilities"], ["labels"], axis=1, keepdims=0),
    ]


def _constants(model: Model) -> dict[str, Any]:
    """Return the arrays that the operators name."""
    parameters = {
        name: np.ascontiguousarray(array, np.float32)
        for name, array in model.network.parameters.items()
    }
    return {
        **parameters,
        "b_h": parameters["b_h"].ravel(),
        "b_o": parameters["b_o"].ravel(),
        "one_row_each": np.array([-1, IN_FEATURES], np.int64),
        "scale": np.array(1 / 255, np.float32),
        "T": np.array(model.temperature, np.float32),
    }


def _metadata(model: Model) -> dict[str, str]:
    """Return what the file says of the model, as text by name: what to do first, and its origin."""
    return {
        "images": "(n, 28, 28) uint8, ink bright on a dark ground, framed as MNIST's are",
        "deskew": f"first, with {DESKEW}" if model.network.deskewed else "no",
        "temperature": repr(model.temperature),
        "dataset": model.dataset,
        "settings": json.dumps(as_dict(model.config)),
        "test": json.dumps(model.test),
    }


def _library() -> Any:
    """Return the library, or say that it is missing."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingExtraError(
            "an export needs onnx, and it is not installed",
            next_step=f"install it with: {sys.executable} -m pip install 'nnscratch[onnx]'",
        ) from error
    return onnx
