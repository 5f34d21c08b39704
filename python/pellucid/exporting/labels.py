"""Names of classes: a string each, or a list of synonyms of which the first is shown."""

from pathlib import Path

from . import ExportError


def normalise(labels):
    """Checks labels that a user gave: a list, or a dict from index to label."""
    if isinstance(labels, dict):
        wanted = set(range(len(labels)))
        if set(map(int, labels)) != wanted:
            raise ExportError("labels: a dict must name every index from 0 on")
        labels = [
            label for _, label in sorted((int(index), label) for index, label in labels.items())
        ]
    checked = []
    for index, label in enumerate(labels):
        names = [label] if isinstance(label, str) else list(label)
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ExportError(f"labels: entry {index} is neither a name nor a list of names")
        checked.append(names[0] if len(names) == 1 else names)
    return checked


def split_synonyms(description):
    """ "tabby, tabby cat" → ["tabby", "tabby cat"]; a name alone stays a string."""
    names = [name.strip() for name in description.split(",") if name.strip()]
    return names[0] if len(names) == 1 else names


def read(path):
    """A class per line, synonyms split by commas; lines that start with # are comments."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [split_synonyms(line) for line in lines if line.strip() and not line.startswith("#")]


def imagenet():
    """The thousand classes of ImageNet with their synonyms."""
    return read(Path(__file__).with_name("imagenet_labels.txt"))
