"""Small programs that broad use of TorchScript showed: each equals eager PyTorch, in its output and its gradient."""

import json

import torch
from torch import nn

import pellucid


def opened(made, x, path):
    """The program as a user gets it: saved, and read again."""
    record = {"inputs": [{"name": made.forward.schema.arguments[1].name, "shape": [None, *x.shape[1:]]}]}
    torch.jit.save(made, str(path), _extra_files={"pellucid.json": json.dumps(record)})
    return pellucid.load(str(path), trust=True)


def assert_equal_to_eager(made, network, x, path):
    model = opened(made, x, path)
    leaf = x.clone().requires_grad_()
    expected = network(leaf)
    torch.testing.assert_close(model.run(x), expected.detach(), rtol=1e-5, atol=1e-6)
    target = 1
    (gradient,) = torch.autograd.grad(expected[:, target].sum(), leaf)
    assert gradient.abs().max() > 0
    said = model.explain(x, method="saliency", absolute=False, target=str(target))
    torch.testing.assert_close(said.values, gradient, rtol=1e-4, atol=1e-6)
    return model


class Shuffling(nn.Module):
    """Numbers that are tensors for a while, as traces have them, after tensors that were written and freed."""

    def forward(self, x):
        for _ in range(10):
            x = self.written(x)
            groups = torch.full((1,), 2)
            parts = x.view(x.size(0), int(groups), 2, 3).chunk(2, dim=1)
            x = torch.cat([parts[1], parts[0]], dim=1).flatten(1)
        return x

    def written(self, x):
        for _ in range(20):
            x = (x * 1.01).relu_()
        return x * 1.0


def test_a_number_is_known_although_what_was_written_before_lay_where_it_lies(tmp_path):
    torch.manual_seed(0)
    x = torch.rand(2, 12)
    made = torch.jit.script(Shuffling())
    assert_equal_to_eager(made, Shuffling(), x, tmp_path / "model.pt")
