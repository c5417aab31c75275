"""The public PngSuite: whatever a PNG may be, it is read, or refused with an error of ours.

The folder is named by NNSCRATCH_PNGSUITE; Willem van Schaik's suite is at schaik.com/pngsuite.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnscratch.errors import NoDigitError, PictureError
from nnscratch.pictures.decode import read_grey
from nnscratch.pictures.read import load_picture

FOLDER = os.environ.get("NNSCRATCH_PNGSUITE", "")
FILES = sorted(Path(FOLDER).glob("*.png")) if FOLDER else []
pytestmark = pytest.mark.skipif(not FILES, reason="NNSCRATCH_PNGSUITE names no folder of PNGs")


def test_every_picture_is_read_or_honestly_refused_and_every_corrupt_one_refused():
    assert len(FILES) >= 175
    for path in FILES:
        try:
            load_picture(path)
        except NoDigitError as error:
            assert path.name[0] != "x" or path.name == "xcsn0g01.png"  # only a checksum is wrong
            assert error.where == str(path)
        except PictureError:
            assert path.name[0] == "x", path.name
        else:
            assert path.name[0] != "x", path.name


def test_what_holds_the_same_picture_interlaced_or_parted_has_the_same_grey():
    names = {path.name: path for path in FILES}
    kinds = [name[4:] for name in names if name.startswith("basn")]
    twins = [(f"basn{kind}", f"basi{kind}") for kind in kinds]
    twins += [(f"oi1n{kind}", f"oi{n}n{kind}") for n in "249" for kind in ("0g16.png", "2c16.png")]
    twins += [("z00n2c08.png", f"z0{n}n2c08.png") for n in "369"]
    assert len(twins) > 20
    for plain, other in twins:
        first, second = (read_grey(names[name], name)[0] for name in (plain, other))
        assert np.array_equal(first, second), other


@pytest.mark.slow
def test_the_command_ends_without_a_traceback(tmp_path):
    command = [sys.executable, "-m", "nnscratch", "predict", FOLDER, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == len(FILES)
    assert done.stderr == ""
