"""Experiments on top of the heart: many runs of one kind, and models side by side."""
