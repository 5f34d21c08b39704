"""What eager PyTorch says of a network of the zoo: output, input gradient, integrated gradients.

    PYTHONPATH=python python test/zoo/oracle.py NAME... --out build/zoo

writes OUT/NAME.input.npy, .output.npy, .saliency.npy and .integrated_gradients.npy. The target is the top class.
The gradient is taken in float64 on the input twice in a batch, because the batch-norm backward of torch 2.13 can be
wrong at batch 1; integrated gradients in float32, in batches of more than one.
"""

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import make_zoo  # noqa: E402

steps = 20
parts = ("input", "output", "saliency", "integrated_gradients")


def gradient(model, x, target):
    x = x.detach().clone().requires_grad_()
    (found,) = torch.autograd.grad(model(x)[:, target].sum(), x)
    return found


def integrated_gradients(model, x, target, batch=4):
    """Gauss–Legendre from a zero baseline."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    points = torch.tensor((points + 1) / 2, dtype=x.dtype)
    weights = torch.tensor(weights / 2, dtype=torch.float64)
    total = torch.zeros(x.shape[1:], dtype=torch.float64)
    for some, factors in zip(points.split(batch), weights.split(batch), strict=False):
        gradients = gradient(model, some[:, None, None, None] * x, target).double()
        total += (gradients * factors[:, None, None, None]).sum(0)
    return total[None] * x


def ask(name):
    """The four arrays by part."""
    named = make_zoo.build(name)
    model = named.model
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    x = make_zoo.input_of(named)
    with torch.no_grad():
        output = model(x)
    target = output[0].argmax().item()
    exact = copy.deepcopy(model).double()
    saliency = gradient(exact, torch.cat([x, x]).double(), target)[:1]
    answers = (x, output, saliency, integrated_gradients(model, x, target))
    return named.name, {
        part: answer.float().numpy() for part, answer in zip(parts, answers, strict=False)
    }


def write(name, out):
    stem, answers = ask(name)
    Path(out).mkdir(parents=True, exist_ok=True)
    for part, array in answers.items():
        np.save(Path(out) / f"{stem}.{part}.npy", array)
    return stem


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of the zoo by default")
    parser.add_argument("--out", default="build/zoo")
    words = parser.parse_args()
    for name in words.names or make_zoo.names:
        print(write(name, words.out), flush=True)


if __name__ == "__main__":
    main()
