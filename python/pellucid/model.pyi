# Made by tools/make_stubs.py; do not edit.
import os
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
    def check(
        self,
        /,
        *,
        tolerance: float = 0.0001,
        threads: int = 0,
        device: str = 'cpu',
        output_kind: str | None = None,
        allow_nonfinite: bool = False,
        trust: bool = False,
        format: str | int | Sequence[str | int] = [],
        progress: _Progress | None = None,
    ) -> Answer:
        """Re-runs the sample recorded in the model's file and reports every difference."""
    def convert(
        self,
        /,
        path: str | os.PathLike[str],
        *,
        threads: int = 0,
        output_kind: str | None = None,
        allow_nonfinite: bool = False,
        trust: bool = False,
        progress: _Progress | None = None,
    ) -> Answer:
        """Writes the model as a .pt2 file that holds no code, with all its metadata."""
    def explain(
        self,
        input: object,
        /,
        *,
        method: str | int | Sequence[str | int] = ['grad_cam'],
        target: str | int | Sequence[str | int] = [],
        layer: str | int | Sequence[str | int] = [],
        baseline: object = 'zero',
        format: str | int | Sequence[str | int] = ['png', 'npy', 'json'],
        chunk: int = 0,
        alpha: float = 0.5,
        colormap: str = 'auto',
        max_pixels: int = 100000000,
        salvage: bool = False,
        memory_limit: object | None = None,
        seed: int = 0,
        threads: int = 0,
        device: str = 'cpu',
        output_kind: str | None = None,
        allow_nonfinite: bool = False,
        trust: bool = False,
        progress: _Progress | None = None,
        **settings: object,
    ) -> Answer:
        """Shows what in the input spoke for the answer: a map with its picture, its numbers and its checks."""
    def inspect(
        self,
        /,
        *,
        layers: bool = False,
        format: str | int | Sequence[str | int] = [],
        depth: int = 0,
        output_kind: str | None = None,
        allow_nonfinite: bool = False,
        trust: bool = False,
        progress: _Progress | None = None,
    ) -> Answer:
        """Shows what a model's file holds, what a sample of it takes, and which layers and methods can explain it."""
    def predict(
        self,
        input: object,
        /,
        *,
        top: int = 5,
        format: str | int | Sequence[str | int] = ['npy', 'json'],
        max_pixels: int = 100000000,
        salvage: bool = False,
        memory_limit: object | None = None,
        threads: int = 0,
        device: str = 'cpu',
        output_kind: str | None = None,
        allow_nonfinite: bool = False,
        trust: bool = False,
        progress: _Progress | None = None,
    ) -> Answer:
        """Says what the model answers: the likeliest classes with their probabilities, or its raw numbers."""
