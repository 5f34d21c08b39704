"""Methods written in Python: in the tables, on the faces of this process, and gone without a trace."""

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

import pytest
import torch
from program import CAT, CNN, MODELS
from torch import nn

import pellucid

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def cnn():
    return pellucid.load(CNN)


def signed(question, probe, *, scale: float = 1.0):
    """The signed gradient.

    scale: what the scores are multiplied with.
    """
    return probe.gradient() * scale


def names():
    return [entry["name"] for entry in pellucid.methods().document["methods"]]


def test_a_method_answers_as_the_engines_own_does(cnn):
    expected = cnn.explain(X, method="saliency", target=2, absolute=False)
    with pellucid.method(signed, unit="target per unit of input"):
        found = cnn.explain(X, method="signed", target=2)
    assert torch.equal(found.values, expected.values)
    ours, theirs = found.records[0], expected.records[0]
    assert ours["method"] == {"name": "signed", "title": "Signed", "settings": {"scale": 1.0}}
    assert ours["cost"]["gradients"] == theirs["cost"]["gradients"]
    assert ours["maps"][0]["unit"] == "logit per unit of input"
    assert "gradient_check" in ours, "it differentiates, so the model's gradient is checked"


def test_a_method_has_a_picture_and_settings(cnn):
    with pellucid.method(signed) as mine:
        found = cnn.explain(CAT, method=mine, scale=2, target=1)
        assert found.pictures["chelsea.signed.png"].startswith(b"\x89PNG")
        once = cnn.explain(CAT, method=[mine, "saliency"], target=1, signed={"scale": 1})
        assert torch.equal(found.values, 2 * once.values["chelsea.signed"])
        with pytest.raises(pellucid.Error, match='no setting "scael".*did you mean scale'):
            cnn.explain(CAT, method=mine, scael=2)


def test_the_tables_have_the_methods_words_and_options(cnn):
    @pellucid.method(
        citation="Nobody 2026",
        needs="forward",
        promises=["deterministic", "implementation invariance"],
        uses_baseline=True,
    )
    def toy(
        question,
        probe,
        *,
        legs: Annotated[int, pellucid.Option("How many legs.", least=0, most=8)] = 4,
        gait: Literal["walk", "trot"] = "walk",
        names: list[str] = ("a", "b"),
        loud=False,
        weight: float | None = None,
    ):
        """Counts legs.

        loud: In capitals.
        """

    with toy:
        entry = pellucid.methods("toy").document
        assert entry["summary"] == "Counts legs." and entry["citation"] == "Nobody 2026"
        assert entry["needs"] == "forward" and entry["uses_baseline"] and not entry["uses_layer"]
        assert entry["promises"] == ["deterministic", "implementation invariance"]
        options = {option.pop("name"): option for option in entry["options"]}
        assert options == {
            "legs": {
                "type": "integer",
                "help": "How many legs.",
                "default": 4,
                "least": 0.0,
                "most": 8.0,
            },
            "gait": {"type": "string", "help": "", "default": "walk", "choices": ["walk", "trot"]},
            "names": {"type": "list", "help": "", "default": ["a", "b"]},
            "loud": {"type": "boolean", "help": "In capitals.", "default": False},
            "weight": {"type": "number", "help": "", "default": None},
        }
        assert "Counts legs." in pellucid.methods().text
        assert "legs: How many legs." in inspect.getdoc(cnn.explain)
        for wrong in ({"legs": 9}, {"legs": "x"}, {"gait": "fly"}, {"loud": 3}):
            with pytest.raises(pellucid.Error, match="toy"):
                cnn.explain(X, method="toy", **wrong)
    assert "How many legs." not in inspect.getdoc(cnn.explain)


def test_settings_arrive_in_their_types(cnn):
    seen = {}

    @pellucid.method
    def typed(
        question,
        probe,
        *,
        whole: int = 1,
        real: float = 2,
        word: str = "x",
        words: list[str] = (),
        flag: bool = True,
        maybe: int | None = None,
    ):
        """Looks at what it is given."""
        seen.update(whole=whole, real=real, word=word, words=words, flag=flag, maybe=maybe)
        return torch.ones_like(question.input)

    with typed:
        cnn.explain(X, method="typed", whole=3, real=4, words=["p", "q"], flag=False, maybe=5)
        assert seen == {
            "whole": 3,
            "real": 4.0,
            "word": "x",
            "words": ["p", "q"],
            "flag": False,
            "maybe": 5,
        }
        assert type(seen["real"]) is float
        record = cnn.explain(X, method="typed").records[0]
        assert record["method"]["settings"]["words"] == [] and seen["maybe"] is None


def test_the_probe_answers_what_the_network_does():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    model = pellucid.load(net, example=torch.zeros(2, 4))
    x = torch.randn(5, 4)
    at = x.clone().requires_grad_()
    inner = net[0](at)
    inner.retain_grad()
    answer = net[2](net[1](inner))
    answer[:, 1].sum().backward()

    @pellucid.method
    def looks(question, probe):
        """Compares."""
        close = torch.testing.assert_close
        close(question.input, x)
        assert len(question.attributable) == 1 and question.layer is None and question.seed == 3
        close(probe.forward(), answer.detach())
        close(probe.target(), answer[:, 1].detach())
        assert probe.targets() == ["1"] * 5
        assert probe.layers() == ["0", "1", "2"]
        close(probe.activations("0"), inner.detach())
        assert list(probe.activations(["1", "0"])) == ["1", "0"]
        close(probe.gradient(), at.grad)
        value, gradient = probe.layer_gradient("0")
        close(value, inner.detach())
        close(gradient, inner.grad)
        close(probe.pulled_back("0", inner.grad), at.grad)
        # Whole copies of the batch have the batch's targets.
        twice = torch.cat([x, 2 * x])
        close(probe.target(twice)[5:], net(2 * x)[:, 1].detach())
        close(probe.gradient(twice)[:5], at.grad)
        points, order = [], []

        def add(k, gradient):
            order.append(k)
            points.append(gradient)

        probe.gradients(4, lambda k: x * k, add)
        assert order == [0, 1, 2, 3]
        close(points[1], at.grad)
        return probe.gradient()

    with looks:
        found = model.explain(x, method="looks", target=1, seed=3, format="npy")
    torch.testing.assert_close(found.values, at.grad)
    assert found.records[0]["cost"]["gradients"] > 0


def test_a_cam_written_in_python_is_the_engines(cnn):
    @pellucid.method(coordinates="layer", uses_layer=True, positive_part=True)
    def cam(question, probe):
        """Channels weighted by their mean gradient."""
        layer = probe.picture_layer()
        value, gradient = probe.layer_gradient(layer)
        scores = (gradient.mean((2, 3), keepdim=True) * value).sum(1)
        return pellucid.Attribution({layer: scores}, notes=[f"layer {layer}"])

    with cam:
        for words in ({}, {"layer": "relu2"}):
            expected = cnn.explain(CAT, method="grad_cam", **words)
            found = cnn.explain(CAT, method="cam", **words)
            torch.testing.assert_close(found.values, expected.values)
            assert found.records[0]["notes"][0].startswith("layer ")
            assert found.records[0]["maps"][0]["name"] == expected.records[0]["maps"][0]["name"]


def test_checks_and_notes_stand_in_the_record_and_completeness_is_measured(cnn):
    @pellucid.method(promises="completeness", uses_baseline=True)
    def halves(question, probe):
        """Half of what it should be."""
        change = probe.target() - probe.target(question.baseline)
        share = torch.ones_like(question.input) / question.input[0].numel()
        return pellucid.Attribution(
            share * change.reshape(-1, 1, 1, 1) / 2,
            checks=[[pellucid.Check("mine", "info", f"sample {n}", value=n)] for n in range(2)],
            notes=["half of it"],
        )

    with halves:
        records = cnn.explain(X, method="halves", target=1).records
    for n, record in enumerate(records):
        checks = {check["name"]: check for check in record["checks"]}
        assert checks["mine"]["words"] == f"sample {n}" and checks["mine"]["value"] == n
        assert checks["completeness_gap"]["value"] == pytest.approx(0.5, abs=1e-3)
        assert checks["completeness_gap"]["verdict"] == "warn"
        assert record["notes"] == ["half of it"] and record["baseline"] == "zero"


def test_several_inputs_have_a_map_each():
    model = pellucid.load(MODELS / "image_and_vector.pt2")

    @pellucid.method
    def both(question, probe):
        """Input times gradient, of all inputs."""
        return {name: question.inputs[name] * g for name, g in probe.gradient().items()}

    inputs = {
        entry["name"]: torch.randn([size or 1 for size in entry["shape"]])
        for entry in model.inspect().document["inputs"]
    }
    with both:
        ours = model.explain(inputs, method="both", format="npy").arrays
    theirs = model.explain(inputs, method="input_x_gradient", format="npy").arrays
    assert len(ours) == len(theirs) == 2
    for mine, expected in zip(ours.values(), theirs.values(), strict=True):
        torch.testing.assert_close(mine, expected)


def test_a_method_is_forgotten_and_may_be_written_again(cnn):
    before = names()
    pellucid.method(signed)
    assert names() == [*before, "signed"]

    @pellucid.method(name="signed")
    def other(question, probe):
        """Zeros."""
        return torch.zeros_like(question.input)

    assert names() == [*before, "signed"], "a cell of a notebook is run again and again"
    assert cnn.explain(X, method="signed").values.abs().max() == 0
    pellucid.forget("signed")
    assert names() == before
    with pytest.raises(pellucid.Error, match="unknown method"):
        cnn.explain(X, method="signed")
    with pytest.raises(pellucid.Error, match="written in Python"):
        pellucid.forget("signed")
    with pytest.raises(pellucid.Error, match="written in Python"):
        pellucid.forget("saliency")


def test_leaving_the_block_of_a_method_leaves_its_successor():
    with pellucid.method(signed):
        successor = pellucid.method(signed)
    assert "signed" in names()
    assert successor.forget() and not successor.forget()


def test_a_method_may_be_forgotten_while_it_works(cnn):
    began, go_on = threading.Event(), threading.Event()

    @pellucid.method
    def waits(question, probe):
        """Waits."""
        began.set()
        assert go_on.wait(30)
        return probe.gradient()

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(cnn.explain, X, method="waits", target=1, format="npy")
        assert began.wait(30)
        pellucid.forget("waits")
        del waits
        go_on.set()
        expected = cnn.explain(X, method="saliency", target=1, absolute=False, format="npy")
        assert torch.equal(answer.result().values, expected.values)


def test_a_probe_that_is_kept_refuses(cnn):
    kept = []

    @pellucid.method
    def keeps(question, probe):
        """Keeps its probe."""
        kept.append(probe)
        return probe.gradient()

    with keeps:
        cnn.explain(X, method="keeps")
    with pytest.raises(pellucid.Error, match="only while its method runs"):
        kept[0].gradient()


def test_threads_share_a_method_and_a_probe(cnn):
    @pellucid.method
    def split(question, probe):
        """Asks from several threads."""
        with ThreadPoolExecutor(4) as inner:
            parts = list(inner.map(lambda k: probe.gradient(question.input * k), [1, 2, 1, 2]))
        assert torch.equal(parts[0], parts[2]) and torch.equal(parts[1], parts[3])
        return parts[0]

    inputs = [torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in range(8)]
    expected = [
        cnn.explain(x, method="saliency", target=1, absolute=False, format="npy").values
        for x in inputs
    ]
    with split, ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda i: cnn.explain(inputs[i % 8], method="split", target=1, format="npy").values,
                range(32),
            )
        )
    for i, values in enumerate(found):
        torch.testing.assert_close(values, expected[i % 8], rtol=1e-4, atol=1e-6)


def test_what_a_method_kept_can_not_change_the_answer(cnn):
    kept = []

    @pellucid.method
    def keeps(question, probe):
        """Keeps what it returns."""
        kept.extend([probe.gradient(), probe.forward()])
        return kept[0]

    with keeps:
        first = cnn.explain(X, method="keeps", target=1, format="npy")
    expected = first.values.clone()
    kept[0].zero_()
    kept[1].zero_()
    assert torch.equal(first.values, expected)
