"""Imports torchvision also where its compiled operators do not match the installed torch.

Such a torchvision stops at its own import, because it registers shape functions for two operators that were never
defined. No model needs them, so their schemas are enough.
"""

import importlib

import torch

_missing_schemas = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries = []  # torch forgets the schemas when the library object dies


def import_torchvision():
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    library = torch.library.Library("torchvision", "DEF")
    for schema in _missing_schemas:
        library.define(schema)
    _libraries.append(library)
    return importlib.import_module("torchvision")
