"""Classes of somebody else's that stand in for ours, each looked at as it works.

A stand-in has the face of the class it replaces. Weights and gradients stay where ours keeps them,
in the vectors of the network: before each forward pass W and b are lent to the layer, and after
each backward pass its dLdW and dLdb are gathered, whether it assigned them or filled them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnscratch.core import CLASSES, Linear, ReLU, SoftmaxCrossEntropy
from nnscratch.products import Floats
from nnscratch.their_code import TheirCode, lend, viewed_parameters


class OwnLinear(Linear):
    """Keeps weights and gradients where ours does, and leaves the work to theirs."""

    def __init__(self, kind: type, code: TheirCode, ours: Linear) -> None:
        vars(self).update(vars(ours))
        C_out, C_in = self.W.shape
        self._code = code
        self._theirs = code.made("Linear", kind, C_in, C_out, dtype=self.W.dtype)
        _check_parameters("Linear", self._theirs, code, self)
        self._viewed = code.run("Linear.__init__", viewed_parameters, self._theirs)

    def forward(self, A: Floats) -> Floats:
        """Lend W and b, and return their Z, (N, C_out), for A (N, C_in)."""

        def forward() -> Any:
            lend(self._theirs, self._viewed, self.W, self.b)
            return self._theirs.forward(A)

        self._shape = A.shape
        Z = self._code.run("Linear.forward", forward)
        return self._code.array("Z from Linear.forward", Z, (len(A), len(self.b)))

    def backward(self, dLdZ: Floats) -> Floats:
        """Gather their dLdW and dLdb, and return their dLdA, (N, C_in)."""

        def backward() -> Any:
            return self._theirs.backward(dLdZ), *_slopes(self._theirs)

        dLdA, dLdW, dLdb = self._code.run("Linear.backward", backward)
        _gather("Linear", (dLdW, dLdb), self._code, self)
        return self._code.array("dLdA from Linear.backward", dLdA, self._shape)

    def store_gradients(self, dLdZ: Floats) -> None:
        """Gather their dLdW and dLdb."""
        self.backward(dLdZ)


class OwnReLU(ReLU):
    """Theirs, whose answers are looked at."""

    def __init__(self, kind: type, code: TheirCode) -> None:
        self._code, self._theirs = code, code.made("ReLU", kind)

    def forward(self, Z: Floats) -> Floats:
        """Return their A, of the shape of Z."""
        A = self._code.call("ReLU.forward", self._theirs, Z)
        return self._code.array("A from ReLU.forward", A, Z.shape)

    def backward(self, dLdA: Floats) -> Floats:
        """Return their dLdZ, of the shape of dLdA."""
        dLdZ = self._code.call("ReLU.backward", self._theirs, dLdA)
        return self._code.array("dLdZ from ReLU.backward", dLdZ, dLdA.shape)


class OwnLoss(SoftmaxCrossEntropy):
    """Theirs, whose answers are looked at."""

    def __init__(self, kind: type, code: TheirCode) -> None:
        self._code, self._theirs = code, code.made("SoftmaxCrossEntropy", kind)

    def forward(self, Z: Floats, labels: NDArray[Any]) -> float:
        """Return their mean loss."""
        self._shape = Z.shape
        L = self._code.call("SoftmaxCrossEntropy.forward", self._theirs, Z, labels)
        return self._code.number("the loss from SoftmaxCrossEntropy.forward", L)

    def backward(self) -> Floats:
        """Return their dLdZ, (N, K)."""
        dLdZ = self._code.call("SoftmaxCrossEntropy.backward", self._theirs)
        return self._code.array("dLdZ from SoftmaxCrossEntropy.backward", dLdZ, self._shape)


class OwnWhole:
    """A network of theirs, with weights from ours and gradients for ours."""

    def __init__(self, kind: type, code: TheirCode, hidden: Linear, output: Linear) -> None:
        self._code = code
        options = {"dtype": hidden.W.dtype, "rng": np.random.default_rng(0)}
        self._theirs = code.made("Network", kind, len(hidden.b), **options)
        self._ours = {"hidden": hidden, "output": output}
        self._viewed = {}
        for name, ours in self._ours.items():
            layer = code.attribute("Network", self._theirs, name)
            _check_parameters(f"Network.{name}", layer, code, ours)
            self._viewed[name] = code.run("Network.__init__", viewed_parameters, layer)

    def forward(self, A: Floats) -> Floats:
        """Lend W and b to both layers, and return their Z_o, (N, 10)."""

        def forward() -> Any:
            for name, ours in self._ours.items():
                lend(getattr(self._theirs, name), self._viewed[name], ours.W, ours.b)
            return self._theirs.forward(A)

        Z_o = self._code.run("Network.forward", forward)
        return self._code.array("Z_o from Network.forward", Z_o, (len(A), CLASSES))

    def loss(self, Z_o: Floats, labels: NDArray[Any]) -> float:
        """Return their mean loss."""
        return self._code.number(
            "the loss from Network.loss",
            self._code.call("Network.loss", self._theirs, Z_o, labels),
        )

    def backward(self) -> None:
        """Gather the gradients of both layers."""

        def backward() -> Any:
            self._theirs.backward()
            return [_slopes(getattr(self._theirs, name)) for name in self._ours]

        slopes = self._code.run("Network.backward", backward)
        for (name, ours), found in zip(self._ours.items(), slopes, strict=True):
            _gather(f"Network.{name}", found, self._code, ours)


def _check_parameters(name: str, theirs: Any, code: TheirCode, ours: Linear) -> None:
    """Raise HandInError if a layer does not start with a W and a b of the right shapes."""
    for parameter, own in (("W", ours.W), ("b", ours.b)):
        code.array(f"{name}.{parameter}", code.attribute(name, theirs, parameter), own.shape)


def _slopes(layer: Any) -> tuple[Any, Any]:
    return getattr(layer, "dLdW", None), getattr(layer, "dLdb", None)


def _gather(name: str, slopes: tuple[Any, Any], code: TheirCode, ours: Linear) -> None:
    """Copy the gradients of a layer of theirs to the place where ours keeps them."""
    dLdW, dLdb = slopes
    ours.dLdW = code.array(f"{name}.dLdW after backward", dLdW, ours.W.shape)
    ours.dLdb = code.array(f"{name}.dLdb after backward", dLdb, ours.b.shape)
