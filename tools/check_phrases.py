"""Every text that Pellucid's sources put together for people has its Chinese in pellucid/base.

In C++ a text is made of literals and values. Its pattern has {0}, {1}, ... where the values stand; a choice
(`a ? b : c`) gives a pattern for each branch. Whatever looks like prose (a literal with words and spaces) is found,
wherever it stands, and must be in chinese.cpp or one of phrases_of_*.cpp, or be excused below. What say() and tell()
take is left to test/base/chinese_test.cpp.
"""

import re
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\])+'"""
    r"""|\#[^\n]*|[A-Za-z_][A-Za-z_0-9:]*|\d[\w.']*|->|\s+|.""",
    re.DOTALL,
)
MOST_BRANCHES = 32
FEWEST = 400  # fewer are a sign that the scan finds nothing any more

# Whole files whose prose no reader of Chinese meets, or that is no prose.
ENGLISH_FILES = {
    "apps/pellucid/completions.cpp": "for shells",
    "apps/pellucid/man_page.cpp": "the manual page is English",
    "pellucid/base/error.cpp": "puts errors together; phrases.cpp does it in Chinese",
    "pellucid/formats/pt2/origin.cpp": "Python's tracebacks are read",
    "pellucid/formats/pt2/write_origin.cpp": "Python's tracebacks are written",
    "pellucid/operation/reproduction.cpp": "command lines and programs",
    "pellucid/render/colormap.cpp": "summaries that no face shows yet",
    "pellucid/serve/description.cpp": "/openapi.json, for machines",
    "pellucid/serve/metrics.cpp": "/metrics, for machines",
}

# Patterns, each for every file. Errors of Pellucid itself (internal_error) are excused without a line here.
ENGLISH = {
    # Pieces, of which whole texts are in the tables.
    " of the function {0}",
    "sparse tensor",
    "one of ",
    "some of ",
    "; and {0} more",
    " and {0} more",
    "{0} from {1} to {2}",
    "{0}, at least {1}",
    "{0}, at most {1}",
    ", {0}",
    ", {0} {1}",
    ": {0}",
    ", ...",
    "the picture could not be drawn: ",
    " of class {0}",
    ', "{0}"',
    ", module {0}",
    ", {0} %",
    " x {0}",
    "the model raises: an error",
    "pellucid convert",
    "Mul({0}, {1})",
    "Symbol('{0}', positive=True, integer=True)",
    "{0}, {1}",
    "{0} {1} or {2}",
    "[N, {0}",
    "any type",
    "memory format",
    "schema version",
    "{0} (-inf, as attention masks have)",
    "{0} (in no record)",
    "{0} (record {1} is a pickle, which is never read)",
    "{0} (the record {1} is missing)",
    "{0} (record {1}: {2})",
    "one of nearest, box, bilinear, hamming, bicubic, lanczos",
    # Names of places that phrases.cpp knows by a wider pattern, or that are flags.
    '{0} "{1}"',
    "record {0}/byteorder",
    "record {0}/data/weights/{1}.pt",
    "--device cuda",
    "--set {0}.{1}",
    # Units, versions, names and formats.
    "{0} {1}",
    "{0} ms",
    "{0} s",
    "{0} min {1} s",
    "{0} h {1} min",
    "torch {0}",
    ", torch {0}",
    "pellucid {0}",
    "{0} ({1})",
    "{0}: {1}, {2}",
    "class {0}",
    "class {0} \u2212 {1}",
    "model name",
    "NO AVX",
    "text/html; charset=utf-8",
    "text/plain; version=0.0.4; charset=utf-8",
    "--completions SHELL",
    # Said in a record by a word that machines compare: batch modes, units, promises, a schema.
    "as it is",
    "one by one",
    "target per unit of input",
    "implementation invariance",
    "the model input it is for",
    # The titles of methods, of which captions say what is in chinese.cpp.
    "Integrated gradients",
    # At compile time, or in a signal's handler.
    "an option is a bool, integer, real, text or list",
}
ENGLISH_FORMS = re.compile(
    r"""default-src|/System/|\{'descr'|HTTP/1\.1|.*\(arXiv \d|pellucid: a file was cut short"""
    r"""|.*pellucid VERB MODEL \[INPUT"""
)


@dataclass(frozen=True)
class Text:
    """A pattern and where it stands."""

    pattern: str
    place: str


def tokens_of(source):
    """(line, token) without comments, directives and space; neighbouring literals are one."""
    line, found = 1, []
    for match in TOKEN.finditer(source):
        token = match.group()
        if not (token.isspace() or token.startswith(("//", "/*", "#"))):
            if token.startswith('"') and found and found[-1][1].startswith('"'):
                found[-1] = (found[-1][0], found[-1][1][:-1] + token[1:])
            else:
                found.append((line, token))
        line += token.count("\n")
    return found


def unescaped(literal):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), literal[1:-1])


def is_literal(token):
    return token.startswith('"')


def closing(tokens, start):
    depth = 0
    for i in range(start, len(tokens)):
        depth += (tokens[i] in "([{") - (tokens[i] in ")]}") if len(tokens[i]) == 1 else 0
        if depth == 0:
            return i
    return len(tokens) - 1


def split(tokens, marks):
    """Top-level parts between any of the marks."""
    parts, i = [[]], 0
    while i < len(tokens):
        if tokens[i] in ("(", "[", "{"):
            end = closing(tokens, i)
            parts[-1] += tokens[i : end + 1]
            i = end
        elif tokens[i] in marks:
            parts.append([])
        else:
            parts[-1].append(tokens[i])
        i += 1
    return parts


VALUE = object()


def branches(tokens):
    """The sequences of literals and VALUEs that an expression can come to."""
    while tokens and tokens[0] == "(" and closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    question = split(tokens, ("?",))
    if len(question) > 1:
        rest = tokens[len(question[0]) + 1 :]
        depth, colon = 0, len(rest)
        for at, token in enumerate(rest):
            if token in ("(", "[", "{"):
                depth += 1
            elif token in (")", "]", "}"):
                depth -= 1
            elif depth == 0 and token == "?":
                depth += 100
            elif token == ":" and depth >= 100:
                depth -= 100
            elif token == ":" and depth == 0:
                colon = at
                break
        return branches(rest[:colon]) + branches(rest[colon + 1 :])
    parts = split(tokens, ("+",))
    if len(parts) > 1:
        wholes = []
        for choice in list(product(*[branches(part) for part in parts]))[:MOST_BRANCHES]:
            wholes.append([item for piece in choice for item in piece])
        return wholes
    if len(tokens) == 1 and is_literal(tokens[0]):
        return [[unescaped(tokens[0])]]
    # std::string("...") is its literal.
    if len(tokens) > 2 and tokens[0] in ("std::string", "std::string_view") and tokens[1] in "({":
        inner = tokens[2:-1]
        if closing(tokens, 1) == len(tokens) - 1 and any(is_literal(t) for t in inner):
            return branches(inner)
    return [[VALUE]]


def pattern_of(items):
    text, places, after_value = "", 0, False
    for item in items:
        if item is VALUE:
            if not after_value:
                text += "{" + str(places) + "}"
                places += 1
            after_value = True
        else:
            text += item
            after_value = after_value and not item
    return text


def is_prose(text):
    return (
        re.search(r"[A-Za-z,:;.\"{}] [A-Za-z(\"{/`.'-]", text) is not None
        and "\n" not in text.strip()
    )


ENDS = {",", ";", "=", "return", "throw", "<<", "+=", "&&", "||", "==", "!="}


def expressions(tokens):
    """Ranges of tokens that are one argument, initialiser or returned value and hold a literal."""
    ranges = []
    for i, token in enumerate(tokens):
        if not is_literal(token):
            continue
        # The innermost round or curly bracket around the chain of + and ?: that the literal is part of.
        low, depth = i, 0
        while low > 0:
            before = tokens[low - 1]
            if before in (")", "]", "}"):
                depth += 1
            elif before in ("(", "[", "{"):
                if depth == 0:
                    # A bracket that groups, not one of a call, is part of the chain.
                    groups = before == "(" and (
                        low < 2
                        or not re.match(r"[A-Za-z_\]>]", tokens[low - 2])
                        or tokens[low - 2] in ("return", "throw")
                    )
                    if not groups:
                        break
                    low -= 1
                    continue
                depth -= 1
            elif depth == 0 and (
                before in ENDS or before == "<" and tokens[low - 2 : low - 1] == ["<"]
            ):
                break
            low -= 1
        high, depth = i, 0
        while high + 1 < len(tokens):
            after = tokens[high + 1]
            if after in ("(", "[", "{"):
                depth += 1
            elif after in (")", "]", "}"):
                if depth == 0 and not (after == ")" and unbalanced(tokens[low : high + 1])):
                    break
                depth -= depth > 0
            elif depth == 0 and (
                after in (",", ";") or after == "<" and tokens[high + 2 : high + 3] == ["<"]
            ):
                break
            high += 1
        ranges.append((low, high + 1))
    return sorted(set(ranges))


def unbalanced(tokens):
    return tokens.count("(") > tokens.count(")")


def said_by_table(tokens, low):
    """Inside of say(...) or tell(...): base/chinese.cpp has it, and a test of its own."""
    depth = 0
    for i in range(low - 1, max(-1, low - 60), -1):
        if tokens[i] in (")", "]", "}"):
            depth += 1
        elif tokens[i] in ("(", "[", "{"):
            if depth == 0 and i > 0 and tokens[i - 1] in ("say", "tell"):
                return True
            depth -= depth > 0
    return False


def is_excused(path, pattern):
    return (
        path in ENGLISH_FILES
        or pattern in ENGLISH
        or ENGLISH_FORMS.match(pattern)
        # Pages' descriptions in /openapi.json.
        or (path == "pellucid/serve/route.cpp" and pattern.rstrip(")")[-1:] in ".?1")
        or (path == "pellucid/serve/route.cpp" and pattern == "GET, HEAD")
    )


def texts_of(path):
    name = str(path.relative_to(ROOT))
    numbered = tokens_of(path.read_text())
    tokens = [token for _, token in numbered]
    for low, high in expressions(tokens):
        if said_by_table(tokens, low) or tokens[low - 2 : low] == ["internal_error", "("]:
            continue
        for items in branches(tokens[low:high]):
            pattern = pattern_of(items)
            if is_prose(pattern) and not is_excused(name, pattern):
                yield Text(pattern, f"{name}:{numbered[low][0]}")


def all_texts(folders=("pellucid", "apps")):
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cpp", ".h") and not path.name.startswith(
                ("chinese", "phrases_of")
            ):
                for text in texts_of(path):
                    found.setdefault(text.pattern, text)
    return list(found.values())


def table(path):
    """English to Chinese, as a table of pellucid/base has it."""
    tokens = [token for _, token in tokens_of(path.read_text())]
    pairs = {}
    for i in range(len(tokens) - 4):
        if (
            tokens[i] == "{"
            and is_literal(tokens[i + 1])
            and tokens[i + 2] == ","
            and is_literal(tokens[i + 3])
        ):
            pairs[unescaped(tokens[i + 1])] = unescaped(tokens[i + 3])
    return pairs


def known_texts():
    base = ROOT / "pellucid" / "base"
    known = {}
    for path in [base / "chinese.cpp", *sorted(base.glob("phrases_of_*.cpp"))]:
        known |= table(path)
    return known


def main():
    known = known_texts()
    texts = all_texts()
    missing = [text for text in texts if text.pattern not in known]
    for text in missing:
        print(f"{text.place}: no Chinese in pellucid/base/phrases_of_*.cpp: {text.pattern}")
    if "--count" in sys.argv[1:]:
        print(
            f"{len(texts)} texts are put together in the sources, {len(missing)} of them without Chinese"
        )
    return 1 if missing or len(texts) < FEWEST else 0


if __name__ == "__main__":
    sys.exit(main())
