"""The package as a user gets it: the wheel in an environment that has torch, its stubs, and how fast it comes."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch
from program import CAT, CNN, ROOT

plain = {
    name: value
    for name, value in os.environ.items()
    if name not in ("PYTHONPATH", "LD_LIBRARY_PATH")
}


def run(*words, **how):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **how)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel():
    said = run(ROOT / "dev", "wheel", env=plain)
    return ROOT / said.rsplit("The wheel: ", 1)[1].strip()


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment of its own, to which this one lends torch and NumPy, and when it was begun."""
    start = time.monotonic()
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "torch.pth").write_text(str(Path(torch.__file__).parents[1]))
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    run(*pip, "--no-index", "--no-deps", wheel, env=plain)
    return folder, start


def test_the_wheel_has_the_engine_the_program_and_the_stubs_once(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert len(set(names)) == len(names)
    assert sum(name.startswith("pellucid/_engine.") and name.endswith(".so") for name in names) == 1
    for name in ("bin/pellucid", "py.typed", "model.pyi", "exporting/imagenet_labels.txt"):
        assert f"pellucid/{name}" in names
    assert not [name for name in names if "test" in name]


def test_the_wheel_wants_the_torch_it_was_built_for(wheel):
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    wanted = re.findall(
        r"^Requires-Dist: (torch\S*)", archive.read(metadata).decode(), re.MULTILINE
    )
    assert wanted == [f"torch=={'.'.join(torch.__version__.split('.')[:2])}.*"]


def test_an_installed_package_makes_a_picture_within_a_minute(environment, tmp_path):
    folder, start = environment
    code = f"""
import warnings, pellucid
warnings.simplefilter("ignore")
assert "site-packages" in pellucid.__file__, pellucid.__file__
found = pellucid.load({str(CNN)!r}).explain({str(CAT)!r}, method="grad_cam")
print(*(path.name for path in found.save("out")))
"""
    said = run(folder / "bin" / "python", "-c", code, cwd=tmp_path, env=plain)
    assert time.monotonic() - start < 60, "from an empty environment to the picture"
    assert "chelsea.grad_cam.png" in said
    assert (tmp_path / "out" / "chelsea.grad_cam.png").read_bytes().startswith(b"\x89PNG")


def test_an_installed_package_brings_the_command(environment, tmp_path):
    folder, _ = environment
    words = ("explain", CNN, CAT, "--method", "saliency", "--out", tmp_path)
    run(folder / "bin" / "pellucid", *words, env=plain)
    assert (tmp_path / "chelsea.saliency.png").exists()
    refused = subprocess.run(
        [folder / "bin" / "python", "-m", "pellucid", "explian"],
        env=plain,
        capture_output=True,
    )
    assert refused.returncode == 2 and b"did you mean explain" in refused.stderr


def test_the_package_costs_little_beside_torch():
    code = """
import time, torch, numpy
start = time.perf_counter()
import pellucid
bare = time.perf_counter() - start
pellucid.load
print(bare, time.perf_counter() - start)
"""
    times = [run(sys.executable, "-c", code).split() for _ in range(11)]
    bare, used = (statistics.median(map(float, column)) for column in zip(*times, strict=True))
    # The aim is 0.2 s; a machine that does other things gets twice that.
    assert bare < 0.05 and used < 0.4, f"{bare:.3f} s, and {used:.3f} s with the engine"


def test_the_package_itself_loads_no_torch():
    run(sys.executable, "-c", "import pellucid, sys; assert 'torch' not in sys.modules")


def test_a_build_asks_for_no_torch_of_its_own():
    """pip builds in an environment of its own: a torch in there would be a second one, and another than the user's."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    required = re.search(r"^requires = (\[.*\])$", project, re.MULTILINE)[1]
    assert json.loads(required) == ["scikit-build-core>=0.11"]


def test_the_stubs_are_those_of_the_tables():
    run(sys.executable, ROOT / "tools" / "make_stubs.py", "--check")
