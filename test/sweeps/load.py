"""64 clients at once against EfficientNet-Lite0, half of whom leave: every answer, health, memory."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "test" / "serve"), str(root / "test" / "cli")]


def demo_model():
    """The network of ./dev demo, exported unless it is there."""
    model = root / "build" / "demo" / "efficientnet_lite0.pt2"
    if not model.exists():
        model.parent.mkdir(parents=True, exist_ok=True)
        export = [sys.executable, "-m", "pellucid.export", "efficientnet-lite0", str(model)]
        photo = ["--photo", str(root / "examples" / "chelsea.png")]
        path = {**os.environ, "PYTHONPATH": str(root / "python")}
        subprocess.run([*export, *photo], check=True, env=path)
    return model


def problems(report):
    found = [f"wrong: {report.wrong[0]}"] if report.wrong else []
    if report.unanswered:
        found.append(f"{len(report.unanswered)} without an answer: {report.unanswered[0]}")
    if report.right < 64:
        found.append(f"only {report.right} answers")
    if report.slowest_health > 1:
        found.append(f"health took {report.slowest_health:.2f} s")
    # What the first half took is what so many clients need; the second must not need more.
    half = len(report.memory) // 2
    first, second = max(report.memory[:half]), max(report.memory[half:])
    if second > 1.1 * first + 32:
        found.append(f"memory went from {first:.0f} to {second:.0f} MiB")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="the folder of the report")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=64, help="half of them leave")
    parser.add_argument("--threads", default="2", help="the engine's")
    asked = parser.parse_args()
    from load import load, questions_about
    from served import Server

    model = demo_model()
    with tempfile.TemporaryDirectory() as folder:
        questions = questions_about(model, folder, threads=asked.threads)
    server = Server("--threads", asked.threads, models=[model])
    try:
        staying = asked.clients // 2
        report = load(server, questions, asked.seconds, staying, asked.clients - staying)
        metrics = server.ask("GET", "/metrics")[1].decode()
    finally:
        server.kill()
    state = Path(asked.state)
    state.mkdir(parents=True, exist_ok=True)
    (state / "report.json").write_text(json.dumps(vars(report), default=repr, indent=1))
    (state / "metrics.txt").write_text(metrics)
    found = problems(report)
    print(
        f"{report.right} right answers, {len(report.wrong)} wrong, {len(report.unanswered)} lost, {report.refused} refused, "
        f"{report.left} left; health within {report.slowest_health:.2f} s; memory up to {max(report.memory):.0f} MiB"
    )
    for problem in found:
        print(f"FAILED: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
