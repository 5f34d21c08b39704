"""Python's values as what the engine reads: files, encoded pictures, `.npy` arrays.

An input becomes (name, stem, of, data): how messages call it, what answer files are called, which of the model's inputs
it is for, and its data (a tensor, a file's bytes, or None: the file of that name).
"""

import io
import os

import numpy as np
import torch

from pellucid.engine import native

# What the engine reads of an .npy file.
_shared_types = {
    "float16",
    "float32",
    "float64",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "bool",
}


def plain_number(value):
    """A 0-d tensor or array, or one of NumPy's numbers, as Python's own; anything else as it is."""
    if isinstance(value, np.generic) or (
        isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim == 0
    ):
        return value.item()
    return value


def given_inputs(value):
    """A value, a list of several, or a dict from the model's input names to values."""
    if isinstance(value, dict):
        return [
            one for name, each in value.items() for one in _several(_as_list(each), of=str(name))
        ]
    return _several(_as_list(value))


def _as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _several(values, of=""):
    found = []
    for index, value in enumerate(values):
        number = f"_{index}" if len(values) > 1 else ""
        if isinstance(value, (str, os.PathLike)):
            word = os.fspath(value)
            listed = native.inputs_of([word])
            found += [(name, stem, of or named, None) for name, stem, named in listed]
        else:
            name, data = data_of(value, of or "input")
            found.append((name + number, name + number, of, data))
    return _with_own_stems(found)


def _with_own_stems(inputs):
    """Files of one name in different folders keep apart."""
    paths = [(name, of) for name, _, of, data in inputs if data is None]
    stems = [stem for _, stem, _, _ in inputs]
    if len(set(stems)) == len(stems) or not paths:
        return inputs
    listed = iter(native.inputs_of([name for name, _ in paths]))
    return [
        (name, next(listed)[1] if data is None else stem, of, data)
        for name, stem, of, data in inputs
    ]


def data_of(value, name):
    """(name, data) of a tensor or an array (a tensor over its own memory where that is possible), of a PIL image or of
    encoded bytes (a buffer)."""
    if isinstance(value, torch.Tensor):
        plain = _plain(value)
        known = str(plain.dtype).removeprefix("torch.") in {*_shared_types, "bfloat16"}
        return name, plain if known else _npy(plain.numpy())
    if isinstance(value, (bytes, bytearray, memoryview)):
        return name, value
    if isinstance(value, np.ndarray) or np.isscalar(value):
        return name, _tensor_of(np.asarray(value))
    if hasattr(value, "save") and hasattr(value, "getbands"):
        return _stem_of_picture(value, name), png_of(value)
    raise TypeError(
        f"{type(value).__name__}: an input is a tensor, an array, a PIL image, a path, encoded bytes, "
        "a list of these, or a dict from input names to these"
    )


def file_of(value, name):
    """(name, bytes) of the same: where a file is expected."""
    name, data = data_of(value, name)
    if isinstance(data, torch.Tensor):
        # NumPy lacks bfloat16, which float32 holds exactly.
        data = _npy((data.float() if data.dtype == torch.bfloat16 else data).numpy())
    return name, data


def _plain(tensor):
    """In this process's memory, without autograd's bookkeeping; what is so already is not copied."""
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    return tensor if type(tensor) is torch.Tensor else tensor.as_subclass(torch.Tensor)


def _tensor_of(array):
    """A tensor over the array's memory; what torch can't lay over it is copied, what it does not know is a file."""
    if array.dtype.name not in _shared_types:
        return _npy(array)
    if not array.flags.writeable or not array.dtype.isnative or min(array.strides, default=0) < 0:
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(array)


def _npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getbuffer()


def png_of(image):
    """The image without loss, for the engine to decode by the path that files take. An orientation that its EXIF data
    tells and nobody applied is applied, as it is for a file."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        if upright.mode in ("F", "I"):
            raise TypeError(
                f"a PIL image of mode {upright.mode} has no range of its own: hand over an array"
            )
        upright = upright.convert("RGB")
    stream = io.BytesIO()
    upright.save(stream, "PNG", compress_level=1)
    return stream.getbuffer()


def _stem_of_picture(image, name):
    path = getattr(image, "filename", "")
    return os.path.splitext(os.path.basename(path))[0] or name if isinstance(path, str) else name
