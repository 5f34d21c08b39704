"""Makes the source paths in a program relative: a file that is given away shall not tell where it was made.

A file of an installed package is named from the package on ("torchvision/models/resnet.py"), any other by its path
under the working folder, or by its name alone.
"""

import os
import re
import sysconfig
from pathlib import Path

import torch

_frame = re.compile(r'(?<=File ")([^"]*)(?=", line )')
_installed = re.compile(r"^.*[/\\](?:site|dist)-packages[/\\]")


def relative_source(path, folder=None):
    """The path as it is recorded. `folder` is what a user's own file is relative to: the working folder."""
    if path.startswith("<"):  # "<string>", "<eval_with_key>.1": not a file
        return path
    if _installed.match(path):
        return _slashes(_installed.sub("", path))
    resolved = Path(path).absolute()
    for name in ("stdlib", "platstdlib"):
        if resolved.is_relative_to(sysconfig.get_paths()[name]):
            return _slashes(resolved.relative_to(sysconfig.get_paths()[name]))
    top = resolved.parent
    while (top / "__init__.py").exists() and top != top.parent:
        top = top.parent
    if top != resolved.parent:
        return _slashes(resolved.relative_to(top))
    folder = Path(folder or os.getcwd()).absolute()
    return _slashes(
        resolved.relative_to(folder) if resolved.is_relative_to(folder) else resolved.name
    )


def _slashes(path):
    return str(path).replace("\\", "/")


def relativise(program, folder=None):
    """Rewrites the stack traces of all nodes of an ExportedProgram, those of its subgraphs included."""
    for module in program.graph_module.modules():
        if not isinstance(module, torch.fx.GraphModule):
            continue
        for node in module.graph.nodes:
            trace = node.meta.get("stack_trace")
            if trace:
                node.meta["stack_trace"] = _frame.sub(
                    lambda found: relative_source(found[1], folder), trace
                )
