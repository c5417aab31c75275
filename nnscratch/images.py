"""Any picture of one digit → the 28×28 that MNIST's makers would have made of it.

    decode     Pillow; turned as EXIF says; transparency laid on white; grey        → read_grey
    ink        which tone is ink, how much of it at each pixel, whatever the light  → find_ink
    shape      specks and edge lines out, broken strokes kept                       → keep_digit
    stroke     far too thin or thick: brought near MNIST's                          → fit_to_box
    box        fitted to 20×20, aspect kept, antialiased                            → fit_to_box
    centre     centre of mass to pixel (14, 14), by whole pixels                    → centred

A network knows only pictures framed as its own were. Resized without care, digits from elsewhere
score 19 %; prepared so, well over 85 %. Pillow decodes, resizes and blurs; what is ink is decided
here, in NumPy. A picture that is MNIST-like already passes unchanged.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from nnscratch.errors import NoDigitError, PictureError
from nnscratch.files import write_atomically
from nnscratch.framing import BOX_SIZE, CENTRE, SIZE, centre_of_mass, ink_box

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
LONGEST_SIDE = 640  # pixels; what is larger is reduced while it is decoded
LARGEST_PIXELS = 100_000_000

# Shares of the picture's longer side.
PAPER_REACH = 0.4  # no solid piece of ink is broader; light and shadow are
EDGE = 0.1  # a margin along the border

EDGE_SHARE = 0.9  # what touches the border and has so much of itself in the margin is no digit

# Shares of full ink.
SURE_INK = 0.35
FAINT_INK = 0.04
ONE_TONE = 3  # grey levels either way
WEAKEST_CONTRAST = 14.0  # grey levels between paper and ink
NOISE_MARGIN = 5.0  # times the noise that ink must stand above

# Of the digit's own size or ink.
SPECK = 0.02
NEAR = 0.3
ANOTHER_DIGIT = 0.25
STRAY_INK = 0.8  # times the digit's in specks besides it, and it is noise
MOST_PIECES = 6  # of a broken digit, or other digits beside it
LONGEST_STROKE = 9.0  # times its size; an 8 has about 4
SMALLEST_PIXELS, SMALLEST_SHARE = 5, 0.06  # of the page's longer side; less is a speck

# Stroke width as a share of the box's longer side, and what MNIST has.
THINNEST, THICKEST = 0.09, 0.21
THIN_TARGET, THICK_TARGET = 0.13, 0.17
FINE = 4 * BOX_SIZE  # size at which strokes are measured and changed

EXIF_ORIENTATION = 0x0112
NEXT_STEP = "write one digit, large and dark, on plain paper; or try --invert or --no-invert"

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]

STEPS = ("ink", "shape", "box", "centre", "stroke")


@dataclass(frozen=True)
class Prepared:
    """A picture as the network sees it, and what was done to it.

    Attributes:
        image: (28, 28) uint8, ink bright on a dark ground.
        inverted: whether the ink was dark.
        size: width and height of the picture, turned upright, in pixels.
        box: where the digit was: left, top, right, bottom, in pixels of that size.
        stroke: `kept`, `thickened` or `thinned`.
        shapes: how many separate shapes of some size were seen; more than one may be several
            digits.
        unchanged: whether the picture was MNIST-like already and passed as it was.
    """

    image: Grey
    inverted: bool
    size: tuple[int, int]
    box: tuple[int, int, int, int]
    stroke: str = "kept"
    shapes: int = 1
    unchanged: bool = False


def load_picture(
    source: Path | str | IO[bytes], *, invert: bool | None = None, name: str = ""
) -> Prepared:
    """Read a picture of one digit from a file and prepare it for the network.

    Args:
        source: a path, or an open binary file.
        invert: True if the ink is dark, False if it is bright; None finds out.
        name: what to call the picture in errors; a path's own text if empty.

    Raises:
        PictureError: it is missing, too large, or not a picture that can be read.
        NoDigitError: it can be read, and holds no digit.
    """
    name = name or str(source)
    grey, size = read_grey(source, name)
    try:
        prepared = prepare_grey(grey, invert=invert)
    except NoDigitError as error:
        error.where = name
        raise
    scale = size[0] / grey.shape[1]
    left, top, right, bottom = (round(edge * scale) for edge in prepared.box)
    return Prepared(
        prepared.image,
        prepared.inverted,
        size,
        (left, top, right, bottom),
        prepared.stroke,
        prepared.shapes,
        prepared.unchanged,
    )


def save_picture(image: Grey, path: Path) -> None:
    """Write a prepared picture to a file, in the format of its suffix, whole or not at all.

    Raises:
        PictureError: the suffix is not one of ours, or the file cannot be written.
    """
    packed = io.BytesIO()
    try:
        format_name = Image.registered_extensions().get(path.suffix.lower(), "")
        if format_name not in FORMATS:
            raise PictureError(
                f"pictures are not saved as {path.suffix or 'files without a suffix'}",
                where=str(path),
                next_step=f"name it with one of: {', '.join(sorted(SUFFIXES))}",
            )
        Image.fromarray(image).save(packed, format_name)
        write_atomically(path, packed.getvalue())
    except OSError as error:
        raise PictureError(
            f"the picture cannot be saved: {error.strerror or error}",
            where=str(path),
            next_step="choose another place",
        ) from error


def list_pictures(folder: Path) -> list[Path]:
    """Name the pictures of a folder, sorted, by their suffixes.

    Raises:
        PictureError: there is none.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise _unreadable(error.strerror or "it cannot be opened", str(folder)) from error
    if not found:
        raise PictureError(
            "there is no picture in the folder",
            where=str(folder),
            next_step=f"name a folder with pictures: {', '.join(sorted(SUFFIXES))}",
        )
    return found


# ------------------------------------------------------------------------------------------ decode


def read_grey(source: Path | str | IO[bytes], name: str) -> tuple[Grey, tuple[int, int]]:
    """Decode a picture to grey levels, at most 640 pixels long, and its own size upright.

    Raises:
        PictureError: as `load_picture`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels count
            with Image.open(source, formats=FORMATS) as picture:
                if picture.width * picture.height > LARGEST_PIXELS:
                    raise _unreadable(f"it has more than {LARGEST_PIXELS:,} pixels", name)
                return _decode(picture)
    except UnidentifiedImageError as error:
        raise _unreadable("it is in no known format", name) from error
    except Image.DecompressionBombError as error:
        raise _unreadable("it has too many pixels", name) from error
    except OSError as error:
        raise _unreadable(error.strerror or "it is damaged or cut short", name) from error
    except (ValueError, SyntaxError, TypeError, IndexError, EOFError, MemoryError) as error:
        # What Pillow's decoders say of damaged files.
        raise _unreadable("it is damaged", name) from error


def _unreadable(reason: str, name: str) -> PictureError:
    return PictureError(
        f"the picture cannot be read: {reason}",
        where=name,
        next_step=f"save it as one of: {', '.join(FORMATS)}",
    )


def _decode(picture: Image.Image) -> tuple[Grey, tuple[int, int]]:
    sideways = picture.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    width, height = picture.size
    picture.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG can be decoded at a smaller size
    flat = _on_white(ImageOps.exif_transpose(picture))
    longest = max(flat.size)
    if longest > LONGEST_SIDE:
        target = [max(1, round(side * LONGEST_SIDE / longest)) for side in flat.size]
        flat = flat.resize((target[0], target[1]), Image.Resampling.BOX, reducing_gap=3.0)
    return np.asarray(flat, np.uint8), (height, width) if sideways else (width, height)


def _on_white(picture: Image.Image) -> Image.Image:
    """Return the picture in grey ("L"); what is transparent becomes paper."""
    if picture.mode.startswith(("I", "F")):
        return Image.fromarray(_to_eight_bits(np.asarray(picture)))
    if not picture.has_transparency_data:
        return picture.convert("RGB").convert("L")
    layers = picture.convert("RGBA")
    paper = Image.new("RGBA", layers.size, "white")
    flat = Image.alpha_composite(paper, layers).convert("L")
    if np.ptp(np.asarray(flat)) < WEAKEST_CONTRAST:  # white on nothing: the shape is in the alpha
        flat = ImageOps.invert(layers.getchannel("A"))
    return flat


def _to_eight_bits(pixels: NDArray[Any]) -> Grey:
    """Bring 16-bit grey levels, or any others, to 0–255."""
    values = np.nan_to_num(pixels.astype(np.float64))
    if values.min() >= 0 and values.max() <= 0xFFFF and pixels.dtype.kind in "iu":
        levels = values / 257
    else:
        span = values.max() - values.min()
        levels = (values - values.min()) * (255 / span if span else 0)
    return np.asarray(np.rint(levels), np.uint8)


# ----------------------------------------------------------------------------------------- prepare


def prepare_grey(
    grey: Grey, *, invert: bool | None = None, skip: Collection[str] = (), pass_through: bool = True
) -> Prepared:
    """Make an MNIST-like 28×28 of grey levels.

    Args:
        grey: (height, width) uint8.
        invert: as in `load_picture`.
        skip: names of STEPS to leave out, to see what each is worth.
        pass_through: let a picture that is MNIST-like already pass as it is.

    Raises:
        NoDigitError: the page is blank, or holds noise.
    """
    if pass_through:
        for inverted in (False, True) if invert is None else (invert,):
            image = 255 - grey if inverted else grey
            if is_mnist_like(image):
                whole = (0, 0, SIZE, SIZE)
                return Prepared(image, inverted, (SIZE, SIZE), whole, unchanged=True)
    ink, inverted = find_ink(grey, invert, flatten="ink" not in skip)
    shapes, stroke = 1, "kept"
    if "shape" not in skip:
        ink, shapes = keep_digit(ink)
    rows, columns = ink_box(ink)
    box = (columns.start, rows.start, columns.stop, rows.stop)
    if "box" in skip:
        page = _resize(ink, SIZE, SIZE)
    else:
        fitted, stroke = fit_to_box(ink[rows, columns], change_stroke="stroke" not in skip)
        page = _placed(fitted, by_mass="centre" not in skip)
    pixels = np.rint(page * 255).astype(np.uint8)
    return Prepared(pixels, inverted, (grey.shape[1], grey.shape[0]), box, stroke, shapes)


def is_mnist_like(image: Grey) -> bool:
    """Tell whether a picture is framed as all of MNIST's are (facts of its training pictures)."""
    if image.shape != (SIZE, SIZE):
        return False
    rows, columns = ink_box(image)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    share = np.count_nonzero(image) / image.size
    middle = centre_of_mass(image[np.newaxis])[0]
    return bool(
        longest == BOX_SIZE
        and 0.03 <= share <= 0.5
        and image.max() > 200
        and np.abs(middle - CENTRE).max() <= 0.55
    )


# ---------------------------------------------------------------------------------------- find ink


def find_ink(grey: Grey, invert: bool | None = None, *, flatten: bool = True) -> tuple[Ink, bool]:
    """Tell how much ink there is at each pixel, 0 to 1, and whether it is darker than the paper.

    Paper is what is left when everything narrower than the broadest stroke is smoothed away (a
    morphological opening); light and shadow stay in it, and ink is the difference from it.

    Args:
        flatten: False takes the paper to be one tone, the median.

    Raises:
        NoDigitError: nothing stands out of the paper, or of its noise.
    """
    inverted = ink_is_dark(grey) if invert is None else invert
    bright = 255 - grey if inverted else grey
    tones, calm = bright.astype(np.float32), _blur(bright, max(bright.shape) / 150)
    above = tones - (_opening(calm, PAPER_REACH) if flatten else np.median(calm))
    above -= np.median(above)
    noise = 1.4826 * float(np.median(np.abs(above)))
    full = _full_ink(above)
    if full < max(WEAKEST_CONTRAST, NOISE_MARGIN * noise):
        raise _no_digit("nothing stands out from the paper")
    ink = (above / full).clip(0, 1)
    ink[ink < max(FAINT_INK, 3 * noise / full)] = 0
    return ink, inverted


def ink_is_dark(grey: Grey) -> bool:
    """Tell whether the ink is darker than the paper.

    Ink is what lies far from the paper, on whichever side; so the cubes of the distances are
    added up. If half of the picture is of one tone, that is the paper. Else paper is still most
    of it, and its light changes slowly: a smooth surface is fitted. The corners, where shadows
    gather, count less than the middle.
    """
    factor = max(1, max(grey.shape) // 64)
    small = np.asarray(Image.fromarray(grey).reduce(factor), np.float64)
    off = small - np.median(small)
    if np.mean(np.abs(off) <= ONE_TONE) < 0.5:
        off = _off_surface(small)
    return bool((_middle(small.shape) * off**3).sum() < 0)


def _middle(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return weights (height, width): 1 in the middle, falling to 0 at the border."""
    height, width = shape
    falling = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    weights: NDArray[np.float64] = np.sqrt(falling)
    return weights


def _off_surface(tones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each pixel lies above the quadratic surface that fits most of them.

    Least squares, again and again, with less and less weight for what lies far off (Tukey's
    biweight; Beaton and Tukey 1974).
    """
    height, width = tones.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = tones.ravel()
    weight = np.ones_like(values)
    for _ in range(6):
        fitted, *_ = np.linalg.lstsq(terms * weight[:, np.newaxis], values * weight, rcond=None)
        off = values - terms @ fitted
        spread = max(1.0, 1.4826 * float(np.median(np.abs(off))))
        weight = np.maximum(1 - (off / (4.685 * spread)) ** 2, 1e-6)
    surface: NDArray[np.float64] = off.reshape(height, width)
    return surface


def _full_ink(above: Ink) -> float:
    """Return the difference from paper that counts as full ink: that of the strongest strokes.

    Strokes in the middle count for more, since what is dark at the border may be the table.
    """
    weighted = above * _middle(above.shape)
    strong = above[weighted > 0.5 * weighted.max()] if weighted.max() > 0 else np.zeros(1)
    return float(np.median(strong))


def _opening(tones: Ink, reach: float) -> Ink:
    """Smooth away what is bright and narrower than `reach` times the longer side."""
    width = 2 * round(reach * max(tones.shape) / 2) + 1
    eroded = _running(np.minimum, _running(np.minimum, tones, width, 0), width, 1)
    return _running(np.maximum, _running(np.maximum, eroded, width, 0), width, 1)


def _running(extreme: np.ufunc, tones: Ink, width: int, axis: int) -> Ink:
    """Return the running minimum or maximum over `width` pixels along an axis, edges repeated.

    Windows are doubled until they are wide enough: log2(width) steps, whatever the width.
    """
    margin = [(0, 0), (0, 0)]
    margin[axis] = (width // 2, width // 2)
    padded = np.moveaxis(np.pad(tones, margin, mode="edge"), axis, 0)
    reached = 1
    while reached < width:
        step = min(reached, width - reached)
        padded = extreme(padded[:-step], padded[step:])
        reached += step
    return np.moveaxis(padded, 0, axis)


def _blur(grey: Grey, radius: float) -> Ink:
    blurred = Image.fromarray(grey).filter(ImageFilter.BoxBlur(radius))
    return np.asarray(blurred, np.float32)


def _no_digit(reason: str) -> NoDigitError:
    return NoDigitError(f"no digit found: {reason}", next_step=NEXT_STEP)


# --------------------------------------------------------------------------------------- the shape


@dataclass(frozen=True)
class Shape:
    """A connected piece of ink: its label, its ink, its box in pixels, does it touch the border,
    and the share of it that lies in the margin along the border.
    """

    label: int
    mass: float
    top: int
    left: int
    bottom: int
    right: int
    at_border: bool
    in_margin: float

    @property
    def longest(self) -> int:
        """The longer side of the box."""
        return max(self.bottom - self.top, self.right - self.left)

    def gap(self, other: Shape) -> float:
        """Return the distance between two boxes, in pixels; 0 if they touch or overlap."""
        down = max(0, self.top - other.bottom, other.top - self.bottom)
        across = max(0, self.left - other.right, other.left - self.right)
        return float(np.hypot(down, across))


def keep_digit(ink: Ink) -> tuple[Ink, int]:
    """Keep the digit with its broken pieces; leave out specks, and the edges of a scan.

    Returns:
        The ink of the digit alone, and how many sizeable shapes there were besides its pieces,
        counting it.

    Raises:
        NoDigitError: what ink there is lies about in specks, as noise does.
    """
    labels, count = connected(ink > SURE_INK)
    seen = _shapes(labels, count, ink)
    shapes = [shape for shape in seen if not _is_edge(shape)]
    if not shapes:
        raise _no_digit("there is only an edge")
    # A digit may touch the border; where something else does not, that is likelier the digit.
    main = max(shapes, key=lambda shape: shape.mass * (0.25 if shape.at_border else 1))
    kept, others = [main], list[Shape]()
    for shape in sorted(shapes, key=main.gap):
        if shape is not main:
            (kept if _is_piece(shape, main, kept) else others).append(shape)
        if len(kept) > MOST_PIECES:
            raise _no_digit("there are only specks")
    large = [shape for shape in others if shape.mass >= ANOTHER_DIGIT * main.mass]
    if len(large) > MOST_PIECES:
        raise _no_digit("there are only specks")
    specks = [shape for shape in seen if shape not in kept and shape not in large]
    stray = sum(shape.mass for shape in specks if shape.mass < ANOTHER_DIGIT * main.mass)
    if stray > STRAY_INK * main.mass:
        raise _no_digit("there are only specks")
    if _is_speck(main, ink.shape) or _is_tangled(labels == main.label, main):
        raise _no_digit("there is only noise")
    wanted = np.isin(np.arange(count + 1), [shape.label for shape in kept])
    near_wanted = wanted[labels].astype(np.float32)
    around = _running(np.maximum, _running(np.maximum, near_wanted, 5, 0), 5, 1) > 0
    return np.where(around, ink, 0), 1 + len(large)


def _shapes(labels: NDArray[np.intp], count: int, ink: Ink) -> list[Shape]:
    rows, columns = np.nonzero(labels)
    which = labels[rows, columns] - 1
    mass = np.bincount(which, ink[rows, columns], count)
    low = [np.full(count, max(ink.shape)) for _ in range(2)]
    high = [np.zeros(count, np.intp) for _ in range(2)]
    for axis, places in enumerate((rows, columns)):
        np.minimum.at(low[axis], which, places)
        np.maximum.at(high[axis], which, places + 1)
    height, width = ink.shape
    margin = EDGE * max(ink.shape)
    to_border = np.min([rows, columns, height - 1 - rows, width - 1 - columns], axis=0)
    in_margin = np.bincount(which, to_border < margin, count) / np.bincount(which, minlength=count)
    at_border = (np.min(low, axis=0) == 0) | (high[0] == height) | (high[1] == width)
    return [
        Shape(
            label=number + 1,
            mass=float(mass[number]),
            top=int(low[0][number]),
            left=int(low[1][number]),
            bottom=int(high[0][number]),
            right=int(high[1][number]),
            at_border=bool(at_border[number]),
            in_margin=float(in_margin[number]),
        )
        for number in range(count)
    ]


def _is_piece(shape: Shape, main: Shape, kept: list[Shape]) -> bool:
    """Tell whether a shape belongs to a digit whose strokes are broken: near, and no speck."""
    near = min(shape.gap(piece) for piece in kept) <= NEAR * main.longest
    strange = shape.at_border and not main.at_border
    return near and not strange and shape.mass >= SPECK * main.mass


def _is_edge(shape: Shape) -> bool:
    """Tell whether a shape lies along the border: the edge of a scan, or the table under it."""
    return shape.at_border and shape.in_margin > EDGE_SHARE


def _is_tangled(mask: NDArray[np.bool_], shape: Shape) -> bool:
    """Tell whether a shape, drawn out to one stroke, is far longer than any digit's."""
    area = np.count_nonzero(mask)
    return bool(area / stroke_width(mask.astype(np.float32)) > LONGEST_STROKE * shape.longest)


def _is_speck(shape: Shape, size: tuple[int, ...]) -> bool:
    return shape.longest < max(SMALLEST_PIXELS, SMALLEST_SHARE * max(size))


def connected(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    """Number the connected shapes of a mask; pixels that touch at a corner are connected.

    Each row is a list of runs; runs of neighbouring rows that touch are joined (union-find).

    Args:
        mask: (height, width).

    Returns:
        (height, width) numbers from 1, and 0 where the mask is False; and how many there are.

    >>> connected(np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool))
    (array([[1, 0, 0, 2],
           [0, 1, 0, 0]]), 2)
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row_of, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first_of_row = np.searchsorted(row_of, np.arange(len(mask) + 1)).tolist()
    begin, end = starts.tolist(), ends.tolist()
    for row in range(1, len(mask)):
        above, last_above = first_of_row[row - 1], first_of_row[row]
        run, last = first_of_row[row], first_of_row[row + 1]
        while above < last_above and run < last:
            if begin[above] <= end[run] and begin[run] <= end[above]:
                parent[root(run)] = root(above)
            if end[above] < end[run]:
                above += 1
            else:
                run += 1
    roots = np.array([root(run) for run in range(len(parent))], np.intp)
    numbers = np.unique(roots, return_inverse=True)[1] + 1
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = np.repeat(numbers, ends - starts)
    return labels, int(numbers.max(initial=0))


# ------------------------------------------------------------------------- stroke, box and centre


def fit_to_box(ink: Ink, *, change_stroke: bool = True) -> tuple[Ink, str]:
    """Fit the ink into 20×20, and bring strokes that are far off near MNIST's.

    Args:
        ink: (height, width) 0 to 1, cut to its box.

    Returns:
        Ink whose longer side is 20, the strongest 1; and `kept`, `thickened` or `thinned`.
    """
    done = "kept"
    if change_stroke:
        fine = _resize_longest(ink, FINE)
        width = stroke_width(fine)
        if not THINNEST * FINE <= width <= THICKEST * FINE:
            ink, done = _with_stroke(fine, width)
    fitted = _resize_longest(ink, BOX_SIZE)
    return fitted / max(float(fitted.max()), FAINT_INK), done


def stroke_width(ink: Ink) -> float:
    """Estimate the width of strokes, in pixels: twice the area over the perimeter.

    The perimeter is counted along pixel edges, which is 4/π too long on average over directions.
    """
    mask = np.pad(ink > 0.5 * ink.max(), 1)
    perimeter = sum(np.count_nonzero(np.diff(mask, axis=axis)) for axis in (0, 1))
    return float(2 * np.count_nonzero(mask) / (perimeter * np.pi / 4))


def _with_stroke(fine: Ink, width: float) -> tuple[Ink, str]:
    thin = width < THINNEST * FINE
    radius = ((THIN_TARGET if thin else THICK_TARGET) * FINE - width) / 2
    room = int(abs(radius)) + 2
    full = np.pad((fine / np.quantile(fine[fine > 0], 0.75)).clip(0, 1), room)
    changed = _dilate(full, radius) if thin else 1 - _dilate(1 - full, -radius)
    box = ink_box(changed > FAINT_INK)
    if changed[box].size == 0:
        return fine, "kept"
    return changed[box], "thickened" if thin else "thinned"


def _dilate(ink: Ink, radius: float) -> Ink:
    """Spread ink over a disc of a radius in pixels, with a soft edge."""
    reach = int(radius + 1)
    spread = ink.copy()
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            share = min(1.0, radius + 0.5 - float(np.hypot(down, across)))
            if share > 0:
                np.maximum(spread, share * np.roll(ink, (down, across), (0, 1)), out=spread)
    return spread


def _resize_longest(ink: Ink, longest: int) -> Ink:
    factor = longest / max(ink.shape)
    return _resize(ink, *(max(1, round(side * factor)) for side in ink.shape))


def _resize(ink: Ink, height: int, width: int) -> Ink:
    """Resize by the exact mean over each new pixel's area.

    Pillow's box filter counts whole pixels only; with exact areas the same picture gives the same
    result at any scale.
    """
    rows, columns = _area_shares(height, ink.shape[0]), _area_shares(width, ink.shape[1])
    return np.asarray(rows @ ink @ columns.T, np.float32)


def _area_shares(new: int, old: int) -> Ink:
    """Return (new, old): the share of each of `new` equal intervals that each of `old` covers."""
    edges = np.arange(new + 1) * (old / new)
    begin = np.maximum(edges[:-1, np.newaxis], np.arange(old))
    end = np.minimum(edges[1:, np.newaxis], np.arange(1, old + 1))
    shares: Ink = (np.maximum(end - begin, 0) * (new / old)).astype(np.float32)
    return shares


def _placed(fitted: Ink, *, by_mass: bool = True) -> Ink:
    """Put the ink on 28×28: its centre of mass, or only its box, in the middle."""
    page = np.zeros((SIZE, SIZE), np.float32)
    height, width = fitted.shape
    middle = centre_of_mass(fitted[np.newaxis])[0] if by_mass else np.array([height, width]) / 2
    top, left = (
        int(np.clip(np.rint(CENTRE - at), 0, SIZE - side))
        for at, side in zip(middle, fitted.shape, strict=True)
    )
    page[top : top + height, left : left + width] = fitted
    return page
