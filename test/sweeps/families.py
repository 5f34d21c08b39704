"""Every network family of torchvision and timm, each form against eager PyTorch; writes docs/zoo.md."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "test" / "zoo")]

longest = 900  # seconds for one network in one form


def ask(name, form):
    """What families.py says of it; a program that ends badly is an answer, too."""
    command = [sys.executable, str(root / "test" / "zoo" / "families.py"), name, form]
    environment = {**os.environ, "PYTHONPATH": str(root / "python")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=longest, env=environment
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer within {longest} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    said = (done.stderr.strip().splitlines() or ["no word"])[-1]
    return {"unbuilt" if done.returncode == 1 else "failed": said[:300]}


def mark(found, problems):
    if "unbuilt" in found:
        return "not built: " + found["unbuilt"]
    if "refused" in found:
        return "not exported: " + found["refused"]
    if problems:
        return "**" + "; ".join(problems) + "**"
    return f"equal ({found['output']:.0e}, {found['gradient']:.6f}), {found['batching']}"


def table(done, forms, problems_of):
    """docs/zoo.md: the shares first, then a line for each network."""
    lines = [
        "# The zoo",
        "",
        "Made by `./dev sweep families`; each network with random weights that mean something.",
        "",
    ]
    for form in forms:
        of_form = [entry["found"] for key, entry in done.items() if key.endswith(" " + form)]
        offered = [found for found in of_form if "unbuilt" not in found and "refused" not in found]
        equal = sum(not problems_of(found) for found in offered)
        if offered:
            lines.append(
                f"- `{form}`: {equal} of {len(offered)} exported networks open with equal outputs and gradients "
                f"({100 * equal / len(offered):.1f} %); {len(of_form) - len(offered)} could not be built or exported."
            )
    lines += [
        "",
        "| network | form | result (output's distance, gradient's correlation; batch) | Grad-CAM's layer |",
    ]
    lines.append("| --- | --- | --- | --- |")
    for key, entry in sorted(done.items()):
        name, form = key.rsplit(" ", 1)
        found = entry["found"]
        layer = found.get("cam") or found.get("cam_refused", "")
        grid = " × ".join(map(str, found.get("cam_grid", [])))
        cells = (name, form, mark(found, entry["problems"]), f"{layer} {grid}".strip())
        lines.append(
            "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="the folder of what is done")
    parser.add_argument("--again", action="store_true", help="also what passed before")
    parser.add_argument("--form", action="append", help="only these forms")
    parser.add_argument("names", nargs="*", metavar="NAME")
    words = parser.parse_args()
    import families

    record = Path(words.state) / "found.json"
    done = json.loads(record.read_text()) if record.exists() else {}
    todo = [(n, f) for n in words.names or families.names() for f in words.form or families.forms]
    for number, (name, form) in enumerate(todo, 1):
        key = f"{name} {form}"
        if key in done and not done[key]["problems"] and not words.again:
            continue
        start = time.monotonic()
        found = ask(name, form)
        problems = [] if "unbuilt" in found else families.problems(found)
        done[key] = {
            "found": found,
            "problems": problems,
            "seconds": round(time.monotonic() - start, 1),
        }
        record.write_text(json.dumps(done, indent=1))
        print(
            f"{number} of {len(todo)}: {key}: {mark(found, problems)} ({done[key]['seconds']} s)",
            flush=True,
        )
    (root / "docs" / "zoo.md").write_text(table(done, families.forms, families.problems))
    return 1 if any(entry["problems"] for entry in done.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
