"""Methods written in Python that go wrong: refused where they stand, or named in the engine's error."""

import traceback
from typing import Annotated

import pytest
import torch
from program import CNN

import pellucid

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def cnn():
    return pellucid.load(CNN)


def test_what_a_method_raises_is_the_engines_error_with_its_traceback(cnn):
    @pellucid.method
    def breaks(question, probe):
        """Breaks."""
        return probe.gradient()[:, [99]]

    with breaks, pytest.raises(pellucid.Error, match="IndexError: .*method breaks") as raised:
        cnn.explain(X, method="breaks")
    assert "return probe.gradient()[:, [99]]" in raised.value.where
    assert isinstance(raised.value.__cause__, IndexError)
    assert "in breaks" in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda q, p: None, "scores are a tensor, not NoneType"),
        (lambda q, p: q.input[:, :1], r"\[2, 1, 32, 32\] do not fit .*expected those of the input"),
        (lambda q, p: {"none": q.input}, "an input that the model does not have"),
        (lambda q, p: {}, "returned no scores"),
        (lambda q, p: q.input.add_(1), "wrote into a tensor of the question"),
        (lambda q, p: p.activations("nolayer"), 'no layer "nolayer"'),
        (lambda q, p: p.gradient(q.input[:, :2]), "does not fit the question's input"),
        (lambda q, p: p.gradient(q.input[:1]), "as many samples, or whole copies"),
        (lambda q, p: q.baseline, "not declared with uses_baseline"),
        (lambda q, p: pellucid.Attribution(q.input, [pellucid.Check("a", "bad", "")]), "a verdict"),
        (lambda q, p: p.gradients(2, lambda k: p.forward(), print), "asked while it answers"),
    ],
)
def test_a_wrong_answer_is_refused_and_named(cnn, answer, words):
    with (
        pellucid.method(_documented(answer), name="wrong"),
        pytest.raises(pellucid.Error, match=f"{words}.*") as raised,
    ):
        cnn.explain(X.clone(), method="wrong")
    assert "method wrong" in str(raised.value)


def _documented(function):
    function.__doc__ = "Answers wrongly."
    return function


def test_a_method_that_needs_less_is_held_to_it(cnn):
    for needs, ask in (
        ("forward", lambda q, p: p.gradient()),
        ("activations", lambda q, p: p.gradient()),
        ("forward", lambda q, p: p.activations("relu2")),
    ):
        with (
            pellucid.method(_documented(ask), name="modest", needs=needs),
            pytest.raises(pellucid.Error, match=f"it needs {needs} alone"),
        ):
            cnn.explain(X, method="modest")


def test_one_inputs_failure_leaves_the_others(cnn):
    @pellucid.method
    def picky(question, probe):
        """Refuses what is dark."""
        if (question.input.mean((1, 2, 3)) < 0).any():
            raise LookupError("too dark")
        return probe.gradient()

    with picky, pytest.warns(UserWarning, match="too dark"):
        found = cnn.explain([torch.ones(3, 32, 32), -torch.ones(3, 32, 32)], method="picky")
    assert len(found.records) == 1
    assert isinstance(found.failures[0][1].__cause__, LookupError)


def test_what_is_no_method_is_refused_where_it_stands():
    def no_docstring(question, probe):
        return None

    def no_default(question, probe, *, steps):
        """Has none."""

    def odd_type(question, probe, *, steps: dict = {}):  # noqa: B006
        """Is odd."""

    def fine(question, probe, *, steps: Annotated[int, pellucid.Option(least=1)] = 0):
        """Its default is below its least."""

    def fine_otherwise(question, probe):
        """Is fine."""

    for function, words in (
        (no_docstring, "no docstring"),
        (no_default, "has a default"),
        (odd_type, "no type of an option"),
        (fine, "does not fit .*steps"),
        (lambda: None, "must take"),
    ):
        if function.__name__ == "<lambda>":
            function.__name__, function.__doc__ = "few", "Takes too little."
        with pytest.raises(pellucid.Error, match=words):
            pellucid.method(function)
    for given, words in (
        ({"name": "Not A Name"}, "no name of a method"),
        ({"name": "saliency"}, "of its own"),
        ({"needs": "magic"}, "forward, gradient, activations"),
        ({"promises": "gold"}, "completeness"),
        ({"promises": "completeness"}, "uses_baseline=True"),
        ({"coordinates": "sky"}, "coordinates are"),
    ):
        with pytest.raises(pellucid.Error, match=words):
            pellucid.method(fine_otherwise, **given)
    assert "fine_otherwise" not in pellucid.methods().text
