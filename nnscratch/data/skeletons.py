"""The ways to write each digit, as strokes through a few points: the shapes of `synthetic.py`.

Designed by hand, and adjusted by looking at MNIST's training pictures: at the mean picture, slant,
width of pen and width over height of each digit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """One way to write a digit.

    Attributes:
        digit: 0 … 9.
        share: how often it is written so, relative to the digit's other skeletons.
        strokes: control points "x,y x,y …", x to the right and y down, in tenths of the box.
        aspect: width over height of the box, on average.
        slant: mean drift to the right per unit of height.
        pen: width of the pen, relative to other skeletons.
    """

    digit: int
    share: float
    strokes: tuple[str, ...]
    aspect: float
    slant: float = 0.15
    pen: float = 1.0


def skeletons_from(table: str) -> tuple[Skeleton, ...]:
    """Read a table of skeletons: digit, share, aspect, slant, pen, and strokes between bars.

    A line that begins with a bar goes on with the skeleton before it; one with a # is a remark.

    >>> skeletons_from("1 2 0.4 0 1 2,3 6,0 | 6,0 6,10")[0].strokes
    ('2,3 6,0', '6,0 6,10')
    """
    lines = [line.strip() for line in table.splitlines() if not line.strip().startswith("#")]
    whole = "\n".join(lines).replace("\n|", " |").split("\n")
    skeletons = []
    for line in filter(None, whole):
        digit, share, aspect, slant, pen, strokes = line.split(maxsplit=5)
        parts = tuple(" ".join(part.split()) for part in strokes.split("|"))
        skeletons.append(
            Skeleton(int(digit), float(share), parts, float(aspect), float(slant), float(pen))
        )
    return tuple(skeletons)


SKELETONS = (
    # 0: an oval, from the top, counterclockwise; closed, overlapping, or left open a little
    Skeleton(0, 5, ("5.5,0 2,1.2 0,5 1.5,9 5,10 8.6,8.4 10,4.6 8.2,1 5.2,0",), 0.85, 0.2, 1.12),
    Skeleton(
        0,
        2,
        ("6.5,0.4 3,0.6 0,4.8 1.2,9 4.6,10 8.4,8.2 10,4 8.4,0.8 5.6,0.2 3.6,1.4",),
        0.95,
        0.2,
        1.12,
    ),
    Skeleton(
        0, 1, ("4.6,0.4 1.4,2 0,6 2.4,9.8 6.4,9.6 9.6,6 9.6,2.4 7.2,0 5.4,1",), 0.7, 0.2, 1.12
    ),
    # 1: plain, flagged, flagged on a foot
    Skeleton(1, 8, ("5,0 5,5 5,10",), 0.1, 0.28, 1.35),
    Skeleton(1, 1.5, ("2,2.4 4,1.2 6,0", "6,0 6,5 6,10"), 0.3, 0.12),
    Skeleton(1, 0.7, ("2,2 4,1 5.4,0", "5.4,0 5.4,5 5.4,10", "1.6,10 5,10 9,10"), 0.5, 0.05),
    # 2: plain; looped at the foot; with a flat neck; small-headed; like a Z
    Skeleton(
        2,
        4,
        ("0.8,2.6 2.4,0.6 5.6,0 8.2,1.6 7.8,4.4 4.4,7.6 0.4,9.8", "0.4,9.8 3,9.3 6.4,9.7 10,9.6"),
        0.9,
        0.02,
    ),
    Skeleton(
        2,
        4,
        ("0.8,2.4 3,0.4 6.4,0.2 8,2.4 6.6,5.4 3.4,8.6 1,9.8 0,8.6 1.4,7.4 4,8 7,9.5 10,9.4",),
        1.01,
        0.05,
    ),
    Skeleton(2, 1, ("1.6,1.8 4,0 7.4,0.4 8.4,2.8 6,6 2.8,8.6 0.6,9.9 4.4,9.8 9.4,10",), 0.85, 0.0),
    Skeleton(
        2, 2, ("2,1.6 4.4,0.2 6.6,1 6.4,3.8 3.8,7 0.6,9.6", "0.6,9.6 3,8.6 6.4,9.4 10,9"), 1.0, 0.0
    ),
    Skeleton(
        2, 1.5, ("2.4,1.4 5,0 7.4,1 7.2,4 4.8,7.4 2,9.6 0.2,9 1.4,7.2 5,8.2 10,10",), 1.05, 0.05
    ),
    Skeleton(
        2,
        1.2,
        ("1,0.6 4,0.2 8,0.4", "8,0.4 5.6,3.6 2.8,6.6 0.4,9.6", "0.4,9.6 4,9.4 10,9.2"),
        0.95,
        0.0,
    ),
    # 3: two bows; in one go; with a flat top; small-headed; looped at the waist
    Skeleton(
        3,
        5,
        ("1,1.4 3.8,0 7.4,0.4 8.4,2.6 6.6,4.4 3.6,4.9", "3.6,4.9 7.4,5 9.4,7 8,9.2 4.4,10 0.4,8.8"),
        0.8,
        0.08,
        0.97,
    ),
    Skeleton(
        3,
        3,
        ("0.8,1.2 4.4,0 8,1 7.6,3.4 4.6,4.8 8.4,5.6 9.2,8 6,10 2.4,9.8 0.4,8.6",),
        0.8,
        0.11,
        0.97,
    ),
    Skeleton(
        3,
        1,
        (
            "1,0.4 5,0.2 8.6,0.2",
            "8.6,0.2 6.4,2.2 4.2,4.2",
            "4.2,4.2 7.8,4.6 9.4,7 7.6,9.4 4,10 0.6,8.8",
        ),
        0.8,
        0.06,
        0.97,
    ),
    Skeleton(
        3,
        2,
        ("1.4,1.2 4.4,0 7,1 6.2,3 3.4,4.2", "3.4,4.2 6.4,4.4 8.6,6.2 7.6,8.6 4,10 0.4,9.4"),
        0.85,
        0.05,
        0.97,
    ),
    Skeleton(
        3,
        1.5,
        ("0.8,1 4.2,0 8.2,0.8 7.4,3.4 4,5 3.4,4.6 5.4,4.6 8,6.4 6.8,9.2 3,10 0,9.6",),
        0.9,
        0.1,
        0.97,
    ),
    # 4: open at the top; angular; closed; round
    Skeleton(
        4,
        6,
        ("1.8,0.4 1,3 0.6,5.6 3.6,5.9 7,5.5 9.6,5", "8.4,0 7.6,3.4 7,6.6 6.6,10"),
        0.78,
        0.18,
        0.9,
    ),
    Skeleton(
        4,
        3,
        ("2.4,0.8 1.2,3 0.4,5.4", "0.4,5.4 4,5.6 9.6,5.2", "7.6,0.6 7,4 6.4,7 6,10"),
        0.82,
        0.18,
        0.9,
    ),
    Skeleton(
        4,
        1.6,
        ("6.4,0 3.4,3 0.4,6.6", "0.4,6.6 5,6.5 9.8,6.4", "6.6,0 6.6,5 6.4,10"),
        0.78,
        0.16,
        0.9,
    ),
    Skeleton(
        4,
        0.6,
        ("1,0.6 0.6,3.4 3,4.8 6.4,4.2 8.6,2.4", "9,0 8.2,3.6 7.4,6.8 6.8,10"),
        0.75,
        0.12,
        0.9,
    ),
    # 5: neck, belly, hat; in one go; with a wide hat; long-necked; upright
    Skeleton(
        5,
        5,
        (
            "2.8,0.6 2.4,2.6 2,4.4",
            "2,4.4 5.2,3.8 8,5.4 7.6,8.4 4.4,10 0.4,9",
            "2.8,0.6 5.6,0.5 9.6,0",
        ),
        0.88,
        0.07,
        0.92,
    ),
    Skeleton(
        5,
        3,
        ("9.4,0.2 6,0.5 3.6,0.6 2.8,2.4 2.2,4.2 5,4.6 7.4,6.4 6.4,9 3.4,10 0.2,9.2",),
        0.93,
        0.12,
        0.92,
    ),
    Skeleton(
        5,
        1.5,
        ("3.4,0.8 2.8,2.6 2.6,4.2 5.2,5.2 6.8,7.2 5,9.6 2.2,9.8 0.6,8.6", "3.4,0.8 6.6,0.6 10,0"),
        0.93,
        0.12,
        0.92,
    ),
    Skeleton(
        5,
        2,
        ("3.6,1 3,3 2.4,5.4", "2.4,5.4 5.4,5 7,6.8 5.4,9.2 2.4,10 0,9.4", "3.6,1 6.6,0.8 10,0"),
        0.95,
        0.17,
        0.92,
    ),
    Skeleton(
        5,
        1,
        ("2.2,0.4 2,2.4 1.8,4.6", "1.8,4.6 5,4.2 8.6,6 8,9 4,10 0.6,9.4", "2.2,0.4 5,0.5 8.4,0.6"),
        0.8,
        0.02,
        0.92,
    ),
    # 6: a long back and a small loop; a round loop; leaning; flat-headed
    Skeleton(
        6,
        5,
        ("6.4,0 3.6,2.2 1.2,5.6 0.8,8.4 3.2,10 6.6,9.5 7.8,7.5 6,6 3.2,6.8 1.4,8.6",),
        0.69,
        0.01,
        0.92,
    ),
    Skeleton(
        6, 3, ("5,0 2.4,3 0.4,6.8 1.6,9.6 5.2,10 9,8.2 8.4,5.4 5,5 1.6,7.4",), 0.74, -0.04, 0.92
    ),
    Skeleton(
        6,
        1,
        ("8.4,0.6 5,0.6 2,3.4 0.6,7 2.4,9.8 6,9.8 8.4,7.6 6.6,5.4 3,6 1,8",),
        0.85,
        -0.04,
        0.92,
    ),
    Skeleton(
        6,
        4,
        ("7.4,0 4,2.6 1.2,6 0.8,8.6 3.2,10 6.8,9.2 8,7.4 6.4,6.3 3.8,7.2 1.6,8.9",),
        0.75,
        0.03,
        0.92,
    ),
    Skeleton(
        6,
        3,
        ("6,0 2.8,3 0.8,6.6 1.4,9.2 4.2,10 7.2,9 7.8,7.2 6,6.4 3.4,7.4 1.8,9",),
        0.75,
        -0.02,
        0.92,
    ),
    # 7: plain; curved; crossed; with a hook at the start; bent; crossed low
    Skeleton(7, 5, ("0.2,0.9 4,0.8 9.6,0.4", "9.6,0.4 7.8,3.8 6,7 5,10"), 0.8, 0.04),
    Skeleton(7, 3, ("0.4,1.4 3,0.5 8,0.2 9.6,1 8,4.4 6.4,7.2 5.6,10",), 0.8, 0.04),
    Skeleton(
        7,
        1,
        ("0.4,0.8 4,0.7 9,0.3", "9,0.3 6.8,4 4.8,7 3.6,10", "2.4,5.6 5,5.2 8.6,4.8"),
        0.85,
        0.04,
    ),
    Skeleton(
        7, 1.4, ("0.8,2.6 1,1.2 1.8,0.5 5,0.8 9.4,0.4", "9.4,0.4 7.4,3.4 5.8,6.6 5,10"), 0.8, 0.04
    ),
    Skeleton(7, 2, ("0.4,1.6 2.4,0.4 6,0.4 8.2,1.4 7.8,4 6.8,7 6.4,10",), 0.7, 0.06),
    Skeleton(
        7,
        2,
        ("0.2,0.8 4,0.8 9,0.4", "9,0.4 7.2,3.4 5.6,6.6 4.6,10", "2.2,5.4 5,5 9.6,4.6"),
        0.85,
        0.06,
    ),
    # 8: an S and back; two ovals
    Skeleton(
        8,
        5,
        ("7.8,1.6 5.2,0 2.2,1.6 3.2,4 6,5.8 7,8.2 4.4,10 1.8,8.8 3.2,6 6.4,4 8.2,1.8 7,0.5",),
        0.77,
        0.12,
        0.82,
    ),
    Skeleton(
        8,
        2,
        (
            "5.4,0 2,1.2 2.4,3.6 5.2,4.8 8.2,3.4 8.4,1 5.4,0",
            "5.2,4.8 1.8,6.4 1.6,9 4.4,10 7.2,8.8 7.2,6.4 5.2,4.8",
        ),
        0.73,
        0.12,
        0.82,
    ),
    # 9: a loop and a straight stem; in one go; a small loop; a tail that curls; leaning
    Skeleton(
        9,
        5,
        ("8.4,1.4 5,0.1 1.2,1.8 0.4,4.4 3,5.8 6.4,4.6 8.4,1.9", "8.2,1 7.4,4 6.6,7 6,10"),
        0.68,
        0.02,
        0.84,
    ),
    Skeleton(
        9,
        3,
        ("8.4,2.2 5.6,0 1.8,1.4 0.4,4.4 2.8,5.8 6.6,4.2 8.4,1.8 7.8,5 6.8,8 6,10",),
        0.73,
        0.02,
        0.84,
    ),
    Skeleton(
        9,
        1.6,
        ("7.6,1.8 5.4,0.2 2.6,0.8 1.8,2.8 4,4 6.8,2.8 7.6,1.2 7.2,4 6,7 4.2,10",),
        0.62,
        0.07,
        0.84,
    ),
    Skeleton(
        9,
        1,
        ("8,2 5,0 1.6,1.4 1.2,4 4,5 7.4,3.6 8.2,1.8 8.4,5.4 7.4,8.8 4,10 1.4,9",),
        0.73,
        -0.03,
        0.84,
    ),
    Skeleton(
        9,
        3,
        ("8.6,1 5.6,0.2 2,1.6 0.4,3.8 2.6,4.8 6,3.6 8.6,1.4", "8.6,1.2 7,4 5,7 3.4,10"),
        0.75,
        -0.07,
        0.84,
    ),
    Skeleton(
        9,
        2.5,
        ("8,0.6 4.6,0.4 1.4,2.4 0.8,4.4 3.4,5 6.6,3.4 8.4,0.6 7,4 5.6,7 4.6,10",),
        0.68,
        0.0,
        0.9,
    ),
    Skeleton(
        9,
        2,
        ("7.4,0.2 4,0.6 1,2.8 1,5 4,5.4 7,3.4 8.4,0.4", "8.4,0.2 7.6,3.6 7,6.8 6.6,10"),
        0.7,
        0.0,
        0.9,
    ),
)
