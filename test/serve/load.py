"""Many clients at once, some of whom leave: what comes back, and how the server fares meanwhile."""

import contextlib
import json
import random
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

from program import CAT, answer  # noqa: E402
from served import picture  # noqa: E402

# Float32 sums in another order, relative to the largest value.
CLOSE = 1e-5

# Prints the longest time that an answer took, in seconds. A process of its own: the clients' threads share a lock that
# is not the server's.
WATCH_HEALTH = """
import http.client, sys, time
slowest, end = 0, time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
    connection.request("GET", "/v2/health/live")
    assert connection.getresponse().status == 200
    connection.close()
    slowest = max(slowest, time.monotonic() - start)
    time.sleep(0.05)
print(slowest)
"""


@dataclass
class Question:
    """A request, and the array that must come back."""

    path: str
    body: bytes
    output: str
    expected: np.ndarray

    def is_answered_by(self, data):
        outputs = {output["name"]: output for output in json.loads(data)["outputs"]}
        found = np.array(outputs[self.output]["data"], np.float32)
        expected = self.expected.ravel()
        return found.size == expected.size and np.allclose(
            found, expected, rtol=0, atol=CLOSE * np.abs(expected).max()
        )


def questions_about(model, folder, photo=CAT, threads="1"):
    """What the command line says of the photo: the outputs, and a Grad-CAM map."""
    out = ["--out", folder, "--threads", threads]
    [name] = [entry["name"] for entry in answer("inspect", model)["inputs"]]
    answer("predict", model, photo, *out)
    answer("explain", model, photo, "--method", "grad_cam", "--format", "npy", *out)
    inputs = [picture(photo, name)]
    url, stem = f"/v2/models/{Path(model).stem}", Path(photo).stem
    asked = [
        ("predict", "output", {"format": "npy"}),
        ("explain", "grad_cam", {"format": "npy", "method": "grad_cam"}),
    ]
    return [
        Question(
            f"{url}/{verb}",
            json.dumps({"inputs": inputs, "parameters": parameters}).encode(),
            f"0.{part}.npy",
            np.load(Path(folder) / f"{stem}.{part}.npy"),
        )
        for verb, part, parameters in asked
    ]


@dataclass
class Report:
    right: int = 0
    refused: int = 0  # 429, 503: they ask again
    left: int = 0
    wrong: list = field(default_factory=list)
    unanswered: list = field(default_factory=list)
    slowest_health: float = 0.0
    memory: list = field(default_factory=list)  # MiB, once a second


def resident(server):
    """MiB of the server's process."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the server has ended")


def send(server, question, timeout=60):
    """An open socket on which the request was sent whole."""
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
    head = f"POST {question.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    peer.sendall(f"{head}Content-Length: {len(question.body)}\r\n\r\n".encode() + question.body)
    return peer


def load(server, questions, seconds, staying, leaving, patience=120):
    """Clients that ask one question after the other, and others that leave in the middle."""
    report, lock, end = Report(), threading.Lock(), time.monotonic() + seconds

    def stay(seed):
        rng = random.Random(seed)
        connection = server.connect(patience)
        while time.monotonic() < end:
            question = rng.choice(questions)
            try:
                connection.request(
                    "POST", question.path, question.body, {"Content-Type": "application/json"}
                )
                response = connection.getresponse()
                data = response.read()
            except OSError as error:
                with lock:
                    report.unanswered.append(repr(error))
                connection = server.connect(patience)
                continue
            right = response.status == 200 and question.is_answered_by(data)
            with lock:
                if response.status in (429, 503):
                    report.refused += 1
                elif right:
                    report.right += 1
                else:
                    report.wrong.append((response.status, data[:300]))
        connection.close()

    def leave(seed):
        rng = random.Random(seed)
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                peer = send(server, rng.choice(questions), 5)
                time.sleep(rng.random() * 0.3)
                peer.close()
                with lock:
                    report.left += 1

    threads = [threading.Thread(target=stay, args=(seed,)) for seed in range(staying)]
    threads += [threading.Thread(target=leave, args=(seed,)) for seed in range(leaving)]
    for thread in threads:
        thread.start()
    command = [sys.executable, "-c", WATCH_HEALTH, str(server.port), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        while time.monotonic() < end:
            report.memory.append(resident(server))
            time.sleep(min(1, max(0.01, end - time.monotonic())))
        for thread in threads:
            thread.join()
        said = watch.stdout.read()
    report.slowest_health = float(said) if said else float("inf")
    return report
