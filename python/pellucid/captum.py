"""Captum's names for those who come from there: the same arguments, results equal in shape and meaning.

pellucid.captum.IntegratedGradients(model).attribute(x, target=281, n_steps=50)

`model` is an nn.Module, exported at its first call, or what pellucid.load returned. Scores are of the raw target, as
Captum's are; a target that is left out is the likeliest class of each sample.
"""

import numpy as np
import torch

from pellucid.inputs import plain_number
from pellucid.model import Model, load

__all__ = ["InputXGradient", "IntegratedGradients", "LayerAttribution", "LayerGradCam", "Saliency"]

_quadratures = {"riemann_trapezoid": "trapezoid"}


def refuse(whose, default, **given):
    """Arguments that are here for their place and name: only their default is honoured."""
    for name, value in given.items():
        if value is not default:
            raise TypeError(f"{name}: {whose} knows only {name}={default!r} here")


class _Attribution:
    def __init__(self, forward_func):
        if not isinstance(forward_func, (torch.nn.Module, Model)):
            raise TypeError("a model is an nn.Module or what pellucid.load returned")
        self._given = forward_func
        self._model = forward_func if isinstance(forward_func, Model) else None

    def _loaded(self, tensors):
        if self._model is None:
            self._model = load(self._given, example=tensors)
        return self._model

    def _explain(self, inputs, target, **options):
        """One array per input, the samples in their order; samples of one target are asked about together."""
        tensors = inputs if isinstance(inputs, tuple) else (inputs,)
        model = self._loaded(tensors)
        groups = {}
        for row, one in enumerate(_targets(target, len(tensors[0]))):
            groups.setdefault(one, []).append(row)
        found = {}
        for one, rows in groups.items():
            batch = {name: tensor[rows] for name, tensor in zip(model.inputs, tensors, strict=True)}
            asked = {
                name: value[rows] if _per_sample(value, tensors[0]) else value
                for name, value in options.items()
            }
            answer = model.explain(batch, target=one, format="npy", **asked)
            found.update(zip(rows, zip(*answer.arrays.values(), strict=True), strict=True))
        arrays = [
            torch.stack(samples)
            for samples in zip(*(found[row] for row in sorted(found)), strict=True)
        ]
        return tuple(arrays) if isinstance(inputs, tuple) else arrays[0]


def _per_sample(value, batch):
    return (
        isinstance(value, torch.Tensor) and value.dim() == batch.dim() and len(value) == len(batch)
    )


def _targets(target, count):
    """Per sample: a class, or None."""
    if isinstance(target, (torch.Tensor, np.ndarray)):
        target = target.tolist()
    if isinstance(target, list):
        targets = [_class_of(one) for one in target]
        if len(targets) not in (1, count):
            raise ValueError(f"{len(targets)} targets for {count} samples")
        return targets if len(targets) == count else targets * count
    return [target if target is None or isinstance(target, str) else _class_of(target)] * count


def _class_of(target):
    """Captum's tuple is a place in the output; past the samples, outputs have one axis here."""
    one = target[0] if isinstance(target, tuple) and len(target) == 1 else target
    one = plain_number(one)
    if isinstance(one, bool) or not isinstance(one, int):
        said = repr(target) if isinstance(target, tuple) else type(target).__name__
        raise TypeError(f"a target is a class or one per sample, not {said}")
    return one


class Saliency(_Attribution):
    def attribute(self, inputs, target=None, abs=True, additional_forward_args=None):
        refuse("Saliency", None, additional_forward_args=additional_forward_args)
        return self._explain(inputs, target, method="saliency", absolute=abs)


class InputXGradient(_Attribution):
    def attribute(self, inputs, target=None, additional_forward_args=None):
        refuse("InputXGradient", None, additional_forward_args=additional_forward_args)
        return self._explain(inputs, target, method="input_x_gradient")


class IntegratedGradients(_Attribution):
    def __init__(self, forward_func, multiply_by_inputs=True):
        refuse("IntegratedGradients", True, multiply_by_inputs=multiply_by_inputs)
        super().__init__(forward_func)

    def attribute(
        self,
        inputs,
        baselines=None,
        target=None,
        additional_forward_args=None,
        n_steps=50,
        method="gausslegendre",
        internal_batch_size=None,
        return_convergence_delta=False,
    ):
        """`baselines`: a number, or a tensor of the inputs' shape or of one sample's, or a tuple of one of these; zero
        where it is left out. Several inputs start from zero.

        The weights of every rule sum to 1; Captum's riemann_trapezoid sums to (n - 1) / n and is that much smaller."""
        refuse("IntegratedGradients", None, additional_forward_args=additional_forward_args)
        tensors = inputs if isinstance(inputs, tuple) else (inputs,)
        start = _baseline(tensors, baselines)
        scores = self._explain(
            inputs,
            target,
            method="integrated_gradients",
            n_steps=n_steps,
            quadrature=_quadratures.get(method, method),
            chunk=internal_batch_size,
            baseline=start,
        )
        if not return_convergence_delta:
            return scores
        return scores, self._delta(tensors, scores, start, target)

    def _delta(self, tensors, scores, start, target):
        """What the scores' sum misses of the target's change, per sample."""
        parts = scores if isinstance(scores, tuple) else (scores,)
        starts = [
            torch.zeros_like(one) if start is None else start.expand_as(one) for one in tensors
        ]
        model = self._model
        at_input = model.run(dict(zip(model.inputs, tensors, strict=True)))
        at_start = model.run(dict(zip(model.inputs, starts, strict=True)))
        classes = _targets(target, len(tensors[0]))
        if any(isinstance(one, str) for one in classes):
            raise TypeError("a convergence delta needs targets by number")
        rows = torch.arange(len(classes))
        picked = torch.tensor(
            [
                int(row.argmax()) if one is None else one
                for row, one in zip(at_input, classes, strict=True)
            ]
        )
        change = at_input[rows, picked].double() - at_start[rows, picked].double()
        total = sum(part.double().flatten(1).sum(1) for part in parts)
        return (total - change).float()


def _baseline(tensors, baselines):
    """With the batch axis: one sample for all, or one for each. The engine takes one for a model of one input."""
    given = baselines if isinstance(baselines, tuple) else (baselines,) * len(tensors)
    if len(given) != len(tensors):
        raise ValueError(f"baselines: {len(given)} for {len(tensors)} inputs")
    given = [plain_number(one) for one in given]
    if all(one is None for one in given):
        return None
    if len(tensors) > 1:
        if all(one is None or (isinstance(one, (int, float)) and one == 0) for one in given):
            return None
        raise TypeError("baselines: other than zero only for a model of one input here")
    (inputs,), (start,) = tensors, given
    if not isinstance(start, torch.Tensor):
        return torch.full_like(inputs[:1], float(start))
    return start if start.dim() == inputs.dim() else start.unsqueeze(0)


class LayerAttribution(_Attribution):
    def __init__(self, forward_func, layer, device_ids=None):
        refuse(type(self).__name__, None, device_ids=device_ids)
        super().__init__(forward_func)
        self._layer = layer

    @staticmethod
    def interpolate(layer_attribution, interpolate_dims, interpolate_mode="nearest"):
        """A layer's map on another grid, such as the input's."""
        return torch.nn.functional.interpolate(
            layer_attribution, interpolate_dims, mode=interpolate_mode
        )


class LayerGradCam(LayerAttribution):
    def attribute(
        self,
        inputs,
        target=None,
        additional_forward_args=None,
        attribute_to_layer_input=False,
        relu_attributions=False,
        attr_dim_summation=True,
        grad_kwargs=None,
    ):
        """[N, 1, h, w] on the layer's grid, as Captum sums the channels up."""
        whose = "LayerGradCam"
        refuse(
            whose, None, additional_forward_args=additional_forward_args, grad_kwargs=grad_kwargs
        )
        refuse(whose, False, attribute_to_layer_input=attribute_to_layer_input)
        refuse(whose, True, attr_dim_summation=attr_dim_summation)
        tensors = inputs if isinstance(inputs, tuple) else (inputs,)
        layer = self._loaded(tensors).layer_name(self._layer)
        scores = self._explain(tensors, target, method="grad_cam", layer=layer)[0].unsqueeze(1)
        return scores.relu() if relu_attributions else scores
