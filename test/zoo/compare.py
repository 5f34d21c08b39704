"""Runs the program on a network of the zoo and compares it with eager PyTorch; files are kept between runs."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here)]

import make_zoo  # noqa: E402
import oracle  # noqa: E402

largest_output_difference = 1e-4  # relative to the largest output; float32 sums in another order
smallest_correlation = 0.9999


def program():
    return Path(os.environ.get("PELLUCID_PROGRAM", make_zoo.root / "build" / "pellucid"))


def cache():
    return Path(os.environ.get("PELLUCID_ZOO", make_zoo.root / "build" / "zoo"))


def _stamp():
    """Files of an earlier exporter or oracle are not used."""
    sources = sorted([*here.glob("*.py"), *(make_zoo.root / "python" / "pellucid").rglob("*.py")])
    digest = hashlib.sha256()
    for source in sources:
        if source.name not in ("compare.py", "test_zoo.py"):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def prepare(name, fixed):
    """The model file and the stem of the oracle's files, made where they are missing."""
    folder = cache() / _stamp()
    stem = name.replace("-", "_")
    model = folder / f"{stem}.{'fixed' if fixed else 'dynamic'}.pt2"
    if not all((folder / f"{stem}.{part}.npy").exists() for part in oracle.parts):
        oracle.write(name, folder)
    if not model.exists():
        make_zoo.make(name, folder, fixed)
    return model, folder / stem


def run(*words):
    done = subprocess.run([str(program()), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(
            f"pellucid {' '.join(map(str, words))}\nexit {done.returncode}\n{done.stderr[-2000:]}"
        )
    return done


def relative_difference(ours, theirs):
    return float(np.abs(ours.astype(np.float64) - theirs).max() / np.abs(theirs).max())


def correlation(ours, theirs):
    ours, theirs = (array.astype(np.float64).ravel() for array in (ours, theirs))
    return float(np.corrcoef(ours, theirs)[0, 1])


def compare(name, fixed, out):
    """The three figures by name; what the program wrote lies in `out`."""
    model, expected = prepare(name, fixed)
    picture = f"{expected}.input.npy"
    stem = Path(picture).stem
    run("predict", model, picture, "--out", out, "--format", "npy")
    run(
        "explain",
        model,
        picture,
        "--out",
        out,
        "--format",
        "npy",
        "--method",
        "saliency,integrated_gradients",
        "--set",
        "saliency.absolute=false",
        "--set",
        f"integrated_gradients.n_steps={oracle.steps}",
    )
    figures = {}
    for part in oracle.parts[1:]:
        ours, theirs = np.load(Path(out) / f"{stem}.{part}.npy"), np.load(f"{expected}.{part}.npy")
        if ours.shape != theirs.shape:
            raise AssertionError(f"{name}: {part} has shape {ours.shape}, not {theirs.shape}")
        figures[part] = (
            relative_difference(ours, theirs) if part == "output" else correlation(ours, theirs)
        )
        if part != "output":
            # A correlation would not see a wrong factor.
            figures[f"{part}_size"] = float(np.abs(ours).sum() / np.abs(theirs).sum())
    return figures


def problems(figures):
    found = []
    if not figures["output"] <= largest_output_difference:
        found.append(
            f"the output differs by {figures['output']:.2e}, at most {largest_output_difference:.0e}"
        )
    for part in oracle.parts[2:]:
        if not figures[part] >= smallest_correlation:
            found.append(
                f"{part} correlates by {figures[part]:.6f}, at least {smallest_correlation}"
            )
        if not abs(figures[f"{part}_size"] - 1) <= 0.01:
            found.append(f"{part} is {figures[f'{part}_size']:.4f} times as large")
    return found
