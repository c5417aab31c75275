"""The command line: each command parses its options, calls the package, and shows the result.

NumPy, Rich and the rest are imported when a command needs them, so that `--help` is quick.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from nnscratch import __version__
from nnscratch.config import DATA_DIR_VARIABLE, DEFAULT_DATA_DIR
from nnscratch.errors import ConfigError, NNScratchError, Terminated

if TYPE_CHECKING:
    import numpy as np

    from nnscratch.config import TrainConfig
    from nnscratch.core import Floats, Integers, Network
    from nnscratch.gradcheck import BlockCheck
    from nnscratch.model_file import SavedModel
    from nnscratch.pictures.read import Prepared

DEBUG_VARIABLE = "NNSCRATCH_DEBUG"
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143


class Commands(TyperGroup):
    """Turns whatever a command raises into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; no traceback leaves here unless NNSCRATCH_DEBUG asks for it."""
        for stream in (sys.stdout, sys.stderr):
            # A screen that lacks a letter shows a question mark in its place.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        # Two threads may take half as long as one, and may take twice as long: docs/scaling.md
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except (
            NNScratchError, KeyboardInterrupt, Terminated, BrokenPipeError, MemoryError
        ) as error:  # fmt: skip
            if os.environ.get(DEBUG_VARIABLE) == "1":
                raise
            raise typer.Exit(_tell(error)) from error


def _terminate(*_: object) -> NoReturn:
    raise Terminated


def _tell(error: BaseException) -> int:
    """Show an error and return the exit code that belongs to it."""
    from nnscratch.app import terminal

    if isinstance(error, BrokenPipeError):
        terminal.silence_stdout()
        return 0
    if isinstance(error, KeyboardInterrupt):
        terminal.show_note("interrupted")
        return EXIT_INTERRUPTED
    if isinstance(error, Terminated):
        terminal.show_note("terminated")
        return EXIT_TERMINATED
    if isinstance(error, MemoryError):
        error = NNScratchError("there is not enough memory", next_step="try smaller settings")
    assert isinstance(error, NNScratchError)
    terminal.show_error(error)
    return 1


app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    app(prog_name="nnscratch")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nnscratch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Train, measure and use a 784-10-10 neural network for MNIST, written in NumPy."""


DataDir = Annotated[
    Path,
    typer.Option(envvar=DATA_DIR_VARIABLE, help="Folder of the four MNIST files, plain or .gz."),
]
DatasetName = Literal["auto", "mnist", "synthetic"]
Json = Annotated[bool, typer.Option("--json/--no-json", help="Write JSON alone to stdout.")]


@app.command()
def download(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            help="Address to fetch from instead of the built-in ones; may be repeated. "
            "http will do, since every byte is checked by hash.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force/--no-force", help="Replace files that are not MNIST's.")
    ] = False,
    json: Json = False,
) -> None:
    """Fetch the four MNIST files and verify them.

    Files that are there and verified are not fetched again.

    Examples:

        nnscratch download

        nnscratch download --data-dir ~/mnist --mirror http://10.0.0.5:8000/
    """
    from nnscratch import data
    from nnscratch.app import terminal
    from nnscratch.data.fetch import MIRRORS

    with terminal.download_bars() as on_bytes:
        files = data.download(
            data_dir,
            mirrors=mirror or MIRRORS,
            force=force,
            on_bytes=on_bytes,
            on_note=terminal.show_note,
        )
    if not json:
        terminal.show_fetched(files)
        return
    for file in files:
        terminal.show_json(
            {
                "file": file.name,
                "path": str(file.path),
                "status": file.status,
                "bytes": file.size_bytes,
            }
        )


def _setting(*names: str, help: str, default: str) -> Any:
    """Declare an option that overrides one setting; unset, it leaves the choice to --config."""
    return typer.Option(*names, help=help, show_default=default)


@app.command()
def train(
    lr: Annotated[float | None, _setting(help="Learning rate, above 0.", default="0.1")] = None,
    epochs: Annotated[
        int | None, _setting(help="How often every picture is visited.", default="20")
    ] = None,
    batch_size: Annotated[int | None, _setting(help="Pictures per step.", default="32")] = None,
    hidden: Annotated[int | None, _setting(help="Hidden units.", default="10")] = None,
    momentum: Annotated[
        float | None, _setting(help="Share of the last step kept, 0 to below 1.", default="0")
    ] = None,
    weight_decay: Annotated[
        float | None, _setting(help="Pull of the weights towards 0.", default="0")
    ] = None,
    schedule: Annotated[
        Literal["constant", "cosine"] | None,
        _setting(help="How the learning rate goes on.", default="constant"),
    ] = None,
    augment: Annotated[
        bool | None,
        _setting("--augment/--no-augment", help="Learn from random variants.", default="no"),
    ] = None,
    deskew: Annotated[
        bool | None,
        _setting("--deskew/--no-deskew", help="Shear every picture upright.", default="no"),
    ] = None,
    validation: Annotated[
        int | None,
        _setting(help="Training pictures held out to watch progress.", default="5000"),
    ] = None,
    seed: Annotated[int | None, _setting(help="Decides every random choice.", default="0")] = None,
    dataset: Annotated[
        DatasetName | None,
        typer.Option(help="Which pictures to learn from.", show_default="auto"),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file of settings; options override it.", show_default=False),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the model is saved.")
    ] = Path("model.npz"),
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with an interrupted run, with its settings and its data.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw loss and accuracy: PNG, SVG or PDF.", show_default=False),
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="Write every epoch's figures as CSV.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Train the network and save it.

    The data is downloaded first if it is not there.
    The test set is looked at once, at the end, when the model is saved.

    Examples:

        nnscratch train --lr 0.1 --epochs 20

        nnscratch train --config configs/textbook.toml -o textbook.npz
    """
    flags = {
        "learning_rate": lr,
        "epochs": epochs,
        "batch_size": batch_size,
        "hidden_size": hidden,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "schedule": schedule,
        "augment": augment,
        "deskew": deskew,
        "validation_size": validation,
        "seed": seed,
    }
    from nnscratch import runs
    from nnscratch.app.plots import check_plot
    from nnscratch.model_file import check_writable

    with _blaming_the_flag(flags):
        if resume:
            _refuse_settings({**flags, "config": config, "dataset": dataset})
            run = runs.resumed(resume, data_dir)
        else:
            run = runs.started(_settings(config, flags))
        for path in filter(None, (output, history)):
            check_writable(path)
        if plot:
            check_plot(plot)
        run.dataset = run.dataset or runs.obtain(data_dir, dataset or "auto")
        runs.train(run, output, json)
        runs.write_course(run, plot, history)


FLAG_OF = {"learning_rate": "--lr", "hidden_size": "--hidden", "validation_size": "--validation"}


@contextmanager
def _blaming_the_flag(flags: dict[str, Any]) -> Iterator[None]:
    """Turn a bad setting into a usage error if it was given as an option."""
    try:
        yield
    except ConfigError as error:
        flag = FLAG_OF.get(error.key, "--" + error.key.replace("_", "-"))
        if flags.get(error.key) is None or error.where:
            error.next_step = error.next_step or f"change it there, or with {flag}"
            raise
        raise typer.BadParameter(error.what, param_hint=flag) from error


def _settings(file: Path | None, flags: dict[str, Any]) -> TrainConfig:
    """Put the settings together: flag, then file, then default."""
    from nnscratch.config import config_from, load_settings

    given = {key: value for key, value in flags.items() if value is not None}
    return replace(config_from(load_settings(file) if file else {}), **given)


def _refuse_settings(given: dict[str, Any]) -> None:
    for key, value in given.items():
        if value is not None:
            flag = FLAG_OF.get(key, "--" + key.replace("_", "-"))
            raise typer.BadParameter(
                "with --resume the settings are those of the interrupted run", param_hint=flag
            )


@app.command()
def evaluate(
    model: Annotated[
        Path, typer.Argument(help="Model file, as `train` saved it.", metavar="MODEL")
    ],
    dataset: Annotated[
        DatasetName | None,
        typer.Option(help="Which pictures to measure on.", show_default="what it learned from"),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    split: Annotated[
        Literal["test", "train"], typer.Option(help="Which part of the data set.")
    ] = "test",
    mistakes: Annotated[
        int, typer.Option(min=0, help="Draw so many of the most confident mistakes.")
    ] = 0,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="Draw what hidden units look for.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw a report to hand in: PNG, SVG or PDF.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a trained model: accuracy, loss, each digit, and what was taken for what.

    Examples:

        nnscratch evaluate model.npz

        nnscratch evaluate model.npz --mistakes 6 --weights

        nnscratch evaluate model.npz --split train --json
    """
    from nnscratch.app import sheet, terminal
    from nnscratch.app.plots import check_plot
    from nnscratch.model_file import load_model
    from nnscratch.runs import obtain
    from nnscratch.training import evaluate as measure

    if plot:
        check_plot(plot)
    saved = load_model(model)
    data = obtain(data_dir, dataset or saved.dataset)
    images, labels = (
        (data.test_images, data.test_labels)
        if split == "test"
        else (data.train_images, data.train_labels)
    )
    report = measure(saved.network, images, labels, deskewed=saved.config.deskew)
    units, votes = sheet.outspoken_units(saved)
    if plot:
        sheet.plot_report(plot, saved, data, split, report, images)
    if json:
        answer = sheet.report_json(report, str(model), data.name, split)
        answer |= sheet.pictures_json(saved, report, votes, mistakes or sheet.MISTAKES_ON_A_SHEET)
        terminal.show_json(answer)
        return
    terminal.show_report(report, str(model), data.name, split)
    if mistakes:
        terminal.show_mistakes(report, images, mistakes)
    if weights:
        terminal.show_weights(units, votes, saved.config.hidden_size)
    if data.name == "synthetic":
        terminal.show_not_mnist(str(model))


@app.command()
def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures of one digit each, folders of them, or - for stdin.", metavar="IMAGE..."
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(help="Model file to ask.", show_default="model.npz, else the bundled model"),
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="The ink is dark, or bright.",
            show_default="found out for each picture",
        ),
    ] = None,
    save_prepared: Annotated[
        Path | None,
        typer.Option(help="Write the 28x28 that the network saw to this file.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Tell which digit a picture shows.

    Paper or screen, dark ink or bright, any size: the picture is brought into MNIST's form first.

    Examples:

        nnscratch predict image.png

        nnscratch predict scans/ --model model.npz --json
    """
    from nnscratch.app import terminal
    from nnscratch.model_file import load_model

    if save_prepared and (len(images) > 1 or Path(images[0]).is_dir()):
        raise typer.BadParameter("it takes one picture alone", param_hint="--save-prepared")
    path = model or _default_model()
    saved = load_model(path)
    answers = _answers(images, saved, invert)
    if json:
        failed = terminal.show_predictions_json(answers, str(path))
    elif len(images) > 1 or Path(images[0]).is_dir():
        failed = terminal.show_prediction_table(answers, str(path))
    else:
        failed = terminal.show_predictions(answers, str(path), save_prepared)
    if failed:
        raise typer.Exit(1)


def _default_model() -> Path:
    from nnscratch.model_file import BUNDLED_MODEL

    return Path("model.npz") if Path("model.npz").exists() else BUNDLED_MODEL


def _answers(
    images: list[str], saved: SavedModel, invert: bool | None
) -> Iterator[tuple[str, Prepared | NNScratchError, Floats]]:
    """Give for each picture its name, what was made of it (or its error), and ten probabilities."""
    import io

    import numpy as np

    from nnscratch.core import scale_pixels
    from nnscratch.pictures.decode import list_pictures
    from nnscratch.pictures.read import load_picture
    from nnscratch.training import prepare

    for given in images:
        try:
            names = list(map(str, list_pictures(Path(given)))) if Path(given).is_dir() else [given]
        except NNScratchError as error:
            yield given, error, np.empty(0)
            continue
        for name in names:
            try:
                source = io.BytesIO(sys.stdin.buffer.read()) if name == "-" else name
                picture = load_picture(source, invert=invert, name=name)
            except NNScratchError as error:
                yield name, error, np.empty(0)
                continue
            A = scale_pixels(prepare(picture.image[None], saved.config.deskew))
            yield name, picture, saved.network.predict_proba(A)[0]


@app.command()
def gradcheck(
    model: Annotated[
        Path | None, typer.Option(help="Model file to check.", show_default="a fresh network")
    ] = None,
    break_: Annotated[
        Literal["W_h", "b_h", "W_o", "b_o"] | None,
        typer.Option("--break", help="Plant an error of 1 % in this gradient, to see it found."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the network, the samples and the directions.")
    ] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Json = False,
) -> None:
    """Check the gradients against differences of the loss, in float64.

    The samples are test pictures of the data folder, or random if it holds none.
    Nothing is downloaded. Exits with 0 if every block agrees, with 1 if not.

    Examples:

        nnscratch gradcheck

        nnscratch gradcheck --break W_o
    """
    from nnscratch.app import terminal
    from nnscratch.gradcheck import check_gradients

    network, A, labels, samples = _gradcheck_setting(model, data_dir, seed)
    blocks = check_gradients(network, A, labels, rng=_rng(seed), planted_error=break_)
    if json:
        terminal.show_json(_gradcheck_json(blocks, samples))
    else:
        terminal.show_gradcheck(blocks, len(labels), samples)
    if not all(block.passed for block in blocks):
        raise typer.Exit(1)


def _rng(seed: int) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(seed)


def _gradcheck_setting(
    model: Path | None, data_dir: Path, seed: int
) -> tuple[Network, Floats, Integers, str]:
    """Choose the network and the samples; the last value says where the samples come from."""
    from nnscratch import gradcheck
    from nnscratch.core import Network
    from nnscratch.model_file import load_model

    rng = _rng(seed)
    network = gradcheck.in_float64(load_model(model).network if model else Network(rng=rng))
    draw, samples = _sample_source(data_dir, rng)
    A, labels = gradcheck.draw_samples(network, draw)
    return network, A, labels, samples


def _sample_source(
    data_dir: Path, rng: np.random.Generator
) -> tuple[Callable[[int], tuple[Floats, Integers]], str]:
    import numpy as np

    from nnscratch.core import IN_FEATURES, scale_pixels
    from nnscratch.data import load_dataset, missing_files

    if missing_files(data_dir):
        return lambda n: (rng.random((n, IN_FEATURES)), rng.integers(0, 10, n)), "random"
    dataset = load_dataset(data_dir)

    def draw(n: int) -> tuple[Floats, Integers]:
        chosen = rng.choice(len(dataset.test_images), n)
        return scale_pixels(dataset.test_images[chosen], np.float64), dataset.test_labels[chosen]

    return draw, dataset.name


def _gradcheck_json(blocks: list[BlockCheck], samples: str) -> dict[str, Any]:
    return {
        "passed": all(block.passed for block in blocks),
        "samples": samples,
        "blocks": [
            {
                "block": block.name,
                "compared": block.compared,
                "absolute_error": block.absolute_error,
                "relative_error": block.relative_error,
                "passed": block.passed,
            }
            for block in blocks
        ],
    }
