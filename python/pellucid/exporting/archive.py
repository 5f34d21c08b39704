"""Writes a program as `.pt2` with further entries beside torch's own.

torch.export.load decodes everything under `extra/` as UTF-8, so only the JSON goes there; binary samples are entries
elsewhere, which it ignores. All entries are stored, not compressed, at multiples of 64 bytes, so that a reader can map
them. The file appears under its name only when it is complete.
"""

import os
import struct
import tempfile
import zipfile
from pathlib import Path

import torch

from . import ExportError

_alignment = 64
_local_header = 30  # bytes, before the name
_padding_id = 0x4246  # what torch itself calls the extra field that it aligns records with


def write(program, path, json_text, blobs):
    """`blobs` are (path inside the archive, bytes); the root folder that torch chose is put before each path."""
    path = Path(path)
    if path.suffix != ".pt2":
        raise ExportError(f"{path.name}: the name of an exported program ends in .pt2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pellucid-") as folder:
        unfinished = os.path.join(folder, path.name)  # torch names the root folder after the file
        _save(program, unfinished, json_text)
        _append(unfinished, blobs)
        os.replace(unfinished, path)


def _save(program, path, json_text):
    # The traced example would travel along as a pickle; the recorded sample takes its place.
    example, program._example_inputs = program._example_inputs, None
    try:
        torch.export.save(program, path, extra_files={"pellucid.json": json_text})
    finally:
        program._example_inputs = example


def _append(path, blobs):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        taken = set(archive.namelist())
        root = archive.namelist()[0].split("/", 1)[0]
        for name, data in blobs:
            full = f"{root}/{name}"
            if full in taken:
                raise ExportError(f"{full}: twice in one archive")
            taken.add(full)
            entry = zipfile.ZipInfo(full, date_time=(1980, 1, 1, 0, 0, 0))
            entry.extra = _padding(archive.start_dir, full)
            archive.writestr(entry, data)


def _padding(offset, name):
    """An extra field after which the data of an entry whose header starts at `offset` is aligned."""
    start = offset + _local_header + len(name.encode()) + 4
    length = -start % _alignment
    return struct.pack("<HH", _padding_id, length) + bytes(length)


def raw_bytes(tensor):
    """The values in row-major order, little-endian."""
    return (
        tensor.detach()
        .cpu()
        .contiguous()
        .resolve_conj()
        .resolve_neg()
        .reshape(-1)
        .view(torch.uint8)
        .numpy()
        .tobytes()
    )
