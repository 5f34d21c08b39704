"""TorchScript files as a black box: only with --trust, and then the same answers as PyTorch and as the .pt2."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from program import PROGRAM, ROOT, one_line, pellucid  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")
SCRIPTS = ROOT / "test" / "fixtures" / "torchscript"


def test_without_trust_a_torchscript_file_is_refused_with_the_reason(tmp_path):
    line = one_line(pellucid("inspect", SCRIPTS / "cnn_traced.pt"))
    assert "can run code" in line and "--trust" in line
    assert pellucid("inspect", SCRIPTS / "cnn_traced.pt", "--trust").returncode == 0


def test_the_server_has_no_trust_to_give():
    line = one_line(pellucid("serve", SCRIPTS / "cnn_traced.pt", "--trust", "--port", "0"))
    assert "--trust" in line
    line = one_line(pellucid("serve", SCRIPTS / "cnn_traced.pt", "--port", "0"))
    assert "can run code" in line


def test_a_pickled_checkpoint_is_refused_even_when_it_is_trusted(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "state.pt")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    for name in ("state.pt", "whole.pt"):
        assert "never read" in one_line(pellucid("inspect", tmp_path / name, "--trust"))


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    """A ResNet-18 as .pt2, traced and scripted, an input, and what PyTorch answers."""
    torch = pytest.importorskip("torch")
    sys.path[:0] = [str(ROOT / "python")]
    from pellucid.export import export
    from pellucid.exporting.torchvision_shim import import_torchvision

    folder = tmp_path_factory.mktemp("residual")
    torch.manual_seed(0)
    model = import_torchvision().models.resnet18(num_classes=10).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 3, 96, 96)
    np.save(folder / "x.npy", x.numpy())
    export(model, x, folder / "net.pt2", sample=False)
    torch.jit.trace(model, x).save(folder / "traced.pt")
    torch.jit.script(model).save(folder / "scripted.pt")
    # A script does not say what its input looks like; a file beside it does.
    shape = {"inputs": [{"name": "x", "shape": [None, 3, 96, 96]}]}
    (folder / "scripted.json").write_text(json.dumps(shape))
    with torch.no_grad():
        return folder, model(x).numpy()


@pytest.mark.parametrize("name", ["traced", "scripted"])
def test_a_residual_network_answers_as_pytorch_and_its_maps_are_those_of_the_pt2(residual, name):
    folder, answer = residual

    def map_of(model, kind, *words):
        out = folder / f"{model}.out"
        done = pellucid(*words, "--format", "npy", "--out", out)
        assert done.returncode == 0, done.stderr
        return np.load(out / f"x.{kind}.npy")

    script, program, x = folder / f"{name}.pt", folder / "net.pt2", folder / "x.npy"
    ours = map_of(name, "output", "predict", script, x, "--trust")
    assert np.abs(ours - answer).max() <= 1e-4 * np.abs(answer).max()
    for method in ("saliency", "grad_cam"):
        words = ("--method", method, "--target", "3")
        ours = map_of(name, method, "explain", script, x, *words, "--trust")
        theirs = map_of("net", method, "explain", program, x, *words)
        assert ours.shape == theirs.shape
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] >= 0.9999
