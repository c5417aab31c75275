"""Run the cells of a notebook in a kernel of its own, as Jupyter does.

`python tests/notebooks.py` runs examples/tour.ipynb and keeps its outputs there;
`test_tour.py` runs the same code and compares.
"""

import os
import tempfile

import nbformat
from nbclient import NotebookClient

from conftest import ROOT

TOUR = ROOT / "examples" / "tour.ipynb"
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
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # or it warns of TCP, even on loopback
    )
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    # One thread, as the command line has it: others round differently.
    told = {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    return client.execute(env={**os.environ, **told})


def outputs_of(*sources, folder):
    """Return the outputs of each cell, given their source."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = executed(nbformat.v4.new_notebook(cells=cells), folder)
    return [cell.outputs for cell in notebook.cells]


def remake():
    """Run the tour and keep its outputs."""
    notebook = nbformat.read(TOUR, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        executed(notebook, folder)
    notebook.metadata.pop("language_info", None)  # the version of this Python
    nbformat.write(notebook, TOUR)


if __name__ == "__main__":
    remake()
