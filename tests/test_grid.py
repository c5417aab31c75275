"""Which runs a sweep makes, and how its values are typed."""

import math

import pytest

from nnscratch.config import TrainConfig
from nnscratch.errors import ConfigError
from nnscratch.lab.grid import Grid, load_grid, make_grid, parse_values


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("learning_rate", "0.1", (0.1,)),
        ("learning_rate", "0.01, 0.03,1", (0.01, 0.03, 1.0)),
        ("learning_rate", "1,0.1,1.0", (1.0, 0.1)),
        ("learning_rate", "0.01..1 x3", (0.01, 0.1, 1.0)),
        ("learning_rate", "1..0.01x3,5", (1.0, 0.1, 0.01, 5.0)),
        ("learning_rate", "1e-3 .. 1e3 x 4", (0.001, 0.1, 10.0, 1000.0)),
        ("hidden_size", "5..20 x4", (5, 8, 13, 20)),
        ("hidden_size", "1..4 x50", (1, 2, 3, 4)),
        ("momentum", "0,0.9", (0.0, 0.9)),
        ("augment", "true,false", (True, False)),
        ("schedule", "constant,cosine", ("constant", "cosine")),
        ("teacher", "none,../a..b.npz", ("none", "../a..b.npz")),
    ],
)
def test_text_says_the_values(key, text, values):
    found = parse_values(key, text)
    assert found == values
    assert all(type(one) is type(other) for one, other in zip(found, values, strict=True))


def test_the_steps_of_a_range_are_equal_factors():
    values = parse_values("learning_rate", "0.01..1 x8")
    assert len(values) == 8
    for number, value in enumerate(values):
        assert math.isclose(value, 0.01 * 100 ** (number / 7), rel_tol=1e-5)
        assert float(f"{value:g}") == value


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        (
            "learning_rate",
            "0.1,nought",
            "learning_rate must be a finite number .*'nought'",
        ),
        ("learning_rate", "0.1,,1", "learning_rate must be values with commas between them"),
        ("learning_rate", "0.1...1 x3", "learning_rate must be a range like 0.01..1 x8"),
        ("learning_rate", "0.1..0.10 x3", "learning_rate must be a range between two values"),
        ("learning_rate", "", "learning_rate must be"),
        ("learning_rate", "1e999", "and is '1e999'"),
        ("learning_rate", "0..1 x5", "learning_rate must be a finite number above 0, and is 0.0"),
        ("learning_rate", "0.1..1", "a range like"),
        ("learning_rate", "0.1..1 x1", "a range of 2 to 1,000 values"),
        ("learning_rate", "0.1..1 x99999", "a range of 2 to 1,000 values"),
        ("momentum", "0..0.9 x4", "a range above 0"),
        ("momentum", "0.5..1.5 x4", "momentum must be .*, and is 1.5"),
        ("hidden_size", "5,1.5", "hidden_size must be a whole number .*'1.5'"),
        ("hidden_size", "0", "hidden_size must be .*, and is 0"),
        ("augment", "true,perhaps", "augment must be true or false, and is 'perhaps'"),
        ("schedule", "constant,linear", "schedule must be constant or cosine, and is 'linear'"),
    ],
)
def test_what_is_no_value_is_refused_in_our_words(key, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parse_values(key, text)
    assert caught.value.key == key


def test_the_runs_are_all_combinations_each_with_every_seed():
    base = TrainConfig(epochs=3, seed=99)
    grid = Grid(base, {"learning_rate": (0.1, 1), "hidden_size": (5, 10)}, (4, 7))
    made = [(run.learning_rate, run.hidden_size, run.seed) for run in grid.runs()]
    assert made == [(r, h, s) for r in (0.1, 1.0) for h in (5, 10) for s in (4, 7)]
    assert len(grid) == len(made)
    assert all(run.epochs == 3 for run in grid.runs())
    assert grid.settings() == grid.runs()[::2]


def test_without_a_varied_setting_the_seeds_are_the_runs():
    assert [run.seed for run in Grid(TrainConfig(), {}, (0, 1)).runs()] == [0, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        ({"rate": (0.1,)}, (0,)),
        ({"learning_rate": ()}, (0,)),
        ({"learning_rate": (0.1, -1)}, (0,)),
        ({"learning_rate": (0.1, "fast")}, (0,)),
        ({"seed": (1, 2)}, (0,)),
        ({}, ()),
        ({}, (-1,)),
        ({"hidden_size": tuple(range(1, 1001))}, tuple(range(101))),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(arguments):
    with pytest.raises(ConfigError):
        Grid(TrainConfig(), *arguments)


def test_a_setting_with_one_value_is_shared():
    grid = make_grid({"learning_rate": (0.1, 1.0), "epochs": (3,), "seed": (5,)}, 3)
    assert grid.base.epochs == 3
    assert list(grid.varied) == ["learning_rate"]
    assert grid.seeds == (5, 6, 7)


def test_seeds_are_listed_or_counted():
    assert make_grid({"seed": (3, 1)}).seeds == (3, 1)
    assert make_grid({}).seeds == (0,)
    assert make_grid({"seeds": (2,)}).seeds == (0, 1)
    assert make_grid({"seeds": (2,)}, 3).seeds == (0, 1, 2)
    with pytest.raises(ConfigError, match="listed, and so is their number"):
        make_grid({"seed": (3, 1)}, 2)
    with pytest.raises(ConfigError, match="seeds must be"):
        make_grid({}, 0)


def test_a_file_says_the_same(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'learning_rate = "0.01..1 x3"\nhidden_size = [5, "10..20 x2"]\nepochs = 3\n'
        'schedule = ["constant", "cosine"]\naugment = [true, false]\nseeds = 2\n'
    )
    grid = make_grid(load_grid(path))
    assert grid.varied == {
        "learning_rate": (0.01, 0.1, 1.0),
        "hidden_size": (5, 10, 20),
        "schedule": ("constant", "cosine"),
        "augment": (True, False),
    }
    assert (grid.base.epochs, grid.seeds) == (3, (0, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr = [0.1, 1]", "no setting called 'lr'; .*the setting of --lr is called learning_rate"),
        ("learning_rate = [0.1, 0]", "learning_rate must be .*, and is 0; .*sweep.toml"),
        ("learning_rate = []", "learning_rate has no value"),
        ("learning_rate = {a = 1}", "learning_rate must be"),
        ("seeds = [1, 2]", "seeds must be one number"),
        ("seeds = 1.5", "seeds must be a whole number"),
        ("", "empty"),
        ("learning_rate = [", "cannot be read"),
    ],
)
def test_what_a_file_says_wrongly_is_named(tmp_path, text, said):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_grid(path)
    assert caught.value.where == str(path)
