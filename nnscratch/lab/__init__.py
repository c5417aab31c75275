"""Experiments: many training runs at once, and what they say. Imports nothing by itself."""
