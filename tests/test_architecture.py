"""The house: who may import whom, and what a plain import may not load."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnscratch
from conftest import ROOT

PACKAGE = ROOT / "nnscratch"

# From the cellar to the roof. A room may import whatever stands before it, and its own files.
FLOORS = (
    ("errors", "files", "arrays", "config", "cores", "products", "archive", "core"),
    (
        "pictures",
        "data",
        "showing",
        "metrics",
        "augment",
        "gradcheck",
        "their_code",
        "stand_ins",
        "handin",
        "explain",
        "reject",
    ),
    (
        "model",
        "page",
        "reading",
        "teaching",
        "training",
        "calibrate",
        "metadata",
        "model_file",
        "onnx_file",
        "run_files",
        "origins",
        "runs",
    ),
    ("lab", "records"),
    ("web", "app", "classifier"),
)
ROOMS = [room for floor in FLOORS for room in floor]

# What each library may be imported by; whatever is not here, nobody may import.
LIBRARIES = {
    "numpy": ["*"],
    "PIL": ["pictures/*"],
    "requests": ["data/fetch"],
    "urllib3": ["data/fetch"],
    "typer": ["app/cli", "app/options", "app/commands/*"],
    "rich": [
        "app/terminal",
        "app/progress",
        "app/drawings",
        "app/accounts",
        "app/comparisons",
        "app/grades",
        "app/readings",
        "app/sweeps",
        "app/charts",
        "app/views",
    ],
    "matplotlib": ["app/plots", "app/sweep_plots"],
    "distributed": ["lab/cluster"],
    "onnx": ["onnx_file"],
    "IPython": ["app/progress"],
    "starlette": ["web/site"],
    "uvicorn": ["web/server"],
    "sklearn": ["classifier"],  # which asks it for tags
}

FILES = sorted(path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))


def imports_of(file: Path):
    """Yield all that a file imports, wherever in it: ("nnscratch", "data.idx") or ("numpy", "")."""
    for node in ast.walk(ast.parse((PACKAGE / f"{file}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            yield top, rest


def room_of(file: Path) -> str:
    return file.parts[0]


def own_rooms(file: Path):
    """Yield the rooms of ours that a file imports."""
    for top, rest in imports_of(file):
        if top == "nnscratch" and (room := rest.partition(".")[0]) != "__version__":
            yield room


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_file_stands_in_the_plan(file):
    assert room_of(file) in [*ROOMS, "__init__", "__main__"]


@pytest.mark.parametrize("file", [f for f in FILES if room_of(f) in ROOMS], ids=str)
def test_imports_point_downwards(file):
    own = ROOMS.index(room_of(file))
    for room in own_rooms(file):
        assert ROOMS.index(room) <= own, f"{file} imports {room}"
        assert (room_of(file), room) != ("app", "web") or file == Path("app/commands/draw")


@pytest.mark.parametrize("file", FILES, ids=str)
def test_each_library_has_its_place(file):
    for top, _ in imports_of(file):
        if top != "nnscratch" and top not in sys.stdlib_module_names:
            assert top in LIBRARIES, f"{file} imports {top}"
            assert any(map(file.match, LIBRARIES[top])), f"{file} imports {top}"


def test_the_front_door_only_starts_the_command_line_and_the_public_names_are_lazy():
    assert set(own_rooms(Path("__main__"))) == {"app"}
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    at_once = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert at_once <= {"__future__", "importlib", "typing"}


def loaded_by(code):
    script = f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.check_output([sys.executable, "-c", script], text=True).split())


def test_a_plain_import_loads_nothing_heavy():
    heavy = {"rich", "typer", "requests", "PIL", "matplotlib", "numpy", "starlette", "uvicorn"}
    assert not heavy & loaded_by("import nnscratch")


def test_an_experiment_loads_no_cluster():
    modules = ("sweep", "workers", "cluster", "journal", "grid")
    loaded = loaded_by("; ".join(f"import nnscratch.lab.{name}" for name in modules))
    assert not {"distributed", "dask", "rich", "typer"} & loaded


def test_the_data_wing_loads_neither_requests_nor_pillow():
    assert not {"requests", "urllib3", "PIL"} & loaded_by("import nnscratch.data")


def test_help_loads_neither_numpy_nor_requests_nor_pillow():
    heavy = {"numpy", "requests", "PIL", "matplotlib", "starlette", "uvicorn"}
    assert not heavy & loaded_by("import nnscratch.app.cli")


def all_loaded_by(*words, data_dir, folder):
    """The libraries that are loaded when a command has ended."""
    script = (
        "import sys, atexit; sys.argv = ['nnscratch', *sys.argv[1:]]; from nnscratch.app import "
        "cli; atexit.register(lambda: print('loaded', *{name.partition('.')[0] for name in "
        "sys.modules}, file=sys.__stdout__)); cli.main()"
    )
    output = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "NNSCRATCH_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)},
    ).stdout  # fmt: skip
    line = output.splitlines()[-1]
    assert line.startswith("loaded "), output
    return set(line.split())


@pytest.mark.slow
def test_only_the_page_loads_what_serves_it(own_data, tmp_path):
    picture = next((ROOT / "data" / "samples").glob("*.png"))
    small = ("--epochs", 1, "--validation", 200)
    for words in (
        ["--help"], ["draw", "--help"], ["train", *small], ["evaluate", "model.npz"],
        ["predict", picture, "--json"], ["gradcheck"], ["download", "--mirror", "http://[::1]:1"],
    ):  # fmt: skip
        loaded = all_loaded_by(*words, data_dir=own_data, folder=tmp_path)
        assert "nnscratch" in loaded
        assert not {"starlette", "uvicorn", "asyncio"} & loaded, words
    missing = ["draw", "--no-browser", "--model", "missing.npz"]
    assert "starlette" in all_loaded_by(*missing, data_dir=own_data, folder=tmp_path)


def test_the_public_names_are_there_and_documented():
    for name in nnscratch.__all__:
        value = getattr(nnscratch, name)
        assert name == "__version__" or value.__doc__
    with pytest.raises(AttributeError):
        _ = nnscratch.no_such_name


def test_every_file_opens_with_what_it_is():
    for path in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
