"""clang-tidy over the sources of a build tree, in parallel, remembering what was fine.

A file is looked at again when it, a header of ours that it includes (also indirectly), .clang-tidy or the
compiler's words for it have changed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def closure(path: Path) -> set[Path]:
    """The file and all headers of this repository that it includes."""
    seen, waiting = set(), [path]
    while waiting:
        one = waiting.pop()
        if one in seen or not one.is_file():
            continue
        seen.add(one)
        waiting += [ROOT / name for name in INCLUDE.findall(one.read_text(encoding="utf-8"))]
    return seen


def key(path: Path, command: str, version: str) -> str:
    digest = hashlib.sha256((version + command).encode())
    digest.update((ROOT / ".clang-tidy").read_bytes())
    for one in sorted(closure(path)):
        digest.update(one.read_bytes())
    return digest.hexdigest()


def look_at(path: Path, tree: Path, stamp: Path) -> tuple[Path, str]:
    run = ["clang-tidy", "-p", str(tree), "--quiet", str(path)]
    done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode == 0:
        stamp.touch()
        return path, ""
    return path, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path, help="a build tree configured with clang")
    parser.add_argument("files", nargs="*", type=Path, help="only these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    words = parser.parse_args()
    tree = words.tree.resolve()
    stamps = tree / "tidy"
    stamps.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True).stdout
    only = {file.resolve() for file in words.files}

    todo = []
    for entry in json.loads((tree / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if tree in path.parents or (only and path not in only):
            continue
        stamp = stamps / key(path, entry["command"], version)
        if not stamp.exists():
            todo.append((path, stamp))
    if only and not todo:
        print("clang-tidy: nothing new to look at in the files named")
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(words.jobs) as pool:
        runs = [pool.submit(look_at, path, tree, stamp) for path, stamp in todo]
        for number, done in enumerate(concurrent.futures.as_completed(runs), 1):
            path, output = done.result()
            print(f"[{number}/{len(runs)}] {path.relative_to(ROOT)}", file=sys.stderr)
            if output:
                bad += 1
                print(output)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
