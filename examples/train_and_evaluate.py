"""Train a classifier on a few thousand built-in digits, and measure it on others.

With MNIST instead: `mnist = nnscratch.load_dataset("data")`, then `mnist.train_images` and so on;
and leave `validation_size` out.
"""

import numpy as np

from nnscratch import DigitClassifier
from nnscratch.data.synthetic import draw_digits

rng = np.random.default_rng(0)
labels = rng.integers(0, 10, 4000)
images = draw_digits(labels, rng)

digits = DigitClassifier(learning_rate=0.1, epochs=5, validation_size=500)
digits.fit(images[:3000], labels[:3000])
for result in digits.history_:
    print(f"epoch {result.epoch}: validation accuracy {result.validation_accuracy:.1%}")
print(f"test accuracy {digits.score(images[3000:], labels[3000:]):.1%}")
