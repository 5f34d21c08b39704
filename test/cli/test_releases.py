"""Files of every release of torch answer as they were recorded, through the program and all of its rewrites."""

import sys
from pathlib import Path

import pytest

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here)]

from program import PROGRAM, pellucid  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

versions = here.parent / "fixtures" / "versions"


# Among them a network that calls view on a convolution's result: it fails where its strides are changed.
@pytest.mark.parametrize("path", sorted(versions.glob("*.pt2")), ids=lambda path: path.stem)
def test_a_file_of_another_release_passes_its_check(path):
    done = pellucid("check", path)
    assert done.returncode == 0, done.stdout + done.stderr
