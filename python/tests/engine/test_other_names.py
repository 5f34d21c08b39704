"""Captum's and pytorch-grad-cam's names: closed forms, and the originals where they are installed."""

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
