"""Help, lists, completions, the manual page and doctor: what the tables become."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from program import PROGRAM, answer, pellucid  # noqa: E402

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="build/pellucid is not built")


def test_help_groups_the_verbs():
    done = pellucid("--help")
    assert done.returncode == 0
    for group in ("Look", "Trust", "Model", "Lists", "Else"):
        if group != "Trust":
            assert f"\n{group}\n" in done.stdout
    assert (
        done.stdout.index("predict") < done.stdout.index("inspect") < done.stdout.index("methods")
    )


def test_every_verb_has_a_help_with_only_its_own_options():
    for verb in ("predict", "inspect", "check", "methods", "formats", "doctor"):
        done = pellucid(verb, "--help")
        assert done.returncode == 0, verb
        assert done.stdout.startswith(f"pellucid {verb}")
    assert "--top" in pellucid("predict", "--help").stdout
    assert "--top" not in pellucid("inspect", "--help").stdout
    assert "--top" not in pellucid("methods", "--help").stdout
    assert "--out DIR" not in pellucid("serve", "--help").stdout
    assert "--max-pixels" not in pellucid("inspect", "--help").stdout


def test_without_words_the_help_is_shown_and_it_is_a_usage_error():
    done = pellucid()
    assert done.returncode == 2
    assert "pellucid VERB MODEL" in done.stdout


def test_version_names_libtorch():
    assert "LibTorch 2." in pellucid("--version").stdout


def test_help_and_lists_speak_chinese():
    assert "方法" in pellucid("--help", "--lang", "zh").stdout
    assert "模型" in pellucid("doctor", "--lang", "zh").stdout


def test_methods_lists_the_table():
    listed = answer("methods")["methods"]
    assert {"saliency", "input_x_gradient", "integrated_gradients", "grad_cam"} <= {
        m["name"] for m in listed
    }
    for method in listed:
        one = answer("methods", method["name"])
        assert one.pop("reproduce")["command"] == f"pellucid methods {method['name']}"
        assert one == method
        assert one["citation"] and one["needs"]


def test_formats_has_two_headings():
    document = answer("formats")
    assert "exported_program" in {f["name"] for f in document["model_files"]}
    assert {"npy", "json"} <= {f["name"] for f in document["answer_formats"]}
    text = pellucid("formats").stdout
    assert "Model files" in text and "Answer formats" in text


def test_doctor_is_quick_and_finds_everything_in_order():
    start = time.monotonic()
    document = answer("doctor")
    assert time.monotonic() - start < 20  # a second on an idle machine
    assert document["verdict"] in ("pass", "warn")
    self_test = next(f for f in document["findings"] if f["name"] == "self-test")
    assert self_test["verdict"] == "pass"


def test_doctor_says_how_to_mend_a_cache_that_can_not_be_written():
    document = answer("doctor", env={"XDG_CACHE_HOME": "/proc/nowhere"})
    cache = next(f for f in document["findings"] if f["name"] == "cache")
    assert cache["verdict"] == "warn" and "XDG_CACHE_HOME" in cache["remedy"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_have_no_syntax_error(shell):
    script = pellucid("--completions", shell).stdout
    assert "--max-pixels" in script or "max-pixels" in script
    if shutil.which(shell):
        done = subprocess.run(
            [shell, "-n"], input=script, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def complete(*words):
    script = pellucid("--completions", "bash").stdout
    line = " ".join(f"'{word}'" for word in words)
    ask = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _pellucid; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(
        ["bash", "-c", ask], capture_output=True, text=True, check=False
    ).stdout.split()


def test_bash_completes_verbs_options_and_words():
    assert complete("pellucid", "pre") == ["predict"]
    assert "--max-pixels" in complete("pellucid", "predict", "--max")
    assert complete("pellucid", "predict", "--device", "cu") == ["cuda"]
    assert "saliency" in complete("pellucid", "methods", "sal")


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_the_man_page_has_no_warning():
    page = pellucid("--man").stdout
    done = subprocess.run(
        ["man", "--warnings", "-l", "-"],
        input=page,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "predict" in done.stdout
