"""What Python is answered is what the command is answered, for every kind of input."""

import inspect
import io
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from program import CAT, CNN, MODELS, answer, one_line
from program import pellucid as command

import pellucid

METHODS = ("saliency", "input_x_gradient", "integrated_gradients", "grad_cam")


@pytest.fixture(scope="module")
def cnn():
    return pellucid.load(CNN)


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", METHODS)
def test_a_map_of_python_is_the_commands_to_the_bit(cnn, tmp_path, method):
    told = answer("explain", CNN, CAT, "--method", method, "--out", tmp_path)
    ours = cnn.explain(CAT, method=method, threads=told["answers"][0]["threads"])
    theirs = np.load(tmp_path / f"chelsea.{method}.npy")
    assert np.array_equal(ours.values.numpy(), theirs)
    assert ours.records[0]["target"] == told["answers"][0]["target"]
    assert (tmp_path / f"chelsea.{method}.png").read_bytes() == ours.pictures[
        f"chelsea.{method}.png"
    ]


@pytest.mark.usefixtures("quiet")
def test_a_picture_is_the_same_as_path_bytes_and_pil_image(cnn):
    expected = cnn.explain(CAT, format="npy").values
    for same in (str(CAT), CAT.read_bytes(), Image.open(CAT), Image.open(CAT).convert("RGBA")):
        assert torch.equal(cnn.explain(same, format="npy").values, expected)


@pytest.mark.usefixtures("quiet")
def test_an_orientation_that_exif_tells_is_applied_to_a_pil_image(cnn):
    image = Image.open(CAT)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    image.save(turned, "PNG", exif=exif)
    upright = cnn.predict(image.transpose(Image.Transpose.ROTATE_270)).values
    assert torch.equal(cnn.predict(Image.open(turned)).values, upright)
    assert torch.equal(cnn.predict(turned.getvalue()).values, upright)


@pytest.mark.usefixtures("quiet")
def test_a_tensor_is_the_same_as_its_array_and_its_file(cnn, tmp_path):
    x = torch.randn(3, *_side(cnn), generator=torch.Generator().manual_seed(3))
    np.save(tmp_path / "x.npy", x.numpy())
    expected = cnn.predict(tmp_path / "x.npy").values
    assert torch.equal(cnn.predict(x).values, expected)
    assert torch.equal(cnn.predict(x.numpy()).values, expected)
    assert torch.equal(cnn.predict(x.double()).values, expected)
    assert torch.equal(cnn.predict(x.requires_grad_()).values, expected)


@pytest.mark.usefixtures("quiet")
def test_a_batch_has_a_batch_of_answers(cnn):
    x = torch.randn(3, 3, *_side(cnn), generator=torch.Generator().manual_seed(4))
    batch = cnn.explain(x, method="saliency", target=1)
    assert batch.values.shape == x.shape
    assert len(batch.records) == len(batch.provenance) == 3
    for one, expected in zip(x, batch.values, strict=True):
        alone = cnn.explain(one, method="saliency", target=1).values
        # Other batches take other kernels: rounding only.
        torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("quiet")
def test_several_inputs_and_methods_have_an_array_each(cnn):
    found = cnn.explain([CAT, Image.open(CAT)], method="saliency,grad_cam")
    assert len(found.values) == 4
    assert {name.split(".")[-1] for name in found.values} == {"saliency", "grad_cam"}


def test_values_are_the_engines_own_memory_and_numpy_copies_nothing(cnn):
    found = cnn.predict(torch.zeros(3, *_side(cnn)))
    assert found.values.data_ptr() == found.values.data_ptr()
    tensor = found.values
    assert tensor.numpy().ctypes.data == tensor.data_ptr()
    tensor.add_(1)
    assert torch.equal(found.values, tensor)


@pytest.mark.usefixtures("quiet")
def test_an_answer_is_saved_shown_in_html_and_told_in_words(cnn, tmp_path):
    found = cnn.explain(CAT, method="grad_cam", format="png,json")
    assert {path.name for path in found.save(tmp_path)} == {
        "chelsea.grad_cam.png",
        "chelsea.grad_cam.json",
    }
    assert (tmp_path / "chelsea.grad_cam.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "chelsea.grad_cam.npy").exists(), "nobody asked for the array's file"
    assert found.values.dim() == 2, "the array is there all the same"
    assert "data:image/png;base64," in found._repr_html_()
    assert "grad_cam" in repr(found)
    assert {check["name"] for check in found.checks} >= {"finite", "flat"}
    assert found.provenance["method"]["name"] == "grad_cam"
    assert found.provenance["model"]["sha256"] == cnn.fingerprint


@pytest.mark.usefixtures("quiet")
def test_settings_of_a_method_are_keywords(cnn):
    few = cnn.explain(CAT, method="integrated_gradients", n_steps=3)
    assert few.provenance["method"]["settings"]["n_steps"] == 3
    same = cnn.explain(
        CAT, method="saliency,integrated_gradients", integrated_gradients={"n_steps": 3}
    )
    assert torch.equal(same.values["chelsea.integrated_gradients"], few.values)


@pytest.mark.usefixtures("quiet")
def test_a_baseline_may_be_a_tensor(cnn):
    x = torch.randn(3, *_side(cnn), generator=torch.Generator().manual_seed(5))
    found = cnn.explain(x, method="integrated_gradients", baseline=x.clone())
    assert found.values.abs().max() == 0, "the way from the input to itself has no length"


def test_errors_have_the_commands_text(cnn):
    line = one_line(command("explain", CNN, CAT, "--target", "99999"))
    with pytest.raises(pellucid.Error) as raised:
        cnn.explain(CAT, target=99999)
    assert f"pellucid: {raised.value}\n" == line
    assert raised.value.fault == "usage"
    assert raised.value.what and raised.value.remedy


def test_a_wrong_word_names_the_nearest(cnn):
    with pytest.raises(pellucid.Error, match="did you mean grad_cam"):
        cnn.explain(CAT, method="gradcam")
    with pytest.raises(pellucid.Error, match='no setting "n_step".*did you mean n_steps'):
        cnn.explain(CAT, method="integrated_gradients", n_step=4)
    with pytest.raises(pellucid.Error, match="no option|unknown option"):
        cnn.predict(CAT, tops=3)


def test_a_file_that_is_no_model_is_an_error_of_the_model(tmp_path):
    (tmp_path / "no.pt2").write_bytes(b"nothing of the kind")
    with pytest.raises(pellucid.Error) as raised:
        pellucid.load(tmp_path / "no.pt2")
    assert raised.value.fault == "model"
    assert "no.pt2" in raised.value.where


def test_what_fails_beside_others_is_warned_of(cnn, tmp_path):
    (tmp_path / "broken.png").write_bytes(CAT.read_bytes()[:200])
    with pytest.warns(UserWarning, match="broken.png"):
        found = cnn.predict([CAT, tmp_path / "broken.png"])
    assert [name for name, _ in found.failures] == [str(tmp_path / "broken.png")]
    assert isinstance(found.failures[0][1], pellucid.Error)
    assert len(found.records) == 1


def test_what_is_no_input_is_a_type_error(cnn):
    with pytest.raises(TypeError, match="an input is a tensor"):
        cnn.predict(object())
    with pytest.raises(TypeError, match="options by name"):
        cnn.predict(CAT, 3)


def test_every_operation_is_a_method_with_the_tables_signature(cnn):
    document = answer("methods")
    assert [entry["name"] for entry in document["methods"]] == [
        entry["name"] for entry in pellucid.methods().document["methods"]
    ]
    signature = inspect.signature(type(cnn).explain)
    assert signature.parameters["method"].default == ["grad_cam"]
    assert signature.parameters["alpha"].default == 0.5
    for name in ("explain", "predict", "inspect", "check"):
        text = inspect.getdoc(getattr(cnn, name))
        for option in inspect.signature(getattr(type(cnn), name)).parameters:
            if option not in ("self", "input", "progress", "settings"):
                assert f"{option}: " in text, f"{name} does not explain {option}"
    assert "n_steps: " in inspect.getdoc(cnn.explain)
    assert cnn.inspect().document and cnn.check().document


def test_progress_is_told_and_its_exception_stops_the_work(cnn):
    told = []
    cnn.predict([torch.zeros(3, *_side(cnn))] * 3, progress=lambda *words: told.append(words))
    assert told and told[-1][1] <= told[-1][2]

    def refuse(*words):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        cnn.predict([torch.zeros(3, *_side(cnn))] * 3, progress=refuse)


def test_a_model_of_several_inputs_takes_them_by_name():
    model = pellucid.load(MODELS / "image_and_vector.pt2")
    shapes = {name: _shape(model, name) for name in model.inputs}
    found = model.predict({name: torch.ones(shape) for name, shape in shapes.items()})
    assert found.values.numel() > 0
    with pytest.raises(pellucid.Error, match="the model has 2 inputs"):
        model.predict(torch.ones(2))


def test_torch_keeps_its_number_of_threads(cnn):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        cnn.predict(torch.zeros(3, *_side(cnn)), threads=2)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def _shape(model, name):
    entry = next(one for one in model.inspect().document["inputs"] if one["name"] == name)
    return [size or 1 for size in entry["shape"]]


def _side(model):
    return _shape(model, model.inputs[0])[-2:]
