"""One photo from a cold start: `pellucid explain` beside the same script with captum and pytorch-grad-cam.

Each is a new process that reads EfficientNet-Lite0 and the photo, names the top five and writes the overlay of Grad-CAM;
they take turns, two threads each. Pellucid starts from an empty cache: it answers, and then checks the gradient.
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
        "captum": [script[0], f"{script[1]}/with_captum.py", photo, f"{out}/captum.png"],
        "pytorch-grad-cam": [
            script[0],
            f"{script[1]}/with_pytorch_grad_cam.py",
            photo,
            f"{out}/cam.png",
        ],
    }


def settings():
    """What all contestants find in their environment."""
    found = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True)
    return os.environ | ({"TORCHVISION_LACKS_OPERATORS": "1"} if found.returncode else {})


def seconds(command, environment):
    """Until the line with the answer, whose picture lies on the disk by then, and until the end."""
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env=environment | {"XDG_CACHE_HOME": cache}
        ) as process:
            answered = 0.0
            for line in process.stdout:
                if b"282" in line and not answered:  # the tiger cat
                    answered = time.perf_counter() - start
        if process.returncode or not answered:
            raise SystemExit(f"{command} failed")
        return answered, time.perf_counter() - start


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
        environment = settings() | {"MPLCONFIGDIR": f"{out}/matplotlib"}
        for command in contestants.values():
            seconds(command, environment)  # the disk's cache is filled
        times = {who: [] for who in contestants}
        for _ in range(asked.rounds):
            for who, command in contestants.items():
                times[who].append(seconds(command, environment))
    print("| cold Grad-CAM of one photo | answer, s | x pellucid | end, s | x pellucid |")
    print("| --- | ---: | ---: | ---: | ---: |")
    medians = {
        who: [statistics.median(column) for column in zip(*values, strict=True)]
        for who, values in times.items()
    }
    for who, (answer, end) in medians.items():
        own_answer, own_end = medians["pellucid"]
        print(
            f"| {who} | {answer:.2f} | {answer / own_answer:.1f} | {end:.2f} | {end / own_end:.1f} |"
        )


if __name__ == "__main__":
    main()
