"""A run from its settings to its model, and what is left of it when it is interrupted."""

import csv
import tempfile
from dataclasses import replace

import numpy as np
import pytest

from nnscratch import run_files, runs
from nnscratch.config import TrainConfig
from nnscratch.errors import DataError, ModelFileError, OutputError, Terminated
from nnscratch.model_file import load_model
from nnscratch.training import EpochResult

CONFIG = TrainConfig(epochs=3, validation_size=200, batch_size=50, momentum=0.5)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "m.npz"


def finished(dataset, output, run=None, **callbacks):
    return runs.train(run or runs.start(CONFIG), dataset, output, **callbacks)


def interrupted(dataset, output, after=2, by=KeyboardInterrupt):
    """Interrupt a run after so many epochs; gives what was kept of it."""
    kept = []

    def interrupt(result):
        if result.epoch == after:
            raise by

    with pytest.raises(by):
        finished(dataset, output, on_epoch=interrupt, on_kept=kept.append)
    (what,) = kept
    return what


def test_a_run_ends_with_a_model_that_says_all_of_it(own_dataset, output):
    epochs, samples = [], []
    done = finished(own_dataset, output, on_epoch=epochs.append, on_samples=samples.append)
    saved = load_model(output)
    assert tuple(epochs) == done.history
    assert [result.epoch for result in epochs] == [1, 2, 3]
    assert sum(samples) == 3 * 1000
    assert np.array_equal(saved.network.theta, done.model.network.theta)
    assert saved.config == CONFIG
    assert (saved.dataset, saved.sha256) == ("custom", own_dataset.sha256)
    assert saved.test == {"loss": done.report.loss, "accuracy": done.report.accuracy}
    assert saved.evaluate(own_dataset.test_images, own_dataset.test_labels).loss == done.report.loss
    assert [entry["train_loss"] for entry in saved.history] == [e.train_loss for e in epochs]
    assert not any("seconds" in entry for entry in saved.history)
    assert done.seconds == sum(result.seconds for result in epochs) > 0
    assert done.previous is None
    assert saved.generator is None


def test_an_earlier_model_is_kept_and_named(own_dataset, output):
    finished(own_dataset, output)
    before = output.read_bytes()
    assert finished(own_dataset, output).previous == output.with_name("m.previous.npz")
    assert output.with_name("m.previous.npz").read_bytes() == before == output.read_bytes()


@pytest.mark.parametrize("by", [KeyboardInterrupt, Terminated])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_interrupted_run_is_kept_and_ends_as_if_it_had_not_been(own_dataset, output, after, by):
    finished(own_dataset, output)
    whole = output.read_bytes()
    output.unlink()
    kept = interrupted(own_dataset, output, after, by)
    assert kept == runs.Kept(after, output.with_name("m.interrupted.npz"), output, None)
    assert not output.exists()
    run = runs.resume(kept.path)
    assert len(run.state.history) == after
    done = finished(own_dataset, output, run)
    assert output.read_bytes() == whole
    assert len(done.history) == 3


def test_the_times_of_epochs_before_a_run_was_resumed_are_not_known(own_dataset, output):
    kept = interrupted(own_dataset, output)
    run = runs.resume(kept.path)
    assert [result.seconds for result in run.state.history] == [None, None]
    done = finished(own_dataset, output, run)
    assert [result.seconds is None for result in done.history] == [True, True, False]
    assert done.seconds == done.history[2].seconds > 0


def test_interrupted_before_the_first_epoch_nothing_is_kept(own_dataset, output):
    kept = []

    def interrupt(_count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finished(own_dataset, output, on_samples=interrupt, on_kept=kept.append)
    assert kept == [runs.Kept(0, None, output, None)]
    assert not list(output.parent.iterdir())


def test_interrupted_within_an_epoch_the_epochs_before_it_are_kept(own_dataset, output):
    run, samples, weights = runs.start(CONFIG), [], []

    def interrupt(count):
        samples.append(count)
        if sum(samples) > 1200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finished(
            own_dataset,
            output,
            run,
            on_samples=interrupt,
            on_epoch=lambda result: weights.append(run.state.network.theta.copy()),
            on_kept=lambda kept: weights.append(load_model(kept.path).network.theta),
        )
    after_the_epoch, kept = weights
    assert np.array_equal(after_the_epoch, kept)


def test_an_earlier_interrupted_run_is_kept_beside_the_new_one(own_dataset, output):
    first = interrupted(own_dataset, output, after=2)
    before = first.path.read_bytes()
    second = interrupted(own_dataset, output, after=1)
    assert second.previous == output.with_name("m.interrupted.previous.npz")
    assert second.previous.read_bytes() == before


def test_a_finished_model_is_not_resumed(own_dataset, output):
    finished(own_dataset, output)
    with pytest.raises(ModelFileError, match="this is a finished model") as caught:
        runs.resume(output)
    assert caught.value.where == str(output)
    assert ".interrupted.npz" in caught.value.next_step


def test_a_run_to_resume_that_is_not_there_is_not_trained_by_that_name(output):
    with pytest.raises(ModelFileError, match="there is no such model") as caught:
        runs.resume(output)
    assert caught.value.where == str(output)
    assert ".interrupted.npz" in caught.value.next_step


def test_other_files_than_the_runs_own_are_refused(own_dataset, output):
    run = runs.resume(interrupted(own_dataset, output).path)
    other = replace(own_dataset, sha256={"x": "y"})
    with pytest.raises(DataError, match="not the files that the interrupted run learned from"):
        finished(other, output, run)


def test_where_the_model_cannot_be_saved_it_is_saved_elsewhere(own_dataset, output, monkeypatch):
    (output.parent / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(output.parent / "temporary"))
    output.mkdir()
    with pytest.raises(OutputError, match="cannot be saved") as caught:
        finished(own_dataset, output)
    rescue = caught.value.next_step.partition(" is safe in ")[2].partition(";")[0]
    assert load_model(rescue).test


def test_names_that_belong_together(tmp_path):
    for model, kept in (("m.npz", "m.interrupted.npz"), ("a.b", "a.b.interrupted.npz")):
        assert run_files.interrupted_name(tmp_path / model) == tmp_path / kept
    for kept in ("m.interrupted.npz", "m.npz", "m"):
        assert run_files.output_of(tmp_path / kept) == tmp_path / "m.npz"


@pytest.mark.parametrize("taken", ["m.npz", "m.interrupted.npz", "m.interrupted.previous.npz"])
def test_every_name_that_a_run_may_need_is_tried_first(output, taken):
    run_files.check_outputs(output, CONFIG)
    output.with_name(taken).mkdir()
    with pytest.raises(OutputError, match="folder"):
        run_files.check_outputs(output, CONFIG)


# --------------------------------------------------------------------------------- the history


def test_the_history_is_a_table_with_nothing_where_nothing_is_known(tmp_path):
    path = tmp_path / "h.csv"
    history = [EpochResult(1, 0.5, None, None, None), EpochResult(2, 0.25, 0.5, 0.75, 1.5)]
    run_files.save_history(path, history)
    assert path.read_bytes().count(b"\r\n") == 3
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "epoch": "1",
        "train_loss": "0.5",
        "validation_loss": "",
        "validation_accuracy": "",
        "seconds": "",
    }
    assert list(rows[1].values()) == ["2", "0.25", "0.5", "0.75", "1.5"]
    run_files.check_history(path)


def test_a_table_that_is_no_history_is_not_replaced(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(b"name,age\n")
    with pytest.raises(OutputError, match="the history would replace a file"):
        run_files.check_history(path)


def test_a_history_that_cannot_be_saved_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputError, match="the history cannot be saved"):
        run_files.save_history(tmp_path / "no" / "h.csv", [EpochResult(1, 0.5, None, None, None)])


@pytest.mark.slow
def test_a_run_that_learns_to_refuse_has_the_weights_that_it_would_have_had(own_dataset, tmp_path):
    few = replace(
        own_dataset,
        train_images=own_dataset.train_images[:200],
        train_labels=own_dataset.train_labels[:200],
    )
    config = replace(CONFIG, epochs=1, validation_size=50)
    plain, refusing, again = (tmp_path / f"{name}.npz" for name in ("plain", "refusing", "again"))
    finished(few, plain, runs.start(config))
    seen = []
    for output in (refusing, again):
        run = runs.start(replace(config, refuse=True))
        done = finished(few, output, run, on_refusing=lambda *counts: seen.append(counts))
    saved = load_model(refusing)
    assert np.array_equal(saved.network.theta, load_model(plain).network.theta)
    assert saved.test == load_model(plain).test
    assert saved.rejector.threshold == done.model.rejector.threshold
    counts, (total, *_) = zip(*seen, strict=True)
    assert counts[0] == 0
    assert sum(counts) == 2 * total
    assert refusing.read_bytes() == again.read_bytes()
    assert load_model(plain).rejector is None
