"""Every network family of torchvision and timm, each form against eager PyTorch; writes docs/zoo.md.

Each network has a process of its own, forked of one that has imported all. What is found is kept after every form, and
a further run goes on from there: it asks again only what was wrong.
"""

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "test" / "zoo")]

import families  # noqa: E402

longest = 900  # seconds for one network in one form

titles = {
    "pt2.dynamic": ".pt2",
    "pt2.fixed": ".pt2, batch 1",
    "torchscript.dynamic": "trace, batch 2",
    "torchscript.fixed": "trace, batch 1",
    "torchscript.scripted": "script",
    "onnx.dynamic": "ONNX",
    "onnx.fixed": "ONNX, batch 1",
}
# What floors and aims of the share there are.
wanted = {"pt2": (99, 100), "torchscript": (97, 99), "onnx": (93, 98)}
batches = {
    "as it is": "yes",
    "verified": "yes, lifted",
    "vmap": "yes, by vmap",
    "loop": "yes, one by one",
}


def readable():
    """The forms whose format the engine has a reader of; asked of the program, so that nothing runs here yet."""
    program = os.environ.get("PELLUCID_PROGRAM", root / "build" / "pellucid")
    said = subprocess.run([program, "formats"], capture_output=True, text=True, check=True).stdout
    endings = {"pt2": ".pt2", "torchscript": ".pt", "onnx": ".onnx"}
    return [form for form in families.forms if endings[form.split(".")[0]] in said.split()]


def in_child(name, forms, pipe):
    """Writes a line for each form; never returns."""
    status = 1
    try:
        with (
            os.fdopen(pipe, "w") as lines,
            tempfile.TemporaryDirectory(prefix="pellucid-zoo-") as folder,
        ):
            families.torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
            for form, found in families.of(name, forms, Path(folder)):
                print(json.dumps([form, found, families.problems(found)]), file=lines, flush=True)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def ask(name, forms):
    """Yields (form, found, problems, seconds); where the process ends badly, what ended it is what was found."""
    forms = list(forms)
    while forms:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            in_child(name, forms, writer)
        os.close(writer)
        with os.fdopen(reader) as lines:
            start = time.monotonic()
            while forms and select.select([lines], [], [], longest)[0]:
                line = lines.readline()
                if not line:
                    break
                form, found, problems = json.loads(line)
                forms.remove(form)
                yield form, found, problems, time.monotonic() - start
                start = time.monotonic()
        late = time.monotonic() - start >= longest
        if late:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if forms:
            code = os.waitstatus_to_exitcode(status)
            said = f"no answer within {longest} s" if late else f"the process ended with {code}"
            yield forms.pop(0), {"failed": said}, [said], time.monotonic() - start


def cell(found, problems, notes):
    """A word or two; a number in brackets is a note's."""
    for kind in ("unbuilt", "refused"):
        if kind in found:
            return f"– {note(found[kind], notes)}"
    if problems:
        return f"**no** {note('; '.join(problems), notes)}"
    older = "†" if found.get("exporter") == "older" else ""
    return batches.get(found["batching"], found["batching"]) + older


def note(text, notes):
    """Equal reasons share a note."""
    text = " ".join(text.replace("|", "/").split())
    return f"[{notes.setdefault(text, len(notes) + 1)}]"


def layer(entries):
    """Grad-CAM's own layer and its grid; several where the forms differ."""
    told = {}
    for form, entry in entries.items():
        found = entry["found"]
        if "cam" in found:
            grid = "×".join(map(str, found["cam_grid"]))
            told.setdefault(f"{found['cam']} {grid}", []).append(form.split(".")[0])
        elif "cam_refused" in found:
            told.setdefault("none", []).append(form.split(".")[0])
    if len(told) <= 1:
        return next(iter(told), "")
    return "; ".join(f"{what} ({', '.join(dict.fromkeys(of))})" for what, of in told.items())


def shares(done, forms):
    lines = [
        "| form | exported | equal | share | floor, aim | not exported or built |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for form in forms:
        of_form = [entry for key, entry in done.items() if key.endswith(" " + form)]
        offered = [e for e in of_form if not {"unbuilt", "refused"} & e["found"].keys()]
        equal = sum(not e["problems"] for e in offered)
        if offered:
            floor, aim = wanted[form.split(".")[0]]
            lines.append(
                f"| {titles[form]} ({families.forms[form]}) | {len(offered)} | {equal} | "
                f"{100 * equal / len(offered):.1f} % | {floor} %, {aim} % | {len(of_form) - len(offered)} |"
            )
    return lines


introduction = """# Does my network work?

Every classification, segmentation and video network of torchvision and one of each of timm's families: each is
exported, opened, and asked for two samples, and the raw output and the gradient of a class at the input are compared
with eager PyTorch's. `./dev sweep families` does it and writes this page; it goes on where it was stopped.
{made}

| in a cell | means |
| --- | --- |
| yes | the file opens, and output and gradient equal eager PyTorch's, for any batch |
| yes, lifted | the same, of a program that was made for one sample: it was verified, on distinct samples, that it answers a batch as it answers each alone |
| yes, by vmap | such a program runs under functorch's vmap for a batch |
| yes, one by one | such a program runs once for each sample of a batch |
| **no** | something differs, or there is no answer; the number is that of a note below |
| – | PyTorch's exporter, or the network itself, refuses |
| † | made by the older of torch's two ONNX exporters, because the newer refuses |
| (empty) | not asked yet |

Equal: the output is off by at most 1e-4 of its largest number, the gradient correlates by at least 0.9999 and has the
same size within 1 %. Where float32 itself costs a network more, float64 is the measure, and ours may be off by twice
what eager PyTorch's float32 is. Weights are random, drawn so that two inputs get different answers. Inputs are as
small as a network takes, so that Grad-CAM's grid (the last column: the layer it takes by itself) is smaller than yours
will be; where it takes none, name a layer. Of films it takes none, because their places have a time, too.
"""


def versions(done):
    told = []
    for name in ("torch", "torchvision", "timm", "onnx", "onnxscript"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            told.append(f"{name} {importlib.metadata.version(name)}")
    asked = len({key.rsplit(" ", 1)[0] for key in done})
    return (
        f"Made on {datetime.date.today().isoformat()} with {', '.join(told)}; "
        f"{asked} of {len(families.names())} networks were asked so far."
    )


def document(done):
    """docs/zoo.md: the shares first, then a line for each network."""
    forms = [form for form in families.forms if any(key.endswith(" " + form) for key in done)]
    notes = {}
    rows = {}
    for key, entry in done.items():
        name, form = key.rsplit(" ", 1)
        rows.setdefault(name, {})[form] = entry
    lines = [introduction.format(made=versions(done)), "## Shares", "", *shares(done, forms), ""]
    for title, chosen in (
        ("torchvision", [name for name in rows if ":" not in name]),
        ("timm, one of each family", [name for name in rows if ":" in name]),
    ):
        heads = ["network", "M parameters", "input", *(titles[form] for form in forms)]
        heads.append("Grad-CAM's layer and grid")
        lines += [f"## {title}", "", row(heads), row(["---"] * len(heads))]
        for name in sorted(chosen):
            entries = rows[name]
            first = next(iter(entries.values()))["found"]
            cells = [name.removeprefix("timm:")]
            cells.append(f"{first['parameters'] / 1e6:.1f}" if "parameters" in first else "")
            cells.append("×".join(map(str, first.get("input", []))))
            for form in forms:
                entry = entries.get(form)
                cells.append(cell(entry["found"], entry["problems"], notes) if entry else "")
            lines.append(row([*cells, layer(entries)]))
        lines.append("")
    lines += ["## Notes", ""]
    lines += [f"{number}. {text}" for text, number in notes.items()]
    return "\n".join(lines) + "\n"


def write_document(done):
    (root / "docs" / "zoo.md").write_text(document(done))


def row(cells):
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", required=True, help="the folder of what is done")
    parser.add_argument("--again", action="store_true", help="also what passed before")
    parser.add_argument("--new", action="store_true", help="only what was never asked")
    parser.add_argument("--document", action="store_true", help="only write docs/zoo.md anew")
    parser.add_argument("--form", action="append", choices=families.forms, help="only these forms")
    parser.add_argument("names", nargs="*", metavar="NAME")
    words = parser.parse_args()
    record = Path(words.state) / "found.json"
    done = json.loads(record.read_text()) if record.exists() else {}
    if words.document:
        write_document(done)
        return 0
    names = words.names or families.names()
    forms = words.form or readable()

    def stands(key):
        return key in done and (words.new or (not done[key]["problems"] and not words.again))

    todo = {n: [f for f in forms if not stands(f"{n} {f}")] for n in names}
    total, asked, began = sum(map(len, todo.values())), 0, time.monotonic()
    print(f"{total} to ask, {len(names) * len(forms) - total} known", flush=True)
    for name, of_name in todo.items():
        for form, found, problems, seconds in ask(name, of_name):
            done[f"{name} {form}"] = {
                "found": found,
                "problems": problems,
                "seconds": round(seconds, 1),
            }
            fresh = record.with_suffix(".new")
            fresh.write_text(json.dumps(done, indent=1))
            fresh.replace(record)
            asked += 1
            left = (time.monotonic() - began) / asked * (total - asked) / 60
            notes = {}
            said = cell(found, problems, notes) + " " + " ".join(notes)
            print(
                f"{asked} of {total} (about {left:.0f} min left): {name} {form}: {said} ({seconds:.0f} s)",
                flush=True,
            )
    write_document(done)
    wrong = sum(bool(entry["problems"]) for entry in done.values())
    print(f"docs/zoo.md is written; {wrong} of {len(done)} are wrong", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
