"""Operations and a method that the engine was built without are found on Python's face, with no line written there."""

import inspect
import sys

import pytest
import torch
from pellucid.engine import tables
from program import CNN, PROGRAM

import pellucid
from pellucid.model import free_operations

sys.path.append(str(PROGRAM.parent / "tests"))


@pytest.fixture(scope="module")
def catalogue():
    import pellucid_toy

    return pellucid_toy.catalogue()


@pytest.fixture(scope="module")
def model(catalogue):
    return pellucid.load(CNN, catalogue=catalogue)


def test_the_toys_are_methods_and_functions(catalogue, model):
    assert {name for name in dir(model) if "toy" in name} == {"toy_of_model"}
    assert not hasattr(model, "explain"), "the engine's own are not in this catalogue"
    assert set(free_operations(catalogue)) == {"toy"}, "what is for other faces is not here"
    assert {entry for entry in tables(catalogue)["methods"]} == {"toy_method"}
    assert not hasattr(pellucid, "toy")


def test_a_toy_has_its_signature_and_its_words(catalogue, model):
    free = free_operations(catalogue)["toy"]
    parameters = inspect.signature(free).parameters
    assert list(parameters) == ["word", "how_often", "loud", "method", "progress", "settings"]
    assert parameters["how_often"].default == 2 and parameters["how_often"].annotation is int
    assert parameters["word"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    text = inspect.getdoc(model.toy_of_model)
    for words in (
        "Hums to a model.",
        "It does not listen.",
        "how_often: How often.",
        "legs: How many",
    ):
        assert words in text


def test_a_toy_runs_with_its_options_and_the_toy_methods_settings(catalogue, model, tmp_path):
    free = free_operations(catalogue)["toy"]
    assert free().text == "humhum"
    answer = free("na", how_often=3, legs=6)
    assert answer.document["said"] == "nanana" and answer.document["model"] == "none"
    assert answer.document["set"] == [{"legs": 6}]
    assert free(loud=True, toy_method={"legs": 2}).document["set"] == [{"legs": 2}]
    heard = model.toy_of_model(torch.zeros(3, 32, 32), word="la")
    assert heard.document["said"] == "lala" and heard.document["model"] == str(CNN)
    assert [path.name for path in heard.save(tmp_path)] == ["input.toy.txt"]
    assert (tmp_path / "input.toy.txt").read_bytes().startswith(b"\x93NUMPY")


def test_a_toy_refuses_what_its_tables_refuse(catalogue, model):
    free = free_operations(catalogue)["toy"]
    for words, given in (
        ("from 1 to 9", {"how_often": 10}),
        ("did you mean legs", {"lgs": 4}),
        ("from 0 to 8", {"legs": 9}),
        ("did you mean toy_method", {"method": "toy_methd"}),
    ):
        with pytest.raises(pellucid.Error, match=words):
            free(**given)
    with pytest.raises(pellucid.Error, match="needs an input"):
        model.toy_of_model(None)


def test_a_method_written_in_python_enters_this_catalogue_alone(catalogue):
    @pellucid.method(catalogue=catalogue)
    def six(question, probe, *, legs: int = 6):
        """Has six."""

    with six:
        answer = free_operations(catalogue)["toy"](method=six, legs=7)
        assert answer.document["set"] == [{"legs": 7}]
        assert "six" not in [entry["name"] for entry in pellucid.methods().document["methods"]]
    with pytest.raises(pellucid.Error, match="unknown method"):
        free_operations(catalogue)["toy"](method="six")
