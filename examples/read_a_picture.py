"""Read the digit in a picture with the bundled model: `python examples/read_a_picture.py FILE`."""

import sys
from pathlib import Path

from nnscratch import DigitClassifier

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "three.png"

digits = DigitClassifier.load("pretrained")
probabilities = digits.predict_proba(sys.argv[1] if len(sys.argv) > 1 else SAMPLE)
for digit in probabilities.argsort()[:-4:-1]:
    print(f"{digit}: {probabilities[digit]:.1%}")
