"""Exports networks of torchvision and timm with weights that mean something, and EfficientNet-Lite0 with its real ones.

    PYTHONPATH=python python test/zoo/make_zoo.py NAME... --out build/zoo [--fixed]

As they are initialised, many networks answer nothing: ViT-B/16 exactly 0, EfficientNet-B0 1e-14, Inception 1e12. So
batch norms are calibrated on noise, heads are drawn from N(0, .02), and the export is refused unless two inputs give
different answers and the gradient is not zero.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from torch import nn

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "python")]

from pellucid.export import export  # noqa: E402
from pellucid.exporting import named_models, preprocessing  # noqa: E402

names = (
    "resnet50",
    "vgg16",
    "densenet121",
    "inception_v3",
    "efficientnet_b0",
    "mobilenet_v3_large",
    "convnext_tiny",
    "vit_b_16",
    "swin_t",
    "efficientnet-lite0",
)
# Small ones for every run of the tests: a ResNet, a token model, and real weights.
quick = ("resnet18", "vit_tiny_patch16_224", "efficientnet-lite0")
photo = root / "examples" / "chelsea.png"


def build(name):
    """The NamedModel, calibrated and in evaluation mode."""
    named = named_models.load(name)
    if named.weights == "random":
        torch.manual_seed(20)
        calibrate(named.model, named.input_shape)
        draw_head(named.model)
    named.model.eval()
    return named


def calibrate(model, shape):
    """Sets every batch norm's statistics to those of noise, and every layer scale to a size at which blocks count."""
    model.eval()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average of all batches
        norm.train()
    with torch.no_grad():
        if norms:
            model(torch.randn(8, *shape[1:]))
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("layer_scale"):
                parameter.fill_(0.3)


def draw_head(model):
    head = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    nn.init.normal_(head.weight, 0, 0.02)
    nn.init.normal_(head.bias, 0, 0.02)


def input_of(named):
    """The photo as the network would get it."""
    made = preprocessing.of(named.preprocessing)
    return made.transform(preprocessing.open_photo(photo))[None]


def assert_meaningful(name, model, x):
    probe = x.clone().requires_grad_()
    output = model(torch.cat([probe, x.flip(-1) * 0.5]))
    difference = (output[0] - output[1]).abs().max().item()
    (gradient,) = torch.autograd.grad(output[0].max(), probe)
    size = gradient.abs().max().item()
    if not (output.isfinite().all() and difference > 1e-3 and size > 1e-7):
        raise SystemExit(
            f"{name}: outputs differ by {difference}, the gradient is at most {size}: it proves nothing"
        )


def make(name, out, fixed=False):
    """Writes OUT/NAME.dynamic.pt2 or OUT/NAME.fixed.pt2 and returns its path."""
    named = build(name)
    x = input_of(named)
    assert_meaningful(name, named.model, x)
    path = Path(out) / f"{named.name}.{'fixed' if fixed else 'dynamic'}.pt2"
    export(
        named.model,
        x,
        path,
        preprocessing=named.preprocessing,
        labels=named.labels,
        output_kind=named.output_kind,
        name=named.name,
        photo=photo,
        dynamic_batch=not fixed,
        weights=named.weights,
    )
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all by default"
    )
    parser.add_argument("--out", default="build/zoo")
    parser.add_argument("--fixed", action="store_true", help="with a batch of 1")
    words = parser.parse_args()
    for name in words.names or names:
        start = time.monotonic()
        path = make(name, words.out, words.fixed)
        print(
            f"{path}: {path.stat().st_size / 2**20:.0f} MiB in {time.monotonic() - start:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
