"""MNIST as it is published: four files, their sizes and hashes, and the mirrors that serve them.

Every byte is checked against this list, so any mirror will do.
"""

from __future__ import annotations

from dataclasses import dataclass

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/ae608a02b796c9ee908c082585a5f006fe05258e/",
)


@dataclass(frozen=True)
class MNISTFile:
    """One of the four files: its name, and the sizes and SHA-256 of its packed and plain bytes."""

    name: str
    gz_bytes: int
    gz_sha256: str
    raw_bytes: int
    raw_sha256: str

    @property
    def spellings(self) -> tuple[str, str]:
        """The published name, and Kaggle's: `train-images.idx3-ubyte`."""
        return self.name, self.name.replace("-idx", ".idx")


MNIST_FILES = (
    MNISTFile(
        "train-images-idx3-ubyte",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    MNISTFile(
        "train-labels-idx1-ubyte",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    MNISTFile(
        "t10k-images-idx3-ubyte",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    MNISTFile(
        "t10k-labels-idx1-ubyte",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
