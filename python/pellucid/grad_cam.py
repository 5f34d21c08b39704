"""pytorch-grad-cam's names for those who come from there.

cam = pellucid.grad_cam.GradCAM(model, target_layers=[model.layer4[-1]])
picture = cam(x, targets=[pellucid.grad_cam.ClassifierOutputTarget(281)])

Its maps are positive parts, each scaled to its own range and resized to the input: magnitudes are lost, as they are
there. `model.explain` keeps them.
"""

from dataclasses import dataclass

import numpy as np
import torch

from pellucid.captum import LayerGradCam

__all__ = ["ClassifierOutputTarget", "GradCAM"]


@dataclass(frozen=True)
class ClassifierOutputTarget:
    category: int


class GradCAM:
    def __init__(self, model, target_layers):
        if not target_layers:
            raise ValueError("target_layers: at least one layer")
        self._methods = [LayerGradCam(model, layer) for layer in target_layers]

    def __call__(self, input_tensor, targets=None):
        """[N, H, W] in [0, 1], float32: per layer the map's positive part, scaled and resized; their mean over the
        layers, scaled again. Without targets each sample's likeliest class."""
        classes = None if targets is None else [_class_of(target) for target in targets]
        size = input_tensor.shape[-2:]
        layers = []
        for method in self._methods:
            if method._model is None:
                method._model = self._methods[0]._model
            scores = method.attribute(input_tensor, classes, relu_attributions=True)
            layers.append(
                torch.nn.functional.interpolate(
                    _scaled(scores), size, mode="bilinear", align_corners=False
                )
            )
        return _scaled(torch.stack(layers).mean(0))[:, 0].numpy().astype(np.float32)

    forward = __call__

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return None


def _class_of(target):
    """A class, or an object that names it as pytorch-grad-cam's does."""
    category = getattr(target, "category", target)
    if not isinstance(category, (int, np.integer)):
        raise TypeError(
            f"a target is a class or a ClassifierOutputTarget, not {type(target).__name__}"
        )
    return int(category)


def _scaled(maps):
    """Each sample's map on its own range; the small number keeps a flat one at 0."""
    flat = maps.flatten(1)
    shape = (-1, *[1] * (maps.dim() - 1))
    lifted = maps - flat.amin(1).reshape(shape)
    return lifted / (1e-7 + lifted.flatten(1).amax(1).reshape(shape))
