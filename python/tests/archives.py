"""Reads an exported file by the zip module alone, as any other program would."""

import json
import struct
import zipfile

import torch


class Archive:
    def __init__(self, path):
        self.path = path
        self.zip = zipfile.ZipFile(path)
        self.entries = self.zip.infolist()
        self.root = self.entries[0].filename.split("/")[0]
        self.metadata = json.loads(self.bytes("extra/pellucid.json").decode("utf-8"))
        self.program = json.loads(self.bytes("models/model.json"))

    def bytes(self, name):
        return self.zip.read(f"{self.root}/{name}")

    def sample(self, side):
        return [
            torch.frombuffer(
                bytearray(self.bytes(entry["path"])), dtype=getattr(torch, entry["dtype"])
            ).reshape(entry["shape"])
            for entry in self.metadata["sample"][side]
        ]

    def data_offset(self, entry):
        """Where an entry's data starts in the file."""
        with open(self.path, "rb") as file:
            file.seek(entry.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
        return entry.header_offset + 30 + name + extra
