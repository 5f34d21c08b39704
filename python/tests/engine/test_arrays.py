"""Arrays of this process as inputs: where they lie, if they can; else a copy; the same answer either way."""

import hashlib

import numpy as np
import pytest
import torch
from program import CNN

import pellucid

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def cnn():
    return pellucid.load(CNN)


@pytest.fixture
def seen_at(cnn):
    """Where in memory a method is shown an input."""
    found = []

    @pellucid.method(needs="forward")
    def place(question, probe):
        """Where it lies."""
        found.append((question.input.data_ptr(), question.input.clone()))
        return torch.arange(question.input.numel()).reshape(question.input.shape)

    def ask(value):
        cnn.explain(value, method=place, target=1, format="npy")
        return found[-1]

    with place:
        yield ask


def test_a_plain_array_is_not_copied(seen_at):
    one, array = X[0].clone(), X[0].numpy().copy()
    for given, pointer in (
        (X, X.data_ptr()),
        (one, one.data_ptr()),
        (one.clone().requires_grad_(), None),
        (array, array.ctypes.data),
    ):
        expected = pointer or given.data_ptr()
        place, values = seen_at(given)
        assert place == expected
        assert torch.equal(values.reshape(-1), torch.as_tensor(given).detach().reshape(-1))


def test_other_layouts_and_types_are_copied_and_mean_the_same(seen_at):
    def frozen(array):
        array.flags.writeable = False
        return array

    plain = X.numpy()
    with torch.inference_mode():
        inference = X.clone()
    for given in (
        X.double(),
        X.to(memory_format=torch.channels_last),
        X.transpose(2, 3).contiguous().transpose(2, 3),
        inference,
        torch.nn.Parameter(X),
        plain.astype(">f4"),
        np.asfortranarray(plain),
        plain[::-1][::-1],
        np.ascontiguousarray(plain[:, :, ::-1])[:, :, ::-1],
        frozen(plain.copy()),
        plain.tolist() and plain.astype(np.float64),
    ):
        _, values = seen_at(given)
        assert torch.equal(values, X)
        assert values.is_contiguous()
    _, half = seen_at(X.bfloat16())
    assert torch.equal(half, X.bfloat16().float())


def test_an_array_is_left_as_it_was(cnn):
    x, array = X.clone(), X.numpy().copy()
    for given in (x, array):
        cnn.explain(given, method="integrated_gradients", n_steps=3)
        cnn.predict(given)
        cnn.run(given)
    assert torch.equal(x, X) and np.array_equal(array, X.numpy())
    assert x._version == 0


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (3, 32, 32)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_an_array_has_the_fingerprint_of_the_file_that_numpy_saves(cnn, tmp_path, shape, dtype):
    array = X.numpy().astype(dtype)[:1].repeat(2, 0).reshape(2, 3, 32, 32)
    array = array if len(shape) == 4 else array[0]
    np.save(tmp_path / "x.npy", array)
    file = hashlib.sha256((tmp_path / "x.npy").read_bytes()).hexdigest()
    for given in (array, torch.from_numpy(array), tmp_path / "x.npy"):
        assert cnn.predict(given).records[0]["sha256"] == file


def test_an_array_that_does_not_fit_is_refused_as_its_file_is(cnn, tmp_path):
    np.save(tmp_path / "x.npy", X[:, :2].numpy())
    messages = []
    for given in (X[:, :2], tmp_path / "x.npy"):
        with pytest.raises(pellucid.Error, match=r"\[2, 2, 32, 32\] does not fit") as raised:
            cnn.predict(given)
        messages.append((raised.value.what, raised.value.remedy))
    assert messages[0] == messages[1]
    for odd in (X.to(torch.complex64), X.numpy().astype(np.complex64), X.to(torch.uint16)):
        with pytest.raises(pellucid.Error, match="fit|is not read"):
            cnn.predict(odd)
