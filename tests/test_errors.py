"""Errors say three things, and come back whole from another process."""

import copy
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from nnscratch import errors
from nnscratch.errors import ArrayError, ConfigError, NNScratchError, NotFittedError


def family(root):
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


KINDS = family(NNScratchError)
COPIES = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_a_copy_with_all_that_it_says(kind, copied):
    error = kind("it broke", where="m.npz", next_step="mend it")
    twin = COPIES[copied](error)
    assert type(twin) is kind
    assert (twin.what, twin.where, twin.next_step) == ("it broke", "m.npz", "mend it")
    assert str(twin) == str(error) == "it broke; m.npz; mend it"
    assert twin.args == error.args


def test_what_was_added_later_survives_too():
    error = ConfigError("it is 0", key="epochs")
    error.where = "c.toml"
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.key, twin.where) == ("epochs", "c.toml")


def refuse_the_epochs():
    from nnscratch.config import TrainConfig

    return TrainConfig(epochs=0)


def test_an_error_comes_back_from_another_process():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        answer = pool.submit(refuse_the_epochs)
        with pytest.raises(ConfigError, match="epochs must be") as caught:
            answer.result(60)
    assert caught.value.key == "epochs"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "it broke"),
        ({"where": "here"}, "it broke; here"),
        ({"next_step": "mend it"}, "it broke; mend it"),
    ],
)
def test_parts_that_are_empty_are_left_out_of_the_sentence(parts, said):
    error = NNScratchError("it broke", **parts)
    assert str(error) == said
    assert error.where == parts.get("where", "")
    assert error.next_step == parts.get("next_step", "")


def test_settings_and_arrays_are_refused_with_the_value_error_that_others_expect():
    assert [kind for kind in KINDS if issubclass(kind, ValueError)] == [
        ConfigError,
        ArrayError,
        NotFittedError,
    ]
    assert [kind for kind in KINDS if issubclass(kind, AttributeError)] == [NotFittedError]


def test_the_file_draws_every_error_that_there_is():
    drawn = re.findall(r"^ {4}[ │├└─]*(\w+Error)\b", errors.__doc__, re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in KINDS)
