"""What the documents say is what the program does."""

import doctest
import re
import shutil
from difflib import unified_diff
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import typer.main

from conftest import ROOT
from nnscratch.app.cli import app
from nnscratch.core import Linear, Network, ReLU, SoftmaxCrossEntropy
from nnscratch.explain import explain
from readme_console import BLOCK, PAGES, README, masked, refreshed

DOCS = sorted((ROOT / "docs").glob("*.md"))
README_TEXT = README.read_text(encoding="utf-8")
OPTIONS = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")


def fenced(path, language):
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


# ---------------------------------------------------------------------------------- docs/maths.md


def test_every_line_of_code_beside_an_equation_stands_in_the_source():
    source = {
        line.rstrip()
        for name in ("core.py", "products.py", "explain.py", "training.py", "teaching.py")
        if (ROOT / "nnscratch" / name).exists()
        for line in (ROOT / "nnscratch" / name).read_text(encoding="utf-8").splitlines()
    }
    shown = [
        line.rstrip()
        for block in fenced(ROOT / "docs" / "maths.md", "python")
        for line in block.splitlines()
    ]
    assert len(shown) >= 15
    assert [line for line in shown if line not in source] == []


@pytest.fixture
def in_a_checkout(tmp_path, monkeypatch):
    """A folder to write in, with the sample pictures where a checkout has them."""
    shutil.copytree(ROOT / "data" / "samples", tmp_path / "data" / "samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_examples_of_a_page_give_what_it_says(path, in_a_checkout):  # noqa: ARG001
    failed, _ = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert failed == 0


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("path", [*PAGES, ROOT / "data" / "README.md"], ids=lambda path: path.name)
def test_every_link_and_picture_of_a_page_is_there(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text)
    pictures = [(source, "") for source in re.findall(r'<img src="([^"]+)"', text)]
    for target, anchor in links + pictures:
        if not target.startswith("http"):
            there = path.parent / target if target else path
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def test_every_test_that_the_promises_name_is_there():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)::(test_\w+)`", text)
    assert len(named) >= 27
    for module, test in named:
        source = (ROOT / "tests" / f"{module}.py").read_text(encoding="utf-8")
        assert f"def {test}(" in source, f"{module}::{test}"


# -------------------------------------------------------------------------------- docs/by-hand.md


def by_hand():
    """Compute everything on the page with the code, in the page's names."""
    given = {
        "A": [[2, 1], [0, 2]], "W_h": [[1, -1], [-1, 1]], "b_h": [[1], [0]],
        "W_o": [[1, 2], [0, 1]], "b_o": [[0], [2]],
    }  # fmt: skip
    values = {name: np.array(value, float) for name, value in given.items()}
    values["labels"] = np.array([0, 1])
    hidden, relu, output, loss = Linear(2, 2), ReLU(), Linear(2, 2), SoftmaxCrossEntropy()
    for layer, unit in ((hidden, "h"), (output, "o")):
        layer.W[:], layer.b[:] = values[f"W_{unit}"], values[f"b_{unit}"]

    def forward(prefix):
        Z_h = hidden.forward(values["A"])
        A_h = relu.forward(Z_h)
        Z_o = output.forward(A_h)
        L = loss.forward(Z_o, values["labels"])
        found = {"Z_h": Z_h, "A_h": A_h, "Z_o": Z_o, "A_o": np.exp(loss.log_A), "L": L}
        values.update({prefix + name: value for name, value in found.items()})

    forward("")
    values["dLdZ_o"] = loss.backward()
    values["dLdA_h"] = output.backward(values["dLdZ_o"])
    values["dLdZ_h"] = relu.backward(values["dLdA_h"])
    hidden.backward(values["dLdZ_h"])
    for layer, unit in ((hidden, "h"), (output, "o")):
        values[f"dLdW_{unit}"], values[f"dLdb_{unit}"] = layer.dLdW, layer.dLdb
        layer.W -= 1.0 * layer.dLdW
        layer.b -= 1.0 * layer.dLdb
        values[f"new W_{unit}"], values[f"new b_{unit}"] = layer.W, layer.b
    forward("new ")
    return values | account_by_hand(values)


def account_by_hand(values):
    """Account for the first sample with the new numbers, in a network with more of everything."""
    network = Network(2, rng=np.random.default_rng(0), dtype=np.float64)
    network.theta = np.zeros_like(network.theta)
    inputs, classes = slice(2), slice(2)
    for name, parameter in network.parameters.items():
        rows = slice(None) if name.endswith("h") else classes
        columns = inputs if name == "W_h" else slice(None)
        parameter[rows, columns] = values[f"new {name}"]
    A = np.zeros(784)
    A[inputs] = values["A"][0]
    why = explain(network, A, 0, 1)
    votes = [0.0, 0.0]
    for unit in why.units:
        votes[unit.index] = unit.weight_for - unit.weight_against
    pixels = why.pixels.ravel()
    assert not pixels[2:].any()
    return {"votes": votes, "pixels": pixels[inputs], "constant": why.constant, "lead": why.lead}


BY_HAND = [
    line
    for block in fenced(ROOT / "docs" / "by-hand.md", "text")
    for line in block.splitlines()
    if line
]


def test_the_page_by_hand_is_complete():
    assert {line.split(" = ")[0] for line in BY_HAND} == set(by_hand())


@pytest.mark.parametrize("line", BY_HAND, ids=lambda line: line.split(" = ")[0])
def test_every_number_by_hand_is_the_codes(line):
    name, *forms = line.split(" = ")
    for form in forms:
        written = eval(form, {"__builtins__": {}, "log": log, "exp": exp})
        np.testing.assert_allclose(written, by_hand()[name], atol=5e-5)


# -------------------------------------------------------------------------------------- README.md


def commands():
    return typer.main.get_command(app).commands


def options_of(command):
    """Every option of a command, its short and negative forms included."""
    for parameter in command.params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            if option.startswith("-"):
                yield option


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_readme_and_the_page_of_options_name_every_option(name):
    (row,) = re.findall(rf"^\| `{name}[^`]*` \| (`--.*)\|$", README_TEXT, re.MULTILINE)
    section = re.search(
        rf"^\| `{name}[^`]*` \| default.*?\n\n", OPTIONS + "\n", re.DOTALL | re.MULTILINE
    )
    table = "".join(re.findall(r"^\| (`-[^|]*)\|", section[0], re.MULTILINE))
    for page in (row, table):
        assert set(re.findall(r"`(-[^`]*)`", page)) == set(options_of(commands()[name])) - {
            "--help",
            "-h",
        }


@pytest.mark.parametrize("name", sorted(commands()))
def test_help_says_something_of_every_option_and_gives_examples(name):
    command = commands()[name]
    assert "Examples:" in command.help
    assert f"nnscratch {name}" in command.help
    for parameter in command.params:
        assert parameter.help or parameter.name == "help"


def test_the_readme_is_one_page():
    assert len(README_TEXT.splitlines()) <= 360


# -------------------------------------------------------------------------------- docs/reading.md

READING = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")


def sections():
    """Each section of the reading guide: its folder, its minutes, and its rows."""
    for section in READING.split("\n## ")[1:]:
        folder, minutes = re.search(r"\(\.\./([\w/]+)\), (\d+) minutes", section).groups()
        yield (
            folder,
            int(minutes),
            re.findall(r"^\| (\d+) \| `(\w+\.py)` \|", section, re.MULTILINE),
        )


def test_the_reading_guide_lists_every_file_and_no_other():
    files = {path.relative_to(ROOT) for path in (ROOT / "nnscratch").rglob("[a-z]*.py")}
    assert {Path(folder, file) for folder, _, rows in sections() for _, file in rows} == files


def test_the_minutes_of_the_reading_guide_add_up():
    for _, minutes, rows in sections():
        assert sum(int(row) for row, _ in rows) == minutes
    total = sum(minutes for _, minutes, _ in sections())
    assert f"{total} minutes" in READING.split("\n## ")[0].replace("\n", " ")


# -------------------------------------------------------------------------------- docs/results.md


def accuracies():
    """Test accuracy of each recipe, in percent, as the table has it."""
    rows = re.findall(
        r"^\| ([^|]+) \|[^|]+\|[^|]+\| ([\d.]+)% ±",
        (ROOT / "docs" / "results.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return {name: float(percent) for name, percent in rows}


def test_the_configs_and_the_readme_quote_the_table_of_results():
    table = accuracies()
    cosine = table["cosine"] - table["plain"]
    deskewed = table["best, deskewed"] - table["best"]
    default, best = (
        (ROOT / "configs" / f"{name}.toml").read_text(encoding="utf-8")
        for name in ("default", "best")
    )
    assert f'"cosine" gives {cosine:.2f} points more' in default
    assert f"--deskew adds {deskewed:.2f} points" in best
    assert f"{table['best']:.2f}%" in best
    for name in ("plain", "best", "wide"):
        assert f"{table[name]:.2f}%" in README_TEXT


# ------------------------------------------------------------- the outputs of the `console` blocks


def differences(page, text, fresh):
    """The lines of a page that are not what the program prints, with their numbers."""
    old, new = (masked(version).splitlines() for version in (text, fresh))
    return "\n".join(unified_diff(old, new, page.name, "what the program prints", "", "", 0, ""))


WITH_OUTPUTS = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]


@pytest.mark.sampled(1)
@pytest.mark.mnist
@pytest.mark.parametrize("page", WITH_OUTPUTS, ids=lambda page: page.name)
def test_the_outputs_on_a_page_are_what_the_commands_print(page, mnist_dir):
    text = page.read_text(encoding="utf-8")
    found = differences(page, text, refreshed(text, mnist_dir))
    assert not found, f"to remake the page: python tests/readme_console.py\n{found}"


MAY_DIFFER = re.compile(
    r"(?m)(?<=% ) +\d+\.\d\d$"  # the seconds of an epoch
    r"|(?<=\.\d{4}) +\d+\.\d\d$"  # the seconds of a sweep's runs
    r"|(?<= in )[\d.]+(?= s\b)"
    r"|\d\.\de-(09|1\d)"  # the errors of gradcheck
)


@pytest.mark.parametrize("page", WITH_OUTPUTS, ids=lambda page: page.name)
def test_one_changed_digit_in_an_output_is_found(page):
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        free = {i for figure in MAY_DIFFER.finditer(block) for i in range(*figure.span())}
        for figure in re.finditer(r"\d", block):
            i = figure.start()
            other = "1" if figure[0] == "0" else "0"
            changed = f"{block[:i]}{other}{block[i + 1 :]}"
            if i not in free:
                assert masked(changed) != masked(block), changed[i - 30 : i + 30]


def test_a_wrong_result_in_an_output_is_found():
    right = "Accuracy 93.52%, loss 0.2323: model.npz on 10,000 mnist test pictures"
    assert masked(right) != masked(right.replace("93.52%, loss 0.2323", "65.00%, loss 29.0"))


def test_the_commands_of_a_page_are_run_and_what_is_below_them_is_replaced():
    page = "Before.\n\n```console\n$ echo 12 | cat > kept\n$ cat kept\n{}\n```\n\nAfter.\n"
    assert refreshed(page.format(12)) == page.format(12)
    assert refreshed(page.format(13)) == page.format(12)


def test_of_two_outputs_that_differ_in_times_alone_the_one_on_the_page_stays():
    page = "```console\n$ echo took 1.{} s\n{}\n```\n"
    assert refreshed(page.format(5, "took 2.5 s")) == page.format(5, "took 2.5 s")


@pytest.mark.mnist
def test_the_python_of_the_readme_runs(mnist_dir, capsys, in_a_checkout, monkeypatch):
    monkeypatch.setenv("NNSCRATCH_DATA_DIR", str(mnist_dir))
    (code,) = fenced(README, "python")
    exec(code.replace("epochs=5", "epochs=1"), {})
    accuracy, digit, shape = capsys.readouterr().out.splitlines()
    assert float(accuracy) > 0.85
    assert (digit, shape) == ("3", "(10, 784)")
    assert (in_a_checkout / "model.npz").exists()
    assert len([line for line in code.splitlines() if line]) <= 10
