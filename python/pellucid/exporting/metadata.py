"""The contents of extra/pellucid.json (docs/metadata.md), made from a traced program and what is known beside it."""

import json

import torch
from torch.utils import _pytree as pytree

from pellucid import __version__

from . import ExportError, archive

format_version = 1
output_kinds = ("logits", "probabilities", "multilabel", "binary", "regression", "dense", "other")
input_kinds = ("image", "tensor", "vector", "tokens")


def input_leaves(program, example_tree):
    """(name, tensor, dynamic shape) of the program's tensor inputs, in its order."""
    placeholders = {
        node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"
    }
    names = program.graph_signature.user_inputs
    leaves = pytree.tree_leaves(example_tree)
    found = []
    for name, leaf in zip(names, leaves, strict=True):
        if isinstance(leaf, torch.Tensor):
            shape = [size if isinstance(size, int) else None for size in placeholders[name].shape]
            found.append((name, leaf, shape))
    return found


def output_leaves(tree):
    """(path, tensor) of what a model returned: "" for a tensor, "out" or "aux.0" inside a dict or tuple."""
    found = []
    for path, leaf in pytree.tree_flatten_with_path(tree)[0]:
        steps = [
            str(getattr(step, "key", getattr(step, "idx", getattr(step, "name", step))))
            for step in path
        ]
        found.append((".".join(steps), leaf))
    return found


def guess_input_kind(tensor, has_preprocessing):
    if has_preprocessing:
        return "image"
    if tensor.dtype in (torch.int32, torch.int64):
        return "tokens" if tensor.dim() == 2 else "tensor"
    if tensor.is_floating_point() and tensor.dim() == 2:
        return "vector"
    if (
        tensor.is_floating_point()
        and tensor.dim() == 4
        and (tensor.shape[1] in (1, 3) or tensor.shape[3] == 3)
    ):
        return "image"
    return "tensor"


def output_entries(leaves, kind):
    """`kind`: None (nothing is known, the reader guesses), one kind for all, or a list or dict of kinds."""
    if kind is None:
        return None
    names = [name for name, _ in leaves]
    if isinstance(kind, str):
        kinds = [kind] * len(names)
    elif isinstance(kind, dict):
        if unknown := set(kind) - set(names):
            raise ExportError(
                f"output_kind: the model has no output {', '.join(sorted(unknown))}; it has {names}"
            )
        kinds = [kind.get(name) for name in names]
    else:
        kinds = list(kind)
        if len(kinds) != len(names):
            raise ExportError(f"output_kind: {len(kinds)} kinds for {len(names)} outputs")
    if bad := [one for one in kinds if one is not None and one not in output_kinds]:
        raise ExportError(f"output kind {bad[0]!r}: one of {', '.join(output_kinds)}")
    return [
        {"name": name, "kind": one}
        for name, one in zip(names, kinds, strict=False)
        if one is not None
    ]


def sample_entry(inputs, outputs, photos):
    """The sample's JSON and its entries in the archive; `photos` maps an input's name to PNG bytes."""
    blobs = []
    entry = {"inputs": [], "outputs": []}
    for side, single in (("inputs", "input"), ("outputs", "output")):
        leaves = inputs if side == "inputs" else outputs
        for index, (name, tensor) in enumerate(leaves):
            if not isinstance(tensor, torch.Tensor):
                continue
            path = f"pellucid/sample/{single}_{index}.bin"
            blobs.append((path, archive.raw_bytes(tensor)))
            described = {
                "name": name,
                "path": path,
                "dtype": dtype_name(tensor),
                "shape": list(tensor.shape),
            }
            if side == "inputs" and name in photos:
                described["photo"] = {"path": f"pellucid/sample/photo_{index}.png"}
                blobs.append((described["photo"]["path"], photos[name]))
            entry[side].append(described)
    return entry, blobs


def dtype_name(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def document(*, name, traced, inputs, outputs, labels, weights, sample):
    """The whole document as JSON text."""
    content = {
        "format": "pellucid-metadata",
        "version": format_version,
        "producer": {
            "name": "pellucid.export",
            "version": __version__,
            "torch": torch.__version__.split("+")[0],
        },
        "name": name,
        "batch": traced.batch,
    }
    if traced.reason:
        content["batch_reason"] = traced.reason
    if weights:
        content["weights"] = weights
    content["inputs"] = inputs
    if outputs is not None:
        content["outputs"] = outputs
    if labels:
        content["labels"] = labels
    if sample:
        content["sample"] = sample
    return json.dumps(content, ensure_ascii=False, indent=1)
