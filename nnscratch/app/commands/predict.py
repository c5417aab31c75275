"""`nnscratch predict`: say which digit a picture shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from nnscratch.app.options import AnsweringModel, Json, named_or_here
from nnscratch.errors import NNScratchError, PictureError

if TYPE_CHECKING:
    from nnscratch.model import Model, Why
    from nnscratch.reading import Reading


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures of digits, folders of pictures, or - for stdin.",
            metavar="IMAGE",
            show_default=False,
        ),
    ],
    model: AnsweringModel = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="The ink is dark, or light; if not given, detected for each picture.",
            show_default=False,
            metavar="",
        ),
    ] = None,
    several: Annotated[
        bool | None,
        typer.Option(
            "--several/--single",
            help="Read several digits, or one alone; if not given, found out for each picture.",
            show_default=False,
            metavar="",
        ),
    ] = None,
    why: Annotated[
        bool,
        typer.Option(
            "--why/--no-why",
            help="Account for the answer: which pixels and hidden units made the difference.",
        ),
    ] = False,
    against: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=9,
            help="Why not this digit? If not given, the runner-up. Implies --why.",
            show_default=False,
            metavar="DIGIT",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the account of one picture to this PNG, SVG or PDF. Implies --why.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    save_prepared: Annotated[
        Path | None,
        typer.Option(
            help="Save the 28x28 picture that the network saw to this file.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    save_marked: Annotated[
        Path | None,
        typer.Option(
            help="Save the picture with a box around each digit, and the answers, to this file.",
            show_default=False,
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say which digit a picture shows, or which digits, row by row.

    Drawn, scanned or photographed, dark on light or light on dark, of any size:
    each digit is first converted to the form of the MNIST pictures.

    Examples:

        nnscratch predict image.png

        nnscratch predict note.jpg --save-marked marked.png

        nnscratch predict image.png --why --against 9

        nnscratch predict scans/ --model model.npz --json
    """
    from nnscratch.app import readings
    from nnscratch.model_file import load_model

    alone = len(images) == 1 and not os.path.isdir(images[0])
    outputs = {"--save-prepared": save_prepared, "--save-marked": save_marked, "--plot": plot}
    _check_outputs(images[0] if alone else None, outputs)
    name = named_or_here(model)
    loaded, failed = load_model(name), False
    if not (alone or json):
        readings.show_model_name(name)
    show = _show_json if json else _show_at_length if alone else _show_in_a_line
    wants_why = why or against is not None or plot is not None
    for image, source, read in _readings(images, loaded, invert, several):
        reasons: list[Why] = []
        if wants_why:
            read, reasons = _accounts(loaded, read, against)
        if isinstance(read, NNScratchError):
            failed = True
        else:  # before it is shown, since the reader of that may leave
            _keep(read, source, reasons, outputs)
        show(image, name, read, reasons)
    if failed:
        raise typer.Exit(1)


def _show_json(image: str, model: str, read: Reading | NNScratchError, reasons: list[Why]) -> None:
    from nnscratch import records
    from nnscratch.app import terminal

    if isinstance(read, NNScratchError):
        terminal.show_json(records.failure(image, read, *reasons))
    else:
        terminal.show_json(records.reading(image, model, read, reasons))


def _show_at_length(
    image: str, model: str, read: Reading | NNScratchError, reasons: list[Why]
) -> None:
    from nnscratch.app import readings, terminal

    if isinstance(read, NNScratchError):
        terminal.show_error(read)
    else:
        readings.show_reading(image, read, model)
    _show_accounts(reasons)


def _show_accounts(reasons: list[Why]) -> None:
    from nnscratch.app import accounts

    for number, reason in enumerate(reasons, 1):
        of_which = f"Digit {number} of {len(reasons)}. " if len(reasons) > 1 else ""
        accounts.show_why(reason, of_which)


def _show_in_a_line(
    image: str,
    _model: str,  # told once, before all lines
    read: Reading | NNScratchError,
    reasons: list[Why],
) -> None:
    from nnscratch.app import readings

    if isinstance(read, NNScratchError):
        readings.show_failure_line(image, read)
    else:
        readings.show_reading_line(image, read)
    _show_accounts(reasons)


def _accounts(
    model: Model, read: Reading | NNScratchError, against: int | None
) -> tuple[Reading | NNScratchError, list[Why]]:
    """Account for each digit that was read, or for what a refused picture would have been.

    Gives the reading back, with a note where the digit that was named is the answer itself.
    """
    if isinstance(read, NNScratchError):
        picture = getattr(read, "picture", None)
        return read, [model.why(picture.image, against)] if picture else []
    reasons = [model.why(one.image, against) for one in read.digits]
    for one, reason in zip(read.digits, reasons, strict=True):
        if one.digit == against:
            told = f"it says {against} itself; the account is against {reason.account.against}"
            read = replace(read, notes=(*read.notes, told))
    return read, reasons


def _keep(
    read: Reading,
    source: str | IO[bytes],
    reasons: list[Why],
    outputs: dict[str, Path | None],
) -> None:
    """Write the files that were asked for beside the answer."""
    from nnscratch.app.terminal import show_note
    from nnscratch.pictures.decode import read_grey, save_picture

    prepared, marked, plot = (outputs[f] for f in ("--save-prepared", "--save-marked", "--plot"))
    for flag, path in (("--save-prepared", prepared), ("--plot", plot)):
        if path and len(read.digits) > 1:
            raise PictureError(
                f"{flag} takes a picture of one digit, and here are {len(read.digits)}",
                where=str(path),
                next_step="cut the picture down to one, or read the largest alone with --single",
            )
    if prepared:
        save_picture(read.digits[0].image, prepared)
        show_note(f"what the network saw is in {prepared}")
    if marked:
        from nnscratch.pictures.marking import LONGEST_SIDE, Mark, mark

        if not isinstance(source, str):
            source.seek(0)
        grey, size = read_grey(source, str(source), LONGEST_SIDE)
        marks = [Mark(one.box, str(one.digit), not one.doubtful) for one in read.digits]
        save_picture(mark(grey, size, marks), marked)
        show_note(f"the marked picture is in {marked}")
    if plot:
        from nnscratch.app.plots import save_account

        save_account(plot, reasons[0])
        show_note(f"the account is in {plot}")


def _check_outputs(image: str | None, outputs: dict[str, Path | None]) -> None:
    """Refuse, before any work, to replace a picture that is not ours, or the one that is read.

    Args:
        image: the one picture that is read; None if there are several.
    """
    given = {flag: path for flag, path in outputs.items() if path}
    if not given:
        return
    if image is None:
        raise typer.BadParameter("it takes one picture alone", param_hint=next(iter(given)))
    from nnscratch.files import check_distinct
    from nnscratch.pictures.decode import check_picture_output

    check_distinct({"IMAGE": None if image == "-" else Path(image), **given})
    for flag, path in given.items():
        if flag == "--plot":
            from nnscratch.app.plots import check_plot

            check_plot(path)
        else:
            check_picture_output(path)


def _readings(
    images: list[str], model: Model, invert: bool | None, several: bool | None
) -> Iterator[tuple[str, str | IO[bytes], Reading | NNScratchError]]:
    """Give for each picture its name, its source, and what the model reads, or the error."""
    from nnscratch.app import terminal
    from nnscratch.pictures.decode import list_pictures, read_stream
    from nnscratch.reading import read_digits

    for given in images:
        try:
            names = list(map(str, list_pictures(Path(given)))) if os.path.isdir(given) else [given]
        except NNScratchError as error:
            yield given, given, error
            continue
        for name in names:
            try:
                if name == "-" and sys.stdin.isatty():
                    terminal.show_note("reading a picture from the keyboard; Ctrl-D ends it")
                source = read_stream(sys.stdin.buffer) if name == "-" else name
                read = read_digits(model, source, invert=invert, name=name, several=several)
            except NNScratchError as error:
                yield name, name, error
            else:
                yield name, source, read
