"""The progress of a training run, in a notebook and elsewhere."""

import re
import subprocess
import sys

from notebooks import outputs_of

TRAINING = """
from nnscratch import TrainConfig, TrainingState, fit
from nnscratch.app.progress import training_progress
from nnscratch.data.synthetic import draw_digits
import numpy as np

rng = np.random.default_rng(0)
labels = rng.integers(0, 10, 1200)
images = draw_digits(labels, rng)
config = TrainConfig(epochs=3, validation_size=200)
state = TrainingState.start(config)
with training_progress(config.epochs, 1000) as progress:
    for result in fit(state, images, labels, config, on_samples=progress.on_samples):
        progress.on_epoch(result)
"""

# A bar half way, seen while it lives.
HALFWAY = """
from IPython import get_ipython
shown = []
publish = get_ipython().display_pub.publish
def noting(data, *rest, **named):
    shown.append(data)
    publish(data, *rest, **named)
get_ipython().display_pub.publish = noting
with training_progress(1, 1000) as progress:
    for _ in range(5):
        import time
        time.sleep(0.11)
        progress.on_samples(100)
print(shown[-2]["text/plain"])
"""
HEADER = "epoch  train loss  validation loss  validation accuracy  seconds"


def test_a_notebook_shows_lines_and_a_bar_as_one_output_and_no_warning(tmp_path):
    (shown,), (_, printed) = outputs_of(TRAINING, HALFWAY, folder=tmp_path)
    assert shown.output_type == "display_data"  # and nothing on stderr
    lines = shown.data["text/plain"].splitlines()
    assert lines[0].strip() == HEADER
    assert [line.split()[0] for line in lines[1:]] == ["1/3", "2/3", "3/3"]
    html = shown.data["text/html"]
    assert HEADER in html
    assert "3/3" in html
    assert not re.search(r"background|(?<!-)color: ?#?(000|fff)", html)
    assert re.search(r"epoch 1/1 ━+.* 50% .*samples/s", printed.text), printed.text


def test_without_a_terminal_there_is_a_line_an_epoch_on_stderr(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAINING],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert lines[0].strip() == HEADER
    assert [line.split()[0] for line in lines[1:]] == ["1/3", "2/3", "3/3"]
    assert done.stdout == ""
