"""What the tests share: the real MNIST where it is there, a small data set, and the command."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nnscratch.data import Dataset, load_dataset, missing_files
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.idx import encode_idx
from nnscratch.data.synthetic import draw_digits

ROOT = Path(__file__).parents[1]


# These need a terminal device or signals that Windows does not have.
collect_ignore = ["test_faults.py", "test_terminal.py"] if sys.platform == "win32" else []


@cache  # asked when the first test needs it: mutmut wants this file to load without our code
def mnist_folder() -> Path | None:
    for folder in (os.environ.get("NNSCRATCH_DATA_DIR"), ROOT / "data"):
        if folder and not missing_files(Path(folder)):
            return Path(folder).resolve()
    return None


@pytest.hookimpl(tryfirst=True)  # before what is slow is left out
def pytest_collection_modifyitems(items):
    rows = Counter()
    for item in items:
        if sampled := item.get_closest_marker("sampled"):
            table = item.nodeid.partition("[")[0]
            rows[table] += 1
            if rows[table] > sampled.args[0]:
                item.add_marker(pytest.mark.slow)
    if mnist_folder() is None:
        for item in items:
            if item.get_closest_marker("mnist"):
                item.add_marker(pytest.mark.skip(reason="the MNIST files are not there"))


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    folder = mnist_folder()
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def mnist(mnist_dir) -> Dataset:
    dataset = load_dataset(mnist_dir)
    assert dataset.name == "mnist"
    return dataset


@pytest.fixture(scope="session")
def packed_mnist(mnist_dir) -> Path:
    """The four files as a mirror serves them, byte for byte."""
    if (mnist_dir / f"{MNIST_FILES[0].name}.gz").exists():
        return mnist_dir
    pytest.skip("the folder holds plain files, and only the published .gz have the known hashes")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def some_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a few of the built-in digits: pictures and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    return draw_digits(labels, rng), labels


@pytest.fixture(scope="session")
def own_data(tmp_path_factory) -> Path:
    """A folder with a small sound data set that is not MNIST's."""
    folder = tmp_path_factory.mktemp("own")
    arrays = (*some_digits(1200, 1), *some_digits(400, 2))
    for file, array in zip(MNIST_FILES, arrays, strict=True):
        (folder / file.name).write_bytes(encode_idx(array))
    return folder


def as_kaggle_has_them(source: Path, folder: Path) -> Path:
    """Put four files, plain or packed, into a new folder, plain and in Kaggle's spelling."""
    folder.mkdir()
    for name in (file.name for file in MNIST_FILES):
        path, packed = source / name, source / f"{name}.gz"
        data = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
        (folder / name.replace("-idx", ".idx")).write_bytes(data)
    return folder


def listing(folder: Path) -> list[Path]:
    """Return all that lies below a folder."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


@pytest.fixture(scope="session")
def own_dataset(own_data) -> Dataset:
    return load_dataset(own_data)


@pytest.fixture
def hand_in(tmp_path):
    """Write a file of the given text, as a student would; gives its path."""

    def write(text, name="linear.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return path

    return write


@pytest.fixture
def run(tmp_path):
    """Run the real command in an empty folder; gives the finished process."""

    def run(
        *arguments, data_dir=None, cwd=None, stdin=b"", **environment
    ) -> subprocess.CompletedProcess:
        env = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("NNSCRATCH_") and key not in ("COLUMNS", "FORCE_COLOR")
        }
        env |= {key: str(value) for key, value in environment.items()}
        if data_dir is not None:
            env["NNSCRATCH_DATA_DIR"] = str(data_dir)
        done = subprocess.run(
            [sys.executable, "-m", "nnscratch", *map(str, arguments)],
            cwd=cwd or tmp_path,
            env={"PYTHONIOENCODING": "utf-8", **env},
            capture_output=True,
            timeout=120,
            input=stdin,
        )
        done.stdout, done.stderr = (
            stream.decode(errors="replace").replace("\r\n", "\n")
            for stream in (done.stdout, done.stderr)
        )
        return done

    return run


@pytest.fixture(scope="session")
def bundled():
    """The accuracy of the model on board, on pictures (n, 28, 28) with labels (n,)."""
    from nnscratch.metrics import evaluate
    from nnscratch.model_file import BUNDLED_MODEL, load_model

    model = load_model(BUNDLED_MODEL)
    return lambda images, labels: (
        evaluate(model.network, images, labels, deskewed=model.config.deskew).accuracy
    )
