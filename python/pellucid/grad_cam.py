"""pytorch-grad-cam's names for those who come from there.

cam = pellucid.grad_cam.GradCAM(model, target_layers=[model.layer4[-1]])
picture = cam(x, targets=[pellucid.grad_cam.ClassifierOutputTarget(281)])

Its maps are positive parts, each scaled to its own range and resized to the input: magnitudes are lost, as they are
there. `model.explain` keeps them.
"""

from dataclasses import dataclass

import numpy as np
import torch

from pellucid.captum import LayerGradCam, refuse
from pellucid.inputs import plain_number

__all__ = ["ClassifierOutputTarget", "GradCAM"]


@dataclass(frozen=True)
class ClassifierOutputTarget:
    category: int


class GradCAM:
    def __init__(self, model, target_layers, reshape_transform=None):
        refuse("GradCAM", None, reshape_transform=reshape_transform)
        if not target_layers:
            raise ValueError("target_layers: at least one layer")
        self._methods = [LayerGradCam(model, layer) for layer in target_layers]
        self._seen = self._outputs = None

    def __call__(self, input_tensor, targets=None, aug_smooth=False, eigen_smooth=False):
        """[N, H, W] in [0, 1], float32: per layer the map's positive part, scaled and resized; their mean over the
        layers, scaled again. Without targets each sample's likeliest class."""
        refuse("GradCAM", False, aug_smooth=aug_smooth, eigen_smooth=eigen_smooth)
        classes = None if targets is None else [_class_of(target) for target in targets]
        if classes is not None and len(classes) != len(input_tensor):
            raise ValueError(f"targets: {len(classes)} for {len(input_tensor)} samples")
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
        self._seen, self._outputs = input_tensor.detach().clone(), None
        return _scaled(torch.stack(layers).mean(0))[:, 0].numpy().astype(np.float32)

    forward = __call__

    @property
    def outputs(self):
        """The model's answer to the latest call's input; it is computed only when somebody asks for it."""
        if self._seen is None:
            raise AttributeError("outputs: there are none before the first call")
        if self._outputs is None:
            self._outputs = self._methods[0]._model.run(self._seen)
        return self._outputs

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return None


def _class_of(target):
    """A class, or what a ClassifierOutputTarget names, ours or theirs. Their other targets have a category, too, but mean
    a probability, a sign or a region by it, whose gradient is another."""
    named = type(target).__name__ == "ClassifierOutputTarget"
    category = plain_number(target.category if named else target)
    if isinstance(category, bool) or not isinstance(category, int):
        raise TypeError(
            f"a target is a class or a ClassifierOutputTarget, not {type(target).__name__}: "
            "name the class whose raw score is to be explained"
        )
    return category


def _scaled(maps):
    """Each sample's map on its own range; the small number keeps a flat one at 0."""
    flat = maps.flatten(1)
    shape = (-1, *[1] * (maps.dim() - 1))
    lifted = maps - flat.amin(1).reshape(shape)
    return lifted / (1e-7 + lifted.flatten(1).amax(1).reshape(shape))
