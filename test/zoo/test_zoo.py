"""Three networks against eager PyTorch; `./dev sweep zoo` takes all ten."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import compare  # noqa: E402
import make_zoo  # noqa: E402

absent = pytest.mark.skipif(
    not compare.program().exists(), reason=f"{compare.program().name} is not built"
)


@absent
@pytest.mark.parametrize("fixed", [False, True], ids=["dynamic", "fixed"])
@pytest.mark.parametrize("name", make_zoo.quick)
def test_outputs_and_maps_equal_eager_pytorch(name, fixed, tmp_path):
    assert compare.problems(compare.compare(name, fixed, tmp_path)) == []


def test_the_comparison_sees_what_is_wrong():
    good = {
        "output": 1e-6,
        "saliency": 1.0,
        "saliency_size": 1.0,
        "integrated_gradients": 1.0,
        "integrated_gradients_size": 1.0,
    }
    assert compare.problems(good) == []
    for part, bad in [
        ("output", 2e-4),
        ("output", float("nan")),
        ("saliency", 0.9998),
        ("saliency_size", 0.5),
        ("integrated_gradients", float("nan")),
    ]:
        assert len(compare.problems({**good, part: bad})) == 1, part
