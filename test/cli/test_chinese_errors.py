"""Mistakes that people make most often, as `--lang zh` tells them: one line, in Chinese, with the same exit code."""

import json
import re

import pytest
from program import CAT, CNN, LINEAR, MODELS, answer, one_line, pellucid

MISTAKES = {
    "a verb that is none": (["explian", CNN, CAT], "没有动词“explian”：是否想用 explain？"),
    "an option that is none": (["explain", CNN, CAT, "--colour", "x"], "没有选项 --colour"),
    "an option without its value": (["explain", CNN, CAT, "--alpha"], "--alpha 需要一个值"),
    "a value out of bounds": (
        ["explain", CNN, CAT, "--alpha", "2"],
        "“2.0”不合要求（--alpha）：应为 0 到 1 的数字",
    ),
    "a choice that is none": (["predict", CNN, CAT, "--device", "tpu"], "应为以下之一："),
    "a size that is none": (
        ["explain", CNN, CAT, "--memory-limit", "much"],
        "“much”不是大小",
    ),
    "no model": (["explain"], "explain 需要一个模型："),
    "no input": (["explain", CNN], "explain 需要一个输入：请在模型之后给出图片"),
    "a model that is not there": (
        ["explain", "nowhere.pt2", CAT],
        "无法打开模型：没有这个文件或文件夹（nowhere.pt2）：请检查名称和权限",
    ),
    "a picture for a model": (["explain", CAT, CNN], "这不是能读取的模型（.pt2、.onnx），而是图片"),
    "an input that is not there": (["explain", CNN, "nowhere.png"], "没有这个文件（nowhere.png）"),
    "an input that is no picture": (["explain", CNN, __file__], "既不是图片也不是 .npy 数组"),
    "a picture for a model of numbers": (
        ["explain", LINEAR, CAT],
        "模型文件没有说明图片如何变成它的输入",
    ),
    "a method that is none": (
        ["explain", CNN, CAT, "--method", "gradcam"],
        "未知的方法“gradcam”：是否想用 grad_cam？",
    ),
    "a layer that is none": (
        ["explain", CNN, CAT, "--layer", "layer9"],
        "模型没有层“layer9”：",
    ),
    "a class beyond the last": (
        ["explain", CNN, CAT, "--target", "12345"],
        "类别 12345 不存在（target）：输出的类别为 0 到 ",
    ),
    "an operator of somebody's own": (
        ["explain", MODELS / "custom_operator.pt2", CAT],
        "程序使用了本读取器不认识的内容：算子 ",
    ),
    "weights that are no numbers": (
        ["explain", MODELS / "nan_weights.pt2", CAT],
        "请重新训练或修复模型，或用 --allow-nonfinite 允许",
    ),
    "a setting that is none": (
        ["explain", CNN, CAT, "--method", "saliency", "--set", "steps=3"],
        "saliency 没有设定“steps”",
    ),
}

NOT_OF_WORDS = {
    "a model that is not there",
    "a picture for a model",
    "an input that is not there",
    "an input that is no picture",
    "an operator of somebody's own",
    "weights that are no numbers",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_chinese(mistake, tmp_path):
    words, told = MISTAKES[mistake]
    done = pellucid(words[0], "--lang=zh", *words[1:], cwd=tmp_path)
    assert told in one_line(done)
    assert done.returncode == (1 if mistake in NOT_OF_WORDS else 2)
    # Names may be English, sentences not.
    assert not re.search(r"[a-z]{2,} [a-z]+ [a-z]{2,}", done.stderr), done.stderr


def test_a_folder_that_cannot_be_written_is_told_in_chinese(tmp_path):
    (tmp_path / "taken").write_text("")
    done = pellucid("explain", CNN, CAT, "--out", "taken", "--lang", "zh", cwd=tmp_path)
    assert "这是文件，不是文件夹" in one_line(done)
    assert "请用 --out 指定其他文件夹" in done.stderr


def test_one_bad_input_among_good_ones_is_told_in_chinese_and_recorded_in_english(tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(CAT.read_bytes()[:5000])
    out = tmp_path / "out"
    words = ["explain", CNN, CAT, bad, "--method", "saliency", "--out", out]
    done = pellucid(*words, "--lang", "zh", cwd=tmp_path)
    assert done.returncode == 3
    assert "图片被截断" in done.stderr
    assert "--salvage" in done.stderr
    assert (
        "the picture is truncated"
        in json.loads((out / "run.json").read_text())["failures"][0]["error"]
    )


def test_notes_of_methods_are_chinese_on_the_terminal_and_english_in_the_record(tmp_path):
    done = pellucid("explain", CNN, CAT, "--method", "grad_cam", "--lang", "zh", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "选用了层 " in done.stdout
    document = answer("explain", CNN, CAT, "--method", "grad_cam", "--lang", "zh", cwd=tmp_path)
    assert document["answers"][0]["notes"][0].startswith("layer ")


def test_checks_that_fail_warn_in_chinese(tmp_path):
    words = ["--method", "integrated_gradients", "--set", "n_steps=1", "--lang", "zh"]
    done = pellucid("explain", CNN, CAT, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "警告：" in done.stderr
    assert "分数之和为" in done.stderr


def test_the_report_says_checks_warnings_and_notes_in_chinese(tmp_path):
    done = pellucid(
        *["explain", CNN, CAT, "--method", "grad_cam,integrated_gradients", "--set", "n_steps=1"],
        *["--format", "html", "--out", "out", "--lang", "zh"],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "explain.html").read_text()
    data = json.loads(re.search(r'id="pellucid-report">(.*?)</script>', page, re.DOTALL)[1])
    for record in data["document"]["answers"]:
        texts = [check["words"] for check in record["checks"]] + record.get("notes", [])
        for text in texts:
            assert re.search(r"[\u4e00-\u9fff]", data["words"][text]), text
    assert any("分数之和为" in warning for warning in data["warnings"])
