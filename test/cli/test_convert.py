"""Converted files: read again by torch.export.load and by us, with the numbers of the file they were made of."""

import json
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here)]

from program import MODELS, PROGRAM, answer, one_line, pellucid  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

# One of each thing that a program can hold.
FIXTURES = ["cond", "autocast_inside", "dict_outputs", "dtypes", "norms", "dynamic_sides", "vit"]


def run(path, inputs):
    """The leaves of the program's answer, as torch runs it."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module = torch.export.load(path).module()
        given = torch.utils._pytree.tree_unflatten(
            [each.clone() for each in inputs], module._in_spec
        )
        tree = module(*given[0], **given[1])
    return torch.utils._pytree.tree_leaves(tree)


def document_of(path):
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]
        return json.loads(archive.read(f"{root}/extra/pellucid.json"))


def sample(path):
    """The inputs that the file records."""
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]
        return [
            torch.frombuffer(
                bytearray(archive.read(f"{root}/{entry['path']}")),
                dtype=getattr(torch, entry["dtype"]),
            ).reshape(entry["shape"])
            for entry in document_of(path)["sample"]["inputs"]
        ]


def differ(ours, theirs):
    """The largest difference, relative to the largest number of each output."""
    assert len(ours) == len(theirs)
    largest = 0.0
    for a, b in zip(ours, theirs, strict=True):
        a, b = torch.as_tensor(a), torch.as_tensor(b)
        assert a.dtype == b.dtype and a.shape == b.shape
        if a.numel():
            a, b = a.double().nan_to_num(), b.double().nan_to_num()
            largest = max(largest, ((a - b).abs().max() / b.abs().max().clamp(min=1)).item())
    return largest


def convert(source, out):
    done = pellucid("convert", source, out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_gives_the_same_numbers_when_it_is_converted(name, tmp_path):
    source, out = MODELS / f"{name}.pt2", tmp_path / "out.pt2"
    convert(source, out)
    inputs = sample(out)
    # Batch norm is a scale and a shift in the file: that is another order of the same sums.
    assert differ(run(out, inputs), run(source, inputs)) <= 1e-5
    assert pellucid("check", out).returncode == pellucid("check", source).returncode
    again = convert(out, tmp_path / "again.pt2")
    with zipfile.ZipFile(out) as first, zipfile.ZipFile(again) as second:
        program = "model/models/model.json"
        assert first.read(program) == second.read(program), "what is written is what is read"


def test_a_model_of_any_batch_stays_one(tmp_path):
    out = convert(MODELS / "cnn_module.pt2", tmp_path / "out.pt2")
    inputs = [sample(out)[0].repeat(5, 1, 1, 1)]
    assert differ(run(out, inputs), run(MODELS / "cnn_module.pt2", inputs)) <= 1e-5


def test_maps_of_a_converted_model_are_those_of_the_original(tmp_path):
    import numpy as np

    out = convert(MODELS / "cnn_fixed.pt2", tmp_path / "out.pt2")
    maps = []
    for model in (MODELS / "cnn_fixed.pt2", out):
        folder = tmp_path / model.stem
        image = tmp_path / "x.npy"
        np.save(image, sample(out)[0].numpy())
        words = ["--method", "saliency,grad_cam", "--format", "npy", "--out", folder]
        assert pellucid("explain", model, image, *words).returncode == 0
        maps.append([np.load(path) for path in sorted(folder.glob("*.npy"))])
    assert len(maps[0]) == 2
    assert all((a == b).all() for a, b in zip(*maps, strict=True))


def test_the_file_says_what_it_was_made_of(tmp_path):
    out = convert(MODELS / "cnn_fixed.pt2", tmp_path / "out.pt2")
    made_of = document_of(out)["converted_from"]
    assert made_of["file"] == "cnn_fixed.pt2"
    assert made_of["sha256"] == answer("inspect", MODELS / "cnn_fixed.pt2")["sha256"]


@pytest.mark.parametrize("name", ["nan_weights", "custom_operator"])
def test_a_model_that_can_not_be_read_leaves_nothing_behind(name, tmp_path):
    done = pellucid("convert", MODELS / f"{name}.pt2", tmp_path / "out.pt2")
    one_line(done)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_only_a_pt2_is_written(tmp_path):
    done = pellucid("convert", MODELS / "linear.pt2", tmp_path / "out.onnx")
    assert done.returncode == 2
    assert "out.pt2" in one_line(done)
    done = pellucid("convert", MODELS / "linear.pt2")
    assert done.returncode == 2
    assert "OUT.pt2" in one_line(done)


def test_a_file_may_give_way_to_its_own_conversion(tmp_path):
    model = tmp_path / "linear.pt2"
    model.write_bytes((MODELS / "linear.pt2").read_bytes())
    convert(model, model)
    assert answer("check", model)["verdict"] == "pass"
    assert [path.name for path in tmp_path.iterdir()] == ["linear.pt2"]
