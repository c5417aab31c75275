"""A second core: it helps where it can, and nothing waits for it or is left behind."""

import os
import subprocess
import sys
import threading
import time

import pytest

from conftest import ROOT
from nnscratch.cores import FOLLOWING, TRIED, cores, helper_here, second_core

TWO_CORES = pytest.mark.skipif(cores() < 2, reason="there is one core")


def who(into):
    return lambda: into.append(threading.current_thread().name)


def tried_alone(helper):
    """Bring a helper to where it hands over."""
    for _ in range(TRIED):
        helper.share(lambda: None, lambda: None)


@TWO_CORES
def test_two_halves_are_done_side_by_side():
    met = threading.Barrier(2, timeout=10)
    with second_core() as helper:
        tried_alone(helper)
        helper.share(met.wait, met.wait)
    assert not met.broken


def test_while_the_thread_is_busy_both_halves_are_done_here_and_nothing_is_done_twice():
    done, released = [], threading.Event()
    with second_core() as helper:
        tried_alone(helper)
        helper.submit(released.wait)
        helper.share(who(done), who(done))
        assert done == [threading.current_thread().name] * 2
        released.set()
    assert len(done) == 2


@pytest.mark.sampled(1)
@TWO_CORES
@pytest.mark.parametrize("pays", [False, True])
def test_what_is_faster_alone_is_done_alone_until_it_is_tried_again(pays):
    here, done = threading.current_thread(), []

    def first():
        # Long enough for the other to be begun, also where all cores are busy.
        time.sleep(0.05 if threading.current_thread() is here else 0.2)

    def second():
        done.append(threading.current_thread() is here)
        first() if not pays else time.sleep(0.05)

    with second_core() as helper:
        for _ in range(2 * TRIED):
            helper.share(first, second)
        assert done[:TRIED] == [True] * TRIED
        assert not any(done[TRIED:])
        done.clear()
        for _ in range(10):
            helper.share(first, second)
        assert done == [not pays] * 10
        for _ in range(FOLLOWING - 10):
            helper.share(lambda: None, lambda: None)
        met = threading.Barrier(2, timeout=10)
        tried_alone(helper)
        helper.share(met.wait, met.wait)


@TWO_CORES
def test_an_error_on_the_other_core_reaches_the_caller():
    def fail():
        raise ZeroDivisionError

    started = threading.Event()
    with second_core() as helper:
        tried_alone(helper)
        with pytest.raises(ZeroDivisionError):
            helper.share(started.wait, lambda: (started.set(), fail()))


def test_the_helper_belongs_to_its_block_and_its_thread():
    seen = []
    with second_core() as outer:
        assert helper_here() is outer
        with second_core() as inner:
            assert helper_here() is inner
        assert helper_here() is outer
        thread = threading.Thread(target=lambda: seen.append(helper_here()))
        thread.start()
        thread.join()
    assert seen == [None]
    assert helper_here() is None


def test_the_thread_ends_with_the_block_whatever_happens():
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError), second_core() as helper:  # noqa: PT012
        helper.submit(lambda: None)
        raise RuntimeError
    assert set(threading.enumerate()) == before
    assert helper_here() is None


TRAIN = """
import hashlib, os, sys
import numpy as np
from nnscratch import TrainConfig, TrainingState, fit
os.environ["OPENBLAS_CORETYPE"] = sys.argv[1]  # how products are cut; BLAS was loaded before
if sys.argv[2] == "one core":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
rng = np.random.default_rng(0)
images, labels = rng.integers(0, 256, (1100, 28, 28), np.uint8), rng.integers(0, 10, 1100)
for hidden, batch in (10, 128), (10, 1024), (128, 256), (1000, 130):
    config = TrainConfig(hidden_size=hidden, batch_size=batch, epochs=2, validation_size=0)
    state = TrainingState.start(config)
    list(fit(state, images, labels, config))
    print(hashlib.sha256(state.network.theta.tobytes()).hexdigest())
"""


def trained(kind, cores, *before):
    """Train in a process of its own; gives a hash of the weights at several sizes."""
    return subprocess.check_output(
        [*before, sys.executable, "-c", TRAIN, kind, cores],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        text=True,
    ).split()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
@pytest.mark.parametrize("kind", ["SkylakeX", "Haswell"])
def test_models_are_the_same_to_the_last_bit_with_one_core_and_with_two(kind):
    assert trained(kind, "one core") == trained(kind, "all cores")


@pytest.mark.skipif(sys.platform == "win32", reason="needs ulimit")
def test_models_are_the_same_where_no_thread_can_be_started():
    # A thread wants a stack of so many kilobytes, and all of memory may have fewer.
    limited = ("sh", "-c", 'ulimit -s 30000000 && ulimit -v 20000000 && exec "$@"', "sh")
    probe = "import threading; threading.Thread(target=print).start()"
    tried = subprocess.run([*limited, sys.executable, "-c", probe], capture_output=True, text=True)
    if "can't start new thread" not in tried.stderr:
        pytest.skip("this system starts threads whatever the limit")
    assert trained("Haswell", "all cores", *limited) == trained("Haswell", "all cores")
