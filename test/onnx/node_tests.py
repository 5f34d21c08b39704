"""ONNX's own backend tests: each node test's model is loaded and run by the engine, its answers compared.

    python test/onnx/node_tests.py [FILTER] [--all]

prints the cases that do not pass, with the reason, and the share that passes; fails where they are not those of
not_passed.txt. Cases about strings, sequences, optional values, numbers of four bits or eight-bit floats, and training
are told apart by their types and are not counted.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTED = {
    *("FLOAT", "FLOAT16", "DOUBLE", "BOOL"),
    *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
}


def type_names(model):
    """The kinds of values that go in and out."""
    from onnx import TensorProto

    names = set()
    for value in [*model.graph.input, *model.graph.output]:
        kind = value.type.WhichOneof("value")
        tensor = kind == "tensor_type"
        names.add(TensorProto.DataType.Name(value.type.tensor_type.elem_type) if tensor else kind)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype", "output_dtype", "softmax_precision"):
                names.add(TensorProto.DataType.Name(attribute.i))
    return names


# Inputs that a model in use has as constants: sizes, axes, scales. Whole numbers of at most one dimension are, too.
CONSTANTS = {
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "Dropout": (1, 2),
    "Pad": (2,),
    "If": (0,),
    "Loop": (0, 1),
    "Range": (0, 1, 2),
    "OneHot": (1,),
    "Clip": (1, 2),
    "MelWeightMatrix": (0, 1, 2, 3, 4),
}


def with_constants(model, values):
    """The model with such inputs as initialisers, or None where it has none."""
    from onnx import ModelProto, numpy_helper

    wanted = set()
    for node in model.graph.node:
        wanted |= {node.input[i] for i in CONSTANTS.get(node.op_type, ()) if i < len(node.input)}
    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.input[:]
    for value, data in zip(model.graph.input, values, strict=True):
        small = getattr(data, "ndim", 2) <= 1 and getattr(data, "dtype", None) in ("int64", "int32")
        if hasattr(data, "dtype") and (value.name in wanted or small):
            made.graph.initializer.append(numpy_helper.from_array(data, value.name))
        else:
            made.graph.input.append(value)
    return made if len(made.graph.initializer) > len(model.graph.initializer) else None


def write_cases(folder: Path) -> None:
    """Writes every case once; generating them takes longer than running them."""
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.loader import load_model_tests

    warnings.simplefilter("ignore")
    about = {}
    for case in load_model_tests(kind="node"):
        place = folder / case.name
        place.mkdir(parents=True, exist_ok=True)
        (place / "model.onnx").write_bytes(case.model.SerializeToString())
        domains = {node.domain for node in case.model.graph.node}
        types = sorted(type_names(case.model))
        about[case.name] = {
            "rtol": case.rtol,
            "atol": case.atol,
            "types": types,
            "training": any("training" in domain for domain in domains)
            or case.name.startswith("test_training_"),
            "operators": sorted(
                {f"{node.domain}.{node.op_type}".lstrip(".") for node in case.model.graph.node}
            ),
        }
        plain = not {"STRING", "sequence_type", "optional_type", "map_type"} & set(types)
        if not plain:
            continue
        inputs, outputs = case.data_sets[0]
        if (other := with_constants(case.model, inputs)) is not None:
            (place / "constants.onnx").write_bytes(other.SerializeToString())
        for kind, values, described in (
            ("input", inputs, case.model.graph.input),
            ("output", outputs, case.model.graph.output),
        ):
            for number, (value, about_it) in enumerate(zip(values, described, strict=True)):
                stored = (
                    value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value)
                )
                stored.name = about_it.name
                (place / f"{kind}_{number}.pb").write_bytes(stored.SerializeToString())
    (folder / "cases.json").write_text(json.dumps(about))


def cases_folder() -> Path:
    import onnx

    mark = hashlib.sha256(f"{onnx.__version__} {Path(__file__).read_text()}".encode()).hexdigest()[
        :16
    ]
    folder = ROOT / "build" / "onnx_cases" / mark
    if not (folder / "cases.json").exists():
        write_cases(folder)
    return folder


def run(program: str, folder: Path, names: list[str], about: dict) -> dict[str, dict]:
    """What the engine made of each case. A case that ends the program is a failure, and the rest goes on."""
    found: dict[str, dict] = {}
    left = list(names)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    while left:
        listed = folder / "list.txt"
        listed.write_text(
            "".join(f"{n} {about[n]['rtol']} {about[n]['atol']} {folder / n}\n" for n in left)
        )
        done = subprocess.run(
            [program, str(listed)], capture_output=True, text=True, env=environment, check=False
        )
        for line in done.stdout.splitlines():
            try:
                each = json.loads(line)
            except ValueError:
                each = {"name": line.split('"')[3], "kind": "crashed", "why": done.stderr[-200:]}
            found[each["name"]] = each
        still = [name for name in left if name not in found]
        if len(still) == len(left):
            raise SystemExit(f"the program does not run: {done.stderr[-500:]}")
        left = still
    return found


def counts(entry: dict) -> bool:
    return not entry["training"] and set(entry["types"]) <= COUNTED


def excused() -> dict[str, str]:
    """Reasons by the start of the cases' names."""
    lines = (ROOT / "test" / "onnx" / "not_passed.txt").read_text().splitlines()
    return dict(line.split("  ", 1) for line in lines if line and not line.startswith("#"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filter", nargs="?", default="", help="a part of the cases' names")
    parser.add_argument("--all", action="store_true", help="print what is not counted, too")
    parser.add_argument("--program", default=str(ROOT / "build" / "tests" / "onnx_node_cases"))
    asked = parser.parse_args()
    folder = cases_folder()
    about = json.loads((folder / "cases.json").read_text())
    names = [name for name in about if asked.filter in name]
    found = run(asked.program, folder, names, about)
    reasons, used, wrong = excused(), set(), []
    kinds: dict[bool, collections.Counter] = {
        True: collections.Counter(),
        False: collections.Counter(),
    }
    for name in names:
        kind, why = found[name]["kind"], found[name]["why"]
        counted = counts(about[name])
        kinds[counted][kind] += 1
        if kind.startswith("passed"):
            continue
        start = next((start for start in reasons if name.startswith(start)), None)
        if counted and start is None:
            wrong.append(f"{name} {kind}: {why}")
        elif counted:
            used.add(start)
            print(f"{name}: {reasons[start]}")
        elif asked.all:
            print(f"not counted, {kind} {name}: {why}")
    for counted, label in ((True, "counted"), (False, "other types")):
        total = sum(kinds[counted].values())
        passed = kinds[counted]["passed"] + kinds[counted]["passed with constants"]
        print(
            f"{label}: {passed} of {total} pass ({100 * passed / max(total, 1):.1f} %), {dict(kinds[counted])}"
        )
    if not asked.filter:
        wrong += [
            f"{start}: not_passed.txt names it, but it passes"
            for start in reasons
            if start not in used
        ]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
