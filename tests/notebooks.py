"""Run the cells of a notebook in a kernel of its own, as Jupyter does."""

import os

import nbformat
from nbclient import NotebookClient

from conftest import ROOT

SECONDS = 120  # for one cell


def executed(notebook, folder):
    """Return the notebook with the outputs that its cells have in an empty folder.

    A cell that raises raises CellExecutionError here.
    """
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": folder}},
        extra_arguments=["--log-level=ERROR"],  # or it warns of TCP, even on loopback
    )
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error"}
    return client.execute(env=environment)


def outputs_of(*sources, folder):
    """Return the outputs of each cell, given their source."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = executed(nbformat.v4.new_notebook(cells=cells), folder)
    return [cell.outputs for cell in notebook.cells]
