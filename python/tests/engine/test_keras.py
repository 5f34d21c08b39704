"""Keras models: as tf2onnx writes them, against TensorFlow's own numbers, and through the exporter."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import pellucid

root = Path(__file__).resolve().parents[3]
# Made by test/onnx/make_keras.py.
fixture = root / "test" / "onnx" / "keras"
tolerance = 1e-4  # float32 sums in another order


def largest_difference(a, b):
    a, b = (torch.as_tensor(np.asarray(each)) for each in (a, b))
    assert a.shape == b.shape
    return float((a - b).abs().max() / b.abs().max())


@pytest.fixture(scope="module")
def model():
    return pellucid.load(fixture / "small.onnx")


@pytest.fixture(scope="module")
def truth():
    return dict(np.load(fixture / "small.npz"))


def test_scores_and_a_layers_values_are_tensorflows(model, truth):
    with model.record(["small_1.last_1"]) as record:
        scores = model.run(torch.from_numpy(truth["x"]))
        # tf2onnx turns pictures once, at the beginning: within, channels come first.
        last = record["small_1.last_1"].permute(0, 2, 3, 1)
    assert largest_difference(scores, truth["scores"]) < tolerance
    assert largest_difference(last, truth["last"]) < tolerance


def test_the_gradient_of_a_picture_with_channels_last_is_tensorflows(model, truth):
    found = model.explain(
        truth["x"], method="saliency", target=str(truth["target"]), absolute=False
    )
    assert largest_difference(found.values, truth["gradient"]) < tolerance


def test_grad_cam_takes_the_last_convolution_and_is_not_turned(model, truth):
    found = model.explain(truth["x"], method="grad_cam", target=str(truth["target"]))
    assert found.document["answers"][0]["maps"][0]["name"] == "small_1.last_1"
    assert largest_difference(found.values, truth["grad_cam"]) < tolerance


def test_maps_of_arrays_with_channels_last_are_drawn(model, truth):
    found = model.explain(truth["x"][:1], method="saliency", target="1")
    (picture,) = found.pictures.values()
    assert bytes(picture[:4]) == b"\x89PNG"


def exported(folder, words=()):
    """By Keras on torch, in a process of its own: a process has one backend."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    make = (
        "import numpy as np, keras; from keras import layers\n"
        "keras.utils.set_random_seed(1)\n"
        "i = keras.Input((20, 16, 3), name='image')\n"
        "x = layers.Rescaling(1 / 255)(i)\n"
        "x = layers.Conv2D(6, 3, strides=2, padding='same', activation='relu', name='stem')(x)\n"
        "x = layers.GlobalAveragePooling2D()(x)\n"
        "m = keras.Model(i, layers.Dense(3, activation='softmax')(x), name='tiny')\n"
        "m.save('tiny.keras')\n"
        "x = np.random.default_rng(0).uniform(0, 255, (2, 20, 16, 3)).astype('f')\n"
        "np.savez('tiny.npz', x=x, y=keras.ops.convert_to_numpy(m(x)))\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(root / "python")}
    subprocess.run([sys.executable, "-c", make], cwd=folder, env=environment, check=True)
    return subprocess.run(
        [sys.executable, "-m", "pellucid.export", "tiny.keras", "tiny.onnx", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_exporter_writes_what_keras_answers_and_what_photos_need(tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog\nbird\n")
    done = exported(tmp_path, ["--labels", "names.txt", "--output-kind", "probabilities"])
    assert done.returncode == 0, done.stderr
    model = pellucid.load(tmp_path / "tiny.onnx")
    truth = np.load(tmp_path / "tiny.npz")
    assert largest_difference(model.run(torch.from_numpy(truth["x"])), truth["y"]) < tolerance
    # A photo goes in: its pixels as they are, squashed to the input's size.
    photo = root / "examples" / "chelsea.png"
    said = json.dumps(model.predict(photo).document)
    assert all(name in said for name in ("cat", "dog", "bird"))
    said = model.explain(photo, method="grad_cam")
    assert said.values.shape[-2:] == (10, 8)


def test_what_a_keras_model_cannot_take_is_said(tmp_path):
    done = exported(tmp_path, ["--input-shape", "1,2"])
    assert done.returncode == 1 and "--input-shape means nothing for a Keras model" in done.stderr
    again = subprocess.run(
        [sys.executable, "-m", "pellucid.export", "tiny.keras", "tiny.pt2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root / "python")},
        capture_output=True,
        text=True,
    )
    assert again.returncode == 1 and "*.onnx" in again.stderr


def test_a_transpose_before_the_head_does_not_turn_the_map(tmp_path):
    """As Keras on torch writes it: turned around each convolution."""
    random = np.random.default_rng(1)
    node, arrays = onnx.helper.make_node, onnx.numpy_helper
    weights = {
        "k": random.normal(size=(6, 3, 3, 3)).astype(np.float32),
        "d": random.normal(size=(6, 5)).astype(np.float32),
        "axes": np.array([1, 2]),
    }
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "k"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Transpose", ["c"], ["b"], perm=[0, 2, 3, 1]),
        node("Relu", ["b"], ["r"]),
        node("ReduceMean", ["r", "axes"], ["m"], keepdims=0),
        node("MatMul", ["m", "d"], ["y"]),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [value("x", 1, ["n", 32, 24, 3])],
        [value("y", 1, ["n", 5])],
        [arrays.from_array(data, name) for name, data in weights.items()],
    )
    path = tmp_path / "turned.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)]), path)
    model = pellucid.load(path)
    x = torch.rand(1, 32, 24, 3)
    cam = model.explain(x, method="grad_cam", target="1").values
    with model.record(["r"]) as record:
        model.run(x)
        activation = record["r"]  # [1, 16, 12, 6]
    weight = torch.from_numpy(weights["d"])[:, 1] / (16 * 12)
    assert largest_difference(cam, (activation * weight).sum(-1)) < tolerance
