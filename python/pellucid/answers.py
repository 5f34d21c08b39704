"""What an operation answered: a document, arrays, pictures, and what speaks against them."""

import base64
import html
import io
import json
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pellucid.engine import native
from pellucid.errors import Error

_not_provenance = ("maps", "checks", "outputs", "notes")
_marks = {"pass": "✓", "warn": "⚠", "fail": "✗"}
# Of pictures in a notebook's page, which keeps them all.
_most_shown = 16


class Answer:
    """The answer of `model.<operation>(...)`.

    document: the record as the command's `--json` prints it; records: its entries, one per input (and sample, target,
    layer, method).
    text: what a person reads. warnings, failures: what was odd; the inputs that failed, as (input, Error).
    """

    document: dict[str, Any]
    text: str
    warnings: list[str]
    failures: list[tuple[str, Error]]
    verdict_failed: bool

    def __init__(self, outcome: Any, unwanted: Iterable[str] = ()) -> None:
        self.document = json.loads(outcome.document)
        self.text = outcome.text
        self.warnings = outcome.warnings
        self.failures = [
            (name, _caused(Error(*parts), outcome.causes)) for name, parts in outcome.failures
        ]
        self.verdict_failed = outcome.verdict_failed
        self._artefacts = {artefact.name: artefact for artefact in outcome.artefacts}
        self._unwanted = tuple(f".{format}" for format in unwanted)

    @property
    def records(self) -> list[dict[str, Any]]:
        return self.document.get("answers", [])

    @property
    def files(self) -> dict[str, memoryview]:
        """Each file of the answer as a memoryview, by its name; `save` writes them."""
        return {
            name: memoryview(artefact)
            for name, artefact in self._artefacts.items()
            if not name.endswith(self._unwanted or "\0")
        }

    @property
    def arrays(self) -> dict[str, torch.Tensor]:
        """Each array as a tensor over the engine's own memory, by its file's name without `.npy`."""
        return {
            name.removesuffix(".npy"): _tensor(artefact)
            for name, artefact in self._artefacts.items()
            if name.endswith(".npy")
        }

    @property
    def values(self) -> Any:
        """The array as a tensor (`.numpy()` copies nothing); a dict of them, as `arrays`, where there are several."""
        arrays = self.arrays
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays

    @property
    def checks(self) -> list[dict[str, Any]]:
        """The checks of all records: dicts of name, verdict, value, threshold and words."""
        return [check for record in self.records for check in record.get("checks", [])]

    @property
    def provenance(self) -> Any:
        """Where the answer comes from (model, input, method, target, seed, cost, ...): a dict per record, or the only
        one."""
        told = [
            {key: value for key, value in record.items() if key not in _not_provenance}
            for record in self.records or [self.document]
        ]
        return told[0] if len(told) == 1 else told

    @property
    def pictures(self) -> dict[str, bytes]:
        """Each picture as PNG bytes, by its file's name."""
        return {
            name: bytes(artefact)
            for name, artefact in self._artefacts.items()
            if artefact.media_type == "image/png"
        }

    def show(self) -> None:
        """Shows the pictures: in a notebook below the cell, else in the viewer that Pillow finds."""
        if _in_a_notebook():
            from IPython.display import display

            display(self)
            return
        if not self.pictures:
            raise Error("the answer has no PNG picture", remedy="ask for one with format='png'")
        for name, data in self.pictures.items():
            _show_in_viewer(name, data)

    def save(self, folder: str | os.PathLike[str] = "pellucid-out") -> list[Path]:
        """Writes the files into the folder, each under its name when it is whole; returns their paths."""
        folder = os.fspath(folder)
        out = native.OutputFolder(folder)
        names = list(self.files)
        for name in names:
            out.write(name, self._artefacts[name])
        return [Path(folder) / name for name in names]

    def __repr__(self) -> str:
        return self.text.rstrip("\n") or json.dumps(self.document, indent=2, ensure_ascii=False)

    def _repr_html_(self) -> str:
        """For notebooks: each picture with its target and its checks, what no picture shows as text."""
        pictures = self.pictures
        shown = [
            (record, [pictures.pop(name) for name in _picture_names(record) if name in pictures])
            for record in self.records
        ]
        shown = [(record, own) for record, own in shown if own]
        parts = [_figure(record, own) for record, own in shown[:_most_shown]]
        if more := len(shown) - _most_shown:
            parts += [f"<p>and {more} more: .pictures has all of them</p>"] * (more > 0)
        parts += [_image(data) for data in pictures.values()]
        if not shown:
            parts.append(f"<pre>{html.escape(repr(self))}</pre>")
        parts += [f"<p>warning: {html.escape(warning)}</p>" for warning in self.warnings]
        parts += [
            f"<p>failed: {html.escape(name)}: {html.escape(str(error))}</p>"
            for name, error in self.failures
        ]
        return "\n".join(parts)


def answer_of(outcome, unwanted=(), stacklevel=3):
    """The outcome as an Answer. Nothing done is an exception; what is odd is said by Python's warnings."""
    answer = Answer(outcome, unwanted)
    if outcome.nothing_done and answer.failures:
        raise answer.failures[0][1]
    said = answer.warnings + [f"{name}: {error}" for name, error in answer.failures]
    for warning in said:
        warnings.warn(warning, stacklevel=stacklevel)
    return answer


def _picture_names(record):
    """The PNG files of a record's maps."""
    sample = f".{record['sample']}" if "sample" in record else ""
    for entry in record.get("maps", []):
        if "file" in entry:
            yield entry["file"].removesuffix(".npy") + sample + ".png"


def _figure(record, pictures):
    title = " · ".join(
        [record["input"] + (f" [{record['sample']}]" if "sample" in record else "")]
        + [record["target"]["text"], record["method"]["name"]]
    )
    said = [f"{_marks.get(check['verdict'], '·')} {check['words']}" for check in record["checks"]]
    said += [f"· {note}" for note in record.get("notes", [])]
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in said)
    return (
        f'<figure style="margin:0 0 1em"><figcaption><b>{html.escape(title)}</b></figcaption>'
        f"{''.join(_image(data, title) for data in pictures)}"
        f'<ul style="list-style:none;padding:0;margin:0">{lines}</ul></figure>'
    )


def _image(data, title=""):
    return (
        f'<img alt="{html.escape(title)}" style="max-width:100%" '
        f'src="data:image/png;base64,{base64.b64encode(data).decode()}">'
    )


def _in_a_notebook():
    """IPython on a terminal shows no pictures, a kernel's front end does."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")


def _show_in_viewer(name, data):
    remedy = "answer.save('folder') writes them; a notebook shows them below the cell"
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        raise Error("there is no display to show pictures on", remedy=remedy)
    try:
        from PIL import Image, ImageShow
    except ImportError:
        raise Error("Pillow is not installed, whose viewer shows pictures", remedy=remedy) from None
    if not ImageShow.show(Image.open(io.BytesIO(data)), title=name):
        raise Error("Pillow found no program that shows pictures", remedy=remedy)


def _caused(error, causes):
    """With the traceback of what a method written in Python raised."""
    for message, raised in causes:
        if message == error.what:
            error.__cause__ = raised.__cause__ or raised
    return error


def _tensor(artefact):
    """The array inside a `.npy` file, where it lies."""
    view = memoryview(artefact)
    stream = io.BytesIO(bytes(view[:4096]))
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(stream)
    flat = np.frombuffer(view, dtype=dtype, offset=stream.tell(), count=int(np.prod(shape)))
    return torch.from_numpy(flat.reshape(shape, order="F" if fortran else "C"))
