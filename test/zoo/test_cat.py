"""The demo's network and photos: what is a cat is called one, and Grad-CAM looks at it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import compare  # noqa: E402

photos = Path(__file__).resolve().parents[2] / "examples"
cats = {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"}
cup = 968

absent = pytest.mark.skipif(
    not compare.program().exists(), reason=f"{compare.program().name} is not built"
)


@pytest.fixture(scope="module")
def network():
    return compare.prepare("efficientnet_lite0", False)[0]


def grad_cam(network, photo, target, out):
    """The positive part of the map, as shares of its sum."""
    words = ["--method", "grad_cam", "--target", target, "--format", "npy", "--out", out]
    compare.run("explain", network, photo, *words)
    scores = np.load(out / f"{photo.stem}.grad_cam.npy").clip(0)
    assert scores.sum() > 0
    return scores / scores.sum()


def top_class(network, photo, out):
    compare.run("predict", network, photo, "--format", "npy", "--out", out)
    return int(np.load(out / f"{photo.stem}.output.npy").argmax())


def centre_crop(photo):
    """The square of a photo that the network sees, in its pixels: left, top, side."""
    width, height = Image.open(photo).size
    side = min(width, height) * 224 / 256
    return (width - side) / 2, (height - side) / 2, side


@absent
def test_the_cat_is_a_cat_and_grad_cam_lies_on_it(network, tmp_path):
    photo = photos / "chelsea.png"
    # The face's outline, drawn by hand in the photo's pixels; right of it is the room.
    outline = [
        (0, 0),
        (385, 0),
        (368, 60),
        (355, 130),
        (343, 190),
        (325, 240),
        (300, 300),
        (0, 300),
    ]
    mask = Image.new("L", Image.open(photo).size)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    left, top, side = centre_crop(photo)
    seen = mask.crop((left, top, left + side, top + side)).resize((7, 7), Image.BOX)
    on_cat = np.asarray(seen, dtype=np.float64) / 255
    best = top_class(network, photo, tmp_path)
    assert best in cats
    shares = grad_cam(network, photo, best, tmp_path)
    assert (shares * on_cat).sum() >= 0.9
    assert (shares * on_cat).sum() > on_cat.mean()


@absent
def test_each_class_is_found_on_its_own_half_of_a_collage(network, tmp_path):
    collage = Image.new("RGB", (512, 512), (124, 124, 124))
    collage.paste(Image.open(photos / "chelsea.png").convert("RGB").resize((256, 256)), (16, 128))
    collage.paste(Image.open(photos / "coffee.png").convert("RGB").resize((240, 240)), (272, 136))
    photo = tmp_path / "collage.png"
    collage.save(photo)
    left_half = {}
    for name, target in {"cat": 282, "cup": cup}.items():
        left_half[name] = grad_cam(network, photo, target, tmp_path)[:, :3].sum()
    # Three of seven columns are the cat's side, one is shared: evenly spread, 3/7 would lie there.
    assert left_half["cat"] > 0.6
    assert left_half["cup"] < 0.25
