"""Executes examples/tour.ipynb with the demo's model and keeps what it shows, the pictures small enough for a repository.

PYTHONPATH=python .venv/bin/python tools/renew_notebook.py
"""

import base64
import io
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "examples" / "tour.ipynb"
WIDTH = 900


def smaller(found):
    """A picture at its size on the page, as JPEG: fewer colours would put steps into the colour bars."""
    image = Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGB")
    image.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def main():
    if not (ROOT / "build" / "demo" / "efficientnet_lite0.pt2").exists():
        sys.exit("the pictures are of the demo's network: run ./dev demo first")
    os.environ["PYTHONPATH"] = str(ROOT / "python")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=300, resources=where).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html")
            if page:
                output["data"]["text/html"] = re.sub(
                    "data:image/png;base64,([A-Za-z0-9+/=]+)", smaller, page
                )
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
