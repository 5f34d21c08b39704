"""Small programs that broad use of TorchScript showed: each equals eager PyTorch, in its output and its gradient."""

import json
from typing import Union

import pytest
import torch
from torch import nn

import pellucid


def opened(made, x, path):
    """The program as a user gets it: saved, and read again."""
    record = {
        "inputs": [{"name": made.forward.schema.arguments[1].name, "shape": [None, *x.shape[1:]]}]
    }
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


class Attending(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.weights = weights

    def forward(self, x):
        answer, weights = self.attention(x, x, x, need_weights=self.weights)
        return (answer * weights[:, :, :1] if self.weights else answer).mean(1)


class Encoding(nn.Module):
    def __init__(self, **words):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **words)
        torch.manual_seed(2)
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0, 0.4)

    def forward(self, x):
        return self.layer(x).mean(1)


@pytest.mark.parametrize(
    "network",
    [
        Attending(False),
        Attending(True),
        Encoding(),
        Encoding(norm_first=True, activation="gelu"),
    ],
    ids=["attention", "weights", "layer", "norm first"],
)
@pytest.mark.parametrize("batch", [1, 2])
def test_attention_that_was_fused_for_inference_has_a_gradient(network, batch, tmp_path):
    network = network.eval()
    torch.manual_seed(0)
    x = torch.randn(2, 5, 8)
    with torch.no_grad():
        made = torch.jit.trace(network, x[:batch])
    assert any("fwd" in n.kind() or "native" in n.kind() for n in made.inlined_graph.nodes())
    assert_equal_to_eager(made, network, x, tmp_path / "model.pt")


def test_a_mask_of_fused_attention_leaves_out_what_it_says(tmp_path):
    """Eager PyTorch's own fused operator, which has no gradient, is the oracle of the output."""

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.MultiheadAttention(8, 2, batch_first=True)
            self.register_buffer("left_out", torch.ones(5, 5).triu(1).bool())

        def forward(self, x):
            return self.layer(x, x, x, attn_mask=self.left_out, need_weights=False)[0].mean(1)

    network = Masked().eval()
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made = torch.jit.trace(network, x)
        assert any("native" in n.kind() for n in made.inlined_graph.nodes())
    assert_equal_to_eager(made, network, x, tmp_path / "model.pt")


class Telling(nn.Module):
    """Says by a text with sizes in it what is wrong."""

    def forward(self, x):
        torch._assert(x.shape[1] == 5, f"five tokens, not {x.shape}")
        return x.exp().mean(1)


def test_a_script_that_tells_sizes_in_its_messages_is_read(tmp_path):
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    assert_equal_to_eager(torch.jit.script(Telling()), Telling(), x, tmp_path / "model.pt")


class Scripted(nn.Module):
    """torch.nn's own attention, which asks whether its queries are its keys."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        answer, _ = self.attention(x, x, x, need_weights=False)
        return answer.mean(1)


def test_a_script_of_attention_knows_that_its_queries_are_its_keys(tmp_path):
    network = Scripted().eval()
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    assert_equal_to_eager(torch.jit.script(network), network, x, tmp_path / "model.pt")


class Blocks(nn.Module):
    """Sizes of which the batch is a part, times numbers that a trace keeps as tensors."""

    def forward(self, x):
        batch, length = x.shape[:2]
        parts = x.reshape(batch * (length // 3), 3, -1).split([1, 2], dim=1)
        rows = batch
        rows *= length // 3
        parts = [parts[0].reshape(rows, 1, -1), parts[1].reshape(rows, 2, -1)]
        many = parts[0].repeat_interleave(rows // x.shape[0], dim=1)
        first, second = many.unbind(1)
        return torch.cat([parts[1] * 2, (first + second)[:, None].sin()], dim=1).reshape(
            x.shape[0], -1
        )


@pytest.mark.parametrize("batch", [1, 2])
def test_a_number_times_the_batch_is_known_by_its_sizes(batch, tmp_path):
    x = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    made = torch.jit.trace(Blocks(), x[:batch])
    model = assert_equal_to_eager(made, Blocks(), x, tmp_path / "model.pt")
    assert model.run(x[:1].expand(5, 6, 4)).shape == (5, 24)


class Either(nn.Module):
    """A value that is a tensor or a list of them."""

    def forward(self, x):
        return self.joined([x, x.exp()]) + self.joined(x)

    def joined(self, x: Union[torch.Tensor, list[torch.Tensor]]):  # noqa: UP007
        if isinstance(x, list):
            return torch.cat([part[:, :2] for part in x], dim=1)
        return x


def test_a_list_is_known_where_a_tensor_might_be(tmp_path):
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    assert_equal_to_eager(torch.jit.script(Either()), Either(), x, tmp_path / "model.pt")
