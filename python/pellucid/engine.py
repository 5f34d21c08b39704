"""The extension module, after torch: it uses the LibTorch that torch has loaded."""

import functools
import json

import torch

try:
    from pellucid import _engine as native
except ImportError as error:
    raise ImportError(
        f"{error}; pellucid's engine is built for one torch (this is {torch.__version__}): "
        "`pip install .` in its source builds it for the torch that is installed, `./dev build` in a checkout"
    ) from error


def _minor(version):
    return version.split("+")[0].split(".")[:2]


if _minor(native.torch_version) != _minor(torch.__version__):
    raise ImportError(
        f"pellucid's engine was built for torch {native.torch_version}, this is {torch.__version__}: "
        "install pellucid again"
    )


@functools.cache
def default_catalogue():
    """The tables that the engine was built with."""
    return native.catalogue()


def tables(catalogue):
    """The operations and methods of a catalogue, each by its name, as plain dicts."""
    given = json.loads(catalogue.tables())
    return {kind: {entry["name"]: entry for entry in entries} for kind, entries in given.items()}
