"""What surrounds the package: examples, bounds, and the files that tools read."""

import os
import re
import runpy
import subprocess
import sys
import tomllib

import pytest
import yaml

from conftest import ROOT
from test_architecture import FLOORS

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
TOML = [ROOT / "pyproject.toml", *sorted((ROOT / "configs").glob("*.toml"))]
YAML = [ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def read(path):
    return path.read_text(encoding="utf-8")


PROJECT = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_every_example_runs_and_prints_something(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_examples_is_complete():
    listed = re.findall(r"^\| \[(\w+\.py)\]", read(ROOT / "examples" / "README.md"), re.MULTILINE)
    assert sorted(listed) == [path.name for path in EXAMPLES]


@pytest.mark.parametrize("path", TOML, ids=name_of)
def test_every_toml_file_parses(path):
    assert tomllib.loads(read(path))


@pytest.mark.parametrize("path", YAML, ids=name_of)
def test_every_yaml_file_parses(path):
    assert isinstance(yaml.safe_load(read(path)), dict)


def test_the_workflow_runs_what_a_contributor_runs_on_three_systems_and_from_the_oldest_python():
    job = yaml.safe_load(read(ROOT / ".github" / "workflows" / "ci.yml"))["jobs"]["test"]
    assert "bash .ci/run" in [step.get("run") for step in job["steps"]]
    matrix = job["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["system"]} == {
        "ubuntu", "macos", "windows",
    }  # fmt: skip
    assert f">={matrix['python'][0]}" == PROJECT["requires-python"]
    assert len(matrix["python"]) == 2


def test_every_requirement_has_one_lower_bound_and_the_oldest_versions_are_those():
    printed = subprocess.check_output([sys.executable, ROOT / ".ci" / "oldest.py"], text=True)
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    assert printed.split() == [requirement.replace(">=", "==") for requirement in needed]


def test_a_requirement_without_a_bound_is_refused():
    oldest = runpy.run_path(str(ROOT / ".ci" / "oldest.py"))["oldest"]
    project = {"dependencies": ["numpy"], "optional-dependencies": {"test": ["pytest>=8"]}}
    with pytest.raises(SystemExit, match="numpy"):
        oldest(project)


def test_the_floors_that_contributors_read_are_those_that_are_tested():
    rows = re.findall(r"^\| (\d) \| ([^|]*) \|", read(CONTRIBUTING), re.MULTILINE)
    assert [number for number, _ in rows] == [str(number) for number in range(len(FLOORS))]
    for (_, rooms), floor in zip(rows, FLOORS, strict=True):
        assert set(re.findall(r"`(\w+)/?`", rooms)) == set(floor)


def test_every_path_that_contributors_are_sent_to_is_there():
    text = read(CONTRIBUTING)
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    named = re.findall(r"[ `]((?:tests|docs|examples|benchmarks|\.ci)/[\w./]*)", text)
    for target in [*links, *named]:
        assert (ROOT / target).exists(), target
    assert ".ci/run" in named


def test_the_scores_of_mutation_testing_are_counted_by_file():
    scores = runpy.run_path(str(ROOT / ".ci" / "scores.py"))["scores"]
    lines = [
        "    nnscratch.core.x_relu__mutmut_1: killed",
        "    nnscratch.core.xǁLinearǁforward__mutmut_2: survived",
        "    nnscratch.data.idx.x_read__mutmut_1: not checked",
        "a line that is no verdict",
    ]
    assert scores(lines) == {"nnscratch.core": {"killed": 1, "survived": 1}}
