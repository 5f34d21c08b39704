"""What /openapi.json allows and forbids, asked by schemathesis: right requests, wrong ones, other methods."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

from served import CNN, LINEAR, PROGRAM, Server  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

# No schema says which outputs an answer has, or how long a tensor of a shape is: what fits the schema may still be
# refused.
UNDECIDED = "positive_data_acceptance"


def test_the_server_keeps_what_its_description_promises(tmp_path):
    schemathesis = Path(sys.executable).parent / "schemathesis"
    server = Server(models=(CNN, LINEAR))
    try:
        command = [schemathesis, "run", f"http://127.0.0.1:{server.port}/openapi.json"]
        bounds = ["--phases", "coverage,fuzzing", "--max-examples", "3", "--max-time", "30"]
        same = ["--generation-deterministic", "--no-shrink", "--no-color"]
        checks = ["--checks", "all", "--exclude-checks", UNDECIDED]
        done = subprocess.run(
            list(map(str, [*command, *bounds, *same, *checks])),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        # It met the operations, and not only their absence.
        text = server.ask("GET", "/metrics")[1].decode()
        assert 'route="/v2/models/{model}/{operation}",method="POST",status="4xx"' in text
        assert server.process.poll() is None
    finally:
        server.kill()
