"""Speed beside captum and pytorch-grad-cam: one run, calls taken in turns, ratios of medians.

1x is one plain eager inference forward of the same network, batch 1, two threads. Every peer gets its best settings: no
parameter gradients where it can do without, captum's quickest batch size, channels as they are. Prints a Markdown table.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root / "python"), str(root / "test" / "zoo")]

import compare  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

networks = ["resnet50", "vit_b_16", "mobilenet_v3_large"]


class Engine:
    """The native side, one process per network."""

    def __init__(self, program, model, data):
        self.process = subprocess.Popen(
            [program, model, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def timed(call, warm=False):
    """Milliseconds. The other process has run in between: the caches are filled by one call before it."""
    if warm:
        call()
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def peers(name, model, data, target, steps):
    """The contestants by task: {task: {who: call}}; each call returns nothing."""
    from captum.attr import IntegratedGradients, Saliency
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    def forward():
        with torch.inference_mode():
            model(data)

    tokens = name.startswith("vit")
    if tokens:
        layer = model.encoder.layers[-1].ln_1
    else:
        layer = model.layer4[-1] if name.startswith("resnet") else model.features[-1]

    def to_grid(tensor):
        side = round((tensor.shape[1] - 1) ** 0.5)
        return tensor[:, 1:].reshape(len(tensor), side, side, -1).permute(0, 3, 1, 2)

    cam = GradCAM(model, [layer], reshape_transform=to_grid if tokens else None)
    targets = [ClassifierOutputTarget(target)]

    def cam_as_called():
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        cam(input_tensor=data, targets=targets)

    def cam_frozen():
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        cam(input_tensor=data.clone().requires_grad_(), targets=targets)

    def saliency():
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        Saliency(model).attribute(data.clone().requires_grad_(), target=target)

    def integrated(batch):
        def call():
            for parameter in model.parameters():
                parameter.requires_grad_(False)
            method = IntegratedGradients(model)
            method.attribute(data, target=target, n_steps=steps, internal_batch_size=batch)

        return call

    return {
        "output": {"eager": forward},
        "saliency": {"captum": saliency},
        "grad_cam": {
            "pytorch-grad-cam as called": cam_as_called,
            "pytorch-grad-cam, weights frozen": cam_frozen,
        },
        "integrated_gradients": {f"captum, batch {b}": integrated(b) for b in (1, 5, 10)},
    }


def measure(name, program, rounds, steps, tasks):
    path, stem = compare.prepare(name, False)
    model = compare.make_zoo.build(name).model
    data = torch.from_numpy(np.load(f"{stem}.input.npy"))[:1].contiguous()
    with torch.inference_mode():
        target = int(model(data)[0].argmax())
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, data.numpy())
        engine = Engine(program, str(path), file.name)
        everyone = peers(name, model, data, target, steps)
        for task, calls in everyone.items():
            if tasks and task not in tasks:
                continue
            many = task == "integrated_gradients"
            if many:  # the peer's best batch size is found first; ours is what the engine chooses
                once = {who: timed(call) for who, call in calls.items()}
                best = min(once, key=once.get)
                calls = {best: calls[best]}
            times = {who: [] for who in ["unit", *calls, "pellucid"]}
            for _ in range(max(3, rounds // 5) if many else rounds):
                times["unit"].append(timed(everyone["output"]["eager"], warm=True))
                for who, call in calls.items():
                    times[who].append(timed(call, warm=not many))
                command = f"{task} {steps} 0" if many else task
                if not many:
                    engine(command)
                times["pellucid"].append(engine(command))
            unit = statistics.median(times.pop("unit"))
            own = statistics.median(times["pellucid"])
            for who, values in times.items():
                median = statistics.median(values)
                yield name, task, who, median, median / unit, median / own
        engine.process.stdin.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=networks)
    parser.add_argument("--rounds", type=int, default=15, help="calls of each; the median counts")
    parser.add_argument("--steps", type=int, default=50, help="of integrated gradients")
    parser.add_argument("--task", action="append", help="only this one; may be repeated")
    parser.add_argument("--program", default=str(root / "build" / "engine_bench"))
    asked = parser.parse_args()
    torch.set_num_threads(2)
    print("| network | task | who | ms | x forward | x pellucid |")
    print("| --- | --- | --- | ---: | ---: | ---: |", flush=True)
    for name in asked.networks or networks:
        for row in measure(name, asked.program, asked.rounds, asked.steps, asked.task):
            print("| {} | {} | {} | {:.1f} | {:.2f} | {:.2f} |".format(*row), flush=True)


if __name__ == "__main__":
    main()
