"""The committed fixtures are what make_models.py says they are, and show the defect that one of them is for."""

import copy
import json

import make_models
import numpy as np
import pytest
import reference_gradients
import torch
from archives import Archive
from conftest import root
from torch.utils import _pytree as pytree

folder = root / "test" / "fixtures"


def test_every_fixture_is_there_and_no_other():
    files = {path.stem for path in (folder / "models").glob("*.pt2")}
    assert files == set(make_models.fixtures)
    size = sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    assert size < 3_000_000


@pytest.mark.parametrize("name", sorted(set(make_models.fixtures) - {"custom_operator"}))
def test_a_fixture_gives_its_recorded_outputs(name):
    path = folder / "models" / f"{name}.pt2"
    archive = Archive(path)
    assert archive.metadata["batch"] == make_models.fixtures[name].batch
    spec = archive.program["graph_module"]["signature"]["input_specs"]
    arguments = iter(archive.sample("inputs"))
    values = []
    for entry in spec:
        if "user_input" in entry:
            values.append(next(arguments))
        elif "constant_input" in entry:
            ((kind, value),) = entry["constant_input"]["value"].items()
            values.append(None if kind == "as_none" else value)
    module = torch.export.load(path).module()
    if name == "tokens":
        answer = module(tokens=values[0], mask=values[1])
    else:
        answer = module(*values)
    leaves = [leaf for leaf in pytree.tree_leaves(answer) if isinstance(leaf, torch.Tensor)]
    for ours, theirs in zip(leaves, archive.sample("outputs"), strict=True):
        torch.testing.assert_close(ours, theirs, equal_nan=True)


@pytest.mark.parametrize(
    "path", sorted((folder / "versions").glob("*.pt2")), ids=lambda path: path.stem
)
def test_a_file_of_another_release_says_which(path):
    archive = Archive(path)
    release = path.stem.removeprefix("torch-")
    assert archive.program["torch_version"].startswith(f"{release}.")
    assert archive.metadata["producer"]["torch"].startswith(f"{release}.")
    assert archive.metadata["batch"] == "dynamic"
    assert len(archive.sample("outputs")[0][0]) == 3


def test_the_closed_forms_hold():
    expected = {
        name: np.load(folder / "expected" / f"{name}.gradient_0.npy")
        for name in ("linear", "rescale")
    }
    np.testing.assert_allclose(expected["linear"], [[1, 0.5, 0, -0.3, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(expected["rescale"], [[2, 2]])
    assert [
        float(Archive(folder / "models" / f"{name}.pt2").sample("outputs")[0])
        for name in ("integrated_one", "integrated_two", "rescale")
    ] == [1, 1, 3]


def test_batch_norm_of_torch_is_wrong_at_batch_one_and_the_expected_gradient_is_right():
    """Where a later torch mends it, this fails at `wrong` and the defect is history."""
    model = make_models.fixtures["transposed_norm"].make().double().eval()
    (x,) = Archive(folder / "models" / "transposed_norm.pt2").sample("inputs")
    x = x.double()
    wrong = reference_gradients.gradients(copy.deepcopy(model), x)[0]
    expected = torch.from_numpy(
        np.load(folder / "expected" / "transposed_norm.gradient_0.npy")
    ).double()
    generator = torch.Generator().manual_seed(3)
    errors = {"wrong": [], "expected": []}
    for _ in range(4):
        direction = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        step = 1e-5 * direction
        difference = (
            reference_gradients.first_entry(model, x + step)
            - reference_gradients.first_entry(model, x - step)
        ).item() / 2e-5
        for name, gradient in (("wrong", wrong), ("expected", expected)):
            errors[name].append(
                abs((gradient * direction).sum().item() - difference) / abs(difference)
            )
    assert max(errors["expected"]) < 1e-4, errors  # stored as float32, differences of second order
    if torch.__version__.startswith("2.13."):
        assert min(errors["wrong"]) > 0.1, errors


def test_the_three_forms_of_one_network_agree():
    gradients = [
        np.load(folder / "expected" / f"cnn_{form}.gradient_0.npy")
        for form in ("module", "functional", "inplace", "fixed", "decomposed")
    ]
    for other in gradients[1:]:
        np.testing.assert_allclose(other, gradients[0], rtol=1e-5, atol=1e-8)


def test_files_hold_no_path_of_the_machine_that_made_them():
    for path in (folder / "models").glob("*.pt2"):
        text = json.dumps(Archive(path).program)
        assert 'File \\\\\\"/' not in text and "site-packages" not in text, path.name
