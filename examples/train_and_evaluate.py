"""Train a network on a few thousand built-in digits and measure it on others.

With MNIST instead: `dataset = nnscratch.load_dataset("data")`, and leave `validation_size` out.
"""

import numpy as np

from nnscratch import Dataset, TrainConfig, TrainingState, evaluate, fit
from nnscratch.data.synthetic import draw_digits

rng = np.random.default_rng(0)
labels = rng.integers(0, 10, 4000).astype(np.uint8)
images = draw_digits(labels, rng)
dataset = Dataset("synthetic", images[:3000], labels[:3000], images[3000:], labels[3000:], {})

config = TrainConfig(learning_rate=0.1, epochs=5, validation_size=500)
state = TrainingState.start(config)
for result in fit(state, dataset.train_images, dataset.train_labels, config):
    print(f"epoch {result.epoch}: validation accuracy {result.validation_accuracy:.1%}")

report = evaluate(state.network, dataset.test_images, dataset.test_labels)
print(f"test accuracy {report.accuracy:.1%}")
