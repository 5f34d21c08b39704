"""A running server, and how to ask it with nothing but the standard library."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "cli")]

from program import CAT, CNN, LINEAR, MODELS, PROGRAM  # noqa: E402

SLOW = {
    "method": "integrated_gradients",
    "settings": {"n_steps": 100000, "quadrature": "trapezoid"},
    "chunk": 1,
    "format": "npy",
}


class Server:
    def __init__(
        self,
        *words,
        models=(CNN, LINEAR, MODELS / "image_and_vector.pt2"),
        log=None,
        environment=None,
    ):
        command = [PROGRAM, "serve", *models, "--port", "0", "--threads", "1", *words]
        # A file, not a pipe: of a pipe that nobody reads lines are lost.
        self.log = tempfile.TemporaryFile("w+") if log is None else None
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=self.log or log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        )
        said = self.process.stdout.readline()
        found = re.search(r"http://\S+:(\d+)", said)
        assert found, said + "\n".join(self.lines() if self.log else [])
        self.port = int(found[1])

    def lines(self):
        self.log.flush()
        return os.pread(self.log.fileno(), 1 << 28, 0).decode().splitlines()

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=60):
        """(status, document, headers); the document is bytes where it is no JSON."""
        connection = self.connect(timeout)
        try:
            headers = dict(headers or {})
            if isinstance(body, dict):
                body = json.dumps(body)
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            data = response.read()
            is_json = response.getheader("Content-Type", "").startswith("application/json")
            document = json.loads(data) if is_json and data else data
            return response.status, document, dict(response.getheaders())
        finally:
            connection.close()

    def post(self, path, **body):
        """The document of a request that must succeed."""
        status, document, _ = self.ask("POST", path, body)
        assert status == 200, document
        return document

    def error(self, path, body, headers=None):
        """Status and error of a request that must fail."""
        return self.error_of("POST", path, body, headers)

    def error_of(self, method, path, body=None, headers=None):
        status, document, _ = self.ask(method, path, body, headers)
        assert status >= 400, document
        assert set(document["error"]) <= {"what", "where", "what_to_do"}
        return status, document["error"]

    def gauge(self, name):
        text = self.ask("GET", "/metrics")[1].decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def stop(self, signal_=signal.SIGTERM, timeout=60):
        self.process.send_signal(signal_)
        return self.process.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def encoded(path):
    return base64.b64encode(Path(path).read_bytes()).decode()


def picture(path=CAT, name="x"):
    return {"name": name, "shape": [1], "datatype": "BYTES", "data": [encoded(path)]}


def tensor(array, name="x"):
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": "FP32",
        "data": array.ravel().tolist(),
    }
