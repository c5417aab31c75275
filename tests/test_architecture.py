"""The house: who may import whom, and what a plain import may not load."""

import ast
import subprocess
import sys

import pytest

import nnscratch
from conftest import ROOT

PACKAGE = ROOT / "nnscratch"

# floor: file -> what it may import besides the standard library, NumPy and lower floors' list
HOUSE = {
    "core": set(),
    "metrics": set(),
    "framing": set(),
    "errors": set(),
    "files": set(),
    "gradcheck": {"core", "errors"},
    "config": {"errors"},
    "idx": {"errors"},
    "skeletons": set(),
    "synthetic": {"framing", "skeletons"},
    "augment": {"framing"},
    "ink": {"errors", "PIL"},
    "images": {"errors", "files", "framing", "ink", "PIL"},
    "model_file": {"errors", "files", "core", "config", ""},
    "mirrors": {"errors", "requests", "urllib3", ""},
    "data": {"errors", "files", "idx", "mirrors", "synthetic", ""},
    "training": {"core", "metrics", "config", "framing", "augment", "data", "errors"},
    "plots": {"errors", "files", "matplotlib"},
    "display": {"rich", "errors", "training", "data", "core", "gradcheck", "images"},
}


def imports_of(path):
    """Name what a file imports: our own modules plainly, others by their top name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            yield rest if top == "nnscratch" else top


@pytest.mark.parametrize("name", sorted(path.stem for path in PACKAGE.glob("[a-z]*.py")))
def test_imports_point_downwards(name):
    if name in ("cli", "run", "sheet"):
        return  # the faces may use everything, and nothing below may use them
    allowed = HOUSE[name] | set(sys.stdlib_module_names) | {"numpy"}
    assert set(imports_of(PACKAGE / f"{name}.py")) <= allowed


def test_only_the_command_line_knows_typer():
    users = {path.stem for path in PACKAGE.glob("*.py") if "typer" in imports_of(path)}
    assert users == {"cli"}


def loaded_by(code):
    script = f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.check_output([sys.executable, "-c", script], text=True).split())


def test_a_plain_import_loads_nothing_heavy():
    heavy = {"rich", "typer", "requests", "PIL", "matplotlib", "numpy"}
    assert not heavy & loaded_by("import nnscratch")


def test_help_loads_neither_numpy_nor_requests_nor_pillow():
    assert not {"numpy", "requests", "PIL", "matplotlib"} & loaded_by("import nnscratch.cli")


def test_the_public_names_are_there_and_documented():
    for name in nnscratch.__all__:
        value = getattr(nnscratch, name)
        assert name == "__version__" or value.__doc__
    with pytest.raises(AttributeError):
        _ = nnscratch.no_such_name


def test_every_file_opens_with_what_it_is():
    for path in PACKAGE.glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
