"""Many clients who ask for the same: answered by one call, each as if it were alone; and how far a request is."""

import contextlib
import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

from served import PROGRAM, SLOW, Server, picture, tensor  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

EXPLAIN = "/v2/models/cnn_module/explain"
CLOSE = 1e-5  # float32 sums in another order, relative to the largest value


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.kill()


HEADERS = {"Content-Type": "application/json"}


@contextlib.contextmanager
def busy(server):
    """While the model is busy others gather behind it."""
    connection = server.connect()
    slow = json.dumps({"inputs": [picture()], "parameters": SLOW})
    connection.request("POST", EXPLAIN, slow, HEADERS)
    until(lambda: server.gauge("pellucid_requests_in_flight") == 1)
    yield
    connection.close()


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def ask_all(server, path, bodies):
    """All at once, while the model is busy; the answers in order."""
    answers = [None] * len(bodies)

    def ask(i):
        answers[i] = server.ask("POST", path, bodies[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(bodies))]
    with busy(server):
        for thread in threads:
            thread.start()
        until(lambda: server.gauge("pellucid_queue_depth") == len(bodies))
    for thread in threads:
        thread.join()
    return answers


def arrays(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3, 32, 32)).astype(np.float32)


def asking(array, **parameters):
    parameters = {"format": ["npy", "json"], **parameters}
    return {"inputs": [tensor(array)], "parameters": parameters}


def without_cost(value):
    """Times differ; what a call cost is said for all that shared it."""
    if isinstance(value, dict):
        names = {"seconds", "load_seconds", "cost", "chunk"}
        return {key: without_cost(each) for key, each in value.items() if key not in names}
    return [without_cost(each) for each in value] if isinstance(value, list) else value


def expect_alike(one, other):
    """Equal words, and numbers that are close."""
    assert type(one) is type(other) or {type(one), type(other)} == {int, float}, (one, other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            expect_alike(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            expect_alike(a, b)
    elif isinstance(one, float):
        assert abs(one - other) <= CLOSE * max(1, abs(one))
    else:
        assert one == other


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_clients_who_ask_together_get_what_each_gets_alone(server, verb):
    path = f"/v2/models/cnn_module/{verb}"
    bodies = [asking(array) for array in arrays(7)]
    before = server.gauge("pellucid_batch_requests_count")
    answers = ask_all(server, path, bodies)
    assert server.gauge("pellucid_batch_requests_count") == before + 1, "one call for all of them"
    for body, (status, document, _) in zip(bodies, answers, strict=True):
        assert status == 200, document
        assert ("of-" in json.dumps(document)) is False, "no mark is left"
        alone = server.post(path, **body)
        told, expected = document["outputs"], alone["outputs"]
        assert [output["name"] for output in told] == [output["name"] for output in expected]
        expect_alike(told[0], expected[0])
        expect_alike(without_cost(document["document"]), without_cost(alone["document"]))


def test_what_is_asked_otherwise_is_answered_apart(server):
    arrays_ = arrays(6, 1)
    bodies = [asking(array, target=str(i % 2)) for i, array in enumerate(arrays_)]
    answers = ask_all(server, EXPLAIN, bodies)
    for i, (status, document, _) in enumerate(answers):
        assert status == 200, document
        assert document["document"]["answers"][0]["target"]["index"] == i % 2
        assert len(document["document"]["answers"]) == 1


def test_a_bad_input_among_others_is_refused_alone(server):
    bodies = [asking(array) for array in arrays(4, 2)]
    bodies[2] = asking(np.zeros((3, 31, 32), np.float32))
    answers = ask_all(server, EXPLAIN, bodies)
    assert [status for status, _, _ in answers] == [200, 200, 400, 200]
    assert answers[2][1]["error"]["where"] == "inputs[0]"


def test_a_client_who_leaves_takes_nothing_from_the_others(server):
    bodies = [asking(array) for array in arrays(5, 3)]
    leaving = server.connect()
    answers = []
    threads = [
        threading.Thread(target=lambda body=body: answers.append(server.ask("POST", EXPLAIN, body)))
        for body in bodies[1:]
    ]
    with busy(server):
        leaving.request("POST", EXPLAIN, json.dumps(bodies[0]), HEADERS)
        for thread in threads:
            thread.start()
        until(lambda: server.gauge("pellucid_queue_depth") == 5)
        leaving.close()
    for thread in threads:
        thread.join()
    assert [status for status, _, _ in answers] == [200] * 4


def test_work_for_several_stops_only_when_all_have_left(server):
    slow, clients = json.dumps({"inputs": [picture()], "parameters": SLOW}), []
    with busy(server):
        for _ in range(3):
            clients.append(server.connect())
            clients[-1].request("POST", EXPLAIN, slow, HEADERS)
        until(lambda: server.gauge("pellucid_queue_depth") == 3)
    until(lambda: server.gauge("pellucid_requests_in_flight") == 3)
    for client in clients[:2]:
        client.close()
    time.sleep(1.5)
    assert server.gauge("pellucid_requests_in_flight") == 3, "the third still waits"
    clients[2].close()
    until(lambda: server.gauge("pellucid_requests_in_flight") == 0, 1.5)


def test_a_long_explanation_tells_how_far_it_is(server):
    body = {"inputs": [picture()], "parameters": {**SLOW, "settings": {"n_steps": 3000}}}
    done = []
    thread = threading.Thread(
        target=lambda: done.append(
            server.ask("POST", EXPLAIN, body, {"X-Request-Id": "long-one"}, timeout=120)
        )
    )
    thread.start()
    told = []
    while thread.is_alive():
        status, document, _ = server.ask("GET", "/v2/requests/long-one")
        assert status == 200
        if document["state"] != "unknown":
            told.append(document)
        time.sleep(0.02)
    thread.join()
    assert done[0][0] == 200 and done[0][2]["X-Request-Id"] == "long-one"
    assert {each["state"] for each in told} <= {"waiting", "running"}
    steps = [each["done"] for each in told if each["total"] == 3000]
    assert steps == sorted(steps) and len(set(steps)) > 2, told[-3:]
    assert told[-1]["stage"] == "explaining" and told[-1]["seconds"] > 0
    assert server.ask("GET", "/v2/requests/long-one")[1]["state"] == "unknown", "it is done"


def test_a_waiting_request_says_so_and_of_another_nothing_is_known(server):
    thread = threading.Thread(
        target=lambda: server.ask("POST", EXPLAIN, asking(arrays(1)[0]), {"X-Request-Id": "waits"})
    )
    with busy(server):
        thread.start()
        until(lambda: server.gauge("pellucid_queue_depth") == 1)
        status, document, _ = server.ask("GET", "/v2/requests/waits")
    assert (status, document["state"], document["done"]) == (200, "waiting", 0)
    thread.join()
    for other in ("waits", "no-such"):
        status, document, _ = server.ask("GET", f"/v2/requests/{other}")
        assert (status, document["state"], document["total"]) == (200, "unknown", 0)


def test_metrics_tell_stages_batches_and_checks(server):
    server.post(EXPLAIN, **asking(arrays(1)[0]))
    text = server.ask("GET", "/metrics")[1].decode()
    for stage in ("reading", "waiting", "preparing", "computing", "writing"):
        assert f'pellucid_stage_duration_seconds_count{{stage="{stage}"}}' in text
    assert 'pellucid_checks_total{check="finite",verdict="pass"}' in text
    assert 'pellucid_batch_requests_bucket{le="16"}' in text
