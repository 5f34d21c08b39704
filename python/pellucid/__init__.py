"""Pellucid: what a neural network saw, where, and how far the answer can be trusted.

    import pellucid
    model = pellucid.load("resnet50.pt2")
    model.explain("cat.jpg", method="grad_cam").show()

Nothing is loaded until it is used: the exporter needs no engine, and the command no torch in this process.
"""

import importlib

__version__ = "0.1.0"

_homes = {
    "Error": "errors",
    "Model": "model",
    "load": "model",
    **dict.fromkeys(("Attribution", "Check", "Option", "forget", "method"), "python_methods"),
}
_modules = ("captum", "export", "grad_cam")


def __getattr__(name):
    if name in _homes:
        value = getattr(importlib.import_module(f"pellucid.{_homes[name]}"), name)
    elif name in _modules:
        value = importlib.import_module(f"pellucid.{name}")
    elif name.startswith("_"):
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    else:
        functions = _free_operations()
        if name not in functions:
            raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
        value = functions[name]
    globals()[name] = value
    return value


def _free_operations():
    from pellucid.engine import default_catalogue
    from pellucid.model import free_operations

    return free_operations(default_catalogue())


def __dir__():
    return sorted({*globals(), *_homes, *_modules, *_free_operations()})
