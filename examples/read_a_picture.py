"""Read the digit in a picture with the bundled model: `python examples/read_a_picture.py FILE`."""

import sys
from pathlib import Path

from nnscratch import load_model, load_picture, scale_pixels

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "three.png"

picture = load_picture(sys.argv[1] if len(sys.argv) > 1 else SAMPLE)
network = load_model("pretrained").network
(probabilities,) = network.predict_proba(scale_pixels(picture.image[None]))
for digit in probabilities.argsort()[:-4:-1]:
    print(f"{digit}: {probabilities[digit]:.1%}")
