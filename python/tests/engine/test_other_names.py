"""Captum's and pytorch-grad-cam's names: closed forms, and the originals where they are installed."""

import inspect
import warnings

import networks
import numpy as np
import pytest
import torch
from pellucid.exporting.torchvision_shim import import_torchvision
from torch import nn

import pellucid

warnings.filterwarnings("ignore", category=UserWarning)
X = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(7))
CLASSES = [4, 1, 4]


@pytest.fixture(scope="module")
def cnn():
    torch.manual_seed(0)
    return networks.Cnn().eval().requires_grad_(False)


def gradient(module, x, classes):
    x = x.clone().requires_grad_()
    module(x)[torch.arange(len(x)), torch.tensor(classes)].sum().backward()
    return x.grad


def close(ours, theirs):
    # Kernels differ (folded norms, prepared convolutions): float32 rounding relative to the map.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().max()))


def test_saliency_is_the_gradient_with_a_target_per_sample(cnn):
    method = pellucid.captum.Saliency(cnn)
    expected = gradient(cnn, X, CLASSES)
    close(method.attribute(X, target=CLASSES), expected.abs())
    close(method.attribute(X, target=torch.tensor(CLASSES), abs=False), expected)
    close(method.attribute(X, target=4, abs=False), gradient(cnn, X, [4, 4, 4]))


def test_input_x_gradient_is_their_product(cnn):
    close(
        pellucid.captum.InputXGradient(cnn).attribute(X, target=CLASSES),
        X * gradient(cnn, X, CLASSES),
    )


def test_integrated_gradients_of_a_square_are_known():
    class Square(nn.Module):
        def forward(self, x):
            return (x * x).sum(1, keepdim=True) * torch.tensor([1.0, 2.0])

    x, start = torch.tensor([[1.0, 2.0, 3.0], [0.5, -1, 4]]), torch.tensor([[1.0, 1.0, 1.0]])
    method = pellucid.captum.IntegratedGradients(Square())
    scores, delta = method.attribute(
        x, baselines=start, target=[0, 1], n_steps=4, return_convergence_delta=True
    )
    close(scores, (x**2 - start**2) * torch.tensor([[1.0], [2.0]]))
    assert delta.shape == (2,) and delta.abs().max() < 1e-4
    close(method.attribute(x, baselines=1.0, target=0), x**2 - 1)
    close(method.attribute(x, target=0), x**2)
    # By the trapezoid, too, a line is integrated without a gap.
    close(method.attribute(x, target=0, method="riemann_trapezoid", n_steps=7), x**2)


def test_a_baseline_per_sample_stays_with_its_sample(cnn):
    method = pellucid.captum.IntegratedGradients(cnn)
    starts = X.clone()
    starts[1] = 0
    scores = method.attribute(X, baselines=starts, target=CLASSES)
    assert scores[0].abs().max() == scores[2].abs().max() == 0
    close(scores[1:2], method.attribute(X[1:2], target=CLASSES[1]))


def test_several_inputs_give_several_maps():
    class Sum(nn.Module):
        def forward(self, a, b):
            return torch.cat([a * 2 + b * 3, a - b], 1)

    a, b = torch.randn(2, 1), torch.randn(2, 1)
    found = pellucid.captum.InputXGradient(Sum()).attribute((a, b), target=0)
    close(found[0], 2 * a)
    close(found[1], 3 * b)


def test_layer_grad_cam_is_the_weighted_sum_of_channels(cnn):
    layer = cnn.relu3
    seen = {}
    handle = layer.register_forward_hook(lambda module, given, value: seen.update(value=value))
    x = X.clone().requires_grad_()
    answer = cnn(x)
    handle.remove()
    (grown,) = torch.autograd.grad(answer[:, 4].sum(), seen["value"])
    expected = (grown.mean((2, 3), keepdim=True) * seen["value"]).sum(1, keepdim=True).detach()
    method = pellucid.captum.LayerGradCam(cnn, layer)
    close(method.attribute(X, target=4), expected)
    close(method.attribute(X, target=4, relu_attributions=True), expected.relu())


def test_grad_cam_is_scaled_and_of_the_inputs_size(cnn):
    layer = cnn.relu3
    with pellucid.grad_cam.GradCAM(cnn, target_layers=[layer]) as cam:
        found = cam(X, targets=[pellucid.grad_cam.ClassifierOutputTarget(c) for c in CLASSES])
    assert found.shape == (3, 32, 32) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1 + 1e-6
    with pytest.raises(TypeError, match="a target is a class"):
        pellucid.grad_cam.GradCAM(cnn, [layer])(X, targets=["cat"] * 3)


def test_a_target_of_grad_cam_that_is_no_class_is_refused_by_its_name(cnn):
    class ClassifierOutputSoftmaxTarget:
        category = 1

    class BinaryClassifierOutputTarget:
        category = 1

    ours = pellucid.grad_cam.ClassifierOutputTarget
    cam = pellucid.grad_cam.GradCAM(cnn, [cnn.relu3])
    for odd in (ClassifierOutputSoftmaxTarget(), BinaryClassifierOutputTarget(), 1.0, True, "1"):
        with pytest.raises(TypeError, match=f"not {type(odd).__name__}: name the class"):
            cam(X, targets=[ours(1), odd, ours(1)])
    expected = cam(X, targets=[ours(c) for c in CLASSES])
    for same in (
        CLASSES,
        np.array(CLASSES),
        torch.tensor(CLASSES),
        [ours(np.int64(c)) for c in CLASSES],
    ):
        assert np.array_equal(cam(X, targets=same), expected)


def test_grad_cam_wants_a_target_for_every_sample(cnn):
    with pytest.raises(ValueError, match="targets: 1 for 3 samples"):
        pellucid.grad_cam.GradCAM(cnn, [cnn.relu3])(X, targets=[1])


def test_grad_cam_takes_the_defaults_of_the_original_and_keeps_the_outputs(cnn):
    cam = pellucid.grad_cam.GradCAM(cnn, [cnn.relu3], reshape_transform=None)
    with pytest.raises(AttributeError, match="before the first call"):
        _ = cam.outputs
    x = X.clone()
    cam(input_tensor=x, targets=None, aug_smooth=False, eigen_smooth=False)
    x.zero_()
    close(cam.outputs, cnn(X))
    for name in ("aug_smooth", "eigen_smooth"):
        with pytest.raises(TypeError, match=name):
            cam(X, **{name: True})
    with pytest.raises(TypeError, match="reshape_transform"):
        pellucid.grad_cam.GradCAM(cnn, [cnn.relu3], reshape_transform=lambda value: value)


def test_a_target_may_be_a_tuple_or_any_integer(cnn):
    method = pellucid.captum.Saliency(cnn)
    expected = method.attribute(X, 4)
    for same in (
        (4,),
        np.int64(4),
        torch.tensor(4),
        [4],
        [(4,), 4, np.int32(4)],
        np.array([4] * 3),
    ):
        assert torch.equal(method.attribute(X, same), expected)
    for odd in ((4, 1), 4.0, True, [4.5] * 3, [(1, 2)] * 3):
        with pytest.raises(TypeError, match="a target is a class"):
            method.attribute(X, odd)


def test_baselines_come_in_a_tuple_beside_inputs_in_a_tuple(cnn):
    method = pellucid.captum.IntegratedGradients(cnn)
    start = torch.full_like(X[:1], 0.5)
    expected, gap = method.attribute(X, start, 4, None, 5, return_convergence_delta=True)
    for same in ((start,), (0.5,), 0.5, np.float64(0.5), torch.tensor(0.5)):
        (found,), delta = method.attribute((X,), same, 4, None, 5, return_convergence_delta=True)
        assert torch.equal(found, expected) and torch.equal(delta, gap)


def test_several_inputs_start_from_zero_or_not_at_all():
    class Sum(nn.Module):
        def forward(self, a, b):
            return torch.cat([a * 2 + b * 3, a - b], 1)

    a, b = torch.randn(2, 1), torch.randn(2, 1)
    method = pellucid.captum.IntegratedGradients(Sum())
    for start in (None, 0, (0, None)):
        found = method.attribute((a, b), start, 0)
        close(found[0], 2 * a)
        close(found[1], 3 * b)
    with pytest.raises(TypeError, match="baselines: other than zero"):
        method.attribute((a, b), (a, b), 0)
    with pytest.raises(ValueError, match="baselines: 1 for 2 inputs"):
        method.attribute((a, b), (0,), 0)


def test_what_only_captum_can_do_is_refused_by_name(cnn):
    layer = pellucid.captum.LayerGradCam(cnn, cnn.relu3)
    for method, words in (
        (pellucid.captum.Saliency(cnn), {"additional_forward_args": (1,)}),
        (pellucid.captum.InputXGradient(cnn), {"additional_forward_args": 1}),
        (pellucid.captum.IntegratedGradients(cnn), {"additional_forward_args": (1,)}),
        (layer, {"attribute_to_layer_input": True}),
        (layer, {"attr_dim_summation": False}),
        (layer, {"grad_kwargs": {"retain_graph": True}}),
    ):
        with pytest.raises(TypeError, match=next(iter(words))):
            method.attribute(X, target=1, **words)
    with pytest.raises(TypeError, match="multiply_by_inputs"):
        pellucid.captum.IntegratedGradients(cnn, False)
    with pytest.raises(TypeError, match="device_ids"):
        pellucid.captum.LayerGradCam(cnn, cnn.relu3, [0])


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_layers_map_is_resized_as_by_captum(cnn, mode):
    found = pellucid.captum.LayerGradCam(cnn, cnn.relu3).attribute(X, 4)
    large = pellucid.captum.LayerAttribution.interpolate(found, (32, 32), mode)
    assert large.shape == (3, 1, 32, 32)
    assert torch.equal(large, nn.functional.interpolate(found, (32, 32), mode=mode))


def test_arguments_stand_in_captums_order():
    captum = pytest.importorskip("captum.attr")

    def shape(function):
        return [
            (p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()
        ]

    for name in pellucid.captum.__all__:
        ours, theirs = getattr(pellucid.captum, name), getattr(captum, name)
        assert shape(ours.__init__) == shape(theirs.__init__), name
        if name != "LayerAttribution":
            assert shape(ours.attribute) == shape(theirs.attribute), name
    assert shape(pellucid.captum.LayerAttribution.interpolate) == shape(
        captum.LayerAttribution.interpolate
    )


def test_captums_own_results_are_the_same(cnn):
    captum = pytest.importorskip("captum.attr")
    layer = cnn.relu3
    target = torch.tensor(CLASSES)
    for name, words in (
        ("Saliency", {}),
        ("InputXGradient", {}),
        ("IntegratedGradients", {"n_steps": 16}),
        ("IntegratedGradients", {"n_steps": 16, "baselines": 0.5, "method": "riemann_middle"}),
    ):
        ours = getattr(pellucid.captum, name)(cnn).attribute(X, target=target, **words)
        theirs = getattr(captum, name)(cnn).attribute(X.clone(), target=target, **words)
        close(ours, theirs.detach().float())
    ours = pellucid.captum.LayerGradCam(cnn, layer).attribute(X, target=target)
    theirs = captum.LayerGradCam(cnn, layer).attribute(X.clone().requires_grad_(), target=target)
    close(ours, theirs.detach())
    method = pellucid.captum.IntegratedGradients(cnn)
    _, ours = method.attribute(X, target=target, n_steps=3, return_convergence_delta=True)
    _, theirs = captum.IntegratedGradients(cnn).attribute(
        X.clone(), target=target, n_steps=3, return_convergence_delta=True
    )
    # The delta is a small difference of large sums.
    torch.testing.assert_close(ours, theirs.float(), rtol=1e-2, atol=1e-4)


def test_pytorch_grad_cams_own_results_are_the_same(cnn):
    import_torchvision()
    original = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module = networks.Cnn().eval()
    module.load_state_dict(cnn.state_dict())
    layers = [module.relu2, module.relu3]
    for chosen in (layers[-1:], layers):
        for targets in (None, [ClassifierOutputTarget(c) for c in CLASSES]):
            with original.GradCAM(model=module, target_layers=chosen) as cam:
                theirs = cam(input_tensor=X, targets=targets)
            ours = pellucid.grad_cam.GradCAM(module, target_layers=chosen)(X, targets=targets)
            assert np.abs(ours - theirs).max() < 1e-3
