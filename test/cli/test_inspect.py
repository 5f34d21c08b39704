"""What inspect counts, beside what torch counts of the same program; the drawing; both languages."""

import re
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here)]

from program import CNN, LINEAR, MODELS, PROGRAM, ROOT, answer, pellucid  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

SCRIPTS = ROOT / "test" / "fixtures" / "torchscript"
COUNTED = [
    "cnn_module",
    "cnn_decomposed",
    "vit",
    "vit_mha",
    "swin",
    "segmentation",
    "image_and_vector",
    "tokens",
]


def sizes(document):
    """One sample's: open sizes as `inspect` made them up where they are the batch."""
    return [
        ([1, *(size or 8 for size in entry["shape"][1:])], getattr(torch, entry["dtype"]))
        for entry in document["inputs"]
    ]


@pytest.mark.parametrize("name", COUNTED)
def test_operations_are_those_that_torch_counts(name):
    document = answer("inspect", MODELS / f"{name}.pt2")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.export.load(MODELS / f"{name}.pt2")
        module = program.module()
        inputs = [torch.zeros(shape, dtype=dtype) for shape, dtype in sizes(document)]
        # Only attention that is not fused is counted on the CPU.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            _, keywords = program.call_spec.in_spec.children()
            if keywords.context:
                module(**dict(zip(keywords.context, inputs, strict=True)))
            else:
                module(*inputs)
    operations = document["operations"]
    assert sum(operations["by_kind"].values()) == operations["per_sample"]
    # torch counts nothing in recurrent layers.
    told = operations["per_sample"] - operations["by_kind"].get("recurrent", 0)
    assert told == counter.get_total_flops() > 0


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_are_those_of_the_module(name):
    parameters = torch.export.load(MODELS / f"{name}.pt2").parameters()
    expected = sum(each.numel() for each in parameters)
    assert answer("inspect", MODELS / f"{name}.pt2")["parameters"] == expected


def test_parameters_of_a_recurrent_script_are_those_of_its_module():
    module = torch.jit.load(SCRIPTS / "recurrent.pt")
    document = answer("inspect", SCRIPTS / "recurrent.pt", "--trust")
    assert document["parameters"] == sum(each.numel() for each in module.parameters())
    assert document["operations"]["by_kind"]["recurrent"] > 0


def test_attention_and_the_layers_of_a_transformer_are_found():
    document = answer("inspect", MODELS / "vit.pt2")
    assert document["attention"] and all(block["heads"] > 0 for block in document["attention"])
    assert document["cam_layers"]["default"]["why"] == "the input of the last attention"
    assert all(method["applies"] for method in document["methods"])


def test_a_network_of_tokens_has_no_places_in_a_picture():
    document = answer("inspect", MODELS / "tokens.pt2")
    assert document["cam_layers"] == {"layers": []}
    for method in document["methods"]:
        assert not method["applies"] and method["reason"] and method["remedy"]


@pytest.mark.parametrize("model", sorted(MODELS.glob("*.pt2")), ids=lambda path: path.stem)
def test_what_inspect_says_of_methods_holds_when_they_are_asked(model, tmp_path):
    if model.stem in ("custom_operator", "nan_weights"):
        return
    document = answer("inspect", model)
    assert "operations" in document, document["warnings"]
    entry = document["inputs"][0]
    if len(document["inputs"]) > 1 or document["outputs"][0]["kind"] == "dense":
        return  # these need more words than one file
    shape = [1, *(size or 8 for size in entry["shape"][1:])]
    data = (
        torch.zeros(shape)
        if entry["dtype"] == "float32"
        else torch.zeros(shape, dtype=getattr(torch, entry["dtype"]))
    )
    import numpy

    numpy.save(tmp_path / "x.npy", data.numpy())
    for method in document["methods"]:
        if method["applies"]:
            continue
        done = pellucid(
            "explain", model, tmp_path / "x.npy", "--method", method["name"], "--out", tmp_path
        )
        assert done.returncode != 0, (model.stem, method)


def test_the_drawing_has_every_module_and_nothing_across_another(tmp_path):
    done = pellucid("inspect", CNN, "--format", "svg", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (drawn,) = tmp_path.glob("*.modules.svg")
    tree = ET.parse(drawn).getroot()
    width, height = (float(re.match(r"[\d.]+", tree.get(key))[0]) for key in ("width", "height"))
    assert 300 < width < 1600 and height < 4000


def test_a_drawing_too_deep_is_refused_with_what_to_do(tmp_path):
    done = pellucid("inspect", CNN, "--format", "svg", "--depth", "17", "--out", tmp_path)
    assert done.returncode == 2 and "depth" in done.stderr


def test_the_text_is_said_in_chinese():
    text = pellucid("inspect", LINEAR, "--lang", "zh").stdout
    assert "运算量" in text and "grad_cam 不可用：没有在图中有位置的层通向输出；" in text
    assert "per sample" not in text and "not grad_cam" not in text
