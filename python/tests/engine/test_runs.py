"""Values in the middle of a model: seen, replaced, and freed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

import pellucid


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for block in self.blocks:
            x = torch.relu_(block(x))
        return self.head(x)


@pytest.fixture(scope="module")
def net():
    return Net().eval()


@pytest.fixture(scope="module")
def model(net):
    return pellucid.load(net, example=torch.zeros(2, 4))


X = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


def test_a_run_answers_as_the_module_does(net, model):
    torch.testing.assert_close(model(X), net(X).detach())
    torch.testing.assert_close(model.run(X[0]), net(X[:1]).detach())


def test_layers_are_recorded_by_the_words_people_use(net, model):
    with model.record(["first", "blocks[-1]", net.head]) as r:
        answer = model.run(X)
        torch.testing.assert_close(r["first"], net.first(X).detach())
        assert r["blocks[-1]"].shape == (5, 6)
        assert torch.equal(r["head"], answer)
        assert list(r) == ["first", "blocks[-1]", "head"]
        model.run(X[:2])
        assert r["first"].shape == (2, 6), "the latest run's"


def test_a_value_that_is_written_to_later_is_recorded_as_it_was(net, model):
    with model.record("blocks[0]") as r:
        model.run(X)
        expected = net.blocks[0](torch.relu(net.first(X))).detach()
        assert expected.min() < 0, "else the ReLU in place would change nothing"
        torch.testing.assert_close(r["blocks[0]"], expected)


def test_recorded_values_are_freed_at_the_blocks_end(model):
    with model.record("first") as r:
        with pytest.raises(pellucid.Error, match="nothing is recorded yet"):
            r["first"]
        model.run(X)
        with pytest.raises(KeyError):
            r["head"]
    with pytest.raises(pellucid.Error, match="freed"):
        r["first"]


def test_a_block_records_the_runs_of_its_own_thread(model):
    with model.record("first") as r, ThreadPoolExecutor(1) as pool:
        model.run(X)
        pool.submit(model.run, X[:2]).result()
        assert r["first"].shape == (5, 6)


def test_what_is_recorded_may_be_written_to_and_differentiated(model):
    with model.record("first") as r:
        model.run(X)
        r["first"].add_(1)
        (r["first"] * torch.ones(6, requires_grad=True)).sum().backward()


def test_a_tensor_takes_a_layers_place(net, model):
    zeros = torch.zeros(5, 6)
    torch.testing.assert_close(
        model.run(X, replace={"blocks[0]": zeros}),
        net.head(torch.relu(net.blocks[1](zeros))).detach(),
    )
    assert torch.equal(model.run(X), model.run(X)), "the model is as it was"


def test_a_function_of_a_layers_value_takes_its_place(net, model):
    seen = []

    def halved(value):
        seen.append(value)
        return value / 2

    with model.record("first") as r:
        ours = model.run(X, replace={net.first: halved})
        torch.testing.assert_close(r["first"], net.first(X).detach() / 2)
    handle = net.first.register_forward_hook(lambda module, given, value: value / 2)
    torch.testing.assert_close(ours, net(X).detach())
    handle.remove()
    assert len(seen) == 1


def test_what_a_function_raises_arrives_in_its_own_type(model):
    def refuse(value):
        raise LookupError("not today")

    with pytest.raises(LookupError, match="not today"):
        model.run(X, replace={"first": refuse})


def test_an_unknown_layer_names_the_nearest(model):
    with pytest.raises(pellucid.Error, match="blocks"):
        model.run(X, replace={"block.0": torch.zeros(5, 6)})
    with pytest.raises(pellucid.Error, match="no part of the loaded model"), model.record(Net()):
        pass


def test_a_run_takes_one_batch(model):
    with pytest.raises(pellucid.Error, match="one sample or one batch"):
        model.run([X[0], X[1]])
