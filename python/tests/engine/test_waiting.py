"""While the engine works Python goes on: other threads run, Ctrl-C stops it, the caller's modes change nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from program import CNN

import pellucid

warnings.filterwarnings("ignore", category=UserWarning)


@pytest.fixture(scope="module")
def cnn():
    return pellucid.load(CNN)


def sample(seed):
    return torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_threads_on_one_model_get_each_their_own_answer(cnn):
    expected = [cnn.explain(sample(i), method="saliency", format="npy").values for i in range(16)]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda i: cnn.explain(sample(i % 16), method="saliency", format="npy").values,
                range(64),
            )
        )
    for i, values in enumerate(found):
        assert torch.equal(values, expected[i % 16])


def test_python_runs_on_while_the_engine_works(cnn):
    done = threading.Event()
    ticks = 0

    def work():
        cnn.explain(sample(0), method="integrated_gradients", n_steps=3000, format="npy")
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    worker.join()
    # Under a GIL that is held this loop would turn once or twice.
    assert ticks > 20


_INTERRUPTED = f"""
import signal, warnings, pellucid, torch
warnings.simplefilter("ignore")
# Who starts the tests in the background hands on a SIGINT that is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
model = pellucid.load({str(CNN)!r})
model.explain(torch.zeros(3, 32, 32), method="saliency", format="npy")
print("working", flush=True)
try:
    model.explain(torch.zeros(3, 32, 32), method="integrated_gradients", n_steps=100000,
                  quadrature="riemann_middle", format="npy")
except KeyboardInterrupt:
    print("stopped", flush=True)
    print(model.predict(torch.zeros(3, 32, 32)).values.shape)
"""


def interrupt(code, after, within):
    """Runs the program, which says "working", sends Ctrl-C, and sees it stop and predict again; all in seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout.readline() == "working\n"
    time.sleep(after)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopped\n"
    assert time.monotonic() - start < within
    assert process.stdout.readline() == "torch.Size([10])\n"
    assert process.wait(60) == 0


def test_ctrl_c_stops_the_engine_and_the_model_is_still_good():
    # Asked after each batch of points; the whole way would take a minute and more.
    interrupt(_INTERRUPTED, after=0.3, within=10)


def test_a_signal_whose_handler_raises_nothing_stops_nothing(cnn):
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *words: heard.append(words))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        found = cnn.explain(
            sample(0), method="integrated_gradients", n_steps=3000, format="npy"
        ).values
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert heard and found.shape == (3, 32, 32)


def test_the_callers_modes_change_no_answer(cnn):
    def ask():
        return cnn.explain(sample(1), method="saliency", target=1, format="npy").values

    expected = ask()
    with torch.no_grad():
        assert torch.equal(ask(), expected)
    with torch.inference_mode():
        assert torch.equal(ask(), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(ask(), expected)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_can_ask_as_well():
    code = f"""
import os, warnings, pellucid, torch
warnings.simplefilter("ignore")
torch.set_num_threads(1)
model = pellucid.load({str(CNN)!r})
expected = model.predict(torch.ones(3, 32, 32)).values.clone()
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(model.predict(torch.ones(3, 32, 32)).values, expected) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "0\n", done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True: probe.gradient()",
        "probe.gradients(10**9, lambda k: question.input, lambda k, gradient: None)",
        "while True: [x for x in range(1000)]; probe.target(question.input + 1)",
    ],
)
def test_ctrl_c_stops_a_method_that_is_written_in_python(body):
    code = f"""
import signal, warnings, pellucid, torch
warnings.simplefilter("ignore")
signal.signal(signal.SIGINT, signal.default_int_handler)
model = pellucid.load({str(CNN)!r})
@pellucid.method
def endless(question, probe):
    "Never ends."
    print("working", flush=True)
    {body}
try:
    model.explain(torch.zeros(3, 32, 32), method="endless", format="npy")
except KeyboardInterrupt:
    print("stopped", flush=True)
    print(model.predict(torch.zeros(3, 32, 32)).values.shape)
"""
    interrupt(code, after=0.2, within=5)
