"""Refuses what no file should hold: a home folder's path, a merge mark, a pickle. Lists long sources."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONG = 400
LARGE = 2_000_000
FORBIDDEN = {
    # /home/me and the like are nobody's: tests of what is done to such paths may use them.
    "a home folder's path": re.compile(
        rb"(?<![\w.~$}/])/(home|root|Users)/(?!(me|you|user|someone)\b)[\w.-]+"
    ),
    "a merge mark": re.compile(rb"^(<{7} |>{7} )", re.MULTILINE),
}
SOURCES = {".cpp", ".h", ".py", ".sh", ".cmake"}


def main() -> int:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    errors, notes = [], []
    for name in sorted(listed.decode().split("\0")):
        path = ROOT / name
        if not name or not path.is_file() or path == Path(__file__):
            continue
        data = path.read_bytes()
        if len(data) > LARGE:
            errors.append(
                f"{name}: {len(data)} bytes; a file of the repository has at most {LARGE}"
            )
        if path.suffix in (".pkl", ".pickle", ".pth"):
            errors.append(f"{name}: pickles are not kept here")
        if b"\0" in data[:8000]:
            continue
        for what, pattern in FORBIDDEN.items():
            if found := pattern.search(data):
                line = data.count(b"\n", 0, found.start()) + 1
                errors.append(f"{name}:{line}: {what}: {found[0].decode(errors='replace')}")
        lines = data.count(b"\n")
        if path.suffix in SOURCES and lines > LONG:
            notes.append(f"{name}: {lines} lines; over {LONG} it is better cut in two")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
