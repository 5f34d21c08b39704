"""ONNX files of torch's two exporters: answers as onnxruntime's, gradients and CAM layers as the original's."""

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
