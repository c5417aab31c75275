"""Drawings as the page sends them: strokes of points from 0 to 1."""

import numpy as np


def arc(centre, start, end, radius=0.17):
    """Return a stroke on a circle from one angle to another, in half turns, clockwise."""
    angles = np.pi * np.linspace(start, end, 24)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (np.array(centre) + radius * circle).tolist()


THREE = [arc((0.48, 0.31), -0.95, 0.5) + arc((0.48, 0.65), -0.5, 0.95)]
ZERO = [arc((0.5, 0.5), 0, 2, 0.3)]
SEVEN = [[[0.3, 0.2], [0.7, 0.2], [0.42, 0.85]]]
SLANTED_ONE = [[[0.65, 0.15], [0.35, 0.85]]]
ONE_ZERO = [[[0.25, 0.2], [0.24, 0.8]], arc((0.7, 0.5), 0, 2)]
CROSS = [[[0.2, 0.2], [0.8, 0.8]], [[0.8, 0.2], [0.2, 0.8]]]  # no digit, but framed as one
DOT = [[[0.5, 0.5]]]
