"""TorchScript files as a black box: only with --trust, and then the same answers as PyTorch and as the .pt2."""

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


@pytest.mark.parametrize("how", ["trace", "script"])
def test_a_residual_network_answers_as_pytorch_and_its_maps_are_those_of_the_pt2(tmp_path, how):
    torch = pytest.importorskip("torch")
    sys.path[:0] = [str(ROOT / "python")]
    from pellucid.export import export
    from pellucid.exporting.torchvision_shim import import_torchvision

    torch.manual_seed(0)
    model = import_torchvision().models.resnet18(num_classes=10).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 3, 224, 224)
    np.save(tmp_path / "x.npy", x.numpy())
    script = torch.jit.trace(model, x) if how == "trace" else torch.jit.script(model)
    script.save(tmp_path / "net.pt")
    export(model, x, tmp_path / "net.pt2", sample=False)

    def maps(name, *words):
        out = tmp_path / ("out_" + name.replace(".", "_"))
        for verb in (
            ["predict"],
            ["explain", "--method", "saliency,grad_cam", "--target", "3", "--format", "npy"],
        ):
            done = pellucid(
                verb[0], tmp_path / name, tmp_path / "x.npy", *verb[1:], *words, "--out", out
            )
            assert done.returncode == 0, done.stderr
        return {
            kind: np.load(out / f"x.{kind}.npy") for kind in ("output", "saliency", "grad_cam")
        }

    ours, theirs = maps("net.pt", "--trust"), maps("net.pt2")
    with torch.no_grad():
        answer = model(x).numpy()
    assert np.abs(ours["output"] - answer).max() <= 1e-4 * np.abs(answer).max()
    for kind in ("saliency", "grad_cam"):
        assert ours[kind].shape == theirs[kind].shape
        assert np.corrcoef(ours[kind].ravel(), theirs[kind].ravel())[0, 1] >= 0.9999
