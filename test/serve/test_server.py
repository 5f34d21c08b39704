"""The server as a black box: every route, answers equal to the command line's, wrong requests."""

import base64
import json
import signal
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

from program import one_line, pellucid  # noqa: E402
from served import CAT, CNN, LINEAR, PROGRAM, Server, encoded, picture, tensor  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

CLOSE = 1e-5  # float32 sums in another order, relative to values of about 1


@pytest.fixture(scope="module")
def server():
    server = Server("--max-upload", "2MiB")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def on_the_command_line(tmp_path_factory):
    """Output and Grad-CAM map of the cat as the command line has them."""
    out = tmp_path_factory.mktemp("cli")
    words = ["--out", out, "--threads", "1"]
    assert pellucid("predict", CNN, CAT, *words).returncode == 0
    assert pellucid("explain", CNN, CAT, *words).returncode == 0
    return np.load(out / "chelsea.output.npy"), np.load(out / "chelsea.grad_cam.npy")


def values(output):
    return np.array(output["data"], np.float32).reshape(output["shape"])


# Every route


def test_the_server_describes_itself_and_its_models(server):
    assert server.ask("GET", "/v2")[1]["name"] == "pellucid"
    assert server.ask("GET", "/v2/health/live")[:2] == (200, {"live": True})
    assert server.ask("GET", "/v2/health/ready")[:2] == (200, {"ready": True})
    assert server.ask("GET", "/v1/models")[1]["models"] == [
        "cnn_module",
        "linear",
        "image_and_vector",
    ], "as the command line has them: a page begins with the first"
    assert server.ask("GET", "/v1/models/linear")[1] == {"name": "linear", "ready": True}
    assert server.ask("GET", "/v2/models/linear/ready")[0] == 200
    model = server.ask("GET", "/v2/models/cnn_module")[1]
    assert model["inputs"] == [
        {
            "name": "x",
            "datatype": "FP32",
            "shape": [-1, 3, 32, 32],
            "parameters": {"takes": "picture"},
        }
    ]
    vector = server.ask("GET", "/v2/models/linear")[1]["inputs"][0]
    assert vector["parameters"] == {"takes": "array"}
    assert model["outputs"][0]["name"] == "output"


def test_catalogue_and_openapi_come_from_the_tables(server):
    catalogue = server.ask("GET", "/v2/catalogue")[1]
    names = {operation["name"] for operation in catalogue["operations"]}
    assert {"predict", "explain", "inspect", "check", "methods"} <= names
    assert not names & {"serve", "doctor"}
    for operation in catalogue["operations"]:
        options = {option["name"] for option in operation["options"]}
        assert not options & {"threads", "device", "memory_limit", "max_pixels", "output_kind"}
    assert "grad_cam" in {method["name"] for method in catalogue["methods"]}
    paths = server.ask("GET", "/openapi.json")[1]["paths"]
    assert {operation["path"] for operation in catalogue["operations"]} <= set(paths)
    chinese = server.ask("GET", "/v2/catalogue", headers={"Accept-Language": "zh-CN,zh"})[1]
    assert chinese["operations"][0]["summary"] != catalogue["operations"][0]["summary"]


def test_operations_that_need_no_input_answer_with_their_document(server):
    methods = server.post("/v2/methods")["document"]["methods"]
    assert "saliency" in {method["name"] for method in methods}
    inspected = server.post("/v2/models/cnn_module/inspect", parameters={"layers": True})
    assert inspected["document"]["file"] == "cnn_module.pt2", "no folder of the server"
    assert server.post("/v2/models/cnn_module/check")["document"]["verdict"] == "pass"


def test_head_answers_like_get_without_a_body(server):
    status, body, headers = server.ask("HEAD", "/v2/health/live")
    assert (status, body) == (200, b"") and int(headers["Content-Length"]) > 0


# Answers equal the command line's


def test_predictions_equal_the_command_line(server, on_the_command_line):
    output, _ = on_the_command_line
    one = server.post("/v1/models/cnn_module:predict", instances=[{"b64": encoded(CAT)}])
    assert np.allclose(one["predictions"][0], output, rtol=0, atol=CLOSE)
    two = server.post("/v2/models/cnn_module/infer", inputs=[picture()])
    assert two["outputs"][0]["shape"] == [1, len(output)]
    assert np.allclose(values(two["outputs"][0])[0], output, rtol=0, atol=CLOSE)
    own = server.post("/v2/models/cnn_module/predict", inputs=[picture()])
    assert own["outputs"][0]["name"] == "0.output.npy"
    assert np.allclose(values(own["outputs"][0]), output, rtol=0, atol=CLOSE)
    assert own["document"]["answers"][0]["outputs"][0]["samples"][0]["top"]


def test_explanations_equal_the_command_line(server, on_the_command_line):
    _, map_ = on_the_command_line
    parameters = {"method": "grad_cam", "format": ["npy", "png"]}
    answer = server.post("/v2/models/cnn_module/explain", inputs=[picture()], parameters=parameters)
    outputs = {output["name"]: output for output in answer["outputs"]}
    found = values(outputs["0.grad_cam.npy"])
    assert np.allclose(found, map_, rtol=0, atol=CLOSE * np.abs(map_).max())
    assert outputs["0.grad_cam.png"]["parameters"]["content_type"] == "image/png"
    one = server.post("/v1/models/cnn_module:explain", instances=[{"b64": encoded(CAT)}])
    explanation = one["explanations"][0]
    assert np.allclose(explanation["scores"], map_, rtol=0, atol=CLOSE * np.abs(map_).max())
    assert explanation["records"][0]["method"]["name"] == "grad_cam"


def test_several_instances_and_several_inputs_keep_their_order(server):
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(3, 3, 32, 32)).astype(np.float32)
    one = server.post("/v1/models/cnn_module:predict", instances=batch.tolist())["predictions"]
    two = server.post("/v2/models/cnn_module/infer", inputs=[tensor(batch)])["outputs"][0]
    assert np.allclose(one, values(two), rtol=0, atol=CLOSE)
    assert not np.allclose(one[0], one[1], rtol=0, atol=CLOSE)
    image = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    vector = rng.normal(size=(2, 6)).astype(np.float32)
    both = server.post(
        "/v2/models/image_and_vector/infer",
        inputs=[tensor(vector, "vector"), tensor(image, "image")],
    )["outputs"][0]
    instances = [
        {"image": image[i].tolist(), "vector": vector[i].tolist()} for i in range(len(image))
    ]
    again = server.post("/v1/models/image_and_vector:predict", instances=instances)
    assert np.allclose(again["predictions"], values(both), rtol=0, atol=CLOSE)


def test_binary_tensors_go_both_ways(server):
    batch = np.random.default_rng(1).normal(size=(2, 3, 32, 32)).astype("<f4")
    plain = server.post("/v2/models/cnn_module/infer", inputs=[tensor(batch)])["outputs"][0]
    entry = {"name": "x", "shape": list(batch.shape), "datatype": "FP32"}
    entry["parameters"] = {"binary_data_size": batch.nbytes}
    head = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    status, body, headers = server.ask(
        "POST",
        "/v2/models/cnn_module/infer",
        head + batch.tobytes(),
        {
            "Content-Type": "application/octet-stream",
            "Inference-Header-Content-Length": str(len(head)),
        },
    )
    assert status == 200, body
    length = int(headers["Inference-Header-Content-Length"])
    output = json.loads(body[:length])["outputs"][0]
    assert output["parameters"]["binary_data_size"] == len(body) - length
    found = np.frombuffer(body[length:], "<f4").reshape(output["shape"])
    assert np.allclose(found, values(plain), rtol=0, atol=CLOSE)


# Wrong requests


@pytest.mark.parametrize(
    ("path", "body", "status", "expected"),
    [
        ("/v2/models/nothing/infer", {"inputs": []}, 404, "cnn_module"),
        ("/v2/models/cnn_module/explian", {}, 404, "explain"),
        ("/v2/models/cnn_module/doctor", {}, 404, ""),
        ("/v2/models/cnn_module/serve", {}, 404, ""),
        ("/v1/models/cnn_module:inspect", {"instances": [1]}, 404, ""),
        ("/v1/models/cnn_module:predict", {"instances": []}, 400, "one instance"),
        ("/v1/models/cnn_module:predict", {"instances": [[1, [2]]]}, 400, "array"),
        ("/v1/models/cnn_module:predict", {"instances": [{"b64": "!"}]}, 400, "base64"),
        ("/v2/models/cnn_module/predict", {}, 400, "needs an input"),
        ("/v2/models/cnn_module/predict", {"parameters": {"tpo": 1}}, 400, "top"),
        ("/v2/models/cnn_module/predict", {"parameters": {"top": 0}}, 400, "from 1"),
        ("/v2/models/cnn_module/predict", {"parameters": {"threads": 1}}, 400, "unknown"),
        ("/v2/models/cnn_module/predict", {"parameters": {"max_pixels": 2}}, 400, "unknown"),
        ("/v2/models/cnn_module/predict", {"parameters": {"memory_limit": "1"}}, 400, "unknown"),
        ("/v2/models/cnn_module/inspect", {"parameters": {"output_kind": "dense"}}, 400, "unknown"),
    ],
)
def test_wrong_requests_say_what_was_expected(server, path, body, status, expected):
    found, error = server.error(path, body)
    assert found == status, error
    assert expected in json.dumps(error)


def explaining(**parameters):
    return {"inputs": [picture()], "parameters": {"format": "npy", **parameters}}


@pytest.mark.parametrize(
    "body",
    [
        explaining(method="magic"),
        explaining(target="100000"),
        explaining(layer="no.such.layer"),
        explaining(settings={"wings": 2}),
        {"inputs": [tensor(np.zeros((3, 31, 32), np.float32))]},
        {"inputs": [tensor(np.zeros((32,), np.float32))]},
        {"inputs": [tensor(np.zeros((3, 32, 32), np.float32), "y")]},
        {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["AAAA"]}]},
    ],
)
def test_wrong_targets_layers_and_sizes_are_400(server, body):
    status, error = server.error("/v2/models/cnn_module/explain", body)
    assert status == 400, error


@pytest.mark.parametrize("baseline", ["/etc/passwd", str(CAT), "../chelsea.png"])
def test_no_option_reads_a_file_of_the_server(server, baseline):
    body = explaining(method="integrated_gradients", baseline=baseline)
    status, error = server.error("/v2/models/cnn_module/explain", body)
    assert status == 400
    assert "no baseline is called" in error["what"]


def test_a_picture_that_claims_to_be_huge_is_413(server):
    claim = struct.pack(
        "<2sIHHIIiiHHIIiiII", b"BM", 200, 0, 0, 54, 40, 40000, 40000, 1, 24, *[0] * 6
    )
    cat = picture()
    cat["data"] = [base64.b64encode(claim + bytes(100)).decode()]
    status, error = server.error("/v2/models/cnn_module/predict", {"inputs": [cat]})
    assert status == 413, error


def test_bad_json_deep_json_and_foreign_types_are_refused(server):
    path, json_type = "/v2/models/cnn_module/infer", {"Content-Type": "application/json"}
    for body in ("{", "[" * 200000 + "]" * 200000, "\xff\xfe", '{"inputs": NaN}', "null", "7"):
        assert server.error(path, body.encode("latin1"), json_type)[0] == 400, body[:20]
    assert (
        server.error(path, "a=1", {"Content-Type": "application/x-www-form-urlencoded"})[0] == 415
    )
    assert server.error(path, "{}", {**json_type, "Content-Encoding": "gzip"})[0] == 415


def test_strange_hosts_and_origins_are_refused(server):
    for headers, status in [
        ({"Host": "evil.example"}, 403),
        ({"Host": f"evil.example:{server.port}"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": f"localhost:{server.port}"}, 200),
        ({"Origin": f"http://127.0.0.1:{server.port}"}, 200),
    ]:
        assert server.ask("GET", "/v2", headers=headers)[0] == status, headers


def test_every_answer_forbids_scripts_and_has_an_id(server):
    for path in ("/v2", "/nothing", "/metrics", "/v2/models/<script>"):
        headers = server.ask("GET", path, headers={"X-Request-Id": "abc-1"})[2]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-Id"] == "abc-1"
    assert server.ask("GET", "/v2", headers={"X-Request-Id": "a b\t"})[2]["X-Request-Id"] != "a b"


def test_metrics_count_routes_without_names_of_models(server):
    server.post("/v2/models/linear/inspect")
    text = server.ask("GET", "/metrics")[1].decode()
    assert 'route="/v2/models/{model}/{operation}",method="POST",status="2xx"' in text
    assert "linear" not in text
    assert "pellucid_build_info{" in text and "# TYPE pellucid_rejections_total counter" in text


def test_log_lines_are_json_with_the_request_id(server):
    server.ask("GET", "/v2/models/linear", headers={"X-Request-Id": "look-for-me"})
    [line] = [json.loads(each) for each in server.lines() if "look-for-me" in each]
    assert line["status"] == 200 and line["route"] == "/v2/models/{model}"
    assert line["model"] == "linear" and line["seconds"] >= 0


# The command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "needs a model"),
        ([CNN, "--host", "0.0.0.0"], "--token-file"),
        ([CNN, CNN], "NAME=FILE"),
        (["a b=" + str(CNN)], "NAME=FILE"),
        ([CNN, "--max-upload", "lots"], "--max-upload"),
        ([CNN, "--memory-limit", "lots"], "GiB"),
        ([CNN, "--host", "256.1.1.1", "--token-file", "TOKEN"], "--host"),
        ([CNN, "--token-file", "SHORT"], "16"),
    ],
)
def test_serve_refuses_to_start_and_says_why(words, expected, tmp_path):
    (tmp_path / "TOKEN").write_text("0123456789abcdef\n")
    (tmp_path / "SHORT").write_text("short\n")
    done = pellucid("serve", *words, "--port", "0", cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert expected in one_line(done)


def test_an_unreadable_model_stops_the_start(tmp_path):
    (tmp_path / "bad.pt2").write_bytes(b"no model")
    assert pellucid("serve", tmp_path / "bad.pt2", "--port", "0").returncode == 1


def test_a_token_is_asked_for_and_the_host_may_be_open(tmp_path):
    (tmp_path / "token").write_text("0123456789abcdef\n")
    server = Server(
        "--host", "0.0.0.0", "--token-file", tmp_path / "token", models=[f"lin={LINEAR}"]
    )
    try:
        assert server.ask("GET", "/v2/health/live")[0] == 200
        status, document, headers = server.ask("GET", "/v1/models")
        assert status == 401 and headers["WWW-Authenticate"] == "Bearer"
        assert "0123456789abcdef" not in json.dumps(document)
        right = {"Authorization": "Bearer 0123456789abcdef"}
        assert server.ask("GET", "/v1/models", headers=right)[1] == {"models": ["lin"]}
        wrong = {"Authorization": "Bearer 0123456789abcdeX"}
        assert server.ask("GET", "/v1/models", headers=wrong)[0] == 401
        assert server.stop(signal.SIGINT) == 0
    finally:
        server.kill()
