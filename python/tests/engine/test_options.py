"""What options take: words, Python's numbers and NumPy's and torch's, submodules; arrays where they name files."""

import networks
import numpy as np
import pytest
import torch

import pellucid

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return networks.Cnn().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model(module):
    return pellucid.load(module, example=X)


def test_a_number_of_numpy_or_torch_is_a_number(model):
    def ask(**words):
        return model.explain(X, method="saliency", format="npy", **words).values

    expected = ask(target=2)
    for same in (torch.tensor(2), np.int64(2), np.array(2), [np.int32(2)], [torch.tensor(2)]):
        assert torch.equal(ask(target=same), expected)
    assert torch.equal(ask(target=2, chunk=torch.tensor(1), seed=np.uint8(3)), expected)
    signed = ask(target=2, absolute=False)
    for off in (np.bool_(False), torch.tensor(False)):
        assert torch.equal(ask(target=2, absolute=off), signed)
        assert torch.equal(ask(target=2, saliency={"absolute": off}), signed)
    model.explain(X, method="saliency", target=2, alpha=np.float32(0.5))


def test_an_array_in_place_of_a_word_is_refused_with_the_options_name(model):
    for name, odd, taken in (
        ("target", torch.tensor([1, 2]), "a word, an integer or a list"),
        ("target", np.array([1, 2]), "a word, an integer or a list"),
        ("target", 1.5, "a word, an integer or a list"),
        ("target", [X], "a word, an integer or a list"),
        ("memory_limit", X, "a word"),
        ("chunk", X, "an integer"),
        ("alpha", np.ones(2), "a number"),
        ("salvage", X, "True or False"),
        ("absolute", X, "a number or a word"),
    ):
        with pytest.raises(TypeError, match=f"{name}: takes {taken}.*, not "):
            model.explain(X, method="saliency", **{name: odd})


def test_a_baseline_may_still_be_an_array(model):
    start = torch.full_like(X[:1], 0.5)
    found = [
        model.explain(
            X, method="integrated_gradients", target=1, baseline=given, n_steps=3, format="npy"
        ).values
        for given in (start, start.numpy())
    ]
    assert torch.equal(*found) and found[0].abs().max() > 0


def test_a_layer_may_be_a_submodule_of_the_live_module(module, model):
    def ask(layer):
        return model.explain(X, method="grad_cam", target=1, layer=layer, format="npy").values

    expected = ask("relu2")
    assert torch.equal(ask(module.relu2), expected)
    assert torch.equal(ask([module.relu2]), expected)
    with pytest.raises(pellucid.Error, match="no part of the loaded model"):
        ask(torch.nn.ReLU())
    with pytest.raises(TypeError, match="target: takes"):
        model.explain(X, target=module.relu2)
