"""The command `pellucid`: the program that the package brings takes this process's place."""

import importlib.util
import os
import sys
from pathlib import Path


def main():
    package = Path(__file__).parent
    program = package / "bin" / "pellucid"
    if not program.exists():
        sys.exit(
            "pellucid: this checkout's program is build/pellucid; `pip install .` brings the command"
        )
    # The program looks for LibTorch beside the package; a torch that lives elsewhere is told here.
    if not (package.parent / "torch" / "lib").is_dir():
        torch = importlib.util.find_spec("torch")
        if torch is None:
            sys.exit("pellucid: torch is not installed, whose LibTorch the program needs")
        libraries = os.path.join(torch.submodule_search_locations[0], "lib")
        known = os.environ.get("LD_LIBRARY_PATH")
        os.environ["LD_LIBRARY_PATH"] = f"{libraries}:{known}" if known else libraries
    os.execv(program, ["pellucid", *sys.argv[1:]])


if __name__ == "__main__":
    main()
