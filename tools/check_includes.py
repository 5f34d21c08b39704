"""Holds the direction of data: a folder of pellucid/ includes only itself and folders above it.

Also: a source's first include is its own header, a collected folder holds only entries and table.h,
headers are guarded, LibTorch is included narrowly, and nothing is used that clang 14 cannot compile.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The layers of ARCHITECTURE.md, from the top: what each folder may include beside itself.
BASE = ["base"]
GRAPH = [*BASE, "graph"]
RUN = [*GRAPH, "run"]
MODEL = [*RUN, "input", "model"]
FORMATS = [*MODEL, "formats"]
EXPLAIN = [*MODEL, "explain"]
REPORT = [*EXPLAIN, "render", "report"]
OPERATION = [*FORMATS, *REPORT, "segmenters", "methods", "metrics", "operation"]
MAY_INCLUDE = {
    "base": [],
    "graph": BASE,
    "run": GRAPH,
    "input": BASE,
    "model": [*RUN, "input"],
    "formats": MODEL,
    "explain": MODEL,
    "segmenters": EXPLAIN,
    "methods": EXPLAIN,
    "metrics": EXPLAIN,
    "render": [*BASE, "input"],
    "report": [*EXPLAIN, "render"],
    "operation": [*FORMATS, *REPORT, "segmenters", "methods", "metrics"],
    "operations": OPERATION,
    "serve": OPERATION,
}
COLLECTED = {"segmenters", "methods", "metrics", "formats", "operations"}
# A format may be large enough for several files, which then lie in a folder of its name.
WIDE = re.compile(r"<(torch/torch\.h|torch/all\.h|ATen/ATen\.h|ATen/Functions\.h)>")
NOT_IN_CLANG_14 = re.compile(r"\bstd::(ranges::)?views?::|\bstd::source_location\b|\bstd::format\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])')


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in names.splitlines() if (ROOT / name).is_file()]


def includes_of(text: str) -> list[tuple[int, str]]:
    lines = enumerate(text.splitlines(), 1)
    return [(number, found[1]) for number, line in lines if (found := INCLUDE.match(line))]


def check_layer(path: Path, number: int, target: str) -> str | None:
    if not target.startswith('"'):
        return None
    if path.parts[0] != "pellucid":
        name = target.strip('"')
        if (ROOT / name).is_file() or (ROOT / path.parent / name).is_file():
            return None
        return f"{path}:{number}: no file {target}, neither from the root nor beside"
    if not target.startswith('"pellucid/'):
        return f"{path}:{number}: write the whole path, as in pellucid/base/error.h: {target}"
    folder, other = path.parts[1], target.strip('"').split("/")[1]
    if other != folder and other not in MAY_INCLUDE.get(folder, []):
        return f"{path}:{number}: {folder}/ may not include {target}: data flows downwards only"
    return None


def check_file(path: Path) -> list[str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    includes = includes_of(text)
    errors = []
    for number, target in includes:
        if error := check_layer(path, number, target):
            errors.append(error)
        if WIDE.match(target):
            errors.append(f"{path}:{number}: {target} is too wide; include ATen/ops/NAME.h")
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        if found := NOT_IN_CLANG_14.search(code):
            errors.append(f"{path}:{number}: {found[0]} does not compile with clang 14")
    if path.suffix == ".h" and "#pragma once" not in text:
        errors.append(f"{path}:1: no #pragma once")
    own = path.with_suffix(".h")
    if path.suffix == ".cpp" and path.parts[0] == "pellucid" and (ROOT / own).is_file():
        if not includes or includes[0][1] != f'"{own}"':
            errors.append(f'{path}:1: the first include must be its own header, "{own}"')
    if path.parts[0] == "pellucid" and path.parts[1] in COLLECTED and len(path.parts) == 3:
        errors += check_entry(path, text)
    return errors


def check_entry(path: Path, text: str) -> list[str]:
    """Every source of a collected folder defines the value that bears its name."""
    if path.suffix == ".h":
        owned = path.name in ("table.h", CONTRACTS.get(path.parts[1]))
        return [] if owned else [f"{path}:1: shared code does not live in a collected folder"]
    if re.search(rf"extern\s+constinit\s+const\s+\w+\s+{path.stem}\b", text):
        return []
    return [f"{path}:1: an entry defines `extern constinit const TYPE {path.stem}`"]


# The contract that the entries of a folder fulfil, where it lies beside them.
CONTRACTS = {"formats": "format.h"}


def main() -> int:
    errors = []
    for path in tracked("*.cpp", "*.h"):
        if path.parts[0] == "pellucid" and len(path.parts) > 2 and path.parts[1] not in MAY_INCLUDE:
            errors.append(
                f"{path}:1: the folder has no place in the layers of {Path(__file__).name}"
            )
            continue
        errors += check_file(path)
    print("\n".join(errors), end="\n" if errors else "", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
