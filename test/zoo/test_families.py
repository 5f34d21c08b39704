"""Some of the broad zoo against eager PyTorch; `./dev sweep families` takes all of it, and writes docs/zoo.md."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

pytest.importorskip("pellucid._engine")
import families  # noqa: E402

# Several outputs of which one is for training, a dictionary of dense outputs, a loop over blocks, masks made by
# slices, attention that torch fuses, a picture in time.
sample = [
    ("googlenet", "torchscript.scripted"),
    ("lraspp_mobilenet_v3_large", "torchscript.dynamic"),
    ("densenet121", "torchscript.scripted"),
    ("swin_t", "torchscript.fixed"),
    ("vit_b_32", "torchscript.dynamic"),
    ("r3d_18", "torchscript.fixed"),
    ("shufflenet_v2_x0_5", "torchscript.dynamic"),
    ("shufflenet_v2_x0_5", "pt2.fixed"),
    ("lraspp_mobilenet_v3_large", "onnx.dynamic"),
    ("timm:test_vit", "onnx.fixed"),
]


@pytest.mark.parametrize(("name", "form"), sample, ids=["-".join(pair) for pair in sample])
def test_output_and_gradient_equal_eager_pytorch(name, form, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "")  # families.py sets it
    ((_, found),) = families.of(name, [form], tmp_path)
    assert "refused" not in found and "unbuilt" not in found, found
    assert families.problems(found) == []
    # A film's places have a time, too: no layer of it is a picture's.
    assert ("cam" in found) == (name != "r3d_18"), found.get("cam_refused")


def test_the_comparison_sees_what_is_wrong():
    good = {
        "spread": 1.0,
        "output": 1e-6,
        "output_eager": 1e-6,
        "gradient": 1.0,
        "gradient_eager": 1.0,
        "gradient_size": 1.0,
        "gradient_largest": 1.0,
    }
    assert families.problems(good) == []
    for part, bad in [
        ("spread", 0.0),
        ("output", 2e-4),
        ("output", float("nan")),
        ("gradient", 0.9998),
        ("gradient", float("nan")),
        ("gradient_size", 0.5),
    ]:
        assert len(families.problems({**good, part: bad})) == 1, part
    # A network that magnifies rounding is allowed twice what eager PyTorch's own is.
    assert families.problems({**good, "output": 2e-4, "output_eager": 1.5e-4}) == []
    assert families.problems({"refused": "the exporter does not know it"}) == []
    assert families.problems({"failed": "Error"}) == ["Error"]
