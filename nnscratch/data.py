"""MNIST: fetched from a mirror, verified by hash, cached in a folder, loaded into memory.

A file in the folder is never trusted because it is there. Files whose hashes are the published
ones are `mnist`; other sound files of that shape are `custom`; the rest is an error. Loading
writes nothing; only `download` does.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnscratch.errors import DataError, DownloadError
from nnscratch.files import sweep_stale, write_atomically
from nnscratch.idx import decode_idx, encode_idx
from nnscratch.synthetic import SYNTHETIC_VERSION, synthetic_digits

if TYPE_CHECKING:
    import requests

DEFAULT_DATA_DIR = Path("data")
DATA_DIR_VARIABLE = "NNSCRATCH_DATA_DIR"

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/ae608a02b796c9ee908c082585a5f006fe05258e/",
)

LARGEST_FILE_BYTES = 1 << 30
SYNTHETIC_FOLDER = "synthetic"

OnBytes = Callable[[str, int, int], None]
OnNote = Callable[[str], None]


@dataclass(frozen=True)
class MNISTFile:
    """One of the four files: its name, and the sizes and SHA-256 of its packed and plain bytes."""

    name: str
    gz_bytes: int
    gz_sha256: str
    raw_bytes: int
    raw_sha256: str


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


@dataclass(frozen=True)
class Dataset:
    """Pictures and labels to learn from and to be tested on.

    Attributes:
        name: `mnist`, `custom` or `synthetic`.
        train_images, test_images: (n, 28, 28) uint8, ink bright on a dark ground.
        train_labels, test_labels: (n,) uint8, 0 … 9.
        sha256: of each plain IDX file, by its name.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    sha256: dict[str, str]


# ---------------------------------------------------------------------------------------- loading


def load_dataset(data_dir: Path | str = DEFAULT_DATA_DIR) -> Dataset:
    """Load the four IDX files of a folder, plain or `.gz`.

    Returns:
        `mnist` if all four have the published hashes, else `custom`.

    Raises:
        DataError: a file is missing, cannot be read or is damaged; the file is named.
    """
    folder = Path(data_dir)
    return _dataset_from(
        folder, {file.name: _read_plain(folder, file.name) for file in MNIST_FILES}
    )


def _dataset_from(folder: Path, raw: dict[str, bytes]) -> Dataset:
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in raw.items()}
    published = all(sha256[file.name] == file.raw_sha256 for file in MNIST_FILES)
    train_images, train_labels = _images_and_labels(folder, "train", raw)
    test_images, test_labels = _images_and_labels(folder, "t10k", raw)
    return Dataset(
        "mnist" if published else "custom",
        train_images,
        train_labels,
        test_images,
        test_labels,
        sha256,
    )


def missing_files(data_dir: Path) -> list[str]:
    """Name those of the four files that a folder holds neither plain nor packed."""
    return [file.name for file in MNIST_FILES if _find(data_dir, file.name) is None]


def differing_files(dataset: Dataset) -> list[str]:
    """Name those of a data set's files that are not MNIST's."""
    return [file.name for file in MNIST_FILES if dataset.sha256.get(file.name) != file.raw_sha256]


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if os.path.lexists(path)), None)


def _read_plain(folder: Path, name: str) -> bytes:
    path = _find(folder, name)
    if path is None:
        raise DataError(
            f"the file {name} is missing",
            where=str(folder),
            next_step="fetch it with: nnscratch download; or name the folder that holds the four "
            f"MNIST files with --data-dir or {DATA_DIR_VARIABLE}",
        )
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise _damaged(path, f"it is larger than {LARGEST_FILE_BYTES >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error
    return _unpack(data, path) if path.suffix == ".gz" else data


def _unpack(data: bytes, path: Path, limit: int = LARGEST_FILE_BYTES) -> bytes:
    """Undo gzip, never past `limit` bytes: a few kilobytes can unpack to gigabytes."""
    stream = zlib.decompressobj(wbits=31)
    try:
        raw = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise _damaged(path, "it is not sound gzip") from error
    if len(raw) > limit:
        raise _damaged(path, f"it unpacks to more than {limit:,} bytes")
    if not stream.eof:
        raise _damaged(path, "the gzip data ends too soon")
    if stream.unused_data:
        raise _damaged(path, "something follows the gzip data")
    return raw


def _images_and_labels(
    folder: Path, part: str, raw: dict[str, bytes]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image_name, label_name = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    image_path = str(_find(folder, image_name) or folder / image_name)
    label_path = str(_find(folder, label_name) or folder / label_name)
    images = decode_idx(raw[image_name], rank=3, where=image_path)
    labels = decode_idx(raw[label_name], rank=1, where=label_path)
    if images.shape[1:] != (28, 28):
        found = "×".join(map(str, images.shape[1:]))
        raise _damaged(image_path, f"the pictures should be 28×28, and are {found}")
    if len(images) != len(labels):
        raise _damaged(label_path, f"there are {len(images):,} pictures but {len(labels):,} labels")
    if labels.max() > 9:
        raise _damaged(label_path, f"labels should be 0 to 9, and one is {labels.max()}")
    return images, labels


def _damaged(path: Path | str, what: str) -> DataError:
    return DataError(
        f"the file is damaged: {what}",
        where=str(path),
        next_step="replace the file, or fetch MNIST afresh with: nnscratch download --force",
    )


def folder_error(what: str, path: Path, error: OSError) -> DataError:
    """Say that a data folder is the trouble, and how to choose another."""
    return DataError(
        f"{what}: {error.strerror or error}",
        where=str(path),
        next_step=f"choose another folder with --data-dir or {DATA_DIR_VARIABLE}",
    )


def obtain_dataset(
    data_dir: Path | str = DEFAULT_DATA_DIR,
    wanted: str = "auto",
    *,
    on_bytes: OnBytes = lambda name, received, total: None,
    on_drawn: Callable[[int], None] = lambda count: None,
    on_note: OnNote = lambda text: None,
) -> Dataset:
    """Load the wanted data set, fetching or drawing it first if the folder does not hold it.

    Args:
        wanted: `mnist`; `custom`, the folder's own files; `synthetic`, the built-in digits; or
            `auto`: what the folder holds, else MNIST, else, where no mirror can be reached, the
            built-in digits.
        on_bytes, on_note: as in `download`; `on_note` also hears of anything that is not MNIST.
        on_drawn: called with the number of built-in digits drawn since the last call.

    Raises:
        DataError: the wanted set is not to be had.
    """
    folder = Path(data_dir)
    if wanted == "synthetic":
        return _synthetic(folder, on_drawn, on_note)
    if wanted != "custom" and missing_files(folder):
        try:
            download(folder, on_bytes=on_bytes, on_note=on_note)
        except DownloadError as error:
            if wanted == "mnist":
                raise
            on_note(_without_mnist(error))
            return _synthetic(folder, on_drawn, on_note)
    dataset = load_dataset(folder)
    if wanted == "auto" and dataset.name == "custom":
        on_note(f"{folder}: not MNIST's files; using them as a data set of your own")
    if wanted not in ("auto", dataset.name):
        raise _not_wanted(dataset, wanted, folder)
    return dataset


def _without_mnist(error: DownloadError) -> str:
    return (
        f"MNIST could not be fetched ({error.what}), so the built-in digits are used instead.\n"
        f"{error.where}\n"
        "To get MNIST later: nnscratch download, or copy the four files from elsewhere (a USB "
        "stick will do) and name their folder with --data-dir."
    )


def _synthetic(folder: Path, on_drawn: Callable[[int], None], on_note: OnNote) -> Dataset:
    """Load the built-in digits from `synthetic/` in the folder, drawn first if not there."""
    cache = folder / SYNTHETIC_FOLDER
    try:
        if (cache / "VERSION").read_text(encoding="ascii") == SYNTHETIC_VERSION:
            return replace(load_dataset(cache), name="synthetic")
    except (OSError, UnicodeDecodeError, DataError):
        pass  # not there, or damaged: it costs seconds to draw them again
    raw = _drawn(on_drawn)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "VERSION").unlink(missing_ok=True)
        for name, data in {**raw, "VERSION": SYNTHETIC_VERSION.encode()}.items():
            write_atomically(cache / name, data)
    except OSError as error:
        on_note(f"{cache}: the built-in digits cannot be kept there: {error.strerror or error}")
    return replace(_dataset_from(cache, raw), name="synthetic")


def _drawn(on_drawn: Callable[[int], None]) -> dict[str, bytes]:
    arrays = synthetic_digits(on_drawn)
    return {file.name: encode_idx(array) for file, array in zip(MNIST_FILES, arrays, strict=True)}


def _not_wanted(dataset: Dataset, wanted: str, folder: Path) -> DataError:
    if wanted == "custom":
        return DataError(
            "the model learned from a data set of its own, and this folder holds MNIST",
            where=str(folder),
            next_step="name the folder with --data-dir, or measure it on this one: --dataset mnist",
        )
    return DataError(
        f"these files are not MNIST's: {', '.join(differing_files(dataset))}",
        where=str(folder),
        next_step="use them as they are with --dataset auto, or replace them with: "
        "nnscratch download --force",
    )


# ------------------------------------------------------------------------------------ downloading


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for any mirror at all; for one of them to connect, between
    bytes, and for a whole file.
    """

    any_seconds: float = 8.0
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    file_seconds: float = 300.0


@dataclass(frozen=True)
class Fetched:
    """What became of one file: `status` is `fetched` or `verified` (it was there)."""

    name: str
    path: Path
    status: str
    size_bytes: int


def download(
    data_dir: Path | str = DEFAULT_DATA_DIR,
    *,
    mirrors: Sequence[str] = MIRRORS,
    force: bool = False,
    patience: Patience | None = None,
    on_bytes: OnBytes = lambda name, received, total: None,
    on_note: OnNote = lambda text: None,
) -> list[Fetched]:
    """Fetch the files that a folder lacks, verify them, and store them plain.

    Args:
        data_dir: made if it is not there.
        mirrors: addresses that end in `/`, tried in order; one that fails goes to the end.
        force: replace files that are there and are not MNIST's.
        on_bytes: called with (file name, bytes received, bytes in all).
        on_note: called with a line about each mirror that failed where another did not.

    Returns:
        One entry a file. Files that were there and verified were not fetched again.

    Raises:
        DownloadError: no mirror gave a file; lists what each said.
        DataError: the folder cannot be written, or holds a file that is not MNIST's.
    """
    folder = Path(data_dir)
    present = {file.name: _is_published(folder, file) for file in MNIST_FILES}
    foreign = [name for name, published in present.items() if published is False]
    if foreign and not force:
        raise DataError(
            f"not MNIST's, and left alone: {', '.join(foreign)}",
            where=str(folder),
            next_step="replace it with: nnscratch download --force; or use another --data-dir",
        )
    _make_folder(folder)
    fetcher = _Fetcher(list(mirrors), patience or Patience(), on_bytes, on_note)
    if not all(present.values()):
        fetcher.check_network()
    fetched = []
    for file in MNIST_FILES:
        path = folder / file.name
        if not present[file.name]:
            _store(path, fetcher.fetch(file))
        status = "verified" if present[file.name] else "fetched"
        fetched.append(Fetched(file.name, _find(folder, file.name) or path, status, file.raw_bytes))
    return fetched


def _is_published(folder: Path, file: MNISTFile) -> bool | None:
    """Tell whether the folder's copy is MNIST's; None if it has none."""
    path = _find(folder, file.name)
    if path is None:
        return None
    packed = path.suffix == ".gz"
    size, digest = (file.gz_bytes, file.gz_sha256) if packed else (file.raw_bytes, file.raw_sha256)
    try:
        return path.stat().st_size == size and _sha256(path.read_bytes()) == digest
    except OSError as error:
        raise folder_error("the file cannot be read", path, error) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_error("the folder cannot be made", folder, error) from error
    sweep_stale(folder)


def _store(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise folder_error("the file cannot be written", path.parent, error) from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Fetcher:
    """Gets verified bytes from the first mirror that has them."""

    def __init__(
        self, mirrors: list[str], patience: Patience, on_bytes: OnBytes, on_note: OnNote
    ) -> None:
        self.mirrors = [mirror if mirror.endswith("/") else mirror + "/" for mirror in mirrors]
        self.patience = patience
        self.on_bytes = on_bytes
        self.on_note = on_note

    def check_network(self) -> None:
        """Raise DownloadError unless some mirror answers, whatever it says, within one deadline.

        All are asked side by side, each from a thread that nobody waits for: where packets vanish
        a name look-up alone can take half a minute, and no time-out of requests reaches it.
        """
        answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        for mirror in self.mirrors:
            threading.Thread(target=self._ask, args=(mirror, answers), daemon=True).start()
        said = dict.fromkeys(self.mirrors, "no answer")
        deadline = time.monotonic() + self.patience.any_seconds
        for _ in self.mirrors:
            try:
                mirror, problem = answers.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if not problem:
                return
            said[mirror] = problem
        raise _no_mirror("no mirror can be reached", [f"{m}: {text}" for m, text in said.items()])

    def _ask(self, mirror: str, answers: queue.SimpleQueue[tuple[str, str]]) -> None:
        import requests

        try:
            requests.head(mirror, timeout=self.patience.any_seconds, allow_redirects=False).close()
        except (requests.RequestException, OSError, ValueError) as error:
            answers.put((mirror, _in_a_line(error)))
        else:
            answers.put((mirror, ""))

    def fetch(self, file: MNISTFile) -> bytes:
        """Return the plain bytes of one file, or raise DownloadError with each mirror's words."""
        said = []
        with _session() as session:
            for mirror in tuple(self.mirrors):
                try:
                    packed = self._fetch_from(session, mirror, file)
                except DownloadError as error:
                    said.append(f"{mirror}: {error.what}")
                    # It goes to the end, so that the next file does not wait for it again.
                    self.mirrors.append(self.mirrors.pop(self.mirrors.index(mirror)))
                    continue
                for line in said:
                    self.on_note(f"{line}; another mirror was used")
                return packed
        raise _no_mirror(f"no mirror gave {file.name}.gz", said)

    def _fetch_from(self, session: requests.Session, mirror: str, file: MNISTFile) -> bytes:
        import requests
        import urllib3

        try:
            packed = self._body(session, f"{mirror}{file.name}.gz", file)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadError(_in_a_line(error)) from error
        if len(packed) != file.gz_bytes or _sha256(packed) != file.gz_sha256:
            raise DownloadError(f"{len(packed):,} bytes that are not MNIST's")
        return _unpack(packed, Path(f"{file.name}.gz"), limit=file.raw_bytes)

    def _body(self, session: requests.Session, url: str, file: MNISTFile) -> bytes:
        """Read one body, never more than one byte past the size it should have."""
        deadline = time.monotonic() + self.patience.file_seconds
        timeout = (self.patience.connect_seconds, self.patience.read_seconds)
        with session.get(url, stream=True, timeout=timeout) as response:
            if response.status_code != 200:
                raise DownloadError(f"HTTP {response.status_code} {response.reason}")
            body = bytearray()
            while chunk := response.raw.read1(1 << 16):
                body += chunk
                self.on_bytes(file.name, min(len(body), file.gz_bytes), file.gz_bytes)
                if len(body) > file.gz_bytes:
                    raise DownloadError(f"more than the {file.gz_bytes:,} bytes it should send")
                if time.monotonic() > deadline:
                    raise DownloadError(f"not done after {self.patience.file_seconds:g} s")
        return bytes(body)


def _no_mirror(what: str, said: list[str]) -> DownloadError:
    return DownloadError(
        what,
        where="\n".join(said),
        next_step="check the network; or copy the four files from elsewhere and name their folder "
        f"with --data-dir or {DATA_DIR_VARIABLE}; or train on the built-in digits with "
        "--dataset synthetic",
    )


def _session() -> requests.Session:
    """Make a session that retries passing faults and never goes from https to http."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        total=2,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    session = requests.Session()
    session.max_redirects = 5
    session.headers["Accept-Encoding"] = "identity"
    session.headers["User-Agent"] = "nnscratch"
    session.hooks["response"].append(_refuse_downgrade)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _refuse_downgrade(response: requests.Response, **_: object) -> None:
    target = response.headers.get("location", "") if response.is_redirect else ""
    if response.url.startswith("https:") and target.lower().startswith("http:"):
        raise DownloadError("it redirects from https to http")


def _in_a_line(error: Exception) -> str:
    """Say in a few words what a failed request was about; urllib3 nests reasons in reasons."""
    import requests

    words: dict[type[Exception], str] = {
        requests.exceptions.SSLError: "its certificate cannot be trusted",
        requests.exceptions.ProxyError: "the proxy cannot be reached",
        requests.exceptions.ConnectTimeout: "no answer",
        requests.exceptions.ReadTimeout: "it stopped sending",
        requests.exceptions.TooManyRedirects: "it redirects in a loop",
        requests.exceptions.ConnectionError: "it cannot be reached",
        requests.exceptions.InvalidURL: "that is not a web address",
        requests.exceptions.MissingSchema: "that is not a web address",
        requests.exceptions.InvalidSchema: "that is not a web address",
    }
    for kind, text in words.items():
        if isinstance(error, kind):
            return text
    return f"the transfer broke off ({type(error).__name__})"
