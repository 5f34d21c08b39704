"""A type checker understands the package: its stubs and annotations, as somebody's program uses them."""

import os
import re
import subprocess
import sys
from pathlib import Path

TYPED = Path(__file__).parent / "typed"


def test_a_type_checker_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", TYPED / "mypy.ini", TYPED / "use.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(TYPED.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    refused = {int(line) for line in re.findall(r"use\.py:(\d+): error", done.stdout)}
    lines = (TYPED / "use.py").read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert len(wrong) == 5
    assert refused == wrong, done.stdout + done.stderr
    assert f"Found {len(wrong)} errors in 1 file" in done.stdout, "the stubs themselves are fine"
