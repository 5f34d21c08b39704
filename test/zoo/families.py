"""One network of the broad zoo against eager PyTorch, in some forms; prints a line of JSON for each form.

    PYTHONPATH=python python test/zoo/families.py NAME [FORM]...

NAME: of `names()`, every classification, segmentation and video network of torchvision and one of each of timm's
families ("timm:NAME"). FORM: a format and how it was exported, of `forms`. Weights are random, drawn so that the
network answers something; inputs are as small as the network takes.
"""

import argparse
import contextlib
import functools
import json
import os
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "python"), str(root / "test" / "zoo")]

from forms import export, first_line, forms  # noqa: E402
from pellucid.exporting.torchvision_shim import import_torchvision  # noqa: E402

import pellucid  # noqa: E402

sides = (96, 128, 224, 256, 299, 384)
small_words = "test femto pico nano atto tiny xxs xs small _s s0 18 22 b0 26 base".split()
attempts = 3
least_spread = 1e-3  # of the answers to two inputs, relative to the largest
quick = 2e11  # parameters by places of the input: the engine's own check takes seconds
widest = 200_000_000  # parameters that float64 is taken for


def names():
    """A member of every family first, the smallest of torchvision's; what differs by its size comes last."""
    models = import_torchvision().models
    own = [
        name
        for module in (models, models.segmentation, models.video)
        for name in models.list_models(module=module)
    ]
    sizes = {name: next(iter(models.get_model_weights(name))).meta["num_params"] for name in own}
    own.sort(key=sizes.get)
    first = {}
    for name in own:
        first.setdefault(models.get_model_builder(name).__module__, name)
    rest = [name for name in own if name not in first.values()]
    return [*first.values(), *timm_names(), *rest]


def timm_names():
    """One of each family: the first whose name says that it is small."""
    import_torchvision()
    import timm

    chosen = []
    for family in timm.list_modules():
        members = timm.list_models(module=family)
        if not members:
            continue
        rank = {
            name: next((i for i, word in enumerate(small_words) if word in name), len(small_words))
            for name in members
        }
        chosen.append("timm:" + min(members, key=lambda name: (rank[name], len(name))))
    return chosen


def build(name):
    torch.manual_seed(0)
    models = import_torchvision().models  # timm imports it, too
    if name.startswith("timm:"):
        import timm

        return timm.create_model(name.removeprefix("timm:"), pretrained=False).eval()
    words = {"weights": None}
    if name in models.list_models(module=models.segmentation):
        words["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        words |= {"init_weights": False}
    return models.get_model(name, **words).eval()


def shapes_of(name):
    models = import_torchvision().models
    if name in models.list_models(module=models.video):
        return [(3, 8, 64, 64), (3, 16, 112, 112), (3, 16, 224, 224)]
    shapes = [(3, side, side) for side in sides]
    if name.startswith("timm:"):
        import timm

        # What it was made for, where none of these fits.
        shapes.append(timm.get_pretrained_cfg(name.removeprefix("timm:")).input_size)
    return shapes


def first_tensor(output):
    """The answer itself: of a dictionary or a tuple its first tensor."""
    if isinstance(output, torch.Tensor):
        return output
    parts = output.values() if isinstance(output, dict) else output
    return next(first_tensor(part) for part in parts if part is not None)


def inputs_for(name, model):
    """Two distinct samples of the smallest shape that the network takes."""
    refused = None
    for shape in shapes_of(name):
        x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(7))
        try:
            with torch.no_grad():
                first_tensor(model(x))
            return x
        except Exception as error:  # a network says in its own way that a side does not fit
            refused = error
    raise ValueError(f"it takes no input of these sizes: {refused}")


def give_weights_meaning(model, x):
    """As they are initialised many networks answer nothing: norms get the statistics of noise, zeros a value."""
    torch.manual_seed(20)
    norms = [
        m
        for m in model.modules()
        if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.running_mean is not None
    ]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        if norms:
            model(torch.randn(4, *x.shape[1:]))
        model.eval()
        for parameter_name, parameter in model.named_parameters():
            scale = re.search(r"gamma|layer_scale|ls\d?\.|scale$", parameter_name)
            if scale and parameter.abs().max() < 0.05:
                parameter.fill_(0.3)
            elif parameter.dim() > 1 and parameter.abs().max() == 0:
                nn.init.normal_(parameter, 0, 0.02)
        heads = [m for m in model.modules() if isinstance(m, nn.Linear)]
        if heads:
            nn.init.normal_(heads[-1].weight, 0, 0.02)
    for parameter in model.parameters():
        parameter.requires_grad_(False)


def ask_eager(model, x, asked, dtype):
    """Output and gradient of eager PyTorch in that precision, and what was asked; what is likeliest if nothing is."""
    model.to(dtype)
    leaf = x.to(dtype).requires_grad_()
    output = first_tensor(model(leaf))
    asked = asked or likeliest(output.detach())
    index, mask = asked
    scores = output[:, index] if mask is None else output[:, index] * mask
    (found,) = torch.autograd.grad(scores.sum(), leaf)
    model.float()
    return output.detach().double(), found.double(), asked


def likeliest(output):
    """The first sample's class; of a dense output the class that both samples have most places of, and these."""
    if output.dim() == 2:
        return int(output[0].argmax()), None
    classes = output.argmax(1) if output.shape[1] > 1 else (output[:, 0] <= 0).long()
    areas = torch.stack(
        [torch.bincount(one.flatten(), minlength=output.shape[1]) for one in classes]
    )
    index = int(areas.min(0).values.argmax())
    return index, classes == index


class Network:
    """A network with its input, and what eager PyTorch says of both."""

    def __init__(self, name):
        self.name = name
        self.model = build(name)
        x = inputs_for(name, self.model)
        give_weights_meaning(self.model, x)
        self.shape = x.shape
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())

    def x(self, attempt):
        return torch.randn(self.shape, generator=torch.Generator().manual_seed(7 + attempt))

    def share_gradient_check(self, fingerprint, folder):
        """The engine's own check takes 18 runs in float64. Here the gradient is compared all the same: the first form
        of a small network has it, the others take over its result, those of a large one a linear network's."""
        checks = Path(os.environ["XDG_CACHE_HOME"]) / "pellucid" / "gradient"
        if not checks.exists() and self.parameters * self.shape[2:].numel() < quick:
            return
        if not checks.exists():
            path, x = folder / "linear.pt2", torch.randn(1, 2)
            torch.export.save(torch.export.export(nn.Linear(2, 2), (x,)), path)
            pellucid.load(str(path)).explain(x, method="saliency", target="0")
        first = next(checks.iterdir())
        (checks / first.name.replace(first.stem, fingerprint)).write_bytes(first.read_bytes())

    @functools.cache  # noqa: B019
    def answers(self, attempt, dtype):
        place = None if dtype == torch.float32 else self.answers(attempt, torch.float32)[2]
        return ask_eager(self.model, self.x(attempt), place, dtype)


def distance(a, b):
    return float((a.double() - b).abs().max() / b.abs().max())


def correlation(a, b):
    a, b = (array.double().flatten().numpy() for array in (a, b))
    return float(np.corrcoef(a, b)[0, 1])


def compare(network, form, folder):
    """What happened, by its names in docs/zoo.md; `refused` where the exporter took the network for none."""
    found = {"parameters": network.parameters, "input": list(network.shape[1:])}
    try:
        # Exporters print what they do.
        with contextlib.redirect_stdout(sys.stderr):
            path, said = export(network.model, network.x(0), form, folder)
    except Exception as error:
        return found | {"refused": first_line(error)}
    found |= said
    try:
        start = time.monotonic()
        opened = pellucid.load(str(path), trust=True)
        network.share_gradient_check(opened.fingerprint, folder)
        found["opened"] = round(time.monotonic() - start, 2)
        # A unit that float32 puts on the other side of its kink is a coincidence of the input.
        for attempt in range(attempts):
            found |= measure(opened, network, attempt)
            if not problems(found):
                break
        found |= look(opened, network.x(attempt), found.pop("target"))
    except Exception as error:
        found["failed"] = first_line(error).replace(f"{folder}/", "")
    for made in folder.iterdir():
        made.unlink()
    return found


def measure(opened, network, attempt):
    """Outputs and gradients of both. Where they differ float64 tells what float32 itself costs this network."""
    x = network.x(attempt)
    rounded = network.answers(attempt, torch.float32)
    index, mask = rounded[2]
    output = first_tensor(opened.run(x))
    target = str(index) if mask is None else f"{index}@self"
    said = opened.explain(x, method="saliency", absolute=False, target=target)
    provenance = said.provenance[0]
    found = {
        "target": target,
        "gradient_check": (provenance.get("gradient_check") or {}).get("error"),
        "batching": provenance["cost"]["batching"],
    }
    found |= figures(output, said.values, rounded, rounded)
    if problems(found) and network.parameters <= widest:
        found |= figures(output, said.values, rounded, network.answers(attempt, torch.float64))
    return found


def figures(output, gradient, rounded, exact):
    """How far ours and eager PyTorch's own float32 are from what is taken for true."""
    return {
        "spread": distance(exact[0][:1], exact[0][1:]),
        "output": distance(output, exact[0]),
        "output_eager": distance(rounded[0], exact[0]),
        "gradient": correlation(gradient, exact[1]),
        "gradient_eager": correlation(rounded[1], exact[1]),
        "gradient_size": float(gradient.double().abs().sum() / exact[1].abs().sum()),
        "gradient_largest": float(exact[1].abs().max()),
    }


def look(opened, x, target):
    """The layer that Grad-CAM takes by itself."""
    try:
        seen = opened.explain(x, method="grad_cam", target=target)
    except Exception as error:
        return {"cam_refused": first_line(error)}
    return {
        "cam": seen.document["answers"][0]["maps"][0]["name"],
        "cam_grid": list(seen.values.shape[1:]),
    }


def problems(found):
    """What is wrong. Equal is what compare.py calls equal, or no further from float64 than twice what eager PyTorch's
    own float32 is: of a network that magnifies rounding nobody can ask more."""
    if "unbuilt" in found or "refused" in found:
        return []
    if "failed" in found:
        return [found["failed"]]
    wrong = []
    if not found["spread"] > least_spread:
        wrong.append(f"two inputs get the same answer ({found['spread']:.1e}): nothing is compared")
    if not found["output"] <= max(1e-4, 2 * found["output_eager"]):
        wrong.append(
            f"the output differs by {found['output']:.1e}, eager's by {found['output_eager']:.1e}"
        )
    if found["gradient_largest"] > 0:
        if not 1 - found["gradient"] <= max(1e-4, 2 * (1 - found["gradient_eager"])):
            wrong.append(
                f"the gradient correlates by {found['gradient']:.5f}, eager's by {found['gradient_eager']:.5f}"
            )
        if not abs(found["gradient_size"] - 1) <= 0.01:
            wrong.append(f"the gradient is {found['gradient_size']:.3f} times as large")
    return wrong


def of(name, wanted, folder):
    """Yields each form with what was found of it."""
    warnings.simplefilter("ignore")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    files = folder / "files"
    files.mkdir()
    try:
        network = Network(name)
    except Exception as error:
        for form in wanted:
            yield form, {"unbuilt": first_line(error)}
        return
    for form in wanted:
        yield form, compare(network, form, files)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("form", nargs="*", metavar="FORM")
    words = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        for form, found in of(words.name, words.form or forms, Path(folder)):
            print(json.dumps({form: found, "problems": problems(found)}), flush=True)


if __name__ == "__main__":
    main()
