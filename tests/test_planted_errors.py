"""The tests of the mathematics are worth something: each planted error makes one of them fail.

Each error is written into a copy of the package, and the real test file is run against the copy.
"""

import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

PLANTED = {
    "nothing": ("", ""),
    "a flipped sign": ("dLdZ -= self.Y", "dLdZ += self.Y"),
    "a dropped 1/N": ("        dLdZ /= self.N\n", ""),
    "a transposed product": (
        "dLdA = product(self.W.T, dLdZ.T).T",
        "dLdA = product(self.W if self.W.shape == (10, 10) else self.W.T, dLdZ.T).T",
    ),
    "the scalar sum for a bias gradient": (
        "product(dLdZ.T, ones(self.N, dLdZ.dtype), out=self.dLdb)",
        "self.dLdb[:] = dLdZ.sum()",
    ),
    "the derivative of ReLU upside down": ("* np.sign(self.A)", "* (1 - np.sign(self.A))"),
    "a forgotten bias": ("        Z += self.b\n", ""),
    "the mean forgotten in the loss": ("self.log_A.T)) / self.N", "self.log_A.T))"),
}


def verdict(tmp_path, right, wrong):
    """Run test_gradients.py against a copy in which `right` reads `wrong`; gives the exit code."""
    package = shutil.copytree(
        ROOT / "nnscratch", tmp_path / "nnscratch", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("conftest.py", "test_gradients.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path)
    source = (package / "core.py").read_text(encoding="utf-8")
    assert not right or source.count(right) == 1, f"core.py has no line {right!r} of its own"
    (package / "core.py").write_text(source.replace(right, wrong), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "test_gradients.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert str(ROOT) not in done.stdout
    return done.returncode


@pytest.mark.parametrize("error", PLANTED)
@pytest.mark.slow
def test_each_planted_error_makes_a_test_fail(tmp_path, error):
    assert verdict(tmp_path, *PLANTED[error]) == (0 if error == "nothing" else 1)
