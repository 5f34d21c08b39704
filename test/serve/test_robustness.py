"""The server under pressure: slow, rude and many clients, and its end. It must go on answering."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

from load import Question, load, questions_about, send  # noqa: E402
from served import CNN, PROGRAM, SLOW, Server, picture  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")

EXPLAIN = "/v2/models/cnn_module/explain"
# A sanitizer's program computes many times more slowly: what it answers counts, not when.
SLOW_PROGRAM = "PELLUCID_SANITIZED" in os.environ


@pytest.fixture(scope="module")
def server():
    server = Server("--max-upload", "1MiB", "--queue", "64")
    yield server
    server.kill()


def health_within_a_second(server):
    start = time.monotonic()
    assert server.ask("GET", "/v2/health/live", timeout=5)[0] == 200
    assert time.monotonic() - start < 1


def slow_request(**parameters):
    body = {"inputs": [picture()], "parameters": {**SLOW, **parameters}}
    return Question(EXPLAIN, json.dumps(body).encode(), "", None)


def read_all(peer):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := peer.recv(65536):
            data += part
    return data


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_work_stops_within_a_second_when_the_client_has_gone(server):
    peer = send(server, slow_request())
    wait_for(lambda: server.gauge("pellucid_requests_in_flight") == 1, 20)
    peer.close()
    start = time.monotonic()
    wait_for(lambda: server.gauge("pellucid_requests_in_flight") == 0, 1.5)
    assert time.monotonic() - start < 1.5, "a second, and the time to ask"
    assert any('"status":499' in line for line in server.lines())
    health_within_a_second(server)


def test_answers_equal_the_command_line_while_half_of_64_clients_leave(server, tmp_path):
    report = load(
        server, questions_about(CNN, tmp_path), 10 if SLOW_PROGRAM else 4, staying=32, leaving=32
    )
    assert not report.wrong, report.wrong[0]
    assert not report.unanswered, report.unanswered[0]
    assert report.right > 0 and report.left > 64
    if not SLOW_PROGRAM:
        assert report.right > 64 and report.slowest_health < 1
    wait_for(lambda: server.gauge("pellucid_queue_depth") == 0, 5)
    assert server.process.poll() is None


def test_a_log_that_nobody_reads_holds_up_nobody():
    server = Server(log=subprocess.PIPE)
    try:
        # More than a pipe and the queue before it hold.
        connection = server.connect()
        for _ in range(6000):
            connection.request("GET", "/v2/health/live")
            assert connection.getresponse().read()
        health_within_a_second(server)
        assert server.gauge("pellucid_log_lines_lost_total") > 0
        assert server.stop() == 0, "nor does it at the end"
    finally:
        server.kill()


def test_slow_heads_get_408_and_nobody_waits_for_them(server):
    peers = []
    for _ in range(20):
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        peer.sendall(b"GET /v2 HTTP/1.1\r\nHost: local")
        peers.append(peer)
    start = time.monotonic()
    health_within_a_second(server)
    for _ in range(3):
        time.sleep(1)
        for peer in peers:
            peer.sendall(b"x")
    assert read_all(peers[0]).startswith(b"HTTP/1.1 408 ")
    assert 8 < time.monotonic() - start < 14, "the deadline is for the whole head"
    for peer in peers:
        peer.close()


def test_ten_thousand_idle_sockets_make_room_for_those_who_ask(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted, own = 10_000, 500
    if hard != resource.RLIM_INFINITY and hard < wanted + own:
        wanted = hard - own  # what this machine lets one process have
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + own), hard))
    peers = []
    try:
        for _ in range(wanted):
            with contextlib.suppress(OSError):
                peers.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        assert len(peers) > wanted // 2, "the server must go on taking connections"
        health_within_a_second(server)
        assert server.gauge("pellucid_connections") <= 513
    finally:
        for peer in peers:
            peer.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_413(server, announced):
    body = b" " * (3 << 20)
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = b"POST /v2/methods HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    if announced:
        peer.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    else:
        peer.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        peer.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
    assert read_all(peer).startswith(b"HTTP/1.1 413 ")
    peer.close()
    health_within_a_second(server)


def test_chunked_bodies_are_read_and_bad_chunks_refused(server):
    head = (
        b"POST /v2/methods HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = b'5\r\n{"par\r\n10\r\nameters": {"name\r\n11\r\n": "saliency"}  }\r\n0\r\n\r\n'
    for data, status in [
        (body, b"200"),
        (b"zz\r\n{}\r\n0\r\n\r\n", b"400"),
        (b"ffffffffffffffffff\r\n{}", b"400"),
    ]:
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        peer.sendall(head + data)
        said = read_all(peer)
        assert said.startswith(b"HTTP/1.1 " + status), said[:300]
        peer.close()


def test_a_client_may_ask_before_it_sends_its_body(server):
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = b"POST /v2/methods HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    peer.sendall(head + b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
    assert peer.recv(100).startswith(b"HTTP/1.1 100 ")
    peer.sendall(b"{}")
    assert read_all(peer).startswith(b"HTTP/1.1 200 ")
    peer.close()


def test_garbage_and_large_heads_are_refused(server):
    for data, status in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"400"),
        (b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40000 + b"\r\n\r\n", b"431"),
        (b"GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
        (b"POST /v2/methods HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
    ]:
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        peer.sendall(data)
        assert read_all(peer).startswith(b"HTTP/1.1 " + status), data[:40]
        peer.close()


def test_requests_behind_each_other_are_answered_in_order(server):
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    one = b"POST /v2/methods HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: %d\r\n%s\r\n"
    peer.sendall(one % (1, b"") + one % (2, b"") + one % (3, b"Connection: close\r\n"))
    said = read_all(peer)
    ids = [line for line in said.split(b"\r\n") if line.startswith(b"X-Request-Id")]
    assert ids == [b"X-Request-Id: 1", b"X-Request-Id: 2", b"X-Request-Id: 3"]
    peer.close()


def test_a_full_queue_is_429_and_an_answer_that_takes_too_long_504():
    server = Server("--queue", "1", "--timeout", "5")
    try:
        peers = [send(server, slow_request())]
        wait_for(lambda: server.gauge("pellucid_requests_in_flight") == 1, 20)
        peers.append(send(server, slow_request()))
        wait_for(lambda: server.gauge("pellucid_queue_depth") == 1, 5)
        status, error = server.error(EXPLAIN, {"inputs": [picture()], "parameters": SLOW})
        assert status == 429, error
        health_within_a_second(server)
        for peer in peers:
            assert read_all(peer).startswith(b"HTTP/1.1 504 ")
        wait_for(lambda: server.gauge("pellucid_requests_in_flight") == 0, 1.5)
    finally:
        server.kill()


@pytest.fixture(scope="module")
def deep_model(tmp_path_factory):
    """Layer upon layer: what a backward pass keeps is many times what a forward pass needs."""
    torch.manual_seed(5)
    layers = [layer for _ in range(24) for layer in (nn.Conv2d(3, 3, 3, padding=1), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(3 * 32 * 32, 4)).eval()
    path = tmp_path_factory.mktemp("deep") / "deep.pt2"
    torch.export.save(
        torch.export.export(
            model,
            (torch.rand(2, 3, 32, 32),),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        ),
        path,
    )
    return path


def test_little_memory_makes_chunks_smaller_then_computes_twice_then_refuses(deep_model):
    values = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    tensor = {"shape": [1, 3, 32, 32], "datatype": "FP32", "data": values.flatten().tolist()}
    body = {
        "inputs": [{"name": "input", **tensor}],
        "parameters": {"method": "integrated_gradients", "target": "0", "format": "npy"},
    }
    costs, maps = {}, {}
    limits = ("64MiB", "1500KiB", "200KiB", "20KiB")
    for limit in limits:
        server = Server("--memory-limit", limit, models=(deep_model,))
        try:
            status, said, _ = server.ask("POST", "/v2/models/deep/explain", body)
            health_within_a_second(server)
        finally:
            server.kill()
        if status == 200:
            costs[limit] = said["document"]["answers"][0]["cost"]
            maps[limit] = np.array(said["outputs"][0]["data"])
    assert status == 413 and "memory" in said["error"]["what"], said
    assert list(costs) == list(limits[:3]), costs
    assert costs["64MiB"]["chunk"] > costs["1500KiB"]["chunk"] > 1, costs
    assert costs["64MiB"]["segments"] == costs["1500KiB"]["segments"] == 1, costs
    assert costs["200KiB"]["segments"] > 1, costs
    scale = np.abs(maps["64MiB"]).max()
    assert scale > 0
    for limit in limits[1:3]:
        assert np.abs(maps[limit] - maps["64MiB"]).max() <= 1e-5 * scale, limit


# The day's time goes back by an hour each time somebody looks.
CLOCK_THAT_GOES_BACK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec* now) {
  static atomic_long looks;
  int (*real)(clockid_t, struct timespec*) = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(id, now);
  if (id == CLOCK_REALTIME) now->tv_sec -= 3600 * ++looks;
  return failed;
}
time_t time(time_t* kept) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (kept) *kept = now.tv_sec;
  return now.tv_sec;
}
"""


@pytest.mark.skipif(SLOW_PROGRAM, reason="a sanitizer wants to be loaded first")
def test_a_clock_that_goes_back_disturbs_neither_order_nor_deadlines(tmp_path):
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK_THAT_GOES_BACK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    server = Server("--timeout", "5", environment={"LD_PRELOAD": str(library)})
    try:
        ids = []
        for _ in range(5):
            body = {"inputs": [picture()], "parameters": {"method": "saliency", "format": "npy"}}
            status, _, headers = server.ask("POST", EXPLAIN, body)
            assert status == 200
            ids.append(headers["X-Request-Id"])
        start = time.monotonic()
        assert read_all(send(server, slow_request())).startswith(b"HTTP/1.1 504 ")
        assert 4 < time.monotonic() - start < 9
        lines = [json.loads(line) for line in server.lines()]
        answered = [line for line in lines if line.get("id") in ids]
        times = [line["time"] for line in answered]
        assert times == sorted(times, reverse=True) and len(set(times)) == 5, "the clock went back"
        assert [line["id"] for line in answered] == ids, "in the order of their sequence"
        assert all(line["seconds"] >= 0 for line in answered)
    finally:
        server.kill()


def test_sigterm_finishes_what_runs_and_refuses_what_is_new():
    server = Server()
    try:
        peer = send(server, slow_request(settings={"n_steps": 300}))
        wait_for(lambda: server.gauge("pellucid_requests_in_flight") == 1, 20)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.ask("GET", "/v2/health/ready")[0] == 503, 5)
        status, error = server.error("/v2/methods", {})
        assert status == 503, error
        assert read_all(peer).startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(20) == 0
    finally:
        server.kill()
