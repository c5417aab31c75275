"""Somebody's own classes in the place of ours: they learn what ours learn, and fail in one line."""

import copy
import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from conftest import ROOT
from nnscratch import runs
from nnscratch.config import TrainConfig
from nnscratch.core import Network
from nnscratch.errors import DivergenceError, HandInError
from nnscratch.gradcheck import check_gradients, draw_samples
from nnscratch.handin import OwnNetwork, read_classes
from nnscratch.model_file import load_model
from page_server import hear_signals
from planted import LOSS, REFERENCE, Z
from test_handin import LINEAR

CORE = (ROOT / "nnscratch" / "core.py").read_text(encoding="utf-8")
CONFIG = TrainConfig(epochs=2, validation_size=200, batch_size=50, momentum=0.5)

OTHERS = """
class ReLU:
    def forward(self, Z):
        self.on = Z > 0
        return np.where(self.on, Z, 0)

    def backward(self, dLdA):
        return dLdA * self.on

class SoftmaxCrossEntropy:
    def forward(self, Z, labels):
        Z = Z - Z.max(axis=1, keepdims=True)
        self.A = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.A[np.arange(len(labels)), labels]).mean()

    def backward(self):
        dLdZ = self.A.copy()
        dLdZ[np.arange(len(self.labels)), self.labels] -= 1
        return dLdZ / len(self.labels)
"""
WHOLE = """
class Network:
    def __init__(self, hidden_size=10):
        self.hidden, self.relu = Linear(784, hidden_size), ReLU()
        self.output, self.criterion = Linear(hidden_size, 10), SoftmaxCrossEntropy()

    def forward(self, A):
        return self.output.forward(self.relu.forward(self.hidden.forward(A)))

    def loss(self, Z_o, labels):
        return self.criterion.forward(Z_o, labels)

    def backward(self):
        self.hidden.backward(self.relu.backward(self.output.backward(self.criterion.backward())))
"""
FILLING = """
import numpy as np

class Linear:
    __slots__ = ("A", "W", "WT", "b", "dLdW", "dLdb")

    def __init__(self, in_features, out_features):
        self.W = np.zeros((out_features, in_features))
        self.WT = self.W.T
        self.b = np.zeros((out_features, 1))
        self.dLdW, self.dLdb = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, A):
        self.A = A
        return A @ self.WT + self.b[:, 0]

    def backward(self, dLdZ):
        self.dLdW[:] = dLdZ.T @ self.A
        self.dLdb[:, 0] = dLdZ.sum(axis=0)
        return dLdZ @ self.WT.T
"""
TRANSPOSED = """
import numpy as np

class Linear:
    def __init__(self, in_features, out_features):
        self._W = np.zeros((in_features, out_features))
        self.b = [[0.0] for _ in range(out_features)]

    @property
    def W(self):
        return self._W.T.copy()

    @W.setter
    def W(self, W):
        self._W = np.array(W.T)

    def forward(self, A):
        self.A = A
        return np.einsum("ni,io->no", A, self._W) + np.array(self.b).reshape(1, -1)

    def backward(self, dLdZ):
        self._slope = np.einsum("no,ni->io", dLdZ, self.A)
        self.dLdb = dLdZ.sum(axis=0).reshape(-1, 1).tolist()
        return dLdZ @ self._W.T

    @property
    def dLdW(self):
        return self._slope.T
"""
RIGHT = {
    "assigning": LINEAR,
    "filling": FILLING,
    "transposed": TRANSPOSED,
    "activation and loss alone": "import numpy as np\n" + OTHERS,
    "layers": LINEAR + OTHERS,
    "whole": LINEAR + OTHERS + WHOLE,
    "ours": CORE,
}


def both(path, rng_seed=3, hidden_size=7, dtype=np.float64):
    """A network of ours, and one of theirs that starts alike."""
    kinds = Network, partial(OwnNetwork, read_classes(path))
    return [kind(hidden_size, rng=np.random.default_rng(rng_seed), dtype=dtype) for kind in kinds]


def batch(rng, N=20, dtype=np.float64):
    return rng.random((N, 784)).astype(dtype), rng.integers(0, 10, N)


def worked(network, A, labels):
    """The outputs, the loss and the gradients of one batch."""
    Z_o = network.forward(A)
    L = network.loss(Z_o, labels)
    network.backward()
    return Z_o, L, network.dLdtheta


@pytest.mark.parametrize("name", RIGHT)
def test_right_classes_compute_what_ours_do_batch_after_batch(hand_in, rng, name):
    ours, theirs = both(hand_in(RIGHT[name]))
    assert np.array_equal(theirs.theta, ours.theta)
    for N in (20, 1, 5):
        A, labels = batch(rng, N)
        for own, other in zip(worked(ours, A, labels), worked(theirs, A, labels), strict=True):
            np.testing.assert_allclose(other, own, rtol=1e-9, atol=1e-12)
        for network in (ours, theirs):
            network.theta -= 0.1 * network.dLdtheta
    A, _ = batch(rng)
    assert np.array_equal(theirs.predict(A), ours.predict(A))
    np.testing.assert_allclose(theirs.predict_proba(A), ours.predict_proba(A), rtol=1e-9)


@pytest.mark.parametrize("name", RIGHT)
def test_the_gradient_check_passes_right_classes(hand_in, rng, name):
    _, theirs = both(hand_in(RIGHT[name]), dtype=np.float32)
    theirs = theirs.astype(np.float64)
    draw = lambda n: (rng.random((n, 784)), rng.integers(0, 10, n))  # noqa: E731
    blocks = check_gradients(theirs, *draw_samples(theirs, draw), rng=rng)
    assert max(block.relative_error for block in blocks) < 1e-7


def test_what_their_code_does_to_its_weights_does_not_reach_the_network(hand_in, rng):
    text = LINEAR.replace("return dLdZ @ self.W", "self.W *= 0; return dLdZ @ self.W")
    _, theirs = both(hand_in(text))
    before = theirs.theta.copy()
    worked(theirs, *batch(rng))
    assert np.array_equal(theirs.theta, before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_works_with_their_classes_and_weights_of_its_own(hand_in, rng, copied):
    ours, theirs = both(hand_in(LINEAR))
    theirs.deskewed = True
    twin = copied(theirs)
    assert (type(twin), twin.deskewed) == (OwnNetwork, True)
    theirs.theta[:] = 0
    A, _ = batch(rng)
    np.testing.assert_allclose(twin.forward(A), ours.forward(A))


WRONG = {
    "self.b = np.zeros((out_features, 1))": {
        "self.b = np.zeros(out_features)": "Linear.b should have the shape (7, 1), and has (7,)",
        "pass": "Linear.b is missing: it should have the shape (7, 1)",
        "self.b = self.c": "Linear.__init__ fails: AttributeError: 'Linear' object has no "
        "attribute 'c' (linear.py, line 7)",
        "self.b = 'b'": "Linear.b should be an array of numbers, and is of type str",
    },
    "return self.A @ self.W.T + self.b.T": {
        "pass": "Z from Linear.forward is missing: it should have the shape (20, 7)",
        "raise NotImplementedError": "Linear.forward is not written yet (linear.py, line 12)",
        "return self.A @ self.W": "Linear.forward fails: ValueError: matmul",
        "return [[1], [1, 2]]": "Z from Linear.forward should be an array of numbers",
        "import sys; sys.exit()": "Linear.forward fails: SystemExit (linear.py, line 12)",
    },
    "self.dLdW = dLdZ.T @ self.A": {
        "self.dLdW = dLdZ.T @ self.A / 0": "Linear.backward fails: RuntimeWarning: divide by zero",
        "self.dLdW = self.A.T @ dLdZ": "Linear.dLdW after backward should have the shape (10, 7), "
        "and has (7, 10)",
        "dLdW = dLdZ.T @ self.A": "Linear.dLdW after backward is missing",
    },
    "return dLdZ @ self.W": {
        "return None": "dLdA from Linear.backward is missing: it should have the shape (20, 7)",
    },
    "    def forward(self, A)": {
        "    def forwards(self, A)": "Linear.forward fails: AttributeError: 'Linear' object has no "
        "attribute 'forward'",
    },
}


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [(right, *pair) for right, pairs in WRONG.items() for pair in pairs.items()],
)
def test_what_fails_in_their_code_is_told_with_its_name_and_line(hand_in, rng, right, wrong, said):
    assert right in LINEAR
    path = hand_in(LINEAR.replace(right, wrong))
    with pytest.raises(HandInError) as caught:
        worked(both(path)[1], *batch(rng))
    assert caught.value.what.startswith(said)
    assert caught.value.where == str(path)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("mean()", "max(initial=0, keepdims=True)"), "the loss from SoftmaxCrossEntropy.forward"),
        (("return dLdZ / len", "return dLdZ[0] / len"), "dLdZ from SoftmaxCrossEntropy.backward"),
        (("np.where(self.on, Z, 0)", "Z[self.on]"), "A from ReLU.forward should have the shape"),
        (("dLdA * self.on", "dLdA.T"), "dLdZ from ReLU.backward should have the shape"),
    ],
)
def test_the_other_classes_are_looked_at_as_well(hand_in, rng, change, said):
    with pytest.raises(HandInError) as caught:
        worked(both(hand_in((LINEAR + OTHERS).replace(*change)))[1], *batch(rng))
    assert caught.value.what.startswith(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("self.hidden,", "self.first,"), "Network.hidden.W is missing"),
        (("Linear(784, hidden_size)", "Linear(hidden_size, 784)"), "Network.hidden.W should have"),
        (("return self.criterion", "self.criterion"), "the loss from Network.loss is missing"),
        (("        self.hidden.backward", "        self"), "Network.backward fails: TypeError"),
        (("        self.hidden.backward", "        id"), "Network.hidden.dLdW after backward is"),
    ],
)
def test_a_whole_network_is_looked_at_as_well(hand_in, rng, change, said):
    with pytest.raises(HandInError) as caught:
        worked(both(hand_in((LINEAR + OTHERS + WHOLE).replace(*change)))[1], *batch(rng))
    assert caught.value.what.startswith(said)


# ---------------------------------------------------------------------------------- a whole run


def trained(dataset, path, output, config=CONFIG, **callbacks):
    kind = partial(OwnNetwork, read_classes(path)) if path else Network
    return runs.train(runs.start(config, kind), dataset, output, **callbacks)


@pytest.mark.parametrize("augment", [False, True])
def test_our_own_classes_handed_in_give_our_model_byte_for_byte(
    own_dataset, hand_in, tmp_path, augment
):
    config = replace(CONFIG, augment=augment, deskew=augment)
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    trained(own_dataset, None, ours, config)
    trained(own_dataset, hand_in(CORE), theirs, config)
    assert theirs.read_bytes() == ours.read_bytes()


@pytest.mark.parametrize("name", ["assigning", "whole"])
def test_right_classes_give_a_model_as_good_as_ours(own_dataset, hand_in, tmp_path, name):
    ours = trained(own_dataset, None, tmp_path / "ours.npz")
    theirs = trained(own_dataset, hand_in(RIGHT[name]), tmp_path / "theirs.npz")
    assert type(theirs.model.network) is Network
    assert abs(theirs.report.accuracy - ours.report.accuracy) <= 0.01
    np.testing.assert_allclose(theirs.model.network.theta, ours.model.network.theta, atol=1e-3)


def test_a_class_that_fails_midway_leaves_the_finished_epochs_and_can_go_on(
    own_dataset, hand_in, tmp_path
):
    output, kept = tmp_path / "m.npz", []
    count = "\n    count = 0\n    def forward(self, A):\n        Linear.count += 1"
    failing = LINEAR.replace(
        "\n    def forward(self, A):", f"{count}\n        assert Linear.count < 60, 'tired'"
    )
    with pytest.raises(HandInError, match="tired") as caught:
        trained(own_dataset, hand_in(failing), output, on_kept=kept.append)
    assert "Linear.forward fails: AssertionError: tired" in caught.value.what
    assert [what.epochs for what in kept] == [1]
    kind = partial(OwnNetwork, read_classes(hand_in(LINEAR)))
    runs.train(runs.resume(kept[0].path, kind=kind), own_dataset, output)
    trained(own_dataset, hand_in(LINEAR), tmp_path / "whole.npz")
    assert output.read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.slow
def test_a_run_that_began_with_layers_of_a_file_says_so_until_it_is_finished(
    run, own_data, hand_in, tmp_path
):
    count = "\n    count = 0\n    def forward(self, A):\n        Linear.count += 1"
    text = LINEAR + OTHERS
    path = hand_in(
        text.replace(
            "\n    def forward(self, A):", f"{count}\n        assert Linear.count < 60, 'tired'"
        )
    )
    done = run(
        "train",
        "--epochs",
        2,
        "--batch-size",
        50,
        "--validation",
        200,
        "--layers",
        path,
        data_dir=own_data,
    )
    assert done.returncode == 1
    (advice,) = [line for line in done.stderr.splitlines() if line.startswith("To go on: ")]
    assert f"--layers {path}" in advice
    kept = tmp_path / "model.interrupted.npz"
    classes = ("Linear", "ReLU", "SoftmaxCrossEntropy")
    assert load_model(kept).own_classes == runs.resume(kept).own_classes == classes
    hand_in(text)
    noted = []
    for words in (("--layers", path), ()):
        done = run("train", "--resume", kept, "--json", *words, data_dir=own_data)
        assert done.returncode == 0, done.stderr
        noted.append("this run began with layers of a file (Linear, ReLU, " in done.stderr)
        assert load_model(tmp_path / "model.npz").own_classes == ()
        with np.load(tmp_path / "model.npz") as file:
            assert "own_classes" not in str(file["metadata"])
    assert noted == [False, True]


def test_a_run_that_goes_on_without_its_layers_still_says_how_it_began(
    own_dataset, hand_in, tmp_path
):
    def tired(_result):
        raise KeyboardInterrupt

    kept = []
    with pytest.raises(KeyboardInterrupt):
        trained(
            own_dataset,
            hand_in(LINEAR),
            tmp_path / "m.npz",
            replace(CONFIG, epochs=3),
            on_epoch=tired,
            on_kept=kept.append,
        )
    with pytest.raises(KeyboardInterrupt):
        runs.train(
            runs.resume(kept[0].path),
            own_dataset,
            tmp_path / "m.npz",
            on_epoch=tired,
            on_kept=kept.append,
        )
    assert [what.epochs for what in kept] == [1, 2]
    assert load_model(kept[1].path).own_classes == ("Linear",)


def test_a_wrong_sign_diverges_as_ours_would(own_dataset, hand_in, tmp_path):
    path = hand_in(LINEAR.replace("dLdZ.T @ self.A", "-9e9 * dLdZ.T @ self.A"))
    with pytest.raises(DivergenceError, match="the loss became"):
        trained(own_dataset, path, tmp_path / "m.npz")


def test_a_teacher_is_refused_by_a_loss_that_takes_labels_alone(own_dataset, hand_in, tmp_path):
    config = replace(CONFIG, teacher="pretrained", epochs=1)
    with pytest.raises(HandInError, match="takes labels alone"):
        trained(own_dataset, hand_in(LINEAR + OTHERS), tmp_path / "m.npz", config)
    trained(own_dataset, hand_in(LINEAR), tmp_path / "m.npz", config)
    trained(own_dataset, hand_in(CORE), tmp_path / "ours.npz", config)
    assert load_model(tmp_path / "ours.npz").config.teacher == "pretrained"


# ---------------------------------------------------------------------------------- the commands


def test_the_commands_take_a_file_of_layers(run, own_data, hand_in):
    path = hand_in(LINEAR.replace("self.debug = debug", "print('made')"))
    words = ("--layers", path, "--json")
    done = run("train", "--epochs", 1, "--validation", 200, *words, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["epoch", "done"]
    assert "made" in done.stderr
    done = run("gradcheck", "--model", "model.npz", *words, data_dir=own_data)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"]


def test_layers_that_compute_otherwise_than_ours_are_named_beside_the_result(
    run, own_data, hand_in
):
    words = ("train", "--epochs", 1, "--validation", 200, "--json", "--layers")
    for text, noted in ((LINEAR, False), (LINEAR.replace("+ self.b.T", "+ 1"), True)):
        done = run(*words, hand_in(text), data_dir=own_data)
        assert done.returncode == 0, done.stderr
        notes = json.loads(done.stdout.splitlines()[-1])["notes"]
        assert any("computes otherwise than nnscratch" in note for note in notes) is noted


def test_the_gradient_check_finds_the_block_that_is_wrong_in_a_file_of_layers(run, hand_in):
    path = hand_in(LINEAR.replace("dLdZ.sum(axis=0)[:, None]", "dLdZ.mean(axis=0)[:, None]"))
    done = run("gradcheck", "--layers", path)
    assert done.returncode == 1
    assert "Wrong: b_h, b_o" in done.stdout


def test_the_commands_say_in_three_parts_what_fails(run, own_data, hand_in):
    path = hand_in(
        LINEAR.replace("return self.A @ self.W.T + self.b.T", "raise NotImplementedError")
    )
    for command in (["train", "--validation", 200], ["gradcheck"]):
        done = run(*command, "--layers", path, data_dir=own_data)
        assert done.returncode == 1
        assert "Error: Linear.forward is not written yet (linear.py, line 12)" in done.stderr
        assert f"where: {path}" in done.stderr
        assert "next: write it; or delete the class from the file" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", [("train", "--validation", 200), ("gradcheck",)])
def test_a_file_that_ends_the_process_is_an_error_and_no_silence(run, own_data, hand_in, command):
    line = "\nimport os\nos._exit(0)\n"
    late = LINEAR.replace("self.A =", "import os; os._exit(0)\n        self.A =")
    for text, said in (
        (LINEAR + line, "it fails as soon as it runs: SystemExit: os._exit(0) (linear.py, line"),
        (late, "Linear.forward fails: SystemExit: os._exit(0) (linear.py, line 11)"),
    ):
        done = run(*command, "--layers", hand_in(text), data_dir=own_data)
        assert done.returncode == 1
        assert f"Error: {said}" in done.stderr


def test_a_process_of_their_own_may_end_itself(hand_in):
    fork = (
        "\nimport os\nif (child := os.fork()) == 0: os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
    )
    end = os._exit
    assert list(read_classes(hand_in(LINEAR + (fork if hasattr(os, "fork") else "")))) == ["Linear"]
    assert os._exit is end


@pytest.mark.slow
def test_a_file_that_takes_long_to_run_is_named_meanwhile(run, own_data, hand_in):
    path = hand_in("import time\ntime.sleep(2.5)\n" + LINEAR)
    done = run("gradcheck", "--layers", path, data_dir=own_data)
    assert done.returncode == 0
    assert f"Note: {path} has not come to its last line yet; Ctrl-C ends it" in done.stderr
    done = run("gradcheck", "--layers", hand_in(LINEAR), data_dir=own_data)
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_ctrl_c_ends_a_loop_of_theirs_that_never_ends(own_data, hand_in, tmp_path):
    path = hand_in(LINEAR.replace("self.A =", "print('in it', flush=True)\n        while 1: 0\n#"))
    command = [sys.executable, "-m", "nnscratch", "train", "--validation", "200"]
    with subprocess.Popen(
        [*command, "--layers", path, "--data-dir", own_data], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=hear_signals,
    ) as process:  # fmt: skip
        try:
            assert any(line == "in it\n" for line in process.stderr)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("what", ["Z_o", "the loss"])
def test_layers_in_float32_are_told_so_and_not_called_wrong(what, run, own_data, hand_in):
    at = {"Z_o": Z, "the loss": LOSS}[what]
    text = REFERENCE.read_text(encoding="utf-8")
    path = hand_in(text.replace(at, f"np.float32({at})"))
    done = run("gradcheck", "--layers", path, data_dir=own_data)
    assert done.returncode == 1
    assert "the layers round to float32" in done.stderr
    assert f"where: {what}\n" in done.stderr
    assert "WRONG" not in done.stdout
