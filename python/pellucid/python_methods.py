"""Methods written in Python: a function of a question and a probe enters the tables, and works wherever methods do.

@pellucid.method(citation="Smilkov et al. 2017 (arXiv 1706.03825)", unit="target per unit of input")
def smoothgrad(question, probe, *, samples: Annotated[int, pellucid.Option("Noisy copies.", least=1)] = 16):
    '''Gradients averaged over noisy copies of the input.'''
    random = torch.Generator().manual_seed(question.seed)
    ...
    return mean

model.explain("cat.jpg", method="smoothgrad", samples=50)
"""

import functools
import inspect
import json
import linecache
import re
import traceback
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pellucid.engine import default_catalogue, native
from pellucid.errors import Error
from pellucid.probe import Probe, Question

_kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}


@dataclass(frozen=True)
class Option:
    """What a keyword argument of a method may be: `Annotated[int, Option("How many copies.", least=1, most=1000)]`."""

    help: str = ""
    least: float | None = None
    most: float | None = None
    choices: Sequence[str] | None = None


@dataclass(frozen=True)
class Check:
    """What speaks for or against a map. verdict: pass, warn, fail or info; words: one sentence."""

    name: str
    verdict: str
    words: str
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Attribution:
    """A method's answer with what is to be said of it.

    scores: a tensor, or a dict of them by the names of inputs (coordinates="input") or layers (coordinates="layer").
    checks: Checks for all samples, or a list of them for each sample. notes: sentences: what was chosen, approximated.
    """

    scores: torch.Tensor | Mapping[str, torch.Tensor]
    checks: Sequence[Check] | Sequence[Sequence[Check]] = ()
    notes: Sequence[str] = ()


class Method:
    """A function as a method of a catalogue. It is still the function; leaving a `with` block on it forgets it."""

    name: str

    def __init__(
        self, function: Callable[..., Any], description: dict[str, Any], catalogue: Any
    ) -> None:
        self.name = description["name"]
        self._function = function
        self._catalogue = catalogue
        self._native = native.Method(json.dumps(description), _calling(function, description))
        functools.update_wrapper(self, function)
        catalogue.add(self._native)
        _document_again(catalogue)

    def __call__(self, *words: Any, **settings: Any) -> Any:
        return self._function(*words, **settings)

    def forget(self) -> bool:
        """Takes the method out of the catalogue; requests that use it now keep it. False: it was not there."""
        gone = self._catalogue.remove(self.name, self._native)
        _document_again(self._catalogue)
        return gone

    def __enter__(self) -> "Method":
        return self

    def __exit__(self, *raised: object) -> None:
        self.forget()

    def __repr__(self) -> str:
        return f"<pellucid.method {self.name}>"


@typing.overload
def method(function: Callable[..., Any], /, **given: Any) -> Method: ...


@typing.overload
def method(**given: Any) -> Callable[[Callable[..., Any]], Method]: ...


def method(
    function=None,
    /,
    *,
    name=None,
    citation="",
    unit="score",
    needs="gradient",
    promises=(),
    coordinates="input",
    uses_baseline=False,
    uses_layer=False,
    positive_part=False,
    catalogue=None,
):
    """Makes a method of `function(question, probe, *, options...)`, which returns a tensor of scores, a dict of them by
    name, or an Attribution. Its name, its docstring's first line and its annotated keyword arguments with their defaults
    are the method's name, summary and options.

    citation: authors, year, where. unit: of the scores; "target" in it stands for the target's own (logit, probability,
        activation).
    needs: forward, activations or gradient: the most that the probe will be asked for.
    promises: of deterministic, completeness, sensitivity, symmetry, implementation invariance. The completeness gap of
        a method that promises completeness is measured for each answer.
    coordinates: input (scores in the input's shape) or layer ([N, height, width] of a layer's grid).
    uses_baseline, uses_layer: whether it looks at question.baselines, at question.layer.
    positive_part: pictures show what is above zero.
    catalogue: where it is added; by default where `pellucid.load` looks. A method of the same name that was written in
        Python is replaced.
    """
    if function is None:
        given = {key: value for key, value in locals().items() if key != "function"}
        return lambda function: method(function, **given)
    description = {
        "name": _name(name or function.__name__),
        "title": (name or function.__name__).replace("_", " ").capitalize(),
        "summary": _summary(function),
        "citation": citation,
        "unit": unit,
        "needs": needs,
        "promises": [promises] if isinstance(promises, str) else list(promises),
        "coordinates": coordinates,
        "uses_baseline": bool(uses_baseline),
        "uses_layer": bool(uses_layer),
        "positive_part": bool(positive_part),
        "options": _options(function),
    }
    if coordinates not in ("input", "layer"):
        raise Error(f'coordinates are "input" or "layer", not {coordinates!r}')
    return Method(function, description, catalogue or default_catalogue())


def forget(name: str, catalogue: Any = None) -> None:
    """Takes the method of that name, written in Python, out of the catalogue; requests that use it now keep it."""
    catalogue = catalogue or default_catalogue()
    if not catalogue.remove(name, None):
        raise Error(f'no method "{name}" was written in Python')
    _document_again(catalogue)


def _name(name):
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise Error(
            f'"{name}" is no name of a method', remedy="lower case letters, digits and underscores"
        )
    return name


def _summary(function):
    text = inspect.getdoc(function) or ""
    if not text.strip():
        raise Error(
            f"the method {function.__name__} has no docstring",
            remedy="its first line is the summary that lists show",
        )
    return text.strip().splitlines()[0]


def _options(function):
    """The keyword arguments as options of the tables."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < 2 or any(one.kind == one.VAR_POSITIONAL for one in parameters[:2]):
        raise Error(
            f"the method {function.__name__} must take (question, probe, *, options with defaults)"
        )
    hints = typing.get_type_hints(function, include_extras=True)
    said = dict(re.findall(r"^\s*(\w+): (.+)$", inspect.getdoc(function) or "", re.MULTILINE))
    return [
        _option(parameter, hints.get(parameter.name), said.get(parameter.name, ""))
        for parameter in parameters[2:]
    ]


def _option(parameter, hint, said):
    if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise Error("options of a method have names of their own", str(parameter))
    if parameter.default is parameter.empty:
        raise Error("an option of a method has a default", parameter.name, "give it one")
    hint, more = _without_extras(type(parameter.default) if hint is None else hint)
    kind, choices = _kind(hint)
    if kind is None:
        raise Error(
            f"{hint} is no type of an option",
            parameter.name,
            "there are bool, int, float, str, list[str], Literal of words, and these or None",
        )
    default = parameter.default
    if kind == "number" and default is not None:
        default = float(default)
    option = {
        "name": parameter.name,
        "help": more.help or said,
        "type": kind,
        "default": list(default) if kind == "list" else default,
        "least": more.least,
        "most": more.most,
        "choices": list(more.choices or choices) or None,
    }
    return {key: value for key, value in option.items() if value is not None or key == "default"}


def _without_extras(hint):
    """The plain type, and the Option beside it."""
    more = Option()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *extras = typing.get_args(hint)
        more = next((extra for extra in extras if isinstance(extra, Option)), more)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        plain = [one for one in typing.get_args(hint) if one is not types.NoneType]
        hint = plain[0] if len(plain) == 1 else hint
    return hint, more


def _kind(hint):
    """(the table's word for a type, its choices)."""
    if typing.get_origin(hint) is typing.Literal:
        words = typing.get_args(hint)
        return ("string", words) if all(isinstance(one, str) for one in words) else (None, ())
    if typing.get_origin(hint) in (list, tuple) or hint in (list, tuple):
        return "list", ()
    return _kinds.get(hint), ()


def _calling(function, description):
    """What the engine calls: plain parts in, plain parts out; the function's own exceptions say where they come from."""
    numbers = {option["name"] for option in description["options"] if option["type"] == "number"}

    def call(parts, asking, settings):
        given = {
            name: float(value) if name in numbers and value is not None else value
            for name, value in json.loads(settings).items()
        }
        question = Question._of(*parts)
        try:
            answer = function(question, Probe(asking, question), **given)
            return _plain(answer, question, description)
        except Error:
            raise
        except Exception as error:
            text = str(error).partition("\n")[0]
            name = type(error).__name__
            raise Error(f"{name}: {text}" if text else name, _where(error, function)) from error

    return call


def _where(error, function):
    """The deepest line of the method's own file that the exception came through."""
    file = function.__code__.co_filename
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    if not lines:
        return ""
    text = linecache.getline(file, lines[-1]).strip()
    return f"line {lines[-1]}" + (f": {text}" if text else "")


def _plain(answer, question, description):
    """(maps, checks per sample, notes) in types that the engine reads."""
    if not isinstance(answer, Attribution):
        answer = Attribution(answer)
    scores = answer.scores
    if not isinstance(scores, Mapping):
        scores = {_only_name(question, description["coordinates"]): scores}
    for name, tensor in scores.items():
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"scores are a tensor, not {type(tensor).__name__} ({name})")
    checks = list(answer.checks)
    samples = checks if checks and not isinstance(checks[0], Check) else [checks]
    return (
        [(str(name), tensor) for name, tensor in scores.items()],
        [[_check(check) for check in sample] for sample in samples],
        [str(note) for note in answer.notes],
    )


def _only_name(question, coordinates):
    if coordinates == "layer":
        if question.layer is None:
            raise ValueError("scores of a layer that the method chose: return {layer: scores}")
        return question.layer
    return question.only_attributable()


def _check(check):
    if check.verdict not in ("pass", "warn", "fail", "info"):
        raise ValueError(f"a verdict is pass, warn, fail or info, not {check.verdict!r}")
    numbers = [None if one is None else float(one) for one in (check.value, check.threshold)]
    return str(check.name), check.verdict, *numbers, str(check.words)


def _document_again(catalogue):
    """The docstrings of operations list the methods and their options."""
    from pellucid.model import document_again

    document_again(catalogue)
