"""What a wheel depends on: the minor release of the torch whose LibTorch its engine is built for (scikit-build-core)."""

import os
import re
import subprocess
import sys
from pathlib import Path

FIND = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"


def torch_folder():
    """As cmake/torch.cmake finds it. -I: out of the environment that pip builds in."""
    if given := os.environ.get("PELLUCID_TORCH"):
        return given
    found = subprocess.run(
        [sys.executable, "-I", "-c", FIND], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def dynamic_metadata(field, settings=None):
    if field != "dependencies":
        raise RuntimeError(f"this tells the dependencies, not the {field}")
    header = Path(torch_folder() or ".", "include/torch/headeronly/version.h")
    numbers = re.findall(
        r"define TORCH_VERSION_(?:MAJOR|MINOR) (\d+)", header.read_text() if header.exists() else ""
    )
    # Without a torch there is no wheel, only sources.
    torch = f"torch=={'.'.join(numbers)}.*" if len(numbers) == 2 else "torch>=2.9"
    return [torch, "numpy"]
