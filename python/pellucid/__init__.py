"""Pellucid: what a neural network saw, where, and how far the answer can be trusted.

    import pellucid
    model = pellucid.load("resnet50.pt2")
    model.explain("cat.jpg", method="grad_cam").show()

Nothing is loaded until it is used: the exporter needs no engine, and the command no torch in this process.
"""

import importlib

__version__ = "0.1.0"

_homes = {"Error": "errors", "load": "model", "Model": "model"}
_modules = ("captum", "export", "grad_cam")


def __getattr__(name):
    if name in _homes:
        value = getattr(importlib.import_module(f"pellucid.{_homes[name]}"), name)
    elif name in _modules:
        value = importlib.import_module(f"pellucid.{name}")
    elif name.startswith("_"):
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    else:
        functions = importlib.import_module("pellucid.model").free_operations()
        if name not in functions:
            raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
        value = functions[name]
    globals()[name] = value
    return value


def __dir__():
    functions = importlib.import_module("pellucid.model").free_operations()
    return sorted({*globals(), *_homes, *_modules, *functions})
