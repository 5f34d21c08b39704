"""Keras models, by Keras' own ONNX export; what Pellucid should know beside them goes into the file's metadata."""

import json
import os
from pathlib import Path

from pellucid import __version__

from . import ExportError, metadata, preprocessing

suffixes = (".keras", ".h5", ".hdf5")


def is_keras_file(word):
    return word.lower().endswith(suffixes)


def export(path, out, *, labels=None, output_kind=None, name=None):
    """Writes the Keras model of that file to `out` (*.onnx). Pictures whose pixels the model scales itself get that
    preprocessing recorded; of others nothing is known."""
    if not str(out).endswith(".onnx"):
        raise ExportError(
            f"{out}: a Keras model is written as *.onnx; `pellucid convert` makes a .pt2 of it"
        )
    if not Path(path).is_file():
        raise ExportError(f"{path}: there is no such file")
    # Keras takes TensorFlow unless it is told otherwise; torch is there in any case.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = _keras()
    try:
        import onnx
    except ImportError:
        raise ExportError("Keras' ONNX export needs the package onnx: pip install onnx") from None
    try:
        model = keras.saving.load_model(path, compile=False)
        _call_once(keras, model)
        model.export(str(out), format="onnx", verbose=False)
    except ImportError as error:
        raise ExportError(
            f"{error}: with TensorFlow Keras needs tf2onnx, with torch onnxscript (pip install)"
        ) from None
    written = onnx.load(str(out))
    onnx.helper.set_model_props(
        written,
        {
            "pellucid": json.dumps(
                _document(keras, model, written, labels, output_kind, name), ensure_ascii=False
            )
        },
    )
    onnx.save(written, str(out))
    return model


def _keras():
    try:
        import keras
    except ImportError as missing:
        if missing.name == "keras":
            raise ExportError("Keras is not installed: pip install keras") from None
    else:
        return keras
    # Keras is there, its default backend is not.
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    return keras


def _call_once(keras, model):
    """Keras exports no model that was not called."""
    shapes = [[1 if size is None else size for size in given.shape] for given in model.inputs]
    zeros = [
        keras.ops.zeros(shape, given.dtype)
        for shape, given in zip(shapes, model.inputs, strict=True)
    ]
    model(zeros[0] if len(zeros) == 1 else zeros)


def _document(keras, model, written, labels, output_kind, name):
    content = {
        "format": "pellucid-metadata",
        "version": metadata.format_version,
        "producer": {"name": "pellucid.export", "version": __version__, "keras": keras.__version__},
        "name": name or model.name,
    }
    names = [value.name for value in written.graph.input]
    content["inputs"] = [
        _input(name, given, _scales_pixels(keras, model))
        for name, given in zip(names, model.inputs, strict=True)
    ]
    if output_kind:
        content["outputs"] = [
            {"name": value.name, "kind": output_kind} for value in written.graph.output
        ]
    if labels:
        content["labels"] = labels
    return content


def _input(name, given, raw_pixels):
    shape = [None, *given.shape[1:]]
    entry = {"name": name, "dtype": str(given.dtype), "shape": shape}
    if len(shape) != 4 or shape[3] not in (1, 3):
        return entry
    entry["kind"] = "image"
    if raw_pixels and None not in shape[1:3]:
        channels = shape[3]
        entry["preprocessing"] = preprocessing.record(
            resize=("squash", list(shape[1:3]), "bilinear"),
            mean=(0.0,) * channels,
            std=(1.0,) * channels,
            scale=1.0,
            layout="NHWC",
        )
    return entry


def _scales_pixels(keras, model):
    """Whether the model begins with a layer that takes pixels from 0 to 255."""
    for layer in model.layers[:3]:
        if isinstance(layer, keras.layers.Rescaling):
            return (
                abs(float(layer.scale)) < 0.1
                if not isinstance(layer.scale, (list, tuple))
                else True
            )
        if isinstance(layer, keras.layers.Normalization):
            return True
    return False
