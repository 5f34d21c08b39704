"""What a method written in Python is given: the question, and the probe that asks the model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

_Inputs = torch.Tensor | Mapping[str, torch.Tensor] | None


@dataclass(frozen=True)
class Question:
    """What is asked. Tensors have the batch first and are lent: a method that writes into one is refused.

    inputs: by name, in the model's order. attributable: the names of those that have scores.
    baselines: by name, in the inputs' shape; empty unless the method was declared with uses_baseline.
    layer: the name of the one that was asked for, or None. seed: of all that is random.
    """

    inputs: Mapping[str, torch.Tensor]
    attributable: tuple[str, ...]
    baselines: Mapping[str, torch.Tensor] = field(default_factory=dict)
    layer: str | None = None
    seed: int = 0

    @classmethod
    def _of(cls, inputs, baselines, layer, seed):
        return cls(
            {name: tensor for name, tensor, _ in inputs},
            tuple(name for name, _, attributable in inputs if attributable),
            {name: tensor for name, tensor, _ in baselines},
            layer,
            seed,
        )

    @property
    def input(self) -> torch.Tensor:
        """The only input that has scores."""
        return self.inputs[self.only_attributable()]

    @property
    def baseline(self) -> torch.Tensor:
        """Its baseline."""
        if not self.baselines:
            raise ValueError("the method was not declared with uses_baseline=True")
        return self.baselines[self.only_attributable()]

    def only_attributable(self) -> str:
        if len(self.attributable) != 1:
            raise ValueError(
                f"the model has {len(self.attributable)} inputs that can have scores: "
                "take them by name from question.inputs, and return a dict"
            )
        return self.attributable[0]


class Probe:
    """Asks the model on behalf of a method: cuts the work to fit memory, counts it, and stops when it shall.

    `inputs` everywhere: a tensor, or a dict by name where there are several (what is left out stays the question's);
    without it, the question's own. They may hold whole copies of the batch, one after another. Tensors that come back
    are the method's own.
    """

    def __init__(self, asking: Any, question: Question) -> None:
        self._asking = asking
        self._question = question

    def forward(self, inputs: _Inputs = None) -> Any:
        """The model's raw answer: a tensor, or a list of them where there are several."""
        outputs = self._asking.outputs(self._all(inputs))
        return outputs[0] if len(outputs) == 1 else outputs

    def target(self, inputs: _Inputs = None) -> torch.Tensor:
        """Each sample's target, [N]."""
        return self._asking.target(self._all(inputs))

    def targets(self) -> list[str]:
        """What each sample's target is: "282 tiger cat"."""
        return self._asking.targets()

    def activations(self, layers: str | Iterable[str], inputs: _Inputs = None) -> Any:
        """The value of a layer; of several, a dict by name."""
        names = _listed(layers)
        found = self._asking.activations(self._all(inputs), names)
        return _as_asked(layers, names, found)

    def gradient(self, inputs: _Inputs = None) -> Any:
        """d target / d input: a tensor; where several inputs have scores, a dict by name."""
        names = list(self._question.attributable)
        _, gradients, _ = self._asking.gradient(self._all(inputs), names)
        return gradients[0] if len(names) == 1 else dict(zip(names, gradients, strict=True))

    def layer_gradient(
        self, layers: str | Iterable[str], inputs: _Inputs = None
    ) -> tuple[Any, Any]:
        """(value of a layer, d target / d value); of several layers, two dicts by name."""
        names = _listed(layers)
        _, gradients, values = self._asking.gradient(self._all(inputs), names)
        return _as_asked(layers, names, values), _as_asked(layers, names, gradients)

    def gradients(
        self, count: int, at: Callable[[int], _Inputs], add: Callable[[int, Any], object]
    ) -> None:
        """Gradients at many points, several in one model call: `at(k)` makes inputs k, `add(k, gradient)` takes what
        `gradient` would return there, in order of k."""
        names = list(self._question.attributable)
        self._asking.gradients(
            count,
            names,
            lambda k: self._all(at(k)),
            lambda k, found: add(
                k, found[0] if len(names) == 1 else dict(zip(names, found, strict=True))
            ),
        )

    def pulled_back(
        self, layer: str, weights: torch.Tensor, inputs: _Inputs = None
    ) -> torch.Tensor:
        """d ⟨weights, value of the layer⟩ / d input, sample by sample; weights have the value's shape."""
        name = self._question.only_attributable()
        return self._asking.pulled_back(self._all(inputs), str(layer), weights, name)

    def picture_layer(self) -> str | None:
        """The layer that was asked for, else the one that class activation maps would look at; None: there is none."""
        return self._asking.picture_layer() or None

    def layers(self) -> list[str]:
        """The names of all layers, in the order of execution."""
        return self._asking.layers()

    def _all(self, inputs):
        own = self._question.inputs
        if inputs is None:
            return list(own.values())
        if isinstance(inputs, torch.Tensor):
            inputs = {self._question.only_attributable(): inputs}
        if unknown := set(inputs) - set(own):
            raise ValueError(f"the model has no input {', '.join(sorted(unknown))}")
        count = max(len(tensor) for tensor in inputs.values())
        return [_repeated(inputs.get(name, tensor), count) for name, tensor in own.items()]


def _repeated(tensor, count):
    """Whole copies, so that inputs nobody named have as many samples as the others."""
    if len(tensor) == count or count % len(tensor):
        return tensor
    return tensor.repeat(count // len(tensor), *[1] * (tensor.dim() - 1))


def _listed(layers):
    return [layers] if isinstance(layers, str) else [str(layer) for layer in layers]


def _as_asked(layers, names, found):
    return found[0] if isinstance(layers, str) else dict(zip(names, found, strict=True))
