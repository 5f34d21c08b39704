"""The exporter's promises: the file, its metadata, its sample, its batch."""

import json
import zipfile

import networks
import numpy as np
import odd_networks
import pytest
import torch
from archives import Archive
from pellucid.export import ExportError, export
from torch import nn
from torch.utils import _pytree as pytree


class Probe(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.norm(self.drop(self.fc(x)))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "model.pt2"


def test_torch_loads_the_file_and_its_metadata_as_text(out):
    export(Probe(), torch.randn(2, 4), out, name="a name in 中文", labels=["ä", ["b", "c"], "d"])
    extra = {"pellucid.json": ""}
    program = torch.export.load(out, extra_files=extra)
    metadata = json.loads(extra["pellucid.json"])
    assert metadata["name"] == "a name in 中文"
    assert metadata["labels"] == ["ä", ["b", "c"], "d"]
    assert metadata["format"] == "pellucid-metadata" and metadata["version"] == 1
    archive = Archive(out)
    (ours,) = archive.sample("outputs")
    torch.testing.assert_close(program.module()(*archive.sample("inputs")), ours, rtol=0, atol=0)


def test_every_entry_is_unique_stored_and_aligned(out):
    export(Probe(), torch.randn(2, 4), out)
    archive = Archive(out)
    names = [entry.filename for entry in archive.entries]
    assert len(set(names)) == len(names)
    assert any(name.endswith("pellucid/sample/output_0.bin") for name in names)
    for entry in archive.entries:
        assert entry.compress_type == zipfile.ZIP_STORED
        assert archive.data_offset(entry) % 64 == 0, entry.filename
    assert archive.bytes("data/sample_inputs/model.pt") == b"", "the example travels as no pickle"


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = Probe()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export(model, torch.ones(1, 4), tmp_path / name / "m.pt2")
    assert (tmp_path / "a" / "m.pt2").read_bytes() == (tmp_path / "b" / "m.pt2").read_bytes()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_dynamic_batch_is_one(out, count):
    model = networks.TinySwin()
    export(model, torch.randn(1, 3, 32, 32), out)
    archive = Archive(out)
    assert archive.metadata["batch"] == "dynamic" and "batch_reason" not in archive.metadata
    assert archive.metadata["inputs"][0]["shape"] == [None, 3, 32, 32]
    assert archive.metadata["sample"]["inputs"][0]["shape"] == [1, 3, 32, 32]
    x = torch.randn(count, 3, 32, 32)
    torch.testing.assert_close(torch.export.load(out).module()(x), model.eval()(x))


def test_a_batch_that_the_network_fixes_is_fixed_and_says_why(out):
    export(odd_networks.FixedToken(), torch.randn(1, 3, 16, 16), out)
    metadata = Archive(out).metadata
    assert metadata["batch"] == "fixed" and metadata["inputs"][0]["shape"] == [1, 3, 16, 16]
    assert "shape '[1, 8, 16]' is invalid" in metadata["batch_reason"]
    assert "/" not in metadata["batch_reason"]


def test_a_fixed_batch_can_be_asked_for(out):
    export(Probe(), torch.randn(2, 4), out, dynamic_batch=False)
    metadata = Archive(out).metadata
    assert metadata["batch"] == "fixed" and metadata["batch_reason"] == "asked for"
    assert metadata["inputs"][0]["shape"] == [2, 4] and metadata["sample"]["outputs"][0][
        "shape"
    ] == [2, 3]


def test_other_axes_can_be_dynamic(out):
    batch, side = torch.export.Dim("batch", min=1), torch.export.Dim("side", min=4, max=99)
    export(
        networks.Dense(),
        torch.randn(2, 3, 16, 16),
        out,
        dynamic_shapes={"x": {0: batch, 2: side, 3: side}},
    )
    assert Archive(out).metadata["inputs"][0]["shape"] == [None, 3, None, None]


def test_the_model_is_exported_in_use_and_keeps_its_own_mode(out):
    model = Probe().train()
    model.norm.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    export(model, torch.randn(4, 4), out)
    assert model.training and model.drop.training and not model.norm.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    module = torch.export.load(out).module()
    x = torch.randn(2, 4)
    assert torch.equal(module(x), module(x)), "dropout is off"


def test_a_model_that_counts_is_sampled_at_its_first_call(out):
    model = odd_networks.BufferMutation().eval()
    export(model, torch.ones(1, 4), out)
    assert model.calls == 2
    expected = model(torch.ones(1, 4))
    torch.testing.assert_close(Archive(out).sample("outputs")[0], expected)


def test_gradients_flow_and_what_the_model_cuts_stays_cut(out):
    model = odd_networks.NoGradInside()
    with torch.no_grad():  # the caller's mode is no property of the model
        export(model, torch.randn(1, 4), out)
    x = torch.randn(2, 4, requires_grad=True)
    (ours,) = torch.autograd.grad(torch.export.load(out).module()(x)[:, 0].sum(), x)
    (theirs,) = torch.autograd.grad(model(x)[:, 0].sum(), x)
    assert ours.abs().max() > 0
    torch.testing.assert_close(ours, theirs)


def test_source_paths_are_relative_to_their_package(out):
    export(networks.Cnn(), torch.randn(1, 3, 32, 32), out)
    text = Archive(out).bytes("models/model.json").decode()
    assert "site-packages" not in text and 'File \\"/' not in text
    assert 'File \\"torch/nn/modules/conv.py\\"' in text
    assert 'networks.py\\", line' in text


def test_paths_inside_subgraphs_are_relative_too(out):
    export(odd_networks.Cond(), torch.rand(1, 4), out)
    assert 'File \\"/' not in Archive(out).bytes("models/model.json").decode()


def test_inputs_are_named_as_in_the_program(out):
    example = {"tokens": torch.tensor([[1, 2, 0]]), "mask": torch.tensor([[1, 1, 0]])}
    export(networks.Tokens(), example, out, input_kinds={"mask": "tensor"})
    inputs = Archive(out).metadata["inputs"]
    assert [(one["name"], one["kind"], one["dtype"]) for one in inputs] == [
        ("tokens", "tokens", "int64"),
        ("mask", "tensor", "int64"),
    ]
    assert Archive(out).metadata["batch"] == "dynamic"


def test_several_inputs_share_their_batch(out):
    model = networks.ImageAndVector()
    export(model, (torch.randn(1, 3, 16, 16), torch.randn(1, 6)), out, features=list("abcdef"))
    image, vector = Archive(out).metadata["inputs"]
    assert (image["kind"], vector["kind"]) == ("image", "vector")
    assert vector["features"] == list("abcdef") and "features" not in image
    inputs = torch.randn(4, 3, 16, 16), torch.randn(4, 6)
    torch.testing.assert_close(torch.export.load(out).module()(*inputs), model(*inputs))


def test_outputs_are_named_by_their_place_in_the_answer(out):
    kinds = {"logits": "logits", "aux.sum": "regression"}
    model = odd_networks.DictOutputs()
    export(model, torch.randn(1, 6), out, output_kind=kinds)
    archive = Archive(out)
    assert archive.metadata["outputs"] == [
        {"name": name, "kind": kind} for name, kind in kinds.items()
    ]
    assert [one["name"] for one in archive.metadata["sample"]["outputs"]] == [
        "logits",
        "aux.probabilities",
        "aux.sum",
    ]
    expected = pytree.tree_leaves(model(*archive.sample("inputs")))
    for ours, theirs in zip(archive.sample("outputs"), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_an_unknown_kind_of_output_is_left_to_the_reader(out):
    export(Probe(), torch.randn(1, 4), out)
    assert "outputs" not in Archive(out).metadata


def test_samples_of_every_dtype_are_little_endian_values(out):
    class Echo(nn.Module):
        def forward(self, x):
            return [
                (x * scale).to(dtype)
                for scale, dtype in (
                    (1, torch.bfloat16),
                    (2, torch.float64),
                    (1, torch.bool),
                    (1, torch.complex64),
                    (-3, torch.int16),
                )
            ]

    export(Echo(), torch.tensor([[1.0, 2.0], [0.0, -1.0]]).t(), out, dynamic_batch=False)
    archive = Archive(out)
    assert np.frombuffer(archive.bytes("pellucid/sample/input_0.bin"), "<f4").tolist() == [
        1,
        0,
        2,
        -1,
    ]
    assert np.frombuffer(archive.bytes("pellucid/sample/output_1.bin"), "<f8").tolist() == [
        2,
        0,
        4,
        -2,
    ]
    assert archive.sample("outputs")[0].tolist() == [[1, 0], [2, -1]]
    assert [one["dtype"] for one in archive.metadata["sample"]["outputs"]] == [
        "bfloat16",
        "float64",
        "bool",
        "complex64",
        "int16",
    ]
    assert archive.sample("outputs")[4].tolist() == [[-3, 0], [-6, 3]]


def test_a_program_can_be_rewritten_before_it_is_saved(out):
    export(
        odd_networks.BufferMutation(),
        torch.ones(1, 4),
        out,
        rewrite=lambda program: program.run_decompositions(),
    )
    kinds = [
        next(iter(one)) for one in Archive(out).program["graph_module"]["signature"]["output_specs"]
    ]
    assert kinds == ["buffer_mutation", "user_output"]


def test_without_a_sample_nothing_is_appended(out):
    export(Probe(), torch.randn(1, 4), out, sample=False)
    archive = Archive(out)
    assert "sample" not in archive.metadata
    assert not any("pellucid/" in entry.filename for entry in archive.entries)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_kind": "logit"}, "one of logits, probabilities"),
        ({"output_kind": {"nowhere": "logits"}}, "no output nowhere"),
        ({"output_kind": ["logits", "dense"]}, "2 kinds for 1 outputs"),
        ({"labels": ["a", ""]}, "entry 1"),
        ({"labels": {0: "a", 2: "b"}}, "every index"),
        ({"features": ["only one"]}, "1 names for the 4 entries"),
        ({"input_kinds": {"x": "picture"}}, "one of image"),
        (
            {"preprocessing": {"mean": [0.5] * 3, "std": [1] * 3}},
            "no input is a float tensor of four axes",
        ),
        ({"preprocessing": nn.ReLU()}, "ReLU: not a preprocessing"),
        ({"preprocessing": {"resize": {"size": [8, 8]}}}, "resize.mode is None; one of none"),
        ({"preprocessing": {"resize": {"mode": "squash"}}}, "resize has no size"),
        ({"preprocessing": {"resize": 8}}, "resize is 8; give a dict"),
        ({"preprocessing": {"crop": {"side": 8}}}, "no crop.side; there are mode, size"),
        ({"preprocessing": {"mean": [0.5], "means": 1}}, "no means; there are color"),
        ({"preprocessing": {"mean": [0.5], "std": [1, 1, 1]}}, "one number a channel"),
    ],
)
def test_a_wrong_option_says_what_was_expected(out, options, message):
    with pytest.raises(ExportError, match=message):
        export(Probe(), torch.randn(1, 4), out, **options)
    assert not out.exists() and not list(out.parent.iterdir()), "nothing half-written stays"


def test_a_model_that_cannot_be_traced_says_what_to_do(out):
    class Branching(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ExportError, match=r"Branching: torch.export cannot trace it.*torch.cond"):
        export(Branching(), torch.randn(1, 4), out)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ExportError, match="ends in .pt2"):
        export(Probe(), torch.randn(1, 4), tmp_path / "model.pth")


def test_a_preprocessing_of_another_size_is_refused(out):
    pixels = {"crop": {"mode": "center", "size": [24, 24]}}
    with pytest.raises(ExportError, match=r"\(1, 3, 24, 24\), the example is \(1, 3, 32, 32\)"):
        export(networks.Cnn(), torch.randn(1, 3, 32, 32), out, preprocessing=pixels)
