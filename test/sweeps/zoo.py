"""Ten networks, dynamic and fixed batch, against eager PyTorch: outputs, saliency, integrated gradients."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "test" / "zoo")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="the folder of what is done")
    parser.add_argument("--again", action="store_true", help="also what passed before")
    parser.add_argument("names", nargs="*", metavar="NAME")
    words = parser.parse_args()
    state = Path(words.state)
    state.mkdir(parents=True, exist_ok=True)
    import compare
    import make_zoo

    if not compare.program().exists():
        raise SystemExit(f"{compare.program()} is not there; ./dev build makes it")
    record = state / "figures.json"
    done = json.loads(record.read_text()) if record.exists() else {}
    # What another program or exporter did is not done.
    identity = f"{compare.program().stat().st_mtime_ns}.{compare._stamp()}"
    failed = 0
    for name in words.names or make_zoo.names:
        for fixed in (False, True):
            key = f"{name} {'fixed' if fixed else 'dynamic'}"
            earlier = done.get(key, {})
            if not words.again and earlier.get("identity") == identity and not earlier["problems"]:
                print(f"{key}: passed before")
                continue
            start = time.monotonic()
            with tempfile.TemporaryDirectory() as out:
                try:
                    figures = compare.compare(name, fixed, out)
                    found = compare.problems(figures)
                except AssertionError as error:
                    figures, found = {}, [str(error)]
            seconds = round(time.monotonic() - start, 1)
            done[key] = {
                "identity": identity,
                "figures": figures,
                "problems": found,
                "seconds": seconds,
            }
            record.write_text(json.dumps(done, indent=1))
            failed += bool(found)
            shown = ", ".join(
                f"{part} {value:.3g}" if part == "output" else f"{part} {value:.6f}"
                for part, value in figures.items()
            )
            print(
                f"{key}: {'FAILED: ' + '; '.join(found) if found else 'passed'} ({shown}; {seconds} s)",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
