"""The program as a black box: words, exit codes, files, and what it says when something is wrong."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from program import (  # noqa: E402
    CAT,
    CNN,
    LINEAR,
    MODELS,
    PHOTOS,
    PROGRAM,
    answer,
    one_line,
    pellucid,
)

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")


@pytest.fixture
def vector(tmp_path):
    """An array that fits linear.pt2."""
    shape = answer("inspect", LINEAR)["inputs"][0]["shape"][1:]
    path = tmp_path / "vector.npy"
    np.save(path, np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape))
    return path


# Words that are wrong


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["perdict", CNN, CAT], "predict"),
        (["predict", CNN, CAT, "--tpo", "3"], "--top"),
        (["predict", CNN, CAT, "--top", "many"], "a whole number"),
        (["predict", CNN, CAT, "--top", "0"], "from 1 to"),
        (["predict", CNN, CAT, "--top"], "needs a value"),
        (["predict", CNN, CAT, "--device", "tpu"], "cpu, cuda"),
        (["predict", CNN, CAT, "--format", "gif"], "npy, json"),
        (["predict", CNN, CAT, "--memory-limit", "lots"], "GiB"),
        (["predict", CNN], "needs an input"),
        (["predict"], "needs a model"),
        (["inspect", CNN, CAT], "one word too many"),
        (["methods", "salency"], "saliency"),
        (["predict", CNN, CAT, "--set", "absolute=off"], "--set"),
    ],
)
def test_wrong_words_are_usage_errors_that_help(words, expected, tmp_path):
    done = pellucid(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in one_line(done)
    assert list(tmp_path.iterdir()) == []


# predict


def test_predict_shows_bars_and_writes_the_raw_output(tmp_path):
    done = pellucid("predict", CNN, CAT, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "█" in done.stdout and "%" in done.stdout and str(tmp_path / "out") in done.stdout
    output = np.load(tmp_path / "out" / "chelsea.output.npy")
    assert output.dtype == np.float32 and output.ndim == 1
    document = json.loads((tmp_path / "out" / "chelsea.predict.json").read_text())
    top = document["outputs"][0]["samples"][0]["top"]
    assert top[0]["index"] == int(output.argmax())
    softmax = np.exp(output - output.max()) / np.exp(output - output.max()).sum()
    assert top[0]["probability"] == pytest.approx(float(softmax.max()), rel=1e-5)


def test_the_record_of_a_run_has_everything(tmp_path):
    out = tmp_path / "out"
    assert (
        pellucid(
            "predict", CNN, CAT, PHOTOS / "coffee.png", "--threads", "1", "--out", out
        ).returncode
        == 0
    )
    record = json.loads((out / "run.json").read_text())
    assert len(record["inputs"]) == 2 and record["threads"] == 1
    assert sorted(record["files"]) == sorted(
        str(p.relative_to(out)) for p in out.rglob("*") if p.is_file() and p.name != "run.json"
    )
    assert len(record["model"]["sha256"]) == 64
    assert record["options"]["top"] == 5
    for sample in record["answers"]:
        assert sample["seconds"] > 0 and len(sample["sha256"]) == 64
    assert record["failures"] == []


def test_json_is_the_only_thing_on_standard_output(tmp_path):
    done = pellucid("predict", CNN, CAT, "--json", "--out", tmp_path)
    json.loads(done.stdout)


def test_arrays_keep_their_batch_axis(tmp_path, vector):
    one = np.load(vector)
    np.save(tmp_path / "batch.npy", np.stack([one, one * 2]))
    np.save(tmp_path / "one.npy", one[None])
    assert (
        pellucid(
            "predict",
            LINEAR,
            vector,
            tmp_path / "batch.npy",
            tmp_path / "one.npy",
            "--out",
            tmp_path / "o",
        ).returncode
        == 0
    )
    single = np.load(tmp_path / "o" / "vector.output.npy")
    assert np.load(tmp_path / "o" / "batch.output.npy").shape == (2, *single.shape)
    assert np.load(tmp_path / "o" / "one.output.npy").shape == (1, *single.shape)
    assert np.allclose(np.load(tmp_path / "o" / "batch.output.npy")[0], single, atol=1e-6)


def test_a_wrong_shape_says_what_was_expected(tmp_path):
    np.save(tmp_path / "bad.npy", np.zeros((7, 7, 7), np.float32))
    done = pellucid("predict", LINEAR, tmp_path / "bad.npy", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "[7, 7, 7]" in one_line(done) and "float32 [" in done.stderr
    assert not (tmp_path / "out").exists()


def test_one_bad_file_does_not_stop_the_others(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(CAT, folder / "cat.png")
    whole = CAT.read_bytes()
    (folder / "broken.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("not a picture")
    done = pellucid("predict", CNN, folder, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert (tmp_path / "out" / "cat.output.npy").exists()
    assert done.stderr.count("\n") == 2
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert {Path(f["input"]).name for f in record["failures"]} == {"broken.png", "text.jpg"}


def test_salvage_shows_what_is_left_and_says_so(tmp_path):
    whole = (PHOTOS / "rocket.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    assert pellucid("predict", CNN, tmp_path / "cut.jpg", "--out", tmp_path / "o").returncode == 1
    document = answer("predict", CNN, tmp_path / "cut.jpg", "--salvage", "--out", tmp_path / "o")
    assert any(
        "truncated" in c or "missing" in c or "damaged" in c
        for c in document["answers"][0]["conversions"]
    )


def test_pictures_beyond_max_pixels_are_refused(tmp_path):
    done = pellucid("predict", CNN, CAT, "--max-pixels", "1000", "--out", tmp_path / "o")
    assert done.returncode == 1
    assert "pixels" in one_line(done)


def test_a_picture_for_a_model_without_preprocessing_says_what_to_do(tmp_path):
    done = pellucid("predict", LINEAR, CAT, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert ".npy" in one_line(done)


def test_equal_stems_keep_their_folders(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        shutil.copy(CAT, tmp_path / "in" / name / "cat.png")
    assert pellucid("predict", CNN, tmp_path / "in", "--out", tmp_path / "o").returncode == 0
    assert (tmp_path / "o" / "a" / "cat.output.npy").exists()
    assert (tmp_path / "o" / "b" / "cat.output.npy").exists()


def test_a_model_of_several_inputs_takes_them_by_name(tmp_path):
    model = MODELS / "image_and_vector.pt2"
    inputs = answer("inspect", model)["inputs"]
    words = []
    for entry in inputs:
        shape = [n or 8 for n in entry["shape"][1:]]
        np.save(tmp_path / f"{entry['name']}.npy", np.full(shape, 0.5, entry["dtype"]))
        words.append(f"{entry['name']}={tmp_path / (entry['name'] + '.npy')}")
    assert pellucid("predict", model, *words, "--out", tmp_path / "o").returncode == 0
    missing = pellucid("predict", model, words[0], "--out", tmp_path / "o")
    assert missing.returncode == 2 and inputs[1]["name"] in one_line(missing)
    unnamed = pellucid(
        "predict", model, tmp_path / f"{inputs[0]['name']}.npy", "--out", tmp_path / "o"
    )
    assert unnamed.returncode == 2 and "NAME=FILE" in one_line(unnamed)


def test_a_guessed_kind_is_said_to_be_a_guess(tmp_path):
    model = MODELS / "unlabelled.pt2"
    entry = answer("inspect", model)["inputs"][0]
    np.save(tmp_path / "x.npy", np.full([n or 8 for n in entry["shape"][1:]], 0.5, np.float32))
    done = pellucid("predict", model, tmp_path / "x.npy", "--out", tmp_path / "o")
    assert done.returncode == 0 and "guess" in done.stderr
    said = pellucid(
        "predict", model, tmp_path / "x.npy", "--output-kind", "regression", "--out", tmp_path / "o"
    )
    assert "guess" not in said.stderr and "%" not in said.stdout


# Files that are wrong


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "no.pt2").write_text("nothing of the kind")
    done = pellucid("inspect", tmp_path / "no.pt2")
    assert done.returncode == 1 and "no.pt2" in one_line(done)
    missing = pellucid("inspect", tmp_path / "missing.pt2")
    assert missing.returncode == 1 and "missing.pt2" in one_line(missing)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x08\x07\x12\x07pytorch", "no graph in it"),
        (b"\x80\x02}q\x00.", "a pickle"),
        (b"\x89PNG\r\n\x1a\n", "the order is: pellucid VERB MODEL INPUT"),
        (b"hello", "export it"),
    ],
)
def test_a_foreign_file_is_called_by_its_name_and_says_how_to_export(content, expected, tmp_path):
    (tmp_path / "m.pt2").write_bytes(content)
    done = pellucid("inspect", tmp_path / "m.pt2")
    assert done.returncode == 1
    assert expected in one_line(done)


def test_weights_that_are_not_finite_are_refused_unless_allowed():
    model = MODELS / "nan_weights.pt2"
    refused = pellucid("inspect", model)
    assert refused.returncode == 1 and "--allow-nonfinite" in one_line(refused)
    allowed = pellucid("inspect", model, "--allow-nonfinite")
    assert allowed.returncode == 0 and "warning" in allowed.stderr


def test_a_custom_operator_is_refused_by_name():
    done = pellucid("inspect", MODELS / "custom_operator.pt2")
    assert done.returncode == 1 and "fixture.twice" in one_line(done)


def test_control_characters_of_a_file_name_are_not_printed_raw(tmp_path):
    bad = tmp_path / "evil\x1b[31m\n.png"
    bad.write_text("no picture")
    done = pellucid("predict", CNN, bad, "--out", tmp_path / "o")
    assert done.returncode == 1
    assert "\x1b" not in one_line(done)


def test_a_folder_that_can_not_be_written_is_said_before_anything_runs(tmp_path):
    (tmp_path / "blocked").write_text("a file")
    done = pellucid("predict", CNN, CAT, "--out", tmp_path / "blocked")
    assert done.returncode == 1 and "--out" in one_line(done)


def test_a_full_disk_leaves_no_half_file(tmp_path):
    def small_files_only():
        # The kernel then fails the write with EFBIG, as a full disk does with ENOSPC.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    done = subprocess.run(
        [PROGRAM, "predict", CNN, CAT, "--out", tmp_path / "o"],
        preexec_fn=small_files_only,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "can't write" in done.stderr
    assert [p for p in (tmp_path / "o").rglob("*") if p.is_file()] == []


def test_interrupting_ends_with_130_and_leaves_whole_files_and_their_record(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(400):
        shutil.copy(CAT, folder / f"cat{i:03}.png")
    process = subprocess.Popen(
        [PROGRAM, "predict", CNN, folder, "--out", tmp_path / "o"],
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if any((tmp_path / "o").rglob("*.npy")) or process.poll() is not None:
            break
        time.sleep(0.05)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert time.monotonic() - start < 20  # within a second on an idle machine
    written = sorted((tmp_path / "o").rglob("*.npy"))
    for path in written:
        np.load(path)
    assert not list((tmp_path / "o").rglob(".pellucid-*"))
    record = json.loads((tmp_path / "o" / "run.json").read_text())
    assert 0 < len(written) < 400 and record["stopped"] == "cancelled"
    assert sorted(record["files"]) == sorted(
        path.name for path in (tmp_path / "o").iterdir() if path.name != "run.json"
    )


# inspect, check


def test_inspect_tells_what_the_file_holds():
    document = answer("inspect", CNN, "--layers")
    assert document["batch"] == "dynamic"
    assert document["inputs"][0]["kind"] == "image" and "preprocessing" in document["inputs"][0]
    assert document["weights"]["numbers"] > 0 and document["layer_list"]
    assert answer("inspect", MODELS / "cnn_fixed.pt2")["batch"] == 1


def test_check_passes_on_every_model_that_can_be_read():
    wrong = []
    for model in sorted(MODELS.glob("*.pt2")):
        if model.stem in ("custom_operator", "nan_weights"):
            continue
        done = pellucid("check", model, "--json")
        if done.returncode != 0:
            wrong.append((model.stem, done.stdout[-300:], done.stderr))
    assert wrong == []


def test_a_sidecar_supplies_what_the_file_lacks(tmp_path):
    shutil.copy(MODELS / "unlabelled.pt2", tmp_path / "m.pt2")
    assert answer("inspect", tmp_path / "m.pt2")["outputs"][0]["guessed"]
    (tmp_path / "m.json").write_text(json.dumps({"outputs": [{"kind": "regression"}]}))
    output = answer("inspect", tmp_path / "m.pt2")["outputs"][0]
    assert output["kind"] == "regression" and not output["guessed"]
    assert answer("inspect", tmp_path / "m.pt2")["supplied_by"].endswith("m.json")
    (tmp_path / "m.json").write_text("{")
    assert pellucid("inspect", tmp_path / "m.pt2").returncode == 2


def test_a_label_with_control_characters_is_escaped(tmp_path):
    shutil.copy(CNN, tmp_path / "m.pt2")
    (tmp_path / "labels.txt").write_text("\n".join(f"<script>{i}\x1b[31m" for i in range(10)))
    done = pellucid(
        "predict",
        tmp_path / "m.pt2",
        CAT,
        "--labels",
        tmp_path / "labels.txt",
        "--out",
        tmp_path / "o",
    )
    assert done.returncode == 0 and "<script>" in done.stdout and "\x1b" not in done.stdout
