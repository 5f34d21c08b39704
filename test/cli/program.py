"""The program under test, run as a user runs it."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "test" / "fixtures" / "models"
PHOTOS = ROOT / "examples"
CNN = MODELS / "cnn_module.pt2"
LINEAR = MODELS / "linear.pt2"
CAT = PHOTOS / "chelsea.png"
PROGRAM = Path(os.environ.get("PELLUCID_PROGRAM", ROOT / "build" / "pellucid"))


def pellucid(*words, cwd=None, stdin=None, env=None, timeout=120):
    return subprocess.run(
        [str(PROGRAM), *map(str, words)],
        cwd=cwd,
        stdin=stdin,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def answer(*words, **how):
    """The document of a command that must succeed."""
    done = pellucid(*words, "--json", **how)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def one_line(done):
    """An error: one line on stderr, nothing on stdout."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("pellucid: "), done.stderr
    return done.stderr
