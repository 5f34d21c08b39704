"""`load`, and the model it returns: the operations of the tables, and runs whose layers are seen and replaced."""

import contextlib
import functools
import json
import os
import threading

import torch

from pellucid.engine import default_catalogue, native, tables
from pellucid.errors import Error
from pellucid.inputs import given_inputs
from pellucid.operations import docstring, function_of


def load(
    model,
    example=None,
    *,
    metadata=None,
    labels=None,
    output_kind=None,
    allow_nonfinite=False,
    trust=False,
    catalogue=None,
    **export,
):
    """A model to ask: `load("resnet50.pt2")`, or `load(module, example=torch.zeros(1, 3, 224, 224))`.

    model: the path of a model file, or an nn.Module. A module goes through `torch.export` here and now; its parameters
        and buffers are shared, not copied. Load it again after they changed.
    example: of a module: a tensor, a tuple or a dict of inputs, batch first.
    metadata: what the file lacks (docs/metadata.md): a path, or a dict. Of a file.
    labels: a name per class; of a file also the path of a text with a name per line.
    output_kind: logits, probabilities, multilabel, binary, regression, dense or other, where the file does not say.
    allow_nonfinite: accept NaN and infinite weights; every answer then says so.
    trust: load a TorchScript file (.pt), which can run code: only one you made or trust.
    catalogue: the tables to use instead of the engine's own.
    export: of a module: what pellucid.export.export takes, such as preprocessing=weights.transforms().
    """
    catalogue = catalogue or default_catalogue()
    reading = {"allow_nonfinite": allow_nonfinite, "trust": trust}
    if isinstance(model, torch.nn.Module):
        from pellucid.live import load as load_live

        if metadata is not None:
            raise TypeError("metadata is for files; a module takes preprocessing=, labels=, ...")
        loaded, guard = load_live(
            catalogue, model, example, labels=labels, output_kind=output_kind, **export
        )
        made = model_class(catalogue)(loaded, model, guard)
    else:
        if example is not None or export:
            named = ", ".join(["example"] * (example is not None) + list(export))
            raise TypeError(f"{named}: only of an nn.Module")
        if output_kind is not None:
            reading["output_kind"] = output_kind
        made = model_class(catalogue)(_load_file(catalogue, model, metadata, labels))
    made._loaded.open(json.dumps(reading))
    return made


def _load_file(catalogue, path, metadata, labels):
    document = dict(metadata) if isinstance(metadata, dict) else {}
    if isinstance(labels, (list, tuple)):
        document["labels"] = [[name] if isinstance(name, str) else list(name) for name in labels]
    return native.load_file(
        catalogue,
        os.fspath(path),
        None if metadata is None or isinstance(metadata, dict) else os.fspath(metadata),
        None if labels is None or isinstance(labels, (list, tuple)) else os.fspath(labels),
        json.dumps(document),
    )


class Model:
    """A loaded model. Its further methods are the operations of the tables: `explain`, `predict`, ...

    An operation computes with torch's present number of threads unless it is told another. Several threads may ask one
    model at a time.
    """

    def __init__(self, loaded, module=None, guard=None):
        self._loaded = loaded
        self._guard = guard
        self._of_thread = threading.local()  # a block records its own thread's runs
        self.module = module

    @property
    def _records(self):
        if not hasattr(self._of_thread, "records"):
            self._of_thread.records = []
        return self._of_thread.records

    def _opened(self):
        if self._guard is not None:
            self._guard.check()
        return self._loaded

    @property
    def name(self):
        """The file's name, or the module's class."""
        return self._loaded.name

    @property
    def fingerprint(self):
        """SHA-256 of the file; of a module: of its program and its weights."""
        return self._loaded.fingerprint

    @property
    def inputs(self):
        """The names of the model's inputs, in its order."""
        return self._loaded.inputs

    @property
    def warnings(self):
        """What is odd about the model."""
        return self._loaded.warnings

    def run(self, input, /, *, replace=None):
        """The model's raw answer: a tensor, or a dict by name where there are several.

        replace: by layer, a tensor that takes the place of the layer's value (what only the layer needed is not run),
            or a function from the value to another. Layers are named as `explain` names them.
        """
        words = [layer for record in self._records for layer in record.layers]
        done = native.run(
            self._opened(),
            given_inputs(input),
            words,
            [(self.layer_name(layer), value) for layer, value in (replace or {}).items()],
        )
        recorded = dict(done.recorded)
        for record in self._records:
            record._values = {layer: recorded[layer] for layer in record.layers}
        outputs = dict(done.outputs)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    __call__ = run

    @contextlib.contextmanager
    def record(self, layers):
        """`with model.record(["conv1", "layer4[-1]"]) as r: model.run(x); r["conv1"]`: the layers' values in the latest
        run inside the block, freed at its end."""
        record = Record([self.layer_name(layer) for layer in _listed(layers)])
        self._records.append(record)
        try:
            yield record
        finally:
            self._records.remove(record)
            record._values = None

    def layer_name(self, layer):
        """The name of a layer, or of a submodule of the module that was loaded."""
        if not isinstance(layer, torch.nn.Module):
            return str(layer)
        for name, module in self.module.named_modules() if self.module is not None else ():
            if module is layer:
                return name
        raise Error(
            f"the module {type(layer).__name__} is no part of the loaded model",
            remedy="name the layer, as in layer4[-1]",
        )

    def __repr__(self):
        return f"<pellucid.Model {self.name}>"


class Record:
    """Values of layers by name."""

    def __init__(self, layers):
        self.layers = layers
        self._values = {}

    def __getitem__(self, layer):
        if self._values is None:
            raise Error("the recorded values are freed: the block has ended")
        if layer in self._values:
            return self._values[layer]
        if layer in self.layers:
            raise Error("nothing is recorded yet", layer, "call model.run(x) inside the block")
        raise KeyError(layer)

    def keys(self):
        return self.layers

    def __iter__(self):
        return iter(self.layers)

    def __len__(self):
        return len(self.layers)


def _listed(layers):
    return [layers] if isinstance(layers, (str, torch.nn.Module)) else layers


@functools.cache
def model_class(catalogue):
    """Model with a method for each operation of the catalogue."""
    known = tables(catalogue)
    functions = {
        name: function_of(entry, known["methods"], catalogue)
        for name, entry in known["operations"].items()
        if entry["of_model"]
    }
    if taken := [name for name in functions if hasattr(Model, name)]:
        raise Error(f"an operation has the name of a method: {', '.join(taken)}", fault="internal")
    return type("Model", (Model,), {"__module__": "pellucid", **functions})


@functools.cache
def free_operations(catalogue):
    """The operations that need no model, as functions by name."""
    known = tables(catalogue)
    return {
        name: function_of(entry, known["methods"], catalogue)
        for name, entry in known["operations"].items()
        if not entry["of_model"]
    }


def document_again(catalogue):
    """The docstrings of operations that take methods' settings, for the methods that there are now."""
    known = tables(catalogue)
    functions = {**vars(model_class(catalogue)), **free_operations(catalogue)}
    for name, entry in known["operations"].items():
        if entry["takes_settings"]:
            functions[name].__doc__ = docstring(entry, known["methods"])
