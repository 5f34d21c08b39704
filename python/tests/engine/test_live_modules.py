"""A module in this process as a model: the same answers as its file, and its own weights."""

import subprocess
import sys
import warnings

import networks
import pytest
import torch
from pellucid.export import export
from program import CAT
from torch import nn

import pellucid

warnings.filterwarnings("ignore", category=UserWarning)
X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def cnn():
    torch.manual_seed(0)
    return networks.Cnn().eval()


def test_a_module_answers_as_itself_and_as_its_file(cnn, tmp_path):
    live = pellucid.load(cnn, example=X)
    with torch.no_grad():
        torch.testing.assert_close(live.run(X), cnn(X), rtol=1e-4, atol=1e-5)
    export(cnn, X, tmp_path / "cnn.pt2")
    file = pellucid.load(tmp_path / "cnn.pt2")
    for method in ("saliency", "grad_cam"):
        ours, theirs = (m.explain(X, method=method, target=2).values for m in (live, file))
        assert torch.equal(ours, theirs), method


def test_the_gradient_is_the_modules_own(cnn):
    x = X.clone().requires_grad_()
    cnn(x)[:, 2].sum().backward()
    found = pellucid.load(cnn, example=X).explain(X, method="saliency", target=2, absolute=False)
    torch.testing.assert_close(found.values, x.grad, rtol=1e-3, atol=1e-6)


def test_the_module_is_left_as_it_was():
    module = networks.Cnn().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    model = pellucid.load(module, example=X)
    model.explain(X, method="saliency")
    assert module.training and all(one.requires_grad for one in module.parameters())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


_MEASURE = """
import resource, sys, torch, pellucid
from torch import nn
torch.manual_seed(0)
small = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
pellucid.load(small, example=torch.zeros(2, 8)).run(torch.zeros(2, 8))
big = nn.Sequential(nn.Linear(8, 6000), nn.Linear(6000, 6000), nn.Linear(6000, 2)).requires_grad_(False)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
model = pellucid.load(big, example=torch.zeros(2, 8))
model.run(torch.zeros(2, 8))
print(peak() - before)
"""


def test_weights_are_shared_not_copied():
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True
    )
    # One layer alone has 137 MiB; a copy of it anywhere on the way would show in the peak.
    assert int(done.stdout) < 100


def test_weights_that_changed_in_place_are_refused():
    module = nn.Linear(4, 3)
    model = pellucid.load(module, example=torch.zeros(1, 4))
    model.run(torch.zeros(1, 4))
    with torch.no_grad():
        module.weight.mul_(2)
    for ask in (model.run, model.predict):
        with pytest.raises(pellucid.Error, match="the weight weight was changed.*load the module"):
            ask(torch.zeros(1, 4))


def test_weights_are_part_of_the_fingerprint():
    torch.manual_seed(0)
    module = nn.Linear(4, 3)
    first = pellucid.load(module, example=torch.zeros(1, 4)).fingerprint
    assert pellucid.load(module, example=torch.zeros(1, 4)).fingerprint == first
    with torch.no_grad():
        module.weight[0, 0] += 1
    assert pellucid.load(module, example=torch.zeros(1, 4)).fingerprint != first


def test_weights_that_are_no_numbers_are_refused_unless_allowed():
    module = nn.Linear(4, 3)
    with torch.no_grad():
        module.weight[1, 2] = float("nan")
    with pytest.raises(pellucid.Error, match="the weight weight has 1 NaN"):
        pellucid.load(module, example=torch.zeros(1, 4))
    model = pellucid.load(module, example=torch.zeros(1, 4), allow_nonfinite=True)
    assert any("NaN" in warning for warning in model.warnings)


def test_tied_strided_and_half_weights_answer_right():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(6, 6, bias=False)
            self.b = nn.Linear(6, 6, bias=False)
            self.b.weight = self.a.weight
            self.c = nn.Parameter(torch.randn(6, 6).t())
            self.register_buffer("mask", torch.tensor([1.0, 0, 1, 0, 1, 1]))
            self.small = nn.Parameter(torch.randn(6).bfloat16())

        def forward(self, x):
            return self.b(self.a(x)) @ self.c * self.mask + self.small.float()

    torch.manual_seed(2)
    module, x = Odd(), torch.randn(3, 6)
    with torch.no_grad():
        torch.testing.assert_close(pellucid.load(module, example=x).run(x), module(x))


def test_what_export_cannot_trace_is_an_error_of_the_model():
    class Branch(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(pellucid.Error, match="torch.export cannot trace") as raised:
        pellucid.load(Branch(), example=torch.zeros(1, 4))
    assert raised.value.fault == "model"


def test_labels_of_a_module_are_shown_and_pictures_need_a_preprocessing(cnn):
    model = pellucid.load(cnn, example=X, labels=[f"thing {i}" for i in range(10)])
    assert "thing" in repr(model.predict(X[0]))
    with pytest.raises(pellucid.Error, match="does not say how a picture becomes its input"):
        model.predict(CAT)


def test_arguments_of_the_other_kind_are_type_errors(cnn, tmp_path):
    with pytest.raises(TypeError, match="example: only of an nn.Module"):
        pellucid.load(tmp_path / "x.pt2", example=X)
    with pytest.raises(TypeError, match="metadata is for files"):
        pellucid.load(cnn, example=X, metadata={})


def test_a_dense_class_is_summed_over_its_own_places():
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 4, 1)).eval()
    x = torch.randn(1, 3, 9, 7)
    leaf = x.clone().requires_grad_()
    output = module(leaf)
    classes = output.argmax(1)
    index = int(torch.bincount(classes.flatten(), minlength=4).argmax())
    (output[:, index] * (classes == index)).sum().backward()
    model = pellucid.load(module, x, output_kind="dense")
    for words in ({"target": f"{index}@self"}, {"target": "top1@self"}, {}):
        found = model.explain(x, method="saliency", absolute=False, **words)
        torch.testing.assert_close(found.values.reshape(x.shape), leaf.grad, rtol=1e-4, atol=1e-6)
        target = found.document["answers"][0]["target"]
        assert target["text"] == f"{index}@self" and target["places"] == int(
            (classes == index).sum()
        )
