"""The server beside the engine it serves, and beside pytorch-grad-cam behind uvicorn: EfficientNet-Lite0, two threads.

One run; what is compared takes turns. The photo is 224 pixels wide and high, a JPEG in base64, as a browser sends it.
Clients are processes of their own that wait for each answer before they ask again. Prints a Markdown table.
"""

import argparse
import base64
import io
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

root = Path(__file__).resolve().parent.parent
model = root / "build" / "demo" / "efficientnet_lite0.pt2"
name = "inputs"

# One client: asks for so many seconds, prints how many answers it got, all of them right.
CLIENT = """
import http.client, json, sys, threading, time
port, path, clients, seconds, status = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), 200
body = sys.stdin.buffer.read()
counts = [0] * clients
end = time.monotonic() + seconds
def ask(i):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while time.monotonic() < end:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        assert response.status == 200, data[:300]
        counts[i] += time.monotonic() < end
threads = [threading.Thread(target=ask, args=(i,)) for i in range(clients)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(counts))
"""


def small_photo():
    from PIL import Image

    with Image.open(root / "examples" / "chelsea.png") as picture:
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.convert("RGB").crop((left, top, left + side, top + side))
        data = io.BytesIO()
        square.resize((224, 224), Image.Resampling.BICUBIC).save(data, "jpeg", quality=90)
    return data.getvalue()


def v2(photo, **parameters):
    data = base64.b64encode(photo).decode()
    tensor = {"name": name, "shape": [1], "datatype": "BYTES", "data": [data]}
    return json.dumps({"inputs": [tensor], "parameters": parameters}).encode()


def started(command, pattern, stream="stdout", environment=None):
    """A server, and the port that it says."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, stream: subprocess.PIPE}
    process = subprocess.Popen(list(map(str, command)), text=True, env=environment, **streams)
    for line in getattr(process, stream):
        if found := re.search(pattern, line):
            return process, int(found[1])
    raise SystemExit(f"{command} did not start")


def rate(port, path, body, clients, seconds):
    """Answers in a second, to clients that ask at once."""
    command = [sys.executable, "-c", CLIENT, str(port), path, str(clients), str(seconds)]
    done = subprocess.run(command, input=body, capture_output=True, check=True)
    return int(done.stdout) / seconds


def engine_rate(engine, question, seconds):
    """Samples in a second, asked 16 at a time."""
    engine(question)
    count, spent, end = 0, 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        spent += engine(question) / 1000
        count += 16
    return count / spent


def latencies(port, engine, photo, body, rounds):
    """Milliseconds of one photo: predict over HTTP and in the library, and explain (which predicts, too) over HTTP."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def asked(path, data):
        start = time.perf_counter()
        connection.request("POST", path, data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read()
        assert response.status == 200, said[:300]
        return (time.perf_counter() - start) * 1000

    predict, explain = f"/v2/models/{model.stem}/predict", f"/v2/models/{model.stem}/explain"
    alone, with_map = body(format="npy"), body(format="npy", method="grad_cam")
    asking = [
        ("server", lambda: asked(predict, alone)),
        ("library", lambda: engine(f"predict {photo}")),
        ("with Grad-CAM", lambda: asked(explain, with_map)),
    ]
    times = {who: [] for who, _ in asking}
    for i in range(rounds + 3):
        # Who has just computed leaves threads that spin for a while: everybody comes after everybody.
        order = asking if i % 2 else asking[::-1]
        for who, ask in order[i % 3 :] + order[: i % 3]:
            milliseconds = ask()
            if i >= 3:
                times[who].append(milliseconds)
    return {who: statistics.median(values) for who, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="single requests of each kind")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement under load")
    parser.add_argument("--turns", type=int, default=2, help="of those under load")
    parser.add_argument("--program", default=str(root / "build" / "pellucid"))
    parser.add_argument("--engine", default=str(root / "build" / "engine_bench"))
    asked = parser.parse_args()
    sys.path[:0] = [str(root / "bench"), str(root / "test" / "sweeps")]
    import numpy as np
    from cold import settings
    from load import demo_model

    from bench import Engine

    demo_model()
    photo = small_photo()
    rows, processes = [], []
    with tempfile.TemporaryDirectory() as folder:
        try:
            batch = f"{folder}/batch.npy"
            rng = np.random.default_rng(0)
            np.save(batch, rng.normal(size=(16, 3, 224, 224)).astype(np.float32))
            serve = [asked.program, "serve", model, "--port", "0", "--threads", "2"]
            server, port = started(serve, r"http://\S+:(\d+)")
            processes.append(server)
            engine = Engine(asked.engine, str(model), batch)
            processes.append(engine.process)
            Path(f"{folder}/photo.jpg").write_bytes(photo)
            one = latencies(
                port, engine, f"{folder}/photo.jpg", lambda **p: v2(photo, **p), asked.rounds
            )
            over = one["server"] - one["library"]
            rows.append(("predict of one photo, library", f"{one['library']:.1f} ms", "", ""))
            rows.append(
                (
                    "predict of one photo, server",
                    f"{one['server']:.1f} ms",
                    f"{over:+.1f} ms",
                    "10 / 3 ms",
                )
            )
            ratio = one["with Grad-CAM"] / one["server"]
            rows.append(
                (
                    "with Grad-CAM, server",
                    f"{one['with Grad-CAM']:.1f} ms",
                    f"{ratio:.2f}x",
                    "1.3 / 1.1x",
                )
            )

            peer, peer_port = started(
                [sys.executable, root / "bench" / "cold" / "behind_uvicorn.py"],
                r"http://\S+:(\d+)",
                "stderr",
                settings(),
            )
            processes.append(peer)
            bodies = {
                "predict": (port, f"/v2/models/{model.stem}/predict", v2(photo, format="npy")),
                "grad_cam": (
                    port,
                    f"/v2/models/{model.stem}/explain",
                    v2(photo, format="npy", method="grad_cam"),
                ),
                "peer": (peer_port, "/explain", photo),
            }
            for where, path, body in bodies.values():
                rate(where, path, body, 16, 3)
            # The same work without a server, and the model's alone.
            own = {"engine": f"predict {folder}/photo.jpg 16", "tensors": "output"}
            rates = {who: [] for who in [*own, *bodies]}
            for _ in range(asked.turns):
                for who, question in own.items():
                    rates[who].append(engine_rate(engine, question, asked.seconds / 2))
                for who, (where, path, body) in bodies.items():
                    rates[who].append(rate(where, path, body, 16, asked.seconds))
            mean = {who: statistics.mean(values) for who, values in rates.items()}
        finally:
            for process in processes:
                process.kill()
    rows.append(("engine alone, tensors in batches of 16", f"{mean['tensors']:.1f} /s", "", ""))
    rows.append(("predict by the library, 16 photos a call", f"{mean['engine']:.1f} /s", "", ""))
    share = mean["predict"] / mean["engine"]
    rows.append(
        ("predict, 16 clients", f"{mean['predict']:.1f} /s", f"{share:.2f}x", "0.85 / 0.95x")
    )
    rows.append(
        (
            "Grad-CAM by pytorch-grad-cam behind uvicorn, 16 clients",
            f"{mean['peer']:.1f} /s",
            "",
            "",
        )
    )
    share = mean["grad_cam"] / mean["peer"]
    rows.append(("Grad-CAM, 16 clients", f"{mean['grad_cam']:.1f} /s", f"{share:.2f}x", "2 / 4x"))
    print("| EfficientNet-Lite0, 224 px | | over the line above | floor / aim |")
    print("| --- | ---: | ---: | ---: |")
    for row in rows:
        print("| {} | {} | {} | {} |".format(*row))


if __name__ == "__main__":
    main()
