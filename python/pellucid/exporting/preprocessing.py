"""What turns a photo into a model's input: the real transform, and the record of it that goes into the file.

The record is made from torchvision's presets (`weights.transforms()`), from a Compose of torchvision's or timm's
transforms (timm's `create_transform` gives one), or by hand; docs/metadata.md says what its fields mean.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from . import ExportError

_interpolations = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}


@dataclass
class Preprocessing:
    record: dict[str, Any]
    transform: Callable[
        [Image.Image], torch.Tensor
    ]  # an RGB picture → (C, H, W), or (H, W, C) for NHWC


def record(
    *,
    resize=None,
    max_size=None,
    crop=None,
    pad=None,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    scale=1 / 255,
    layout="NCHW",
):
    """A record; `resize` is (mode, size, interpolation), `crop` and `pad` are a size and a fill colour."""
    mode, size, interpolation = resize or ("none", None, "bilinear")
    if interpolation not in _interpolations:
        raise ExportError(f"interpolation {interpolation!r}: one of {', '.join(_interpolations)}")
    return {
        "color": "RGB" if len(mean) == 3 else "L",
        "resize": {
            "mode": mode,
            "size": size,
            "max_size": max_size,
            "interpolation": interpolation,
        },
        "crop": {"mode": "center", "size": list(crop)} if crop else {"mode": "none", "size": None},
        "pad": {"value": list(pad)} if pad else None,
        "scale": scale,
        "mean": list(mean),
        "std": list(std),
        "layout": layout,
    }


def of(source):
    """The Preprocessing that `source` means: a preset, a Compose, a record, or one already."""
    if isinstance(source, Preprocessing):
        return source
    if isinstance(source, dict):
        given = _completed(source)
        return Preprocessing(given, lambda photo: apply(photo, given))
    if isinstance(source, type) or hasattr(
        source, "func"
    ):  # weights.transforms before it is called
        source = source()
    name = type(source).__name__
    if name in ("ImageClassification", "SemanticSegmentation"):
        return Preprocessing(_of_preset(source), source)
    if hasattr(source, "transforms"):
        return Preprocessing(_of_steps(source.transforms), source)
    raise ExportError(
        f"{name}: not a preprocessing that is known; give torchvision's weights.transforms(), a Compose, or a dict "
        "as docs/metadata.md describes it"
    )


_choices = {
    "color": ("RGB", "BGR", "L"),
    "layout": ("NCHW", "NHWC"),
    "resize.mode": ("none", "squash", "shorter_side", "longer_side"),
    "resize.interpolation": tuple(_interpolations),
    "crop.mode": ("none", "center"),
}


def _completed(given):
    """The whole record of a dict that leaves out what has a default; what it says wrong is an ExportError."""
    whole = record(**{key: given[key] for key in ("mean", "std") if key in given})
    _refuse_unknown(given, whole, "")
    for key, part in given.items():
        if key not in ("resize", "crop") or part is None:
            continue
        if not isinstance(part, dict):
            raise ExportError(f"preprocessing: {key} is {part!r}; give a dict with mode and size")
        _refuse_unknown(part, whole[key], f"{key}.")
        part = {"mode": None, **part}
        if part["mode"] not in (None, "none") and part.get("size") is None:
            raise ExportError(f"preprocessing: {key} has no size")
        whole[key].update(part)
    whole.update({key: part for key, part in given.items() if key not in ("resize", "crop")})
    for place, choices in _choices.items():
        holder, _, key = place.rpartition(".")
        value = (whole[holder] if holder else whole)[key]
        if value not in choices:
            raise ExportError(f"preprocessing: {place} is {value!r}; one of {', '.join(choices)}")
    if len(whole["mean"]) != len(whole["std"]) or len(whole["mean"]) not in (1, 3):
        raise ExportError("preprocessing: mean and std have one number a channel: 1 or 3 of them")
    return whole


def _refuse_unknown(given, known, place):
    for key in given:
        if key not in known:
            raise ExportError(f"preprocessing: no {place}{key}; there are {', '.join(known)}")


def _of_preset(preset):
    side = preset.resize_size[0] if preset.resize_size else None
    resize = ("shorter_side", side, preset.interpolation.value) if side else None
    crop = _pair(preset.crop_size) if getattr(preset, "crop_size", None) else None
    return record(resize=resize, crop=crop, mean=preset.mean, std=preset.std)


def _of_steps(steps):
    fields = {}
    for step in steps:
        name = type(step).__name__
        if name == "Resize":
            size = step.size if isinstance(step.size, int) or len(step.size) == 2 else step.size[0]
            mode = "shorter_side" if isinstance(size, int) else "squash"
            fields["max_size"] = getattr(step, "max_size", None)
            fields["resize"] = (
                mode,
                size if isinstance(size, int) else list(size),
                _mode_name(step.interpolation),
            )
        elif name == "ResizeKeepRatio":
            if step.longest not in (0.0, 1.0):
                raise ExportError(
                    f"ResizeKeepRatio with longest={step.longest}: only 0 and 1 are supported"
                )
            mode = "longer_side" if step.longest else "shorter_side"
            fields["resize"] = (mode, list(step.size), _mode_name(step.interpolation))
        elif name == "CenterCrop":
            fields["crop"] = _pair(step.size)
        elif name == "CenterCropOrPad":
            fields["crop"] = _pair(step.size)
            fill = step.fill if isinstance(step.fill, (tuple, list)) else [step.fill] * 3
            fields["pad"] = [int(value) for value in fill]
        elif name == "Normalize":
            fields["mean"], fields["std"] = _decimals(step.mean), _decimals(step.std)
        elif name not in (
            "ToTensor",
            "MaybeToTensor",
            "PILToTensor",
            "ConvertImageDtype",
            "ToDtype",
            "ToImage",
        ):
            raise ExportError(
                f"{name}: a step of the transform that has no record; give the preprocessing as a dict"
            )
    return record(**fields)


def _mode_name(interpolation):
    return getattr(interpolation, "value", interpolation)


def _pair(size):
    size = [size] if isinstance(size, int) else list(size)
    return size if len(size) == 2 else size * 2


def _decimals(values):
    """Float32 values as the short decimals they were written as: .485, not .48500001430511475."""
    return [
        float(str(np.float32(value)))
        for value in (values.tolist() if hasattr(values, "tolist") else values)
    ]


def open_photo(path):
    """The picture at `path`, upright, as RGB."""
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def synthetic_photo(width, height):
    """A picture for a sample where no photo is given: colour gradients with edges of all directions."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    rings = np.hypot(x - 0.4 * width, y - 0.6 * height) / (0.08 * max(width, height))
    stripes = (3 * x + 2 * y) / (0.3 * max(width, height))
    red = 255 * x / max(1, width - 1)
    green = 127.5 + 127.5 * np.sign(np.sin(rings))
    blue = 127.5 + 110 * np.sin(2 * math.pi * stripes)
    return Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))


def png_of(photo):
    data = io.BytesIO()
    photo.save(data, format="PNG", optimize=True)
    return data.getvalue()


def apply(photo, given):
    """The plain reading of a record, by Pillow: what the record promises."""
    photo = photo.convert("RGB" if given["color"] == "RGB" else "L")
    resize = given["resize"]
    if resize["mode"] != "none":
        height, width = resized(
            photo.height, photo.width, resize["mode"], resize["size"], resize.get("max_size")
        )
        photo = photo.resize((width, height), _interpolations[resize["interpolation"]])
    if given["crop"]["mode"] == "center":
        photo = _center_crop(
            photo, given["crop"]["size"], tuple(given["pad"]["value"]) if given["pad"] else 0
        )
    pixels = np.asarray(photo, dtype=np.float32)
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    values = (pixels * np.float32(given["scale"]) - np.float32(given["mean"])) / np.float32(
        given["std"]
    )
    tensor = torch.from_numpy(values)
    return tensor if given["layout"] == "NHWC" else tensor.permute(2, 0, 1).contiguous()


def resized(height, width, mode, size, max_size=None):
    """The size after resizing. One number is torchvision's rule (truncate), a pair is timm's (round half to even)."""
    if mode == "squash":
        return tuple(size)
    if isinstance(size, int):
        shorter, longer = min(height, width), max(height, width)
        target = (
            (size, int(size * longer / shorter))
            if mode == "shorter_side"
            else (int(size * shorter / longer), size)
        )
        if max_size is not None and target[1] > max_size:
            target = (int(max_size * target[0] / target[1]), max_size)
        return target if height <= width else target[::-1]
    ratios = (height / size[0], width / size[1])
    ratio = min(ratios) if mode == "shorter_side" else max(ratios)
    return round(height / ratio), round(width / ratio)


def _center_crop(photo, size, fill):
    """Pads where the picture is smaller than the crop, the odd pixel after; then cuts, rounding half to even."""
    height, width = size
    if photo.height < height or photo.width < width:
        tall, wide = max(height - photo.height, 0), max(width - photo.width, 0)
        padded = Image.new(photo.mode, (photo.width + wide, photo.height + tall), fill)
        padded.paste(photo, (wide // 2, tall // 2))
        photo = padded
    top, left = round((photo.height - height) / 2), round((photo.width - width) / 2)
    return photo.crop((left, top, left + width, top + height))
