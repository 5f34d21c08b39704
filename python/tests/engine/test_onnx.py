"""ONNX files of torch's two exporters: answers as onnxruntime's, gradients and CAM layers as the original's."""

import os
import subprocess
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from pellucid.exporting.torchvision_shim import import_torchvision

import pellucid

torchvision = import_torchvision()


def lively(model):
    """Random weights with statistics as after training, so that classes differ."""
    generator = torch.Generator().manual_seed(3)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.1, generator=generator)
    return model.eval()


def resnet():
    return torchvision.models.ResNet(
        torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=10
    )


def transformer():
    return torchvision.models.VisionTransformer(
        image_size=64,
        patch_size=16,
        num_layers=2,
        num_heads=4,
        hidden_dim=64,
        mlp_dim=128,
        num_classes=10,
    )


def mobilenet():
    return torchvision.models.mobilenet_v3_small(num_classes=10)


PROGRAM = os.environ.get("PELLUCID_PROGRAM", "build/pellucid")
NETWORKS = {"resnet": resnet, "transformer": transformer, "mobilenet": mobilenet}
EXPORTS = [
    ("resnet", True),
    ("resnet", False),
    ("transformer", True),
    ("transformer", False),
    ("mobilenet", False),
]


@pytest.fixture(
    scope="module", params=EXPORTS, ids=lambda p: f"{p[0]}-{'dynamo' if p[1] else 'script'}"
)
def exported(request, tmp_path_factory):
    name, dynamo = request.param
    torch.manual_seed(0)
    module = lively(NETWORKS[name]())
    path = tmp_path_factory.mktemp("onnx") / f"{name}.onnx"
    example = (torch.randn(2, 3, 64, 64),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {"input_names": ["image"], "output_names": ["scores"]}
        if dynamo:
            batch = torch.export.Dim("batch", min=1, max=64)
            torch.onnx.export(
                module,
                example,
                path,
                dynamo=True,
                verbose=False,
                dynamic_shapes=({0: batch},),
                **names,
            )
        else:
            torch.onnx.export(
                module, example, path, dynamo=False, dynamic_axes={"image": {0: "batch"}}, **names
            )
    return module, path


def largest_difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


# float32 sums in another order.
TOLERANCE = 1e-4


@pytest.mark.parametrize("batch", [1, 3])
def test_the_answer_is_onnxruntimes_and_eager_torchs(exported, batch):
    module, path = exported
    x = torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(batch))
    ours = pellucid.load(path).run(x)
    with torch.no_grad():
        assert largest_difference(ours, module(x)) < TOLERANCE
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"image": x.numpy()})[0]
    assert largest_difference(ours, torch.from_numpy(theirs)) < TOLERANCE


@pytest.mark.filterwarnings("ignore")
def test_gradients_are_the_originals(exported):
    module, path = exported
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    module(x)[0, 4].backward()
    ours = pellucid.load(path).explain(x.detach(), method="saliency", target="4", absolute=False)
    assert largest_difference(ours.values.reshape(x.shape), x.grad) < 10 * TOLERANCE


@pytest.mark.filterwarnings("ignore")
def test_layers_have_the_networks_own_names_and_values(exported):
    module, path = exported
    model = pellucid.load(path)
    # Blocks, since exporters put a batch norm into the convolution before it.
    layer = {"ResNet": "layer3.0", "VisionTransformer": "encoder.ln", "MobileNetV3": "features.4"}[
        type(module).__name__
    ]
    x = torch.randn(1, 3, 64, 64)
    seen = {}
    hook = module.get_submodule(layer).register_forward_hook(lambda m, i, o: seen.update(value=o))
    with torch.no_grad():
        module(x)
    hook.remove()
    with model.record([layer]) as record:
        model.run(x)
        assert largest_difference(record[layer], seen["value"]) < TOLERANCE


def quantised(path):
    """relu(x · w) with quantised x and w between QuantizeLinear and DequantizeLinear."""
    helper, arrays = onnx.helper, onnx.numpy_helper
    weight = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    constants = {
        "w": weight,
        "s": np.float32(0.02),
        "z": np.uint8(128),
        "ws": np.float32(0.03),
        "wz": np.int8(0),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("QuantizeLinear", ["w", "ws", "wz"], ["wq"]),
        helper.make_node("DequantizeLinear", ["wq", "ws", "wz"], ["wd"]),
        helper.make_node("MatMul", ["d", "wd"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, ["n", 8])],
        [helper.make_tensor_value_info("y", 1, ["n", 4])],
        [arrays.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), path)


@pytest.mark.filterwarnings("ignore")
def test_gradients_pass_straight_through_quantisation_and_the_model_says_so(tmp_path):
    path = tmp_path / "quantised.onnx"
    quantised(path)
    model = pellucid.load(path)
    assert any("straight through" in warning for warning in model.warnings)
    x = torch.rand(1, 8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert (
        largest_difference(model.run(x), torch.from_numpy(session.run(None, {"x": x.numpy()})[0]))
        < TOLERANCE
    )
    weights = torch.from_numpy(onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0]))
    rounded = (weights / 0.03).round().clamp(-128, 127) * 0.03
    got = model.explain(x, method="saliency", target="2", absolute=False)
    assert largest_difference(got.values.reshape(-1), rounded[:, 2]) < TOLERANCE


class TwoInputs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.picture = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.table = torch.nn.Linear(5, 4)
        self.head = torch.nn.Linear(4, 3)

    def forward(self, picture, table, row):
        seen = torch.relu(self.picture(picture)).mean((2, 3)) * torch.tanh(self.table(table))
        return self.head(seen + row[:, :4].float())


def two_inputs(path, **words):
    torch.manual_seed(0)
    module = TwoInputs().eval()
    inputs = (torch.randn(2, 3, 8, 8), torch.randn(2, 5), torch.arange(12).reshape(2, 6))
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            path,
            dynamo=True,
            verbose=False,
            input_names=["picture", "table", "row"],
            dynamic_shapes=({0: batch},) * 3,
            **words,
        )
    return module, inputs


@pytest.mark.filterwarnings("ignore")
def test_every_real_input_of_several_gets_a_map(tmp_path):
    module, inputs = two_inputs(tmp_path / "two.onnx")
    model = pellucid.load(tmp_path / "two.onnx")
    given = dict(zip(("picture", "table", "row"), inputs, strict=True))
    leaves = [each.clone().requires_grad_(each.is_floating_point()) for each in inputs]
    module(*leaves)[:, 1].sum().backward()
    found = model.explain(given, method="saliency", target="1", absolute=False).values
    assert set(found) == {"picture.saliency.picture", "picture.saliency.table"}
    assert largest_difference(found["picture.saliency.picture"], leaves[0].grad) < TOLERANCE
    assert largest_difference(found["picture.saliency.table"], leaves[1].grad) < TOLERANCE


@pytest.mark.filterwarnings("ignore")
def test_a_converted_model_is_the_same_to_torch_and_to_the_engine(exported, tmp_path):
    _, path = exported
    made = tmp_path / "made.pt2"
    subprocess.run([PROGRAM, "convert", path, made], check=True, capture_output=True)
    x = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    ours = pellucid.load(path).run(x)
    assert torch.equal(pellucid.load(made).run(x), ours)
    (theirs,) = torch.export.load(made).module()(x).values()
    assert largest_difference(theirs, ours) < TOLERANCE


@pytest.mark.filterwarnings("ignore")
def test_weights_beside_the_file_are_found_and_missed(tmp_path):
    module, inputs = two_inputs(tmp_path / "apart.onnx", external_data=True)
    weights = tmp_path / "apart.onnx.data"
    assert weights.exists()
    model = pellucid.load(tmp_path / "apart.onnx")
    given = dict(zip(("picture", "table", "row"), inputs, strict=True))
    with torch.no_grad():
        assert largest_difference(model.run(given), module(*inputs)) < TOLERANCE
    weights.rename(tmp_path / "elsewhere")
    with pytest.raises(pellucid.Error, match="apart.onnx.data"):
        pellucid.load(tmp_path / "apart.onnx")
    weights.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(pellucid.Error, match="is a link"):
        pellucid.load(tmp_path / "apart.onnx")


@pytest.mark.filterwarnings("ignore")
def test_whole_numbers_let_no_gradient_through_and_the_model_says_so(tmp_path):
    helper, arrays = onnx.helper, onnx.numpy_helper
    weight = np.random.default_rng(0).integers(-9, 9, (8, 4)).astype(np.int8)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=1),
        helper.make_node("Mul", ["f", "s"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, ["n", 8])],
        [helper.make_tensor_value_info("y", 1, ["n", 4])],
        [arrays.from_array(weight, "w")],
    )
    path = tmp_path / "dynamic.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), path)
    model = pellucid.load(path)
    assert any("no gradient passes there" in warning for warning in model.warnings)
    x = torch.rand(2, 8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = torch.from_numpy(session.run(None, {"x": x.numpy()})[0])
    assert largest_difference(model.run(x), theirs) < TOLERANCE
    found = model.explain(x[:1], method="saliency", target="2", absolute=False)
    assert not found.values.any()
