"""What a type checker must understand of the package, and, in the lines that end in `# wrong`, must refuse."""

from pathlib import Path
from typing import Annotated

from pellucid.answers import Answer
from pellucid.probe import Probe, Question

import pellucid

model = pellucid.load("x.pt2")
answer: Answer = model.explain(Path("cat.png"), method="saliency", absolute=True)
words: str = answer.records[0]["target"]["text"] + answer.text
paths: list[Path] = answer.save("out")
answer.show()
with model.record(["a"]) as values:
    model.run("cat.png", replace={"a": lambda value: value * 0})
    names: list[str] = values.keys() + model.inputs
try:
    pellucid.methods("saliency")
except pellucid.Error as error:
    print(error.remedy)


@pellucid.method(citation="Nobody 2026")
def mine(
    question: Question,
    probe: Probe,
    *,
    copies: Annotated[int, pellucid.Option("How many.", least=1)] = 2,
) -> pellucid.Attribution:
    """Signed."""
    check = pellucid.Check("copies", "info", f"{copies} copies", value=copies)
    return pellucid.Attribution(probe.gradient() * question.input, [check])


with mine:
    model.explain("cat.png", method=mine.name)
mine.forget()
pellucid.forget("mine")

model.explain("cat.png", alpha="much")  # wrong
model.predict()  # wrong
model.explian("cat.png")  # wrong
pellucid.forget(3)  # wrong
answer.save(folder=1)  # wrong
