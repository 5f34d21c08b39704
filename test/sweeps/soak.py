"""Half an hour of mixed clients (right, wrong, leaving) against one server, whose memory must not grow."""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "test" / "serve"), str(root / "test" / "cli")]


def wrong_requests(server, end, refused):
    """What must be refused, again and again."""
    from served import SLOW, picture

    path = "/v2/models/cnn_module"
    bodies = [
        {"inputs": []},
        {"inputs": [picture()], "parameters": {"target": "100000"}},
        {"inputs": [picture()], "parameters": {"method": "magic"}},
        {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["AAAA"]}]},
        {"inputs": [picture()], "parameters": {**SLOW, "settings": {"n_steps": -1}}},
    ]
    number = 0
    while time.monotonic() < end:
        status, document, _ = server.ask("POST", f"{path}/explain", bodies[number % len(bodies)])
        assert status in (400, 429), document
        refused.append(status)
        server.ask("GET", f"/v2/requests/{number}")
        server.ask("GET", "/openapi.json")
        server.ask("GET", "/metrics")
        number += 1
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="the folder of the report")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--clients", type=int, default=8, help="that stay, and as many that leave")
    asked = parser.parse_args()
    from load import load, questions_about
    from served import CNN, Server

    with tempfile.TemporaryDirectory() as folder:
        questions = questions_about(CNN, folder)
    server, refused = Server(), []
    try:
        end = time.monotonic() + asked.seconds
        rude = threading.Thread(target=wrong_requests, args=(server, end, refused))
        rude.start()
        report = load(server, questions, asked.seconds, asked.clients, asked.clients)
        rude.join()
    finally:
        server.kill()
    state = Path(asked.state)
    state.mkdir(parents=True, exist_ok=True)
    (state / "report.json").write_text(json.dumps(vars(report), default=repr, indent=1))
    # The first quarter is for caches to fill.
    quarter = max(1, len(report.memory) // 4)
    before = statistics.median(report.memory[quarter : 2 * quarter])
    after = statistics.median(report.memory[-quarter:])
    print(
        f"{report.right} right answers, {len(report.wrong)} wrong, {len(report.unanswered)} lost, {len(refused)} refused, "
        f"{report.left} left; memory {before:.0f} MiB in the second quarter, {after:.0f} in the last"
    )
    grown = after > 1.03 * before + 4
    if grown:
        print("FAILED: the memory grows")
    if report.wrong or report.unanswered:
        print(f"FAILED: {(report.wrong or report.unanswered)[0]}")
    return 1 if grown or report.wrong or report.unanswered or not refused else 0


if __name__ == "__main__":
    sys.exit(main())
