"""One photo from a cold start: `pellucid explain` beside the same script with captum and pytorch-grad-cam.

Each is a new process that reads EfficientNet-Lite0 and the photo, names the top five and writes the overlay of Grad-CAM;
they take turns, two threads each. Pellucid starts from an empty cache, so that its gradient check is paid each time.
Prints a Markdown table.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

root = Path(__file__).resolve().parent.parent


def commands(model, photo, out):
    """Who, and what they run."""
    program = os.environ.get("PELLUCID_PROGRAM", str(root / "build" / "pellucid"))
    explain = [program, "explain", model, photo, "--threads", "2", "--format", "png", "--quiet"]
    script = [sys.executable, str(root / "bench" / "cold")]
    return {
        "pellucid": [*explain, "--out", f"{out}/pellucid"],
        "captum": [script[0], f"{script[1]}/captum_grad_cam.py", photo, f"{out}/captum.png"],
        "pytorch-grad-cam": [script[0], f"{script[1]}/pytorch_grad_cam.py", photo, f"{out}/cam.png"],
    }


def seconds(command):
    # The model is untouched by what a user has in caches; the disk's cache is warm for all.
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "XDG_CACHE_HOME": cache, "MPLCONFIGDIR": f"{cache}/../matplotlib"},
        )
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="starts of each; the median counts")
    asked = parser.parse_args()
    model = root / "build" / "demo" / "efficientnet_lite0.pt2"
    photo = root / "examples" / "chelsea.png"
    if not model.exists():
        model.parent.mkdir(parents=True, exist_ok=True)
        export = [sys.executable, "-m", "pellucid.export", "efficientnet-lite0", str(model)]
        path = {**os.environ, "PYTHONPATH": str(root / "python")}
        subprocess.run([*export, "--photo", str(photo)], check=True, env=path)
    with tempfile.TemporaryDirectory() as out:
        contestants = commands(str(model), str(photo), out)
        for command in contestants.values():
            seconds(command)  # the disk's cache is filled
        times = {who: [] for who in contestants}
        for _ in range(asked.rounds):
            for who, command in contestants.items():
                times[who].append(seconds(command))
    own = statistics.median(times["pellucid"])
    print("| cold Grad-CAM of one photo | s | x pellucid |\n| --- | ---: | ---: |")
    for who, values in times.items():
        median = statistics.median(values)
        print(f"| {who} | {median:.2f} | {median / own:.1f} |")


if __name__ == "__main__":
    main()
