"""explain as a black box: files and their names, repeatability, and words that are wrong."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from program import CAT, CNN, MODELS, PROGRAM, answer, one_line, pellucid  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")


def test_explain_writes_picture_numbers_and_record(tmp_path):
    done = pellucid("explain", CNN, CAT, "--method", "saliency", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    map_ = np.load(tmp_path / "chelsea.saliency.npy")
    assert map_.dtype == np.float32 and map_.shape == (3, 32, 32)
    assert (tmp_path / "chelsea.saliency.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / "chelsea.saliency.json").read_text())
    assert record["method"]["name"] == "saliency"


def test_explain_puts_target_and_layer_into_names_only_when_several_were_asked_for(tmp_path):
    words = ["explain", CNN, CAT, "--method", "grad_cam", "--format", "npy", "--out", tmp_path]
    assert pellucid(*words, "--target", "3").returncode == 0
    assert (tmp_path / "chelsea.grad_cam.npy").exists()
    assert pellucid(*words, "--target", "3,4").returncode == 0
    assert (tmp_path / "chelsea.3.grad_cam.npy").exists() and (
        tmp_path / "chelsea.4.grad_cam.npy"
    ).exists()
    assert (
        pellucid(*words, "--target", "3", "--target", "4", "--layer", "relu2,relu3").returncode == 0
    )
    assert (tmp_path / "chelsea.4.relu2.grad_cam.npy").exists()


def test_explain_repeats_itself_to_the_bit(tmp_path):
    words = [
        "explain",
        CNN,
        CAT,
        "--method",
        "integrated_gradients",
        "--format",
        "npy",
        "--threads",
        "1",
        "--chunk",
        "5",
    ]
    for name in ("a", "b"):
        assert pellucid(*words, "--out", tmp_path / name).returncode == 0
    assert pellucid(*words, "--chunk", "7", "--out", tmp_path / "c").returncode == 0
    one, two, other = (np.load(tmp_path / n / "chelsea.integrated_gradients.npy") for n in "abc")
    assert np.array_equal(one, two)
    assert np.abs(one - other).max() <= 1e-5 * np.abs(one).max()


def test_explain_prints_the_default_baseline(tmp_path):
    done = pellucid("explain", CNN, CAT, "--method", "integrated_gradients", "--out", tmp_path)
    assert "baseline zero" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--target", "99"], "0 to 9"),
        (["--target", "catt"], "cat"),
        (["--layer", "relu9"], "relu"),
        (["--method", "grad_cm"], "grad_cam"),
        (["--method", "saliency", "--set", "absolut=off"], "absolute"),
        (["--method", "saliency", "--set", "absolute=maybe"], "on or off"),
        (["--method", "saliency", "--set", "grad_cam.x=1"], "saliency"),
        (["--method", "integrated_gradients", "--baseline", "purple"], "zero"),
        (["--colormap", "infrno"], "inferno"),
        (["--alpha", "2"], "0 to 1"),
    ],
)
def test_explain_refuses_wrong_words_with_what_was_expected(words, expected, tmp_path):
    done = pellucid("explain", CNN, CAT, *words, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert expected in one_line(done)
    assert not (tmp_path / "o").exists()


def test_what_a_folder_has_besides_pictures_is_passed_over_and_said(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(CAT, folder / "cat.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden").write_text("nobody's business")
    done = pellucid("explain", CNN, folder, "--method", "saliency", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    assert "passed over: 1 (" in done.stderr and "notes.txt" in done.stderr
    assert ".hidden" not in done.stderr


def test_a_network_under_autocast_has_layers_and_its_gradient(tmp_path):
    layered = answer("inspect", MODELS / "autocast_whole.pt2", "--layers")["layer_list"]
    assert {"inner.conv1", "inner.relu3"} <= {layer["name"] for layer in layered}
    maps = {}
    for model in (MODELS / "autocast_whole.pt2", CNN):
        out = tmp_path / model.stem
        said = answer("explain", model, CAT, "--target", "0", "--out", out)["answers"][0]
        assert said["maps"][0]["name"].removeprefix("inner.") == "relu3"
        assert said["gradient_check"]["passed"]
        maps[model] = np.load(out / said["maps"][0]["file"])
    # The same network with other weights' rounding: bfloat16 has eight bits.
    mixed, plain = maps.values()
    assert np.corrcoef(mixed.ravel(), plain.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("name", ["cond", "while_loop"])
def test_where_the_input_decides_the_way_each_sample_goes_its_own_and_the_record_says_so(
    tmp_path, name
):
    model = MODELS / f"{name}.pt2"
    together = np.array([[1, 2, 3, 4], [-9, -8, -7, -6], [0.1, 0, 0, 0.2]], dtype=np.float32)
    words = ["--target", "0", "--method", "integrated_gradients", "--set", "n_steps=20"]

    def maps_of(array, folder):
        file = tmp_path / f"{folder}.npy"
        np.save(file, array)
        said = answer("explain", model, file, *words, "--out", tmp_path / folder)["answers"][0]
        assert said["cost"]["batching"] == "one by one"
        notes = [check for check in said["checks"] if check["name"] == "control_flow"]
        assert len(notes) == 1 and "follows the way taken" in notes[0]["words"]
        return np.load(tmp_path / folder / said["maps"][0]["file"])

    all_at_once = maps_of(together, "together")
    alone = [maps_of(sample[None], f"alone{i}")[0] for i, sample in enumerate(together)]
    np.testing.assert_allclose(all_at_once, np.stack(alone), rtol=0, atol=0)


def test_explain_takes_a_folder_and_goes_on_after_a_bad_file(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(CAT, folder / f"{name}.png")
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = pellucid(
        "explain", CNN, folder, "--method", "saliency", "--format", "npy", "--out", tmp_path / "o"
    )
    assert done.returncode == 3
    assert len(list((tmp_path / "o").glob("*.npy"))) == 3
