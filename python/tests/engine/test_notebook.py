"""Answers in notebooks: their pictures, targets and checks; and the notebook of examples/, executed."""

import builtins
import re

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from program import CAT, CNN, PHOTOS, ROOT

import pellucid

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
X = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def cnn():
    return pellucid.load(CNN)


def test_an_answer_is_its_picture_its_target_and_its_checks(cnn):
    answer = cnn.explain(CAT, method="grad_cam")
    page = answer._repr_html_()
    assert page.count("data:image/png;base64,") == 1
    assert answer.records[0]["target"]["text"] in page and "grad_cam" in page
    assert "✓ Every score is a finite number." in page
    assert "<li>· layer relu3 was chosen" in page, "what the method says of itself"


def test_a_batch_has_a_figure_per_sample(cnn):
    answer = cnn.explain(X, method="saliency,grad_cam")
    page = answer._repr_html_()
    assert page.count("<figure") == page.count("data:image/png;base64,") == 6
    for record in answer.records:
        assert f"input [{record['sample']}] · {record['target']['text']}" in page
    many = cnn.explain(torch.cat([X] * 6), method="saliency")._repr_html_()
    assert many.count("<img") == 16 and "and 2 more" in many, "a page keeps all of its pictures"


def test_a_failed_check_and_a_hostile_name_are_shown_as_text(cnn, tmp_path):
    flat = cnn.explain(torch.zeros(3, 32, 32), method="input_x_gradient")
    assert "⚠" in flat._repr_html_() or "✗" in flat._repr_html_()
    hostile = tmp_path / "<script>alert(1)<.png"
    hostile.write_bytes(CAT.read_bytes())
    page = cnn.explain(hostile, method="saliency")._repr_html_()
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;.png" in page


def test_what_has_no_picture_is_its_text(cnn):
    answer = cnn.predict(CAT)
    assert f"<pre>{answer.text.rstrip()[:10]}" in answer._repr_html_()
    vector = pellucid.load(torch.nn.Linear(4, 2), example=torch.zeros(2, 4)).explain(
        torch.ones(4), method="saliency", format="npy"
    )
    assert "<pre>" in vector._repr_html_() and "<img" not in vector._repr_html_()


def test_without_a_display_showing_says_what_to_do(cnn, monkeypatch):
    answer = cnn.explain(CAT, method="saliency")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(pellucid.Error, match="no display.*answer.save"):
        answer.show()
    monkeypatch.setenv("DISPLAY", ":0")
    from PIL import ImageShow

    shown = []
    monkeypatch.setattr(ImageShow, "show", lambda image, title: shown.append(title) or True)
    answer.show()
    assert shown == ["chelsea.saliency.png"]
    monkeypatch.setattr(ImageShow, "show", lambda image, title: False)
    with pytest.raises(pellucid.Error, match="no program that shows.*answer.save"):
        answer.show()
    real = builtins.__import__

    def without_pillow(name, *words):
        if name == "PIL":
            raise ImportError(name)
        return real(name, *words)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(pellucid.Error, match="Pillow is not installed.*answer.save"):
        answer.show()
    with pytest.raises(pellucid.Error, match="no PNG picture"):
        cnn.explain(CAT, method="saliency", format="npy").show()


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def pictures_in(notebook):
    pages = [output.get("data", {}).get("text/html", "") for output in outputs_of(notebook)]
    return sum(page.count('src="data:image/') for page in pages)


@pytest.mark.parametrize("with_demo", [True, False])
def test_the_notebook_runs_as_it_stands_in_the_repository(with_demo, tmp_path, monkeypatch):
    """tools/renew_notebook.py renews what it shows."""
    demo = ROOT / "build" / "demo" / "efficientnet_lite0.pt2"
    if with_demo and not demo.exists():
        pytest.skip("./dev demo has not been run")
    notebook = nbformat.read(PHOTOS / "tour.ipynb", as_version=4)
    kept = pictures_in(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / CAT.name).symlink_to(CAT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "python"))  # of the kernel's process
    if with_demo:
        (tmp_path / "build").symlink_to(ROOT / "build")
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path / "examples")}}
    ).execute()
    assert pictures_in(notebook) == kept > 6
    text = "".join(output.get("text", "") for output in outputs_of(notebook))
    assert float(re.search("largest difference: (.*)", text)[1]) < 1e-6
    assert "Noisy copies of the input." in str(outputs_of(notebook))
