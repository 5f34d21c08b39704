"""Operations as Python functions: names, signatures and docstrings from the tables, one body for all."""

import inspect
import json
import os

import torch

from pellucid.answers import answer_of
from pellucid.engine import native
from pellucid.inputs import file_of, given_inputs, plain_number
from pellucid.python_methods import Method

_types = {"boolean": bool, "integer": int, "number": float, "string": str}
_taken = {
    "boolean": "True or False",
    "integer": "an integer",
    "number": "a number",
    "string": "a word",
    "list": "a word, an integer or a list of these",
}


def function_of(entry, methods, catalogue):
    """The function of an operation; its first parameter is the model, if it is about one."""
    options = {option["name"]: option for option in entry["options"]}

    def call(*words, progress=None, **given):
        words = list(words)
        model = words.pop(0) if entry["of_model"] else None
        if entry["writes"]:
            out = words.pop(0) if words else given.pop("path", None)
            if not isinstance(out, (str, os.PathLike)):
                raise TypeError(f"{entry['name']}() needs the path of the file that it makes")
        inputs = words.pop(0) if entry["inputs"] != "none" and words else None
        if entry["bare_word"] and words:
            given[entry["bare_word"]] = words.pop(0)
        if words:
            raise TypeError(f"{entry['name']}() takes options by name: one value is too many")
        wanted, settings, files = _sorted(entry, options, given, model)
        unwanted = _add_arrays(entry, options, wanted)
        outcome = native.perform(
            catalogue,
            entry["name"],
            model._opened() if model is not None else None,
            json.dumps(wanted),
            json.dumps(settings),
            given_inputs(inputs) if inputs is not None else [],
            files,
            progress,
            os.fspath(out) if entry["writes"] else None,
        )
        return answer_of(outcome, unwanted, stacklevel=3)

    call.__name__ = entry["name"]
    call.__qualname__ = f"Model.{entry['name']}" if entry["of_model"] else entry["name"]
    call.__doc__ = docstring(entry, methods)
    call.__signature__ = signature(entry)
    return call


def _sorted(entry, options, given, model):
    """What was given as (options, settings of methods, files that options name)."""
    wanted, settings, files = {}, {}, {}
    for name, value in given.items():
        value = plain_number(value)
        if value is None:
            continue
        if name in options:
            wanted[name] = _option_value(options[name], value, files, model)
        elif not entry["takes_settings"]:
            wanted[name] = _setting(name, value)  # the engine knows no such option, and says so
        elif name == "settings":
            settings.update(_setting(name, value))
        else:
            settings[name] = _setting(name, value)
    return wanted, settings, files


def _option_value(option, value, files, model):
    name, kind = option["name"], option["type"]
    if kind == "list" and isinstance(value, (list, tuple)):
        return [_word(option, each, model) for each in value]
    may_be_file = "FILE" in option.get("value_name", "")
    if may_be_file and not isinstance(value, (str, int, os.PathLike)):
        # A file that an option names may be a tensor, an array or a picture here.
        file, data = file_of(value, name)
        files[file] = data
        return file
    if kind in ("list", "string"):
        return _word(option, value, model)
    if not isinstance(value, (str, int, float)):
        raise _not_taken(option, value)
    return value


def _word(option, value, model):
    value = plain_number(value)
    if isinstance(value, Method):
        return value.name
    if isinstance(value, torch.nn.Module) and option["name"] == "layer" and model is not None:
        return model.layer_name(value)
    if isinstance(value, (str, int, os.PathLike)):
        return str(value)
    raise _not_taken(option, value)


def _not_taken(option, value):
    taken = _taken[option["type"]]
    if option["name"] == "layer":
        taken += "; of a module that was loaded live, its submodules as well"
    return TypeError(f"{option['name']}: takes {taken}, not {type(value).__name__}")


def _setting(name, value):
    """A method's setting, or those of one method by name, as JSON has them."""
    value = plain_number(value)
    if isinstance(value, dict):
        return {key: _setting(f"{name}.{key}", each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_setting(name, each) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{name}: takes a number or a word, not {type(value).__name__}")


def _add_arrays(entry, options, wanted):
    """`values` needs the arrays, whatever was asked for; returns what `save` then leaves out."""
    if "npy" not in entry["formats"] or "format" not in wanted:
        return []
    formats = wanted["format"]
    formats = (
        formats if isinstance(formats, list) else [word.strip() for word in formats.split(",")]
    )
    wanted["format"] = [*formats, *({"npy"} - set(formats))]
    return [] if "npy" in formats else ["npy"]


def signature(entry):
    parameters = []
    if entry["of_model"]:
        parameters.append(inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY))
    if entry["writes"]:
        parameters.append(
            inspect.Parameter(
                "path", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=str | os.PathLike
            )
        )
    if entry["inputs"] != "none":
        default = inspect.Parameter.empty if entry["inputs"] == "required" else None
        parameters.append(
            inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY, default=default)
        )
    for option in entry["options"]:
        bare = option["name"] == entry["bare_word"]
        parameters.append(
            inspect.Parameter(
                option["name"],
                inspect.Parameter.POSITIONAL_OR_KEYWORD if bare else inspect.Parameter.KEYWORD_ONLY,
                default=option.get("default"),
                annotation=annotation(option),
            )
        )
    parameters.sort(key=lambda parameter: parameter.kind)
    parameters.append(inspect.Parameter("progress", inspect.Parameter.KEYWORD_ONLY, default=None))
    if entry["takes_settings"]:
        parameters.append(inspect.Parameter("settings", inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def annotation(option):
    kind = str | list[str] if option["type"] == "list" else _types[option["type"]]
    return kind | None if option.get("default") is None else kind


def docstring(entry, methods):
    lines = [entry["summary"]]
    if entry["details"]:
        lines += ["", entry["details"]]
    if entry["options"]:
        lines.append("")
    lines += [described(option) for option in entry["options"]]
    if entry["takes_settings"]:
        lines += ["", "Settings of the methods, by name or as METHOD={name: value}:"]
        for method in methods.values():
            lines.append(f"    {method['name']}: {method['summary']}")
            lines += [f"        {described(option)}" for option in method["options"]]
    return "\n".join(lines)


def described(option):
    bounds = ""
    if option.get("choices"):
        bounds = f" One of {', '.join(map(str, option['choices']))}."
    return f"{option['name']}: {option['help']}{bounds} Default: {option.get('default')!r}."
