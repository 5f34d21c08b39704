"""A live nn.Module as a model of the engine: its program by torch.export, its weights where they lie.

The program travels as a `.pt2` in memory whose weights are single numbers with the right shapes and strides of 0; the
engine is given the module's own tensors in their place. Lifted constants and buffers that no state dict holds are
copied: they are small.
"""

import tempfile
import warnings
from pathlib import Path

import torch

from pellucid.engine import native
from pellucid.errors import Error
from pellucid.export import export
from pellucid.exporting import ExportError


def load(catalogue, module, example, **options):
    """(LoadedModel, Guard) of the module."""
    taken = {}

    def without_weights(program):
        for name, tensor in program.state_dict.items():
            if _shareable(tensor):
                taken[name] = tensor
                placeholder = torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
                if isinstance(tensor, torch.nn.Parameter):
                    placeholder = torch.nn.Parameter(placeholder, requires_grad=False)
                program.state_dict[name] = placeholder
        return program

    name = options.get("name") or type(module).__name__
    with tempfile.TemporaryDirectory(prefix="pellucid-") as folder, warnings.catch_warnings():
        # torch misses the whole tensors behind the placeholders.
        warnings.filterwarnings("ignore", "No complete tensor found in the group")
        path = Path(folder) / "module.pt2"
        try:
            export(module, example, path, sample=False, rewrite=without_weights, **options)
        except ExportError as error:
            raise Error(str(error), name, fault="model") from error
        archive = path.read_bytes()
    loaded = native.load_program(
        catalogue, name, archive, {name: tensor.detach() for name, tensor in taken.items()}
    )
    return loaded, Guard(name, taken)


def _shareable(tensor):
    """What the engine can read in place: numbers in this process's own memory."""
    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and tensor.numel() > 0
        and not tensor.is_conj()
        and not tensor.is_neg()
    )


class Guard:
    """Refuses to answer for weights that were changed in place since the model was loaded: the engine has prepared
    some of them, so that half of the answer would be of the old ones."""

    def __init__(self, name, tensors):
        self._name = name
        self._tensors = list(tensors.items())
        self._versions = [tensor._version for tensor in tensors.values()]

    def check(self):
        for (name, tensor), version in zip(self._tensors, self._versions, strict=True):
            if tensor._version != version:
                raise Error(
                    f"the weight {name} was changed after the module was loaded",
                    self._name,
                    "load the module again",
                )
