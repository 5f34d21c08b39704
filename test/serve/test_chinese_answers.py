"""What a request in Chinese is told: errors, warnings and the words of checks; machines' names stay as they are."""

import re

import pytest
from served import Server, picture

ZH = {"Accept-Language": "zh-CN,zh;q=0.9", "Content-Type": "application/json"}
EXPLAIN = "/v2/models/cnn_module/explain"


@pytest.fixture(scope="module")
def server():
    running = Server("--lang", "en")
    yield running
    running.kill()


def asked(inputs=None, **parameters):
    return {"inputs": [picture()] if inputs is None else inputs, "parameters": parameters}


@pytest.mark.parametrize(
    ("path", "body", "part", "told"),
    [
        ("/v2/models/nobody/explain", asked(), "what", "没有这个名称的模型"),
        ("/v2/models/cnn_module/explian", asked(), "what_to_do", "是否想用 explain？"),
        (EXPLAIN, {"inputs": 3}, "what", "应为张量列表"),
        (EXPLAIN, asked(inputs=[]), "what", "explain 需要一个输入"),
        (EXPLAIN, asked(method="gradcam"), "what", "未知的方法“gradcam”"),
        (EXPLAIN, asked(target="12345"), "what", "类别 12345 不存在"),
        (EXPLAIN, asked(layer="layer9"), "what", "模型没有层“layer9”"),
        (EXPLAIN, asked(alpha=2), "what_to_do", "应为 0 到 1 的数字"),
        (EXPLAIN, asked(alpha=2), "where", "参数“alpha”"),
        (EXPLAIN, asked(colour="red"), "what", "未知的 explain 参数“colour”"),
        # The hint names the option as requests do.
        (
            EXPLAIN,
            asked(method="saliency", layer="pool"),
            "what_to_do",
            "请去掉 layer，或改用 grad_cam",
        ),
    ],
)
def test_errors_are_chinese_for_who_asks_in_chinese(server, path, body, part, told):
    status, error = server.error(path, body, ZH)
    english_status, english = server.error(path, body)
    assert status == english_status
    assert told in error[part], error
    assert set(error) == set(english)
    assert all(text.isascii() for text in english.values())
    assert not re.search(r"[a-z]{2,} [a-z]+ [a-z]{2,}", error["what"] + error.get("what_to_do", ""))


def test_what_is_refused_before_its_body_is_chinese_too(server):
    _, error = server.error_of("DELETE", "/v2/models/cnn_module", headers=ZH)
    assert error["what"] == "此页面不支持该方法"
    _, error = server.error(EXPLAIN, asked(), {**ZH, "Origin": "http://elsewhere.example"})
    assert error["what"] == "不接受其他网站页面的请求"


def test_an_answer_brings_the_chinese_of_its_words(server):
    settings = {"n_steps": 1}
    body = asked(method="integrated_gradients,grad_cam", settings=settings, format="npy")
    status, answer, _ = server.ask("POST", EXPLAIN, body, ZH)
    assert status == 200, answer
    assert any("分数之和为" in warning for warning in answer["warnings"])
    records = answer["document"]["answers"]
    assert any(text.startswith("layer ") for text in records[1]["notes"])
    for record in records:
        for text in [check["words"] for check in record["checks"]] + record.get("notes", []):
            assert re.search(r"[\u4e00-\u9fff]", answer["words"][text]), text


def test_an_english_answer_is_as_it_was(server):
    body = asked(method="grad_cam", format="npy")
    _, answer, _ = server.ask("POST", EXPLAIN, body)
    assert "words" not in answer
    assert all(warning.isascii() for warning in answer["warnings"])


def test_inputs_that_fail_among_others_are_told_in_chinese(server):
    broken = picture()
    broken["shape"] = [2]
    broken["data"] = [broken["data"][0], "bm9ib2R5"]
    status, answer, _ = server.ask("POST", EXPLAIN, asked(inputs=[broken], method="saliency"), ZH)
    assert status == 200, answer
    assert answer["failures"][0]["what"] == "既不是图片也不是 .npy 数组"
