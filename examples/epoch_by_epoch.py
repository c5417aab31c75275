"""Train with the lower pieces, epoch by epoch, and stop when it gets no better."""

import numpy as np

from nnscratch import TrainConfig, TrainingState, evaluate, fit
from nnscratch.data.synthetic import draw_digits

rng = np.random.default_rng(0)
labels = rng.integers(0, 10, 4000)
images = draw_digits(labels, rng)

config = TrainConfig(learning_rate=0.1, epochs=30, validation_size=500)
state = TrainingState.start(config)
best, best_loss = state.checkpoint(), float("inf")
for result in fit(state, images[:3000], labels[:3000], config):
    if result.validation_loss > best_loss:
        print(f"epoch {result.epoch} was no better: stop")
        break
    best, best_loss = state.checkpoint(), result.validation_loss
    print(f"epoch {result.epoch}: validation loss {best_loss:.3f}")

state.restore(best)
print(f"test accuracy {evaluate(state, images[3000:], labels[3000:]).accuracy:.1%}")
