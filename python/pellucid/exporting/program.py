"""From an nn.Module and an example to an ExportedProgram, with a dynamic batch where export allows it."""

import re
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils import _pytree as pytree

from . import ExportError


@dataclass
class Traced:
    program: torch.export.ExportedProgram
    batch: str  # "dynamic" or "fixed"
    reason: str  # why it is fixed


def arguments_of(example):
    """The example as (positional, keyword) arguments of the model."""
    if isinstance(example, torch.Tensor):
        return (example,), {}
    if isinstance(example, dict):
        return (), dict(example)
    if isinstance(example, (tuple, list)):
        return tuple(example), {}
    raise ExportError(
        f"an example is a tensor, a tuple or a dict of inputs, not {type(example).__name__}"
    )


@contextmanager
def evaluation_mode(model):
    """Dropout and batch norm as in use; the model gets its own modes back afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def batch_size(example):
    """The common first size of all tensors, or None when they have none in common."""
    sizes = {leaf.shape[0] if leaf.dim() else None for leaf in _tensors(example)}
    return sizes.pop() if len(sizes) == 1 else None


def at_batch(example, count):
    """The example with `count` distinct samples, made from its first one by moving values along the other axes."""

    def repeat(leaf):
        if not isinstance(leaf, torch.Tensor):
            return leaf
        first = leaf[:1]
        moved = [first.roll(shift, dims=-1) if leaf.dim() > 1 else first for shift in range(count)]
        return torch.cat(moved)

    return pytree.tree_map(repeat, example)


def trace(model, example, dynamic_batch=True, dynamic_shapes=None):
    """Traces `model`, which is in evaluation mode already; a fixed batch says why it is fixed.

    `dynamic_shapes` are a user's own, in torch.export's words; what they make of the first axis is taken as it is.
    """
    if dynamic_shapes is not None:
        program = _export(model, example, dynamic_shapes)
        dynamic = all(
            leaf.shape and not isinstance(leaf.shape[0], int) for leaf in _placeholders(program)
        )
        return Traced(
            program,
            "dynamic" if dynamic else "fixed",
            "" if dynamic else "the given dynamic_shapes fix it",
        )
    if not dynamic_batch:
        return Traced(_export(model, example), "fixed", "asked for")
    if not batch_size(example):
        return Traced(_export(model, example), "fixed", "the inputs have no common first axis")
    try:
        # At batch 1 export would specialise: it takes sizes of 0 and 1 as meant.
        several = at_batch(example, max(2, batch_size(example)))
        program = _export(model, several, _batch_shapes(several))
        _verify(model, program, example)
    except (
        Exception
    ) as error:  # torch.export raises many types, also for what is no fault of the model
        return Traced(_export(model, example), "fixed", _first_line(error))
    return Traced(program, "dynamic", "")


def _batch_shapes(example):
    args, kwargs = arguments_of(example)
    batch = torch.export.Dim("batch", min=1)
    return pytree.tree_map(
        lambda leaf: {0: batch} if isinstance(leaf, torch.Tensor) else None, kwargs or args
    )


def _placeholders(program):
    users = set(program.graph_signature.user_inputs)
    values = [
        node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in users
    ]
    return [value for value in values if isinstance(value, torch.Tensor)]


def _export(model, example, dynamic_shapes=None):
    args, kwargs = arguments_of(example)
    try:
        # Under a caller's no_grad, export would drop the model's own as of no effect.
        with torch.inference_mode(False), torch.enable_grad():
            return torch.export.export(model, args, kwargs, dynamic_shapes=dynamic_shapes)
    except Exception as error:
        if dynamic_shapes is not None:
            raise
        raise ExportError(
            f"{type(model).__name__}: torch.export cannot trace it: {_first_line(error)}; "
            "replace control flow that depends on values by torch.cond or torch.where"
        ) from error


def _verify(model, program, example):
    """A program that passed is right at other batches than the traced one, not only declared to be."""
    module = program.module()
    for count in (1, 3):
        args, kwargs = arguments_of(at_batch(example, count))
        expected = pytree.tree_leaves(undisturbed(model)(*_clone(args), **_clone(kwargs)))
        answered = pytree.tree_leaves(undisturbed(module)(*_clone(args), **_clone(kwargs)))
        for ours, theirs in zip(answered, expected, strict=True):
            if isinstance(ours, torch.Tensor):
                # Rounding only: both run the same operators.
                torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4, equal_nan=True)


def undisturbed(module):
    """Runs a module without gradients and gives its buffers their values back."""

    def run(*args, **kwargs):
        state = [(tensor, tensor._version, tensor.clone()) for tensor in module.buffers()]
        with torch.no_grad():
            try:
                return module(*args, **kwargs)
            finally:
                for tensor, version, before in state:
                    if tensor._version != version:
                        tensor.copy_(before)

    return run


def _clone(tree):
    return pytree.tree_map(
        lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, tree
    )


def _tensors(example):
    return [leaf for leaf in pytree.tree_leaves(example) if isinstance(leaf, torch.Tensor)]


def _first_line(error):
    """What an error says first, without colours and paths."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = " ".join(lines[:2])[:300] if lines else ""
    return re.sub(r"(/[^\s\"':]+)+/", "", f"{type(error).__name__}: {line}")
