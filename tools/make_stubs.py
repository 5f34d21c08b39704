"""Writes the type stubs of the Python package from the tables and from the engine's own signatures.

PYTHONPATH=python .venv/bin/python tools/make_stubs.py           # writes what is stale
PYTHONPATH=python .venv/bin/python tools/make_stubs.py --check   # names what is stale, exit 1
"""

import inspect
import re
import sys
from pathlib import Path

from pellucid import engine, model, operations

PACKAGE = Path(__file__).resolve().parent.parent / "python" / "pellucid"
MADE = "# Made by tools/make_stubs.py; do not edit.\n"
MODEL = """import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from pellucid import _engine
from pellucid.answers import Answer

_Layer = str | torch.nn.Module
_Progress = Callable[[str, int, int], object]

def load(
    model: Any,
    example: Any = None,
    *,
    metadata: Any = None,
    labels: Any = None,
    output_kind: str | None = None,
    allow_nonfinite: bool = False,
    trust: bool = False,
    catalogue: _engine.Catalogue | None = None,
    **export: Any,
) -> Model: ...

class Record:
    layers: list[str]
    def __getitem__(self, layer: str) -> torch.Tensor: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def keys(self) -> list[str]: ...

class Model:
    module: torch.nn.Module | None
    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...
    @property
    def warnings(self) -> list[str]: ...
    def run(
        self, input: Any, /, *, replace: Mapping[_Layer, Any] | None = None
    ) -> torch.Tensor | dict[str, torch.Tensor]: ...
    def __call__(
        self, input: Any, /, *, replace: Mapping[_Layer, Any] | None = None
    ) -> torch.Tensor | dict[str, torch.Tensor]: ...
    def record(self, layers: _Layer | Sequence[_Layer]) -> AbstractContextManager[Record]: ...
    def layer_name(self, layer: _Layer) -> str: ...
"""
PACKAGE_STUB = """from collections.abc import Callable

from pellucid import captum as captum
from pellucid import export as export
from pellucid import grad_cam as grad_cam
from pellucid.answers import Answer
from pellucid.errors import Error as Error
from pellucid.model import Model as Model
from pellucid.model import load as load
from pellucid.python_methods import Attribution as Attribution
from pellucid.python_methods import Check as Check
from pellucid.python_methods import Option as Option
from pellucid.python_methods import forget as forget
from pellucid.python_methods import method as method

__version__: str
_Progress = Callable[[str, int, int], object]

"""


def type_of(option):
    kind = {"boolean": "bool", "integer": "int", "number": "float", "string": "str"}.get(
        option["type"], "str | int | Sequence[str | int]"
    )
    if option["type"] == "string" and not option.get("choices"):
        kind = "object"  # a file that an option names may be a tensor or a picture
    return kind if option.get("default") is not None else f"{kind} | None"


def operation(entry, indent):
    """The stub of one operation, documented."""
    options = {option["name"]: option for option in entry["options"]}
    kinds = inspect.Parameter
    lines, keyword_only = [], False
    parameters = list(operations.signature(entry).parameters.values())
    for place, parameter in enumerate(parameters):
        if parameter.kind is kinds.KEYWORD_ONLY and not keyword_only:
            lines.append("*")
            keyword_only = True
        option = options.get(parameter.name)
        if option:
            lines.append(f"{parameter.name}: {type_of(option)} = {parameter.default!r}")
        elif parameter.kind is kinds.VAR_KEYWORD:
            lines.append(f"**{parameter.name}: object")
        elif parameter.name == "progress":
            lines.append("progress: _Progress | None = None")
        elif parameter.name == "self":
            lines.append("self")
        elif parameter.name == "path":
            lines.append("path: str | os.PathLike[str]")
        else:
            lines.append("input: object" + ("" if parameter.default is kinds.empty else " = None"))
        last = place + 1 == len(parameters)
        if parameter.kind is kinds.POSITIONAL_ONLY and (
            last or parameters[place + 1].kind is not kinds.POSITIONAL_ONLY
        ):
            lines.append("/")
    space = " " * indent
    words = "".join(f"{space}    {line},\n" for line in lines)
    return (
        f"{space}def {entry['name']}(\n{words}{space}) -> Answer:\n"
        f'{space}    """{entry["summary"]}"""\n'
    )


def native():
    """What pybind11 says of the module in its docstrings."""
    lines = ["import collections.abc", "import typing", "", "import torch", ""]
    lines += ["version: str", "torch_version: str", ""]
    for name, value in sorted(vars(engine.native).items()):
        if inspect.isclass(value):
            lines.append(f"class {name}:")
            for member, item in sorted(vars(value).items()):
                if isinstance(item, property):
                    lines += ["    @property", f"    {signature_of(item.fget, member)}: ..."]
                elif callable(item) and (item.__doc__ or "").startswith(f"{member}("):
                    lines.append(f"    {signature_of(item, member)}: ...")
            lines.append("")
    for name, value in sorted(vars(engine.native).items()):
        if inspect.isroutine(value) and not name.startswith("_"):
            lines.append(f"def {signature_of(value, name).removeprefix('def ')}: ...")
    return "\n".join(lines) + "\n"


def signature_of(item, name):
    first = (item.__doc__ or "").strip().splitlines()
    text = first[0] if first and "(" in first[0] else "(self) -> object"
    text = text[text.index("(") :].replace("pellucid._engine.", "")
    text = re.sub(r"\b\w+(::\w+)+\b", "object", text)
    return f"def {name}" + re.sub(r"(?<=\()(arg0|self): \w+", "self", text)


def with_sequence(head, body):
    return ("from collections.abc import Sequence\n" if "Sequence[" in body else "") + head + body


def stubs():
    tables = engine.tables(engine.default_catalogue())["operations"].values()
    of_model = [operation(entry, 4) for entry in tables if entry["of_model"]]
    free = [operation(entry, 0) for entry in tables if not entry["of_model"]]
    return {
        "model.pyi": MADE + MODEL + "".join(of_model),
        "__init__.pyi": MADE + with_sequence(PACKAGE_STUB, "".join(free)),
        "_engine.pyi": MADE + native(),
    }


def main():
    assert model  # the stub of that module is made here
    stale = []
    for name, text in stubs().items():
        path = PACKAGE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale:
        print(("stale: " if "--check" in sys.argv else "written: ") + ", ".join(stale))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
