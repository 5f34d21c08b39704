"""Hostile and odd inputs over HTTP: each has its own answer, and the server goes on answering."""

import base64
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

from served import CAT, PROGRAM, Server, picture, tensor  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

EXPLAIN, PREDICT = "/v2/models/cnn_module/explain", "/v2/models/cnn_module/predict"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def server():
    server = Server("--max-upload", "8MiB")
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def goes_on(server):
    yield
    assert server.ask("GET", "/v2/health/live", timeout=1)[0] == 200
    assert server.process.poll() is None


def upload(data):
    return {**picture(), "data": [base64.b64encode(data).decode()]}


def saved(image, kind, **how):
    data = io.BytesIO()
    image.save(data, kind, **how)
    return data.getvalue()


def cat():
    with Image.open(CAT) as image:
        return image.convert("RGB").resize((96, 96))


def explained(server, data, **parameters):
    parameters = {"method": "saliency", "format": ["npy", "json"], **parameters}
    return server.ask("POST", EXPLAIN, {"inputs": [data], "parameters": parameters})


def test_a_progressive_jpeg_of_thousands_of_scans_is_refused(server):
    data = saved(cat(), "jpeg", progressive=True)
    # The first scan again and again changes nothing, and each is a pass over the whole picture.
    start = end = data.index(b"\xff\xda")
    end += 2
    while data[end] != 0xFF or data[end + 1] == 0:
        end += 1
    many = data[:end] + data[start:end] * 5000 + data[end:]
    status, error = server.error(PREDICT, {"inputs": [upload(many)]})
    assert status in (400, 413), error
    assert "scan" in json.dumps(error)


def test_a_truncated_jpeg_is_refused_unless_what_is_left_is_asked_for(server):
    data = saved(cat(), "jpeg")[:-400]
    status, error = server.error(PREDICT, {"inputs": [upload(data)]})
    assert status == 400 and "inputs[0]" in error["where"]
    status, document, _ = explained(server, upload(data), salvage=True)
    assert status == 200, document
    record = document["document"]["answers"][0]
    assert record["conversions"], "what was lost is recorded"


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "jpeg"), ("L", "png"), ("I;16", "png"), ("LA", "png"), ("P", "png")]
)
def test_other_kinds_of_pictures_are_converted_and_that_is_recorded(server, mode, kind):
    image = cat().convert("L") if mode == "I;16" else cat().convert(mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    status, document, _ = explained(server, upload(saved(image, kind)))
    assert status == 200, document
    assert document["document"]["answers"][0]["conversions"]


def test_a_photo_is_turned_as_its_exif_says(server):
    image = cat()
    exif = Image.Exif()
    exif[0x0112] = 3  # by half a turn
    turned = server.post(PREDICT, inputs=[upload(saved(image.rotate(180), "png"))])
    told = server.post(PREDICT, inputs=[upload(saved(image, "png", exif=exif))])
    values = [np.array(answer["outputs"][0]["data"]) for answer in (turned, told)]
    assert np.allclose(*values, atol=1e-5)
    assert "EXIF" in json.dumps(told["document"]["answers"][0]["conversions"])


def checks_of(document):
    return {
        check["name"]: check["verdict"] for check in document["document"]["answers"][0]["checks"]
    }


def test_pixels_that_lead_to_nan_are_said_and_never_a_blank_map(server):
    # JSON has no NaN; what overflows in the network is as bad.
    data = tensor(np.full((3, 32, 32), 3e38, np.float32))
    status, document, _ = explained(server, data, format=["npy", "png", "json"])
    assert status == 200, document
    assert checks_of(document)["score"] == "fail"
    assert any("No attribution" in warning for warning in document["warnings"])
    inferred = server.post("/v2/models/cnn_module/infer", inputs=[data])
    assert None in inferred["outputs"][0]["data"]
    assert "NaN or infinite" in inferred["parameters"]["warnings"][0]
    instances = [np.full((3, 32, 32), 3e38).tolist()]
    predicted = server.post("/v1/models/cnn_module:predict", instances=instances)
    assert "NaN or infinite" in predicted["warnings"][0]


def test_numbers_beyond_their_type_are_refused(server):
    data = tensor(np.zeros((3, 32, 32), np.float32))
    for number in (1e39, -1e39):
        data["data"][5] = number
        status, error = server.error("/v2/models/cnn_module/infer", {"inputs": [data]})
        assert status == 400 and "does not fit FP32" in error["what"]


def test_a_zero_gradient_is_said_to_be_flat(server):
    # Inputs times gradient are zero where all inputs are.
    data = tensor(np.zeros((3, 32, 32), np.float32))
    status, document, _ = explained(server, data, method="input_x_gradient")
    assert status == 200, document
    assert checks_of(document)["flat"] != "pass"
    assert document["warnings"]


def test_a_constant_picture_has_an_answer(server):
    status, document, _ = explained(server, upload(saved(Image.new("RGB", (64, 64)), "png")))
    assert status == 200, document
    assert checks_of(document)["finite"] == "pass"


@pytest.mark.parametrize("where", ["name", "id", "target", "layer", "method", "datatype", "model"])
def test_scripts_in_words_stay_words(server, where):
    body = {"inputs": [picture()], "parameters": {"format": "npy"}}
    path = EXPLAIN
    if where == "id":
        body["id"] = SCRIPT
    elif where == "model":
        path = "/v2/models/%3Cscript%3Ealert(1)%3C%2Fscript%3E/explain"
    elif where in ("name", "datatype"):
        body["inputs"][0][where] = SCRIPT
    else:
        body["parameters"][where] = SCRIPT
    status, document, headers = server.ask("POST", path, body)
    assert status == (200 if where == "id" else 404 if where == "model" else 400), document
    assert headers["Content-Type"].startswith("application/json")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_scripts_in_pictures_of_answers_are_escaped(server):
    parameters = {"method": "saliency", "format": ["svg"], "target": "0"}
    body = {"inputs": [picture()], "parameters": parameters, "id": SCRIPT}
    [output] = server.post(EXPLAIN, **body)["outputs"]
    svg = base64.b64decode(output["data"][0])
    assert b"<svg" in svg and b"<script" not in svg


def test_no_error_names_a_place_of_the_server(server):
    huge = struct.pack(
        "<2sIHHIIiiHHIIiiII", b"BM", 200, 0, 0, 54, 40, 40000, 40000, 1, 24, *[0] * 6
    )
    bodies = [
        {"inputs": [upload(b"no picture")]},
        {"inputs": [upload(huge + bytes(100))]},
        {"inputs": [picture()], "parameters": {"target": "nothing like it"}},
        {"inputs": [picture()], "parameters": {"baseline": "../../etc/passwd"}},
        {"inputs": [tensor(np.zeros((1, 2), np.float32))]},
    ]
    for body in bodies:
        _, error = server.error(EXPLAIN, body)
        text = json.dumps(error)
        for place in (str(Path(CAT).parent), str(Path.cwd()), "/tmp/", ".pt2", ".cpp"):
            assert place not in text, text
