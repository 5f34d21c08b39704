"""The forms in which the broad zoo exports a network: each is a format and how it was made."""

import json

import torch

forms = {
    "pt2.dynamic": "torch.export, the batch as a Dim",
    "pt2.fixed": "torch.export of one sample",
    "torchscript.dynamic": "torch.jit.trace of two samples",
    "torchscript.fixed": "torch.jit.trace of one sample",
    "torchscript.scripted": "torch.jit.script",
    "onnx.dynamic": "torch.onnx.export, the batch as a Dim",
    "onnx.fixed": "torch.onnx.export of one sample",
}


def export(model, x, form, folder):
    """The file; for ONNX also by which exporter."""
    kind, how = form.split(".")
    dynamic = how == "dynamic"
    example = x if dynamic else x[:1]
    if kind == "pt2":
        path = folder / "model.pt2"
        sizes = (batch_dim(),) if dynamic else None
        torch.export.save(torch.export.export(model, (example,), dynamic_shapes=sizes), path)
        return path, {}
    if kind == "torchscript":
        path = folder / "model.pt"
        if how == "scripted":
            made = torch.jit.script(model)
            # A script declares no shapes.
            argument = made.forward.schema.arguments[1].name
            record = {"inputs": [{"name": argument, "shape": [None, *x.shape[1:]]}]}
            torch.jit.save(made, str(path), _extra_files={"pellucid.json": json.dumps(record)})
        else:
            made = torch.jit.trace(model, example, strict=False, check_trace=False)
            torch.jit.save(made, str(path))
        return path, {}
    return export_onnx(model, example, dynamic, folder / "model.onnx")


def batch_dim():
    return {0: torch.export.Dim("batch", min=1, max=64)}


def export_onnx(model, example, dynamic, path):
    """By torch's newer exporter, or by the older one where that refuses."""
    words = {"input_names": ["x"], "external_data": too_large_for_one_file(model)}
    try:
        sizes = (batch_dim(),) if dynamic else None
        torch.onnx.export(
            model, (example,), path, dynamo=True, dynamic_shapes=sizes, verbose=False, **words
        )
        return path, {"exporter": "dynamo"}
    except Exception as error:
        refused = first_line(error.__cause__ or error)  # its own words only say in which step
    axes = {"x": {0: "batch"}} if dynamic else None
    try:
        torch.onnx.export(model, (example,), str(path), dynamo=False, dynamic_axes=axes, **words)
    except Exception as error:
        raise RuntimeError(
            f"{first_line(error)} (the older exporter; the newer: {refused})"
        ) from None
    return path, {"exporter": "older", "newer_exporter": refused}


def too_large_for_one_file(model):
    """One file of protocol buffers holds two gigabytes."""
    return sum(p.numel() * p.element_size() for p in model.parameters()) > 1_900_000_000


def first_line(error):
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300] if str(error).strip() else ''}"
