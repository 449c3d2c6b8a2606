"""Words on the screen that stumble: phrases that a native editor would not write, each with what to
write instead; and where the words on the screen are.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.helpers.pages import unmarked

ROOT = Path(__file__).resolve().parents[2]
# A phrase as a regular expression, and a better one. Each stands for its kind.
STUMBLES = {
    r"\bbehind (?!the church|a proxy|one)": "after",
    r"\brests? (on|there)\b": "point at; go to",
    r"\bleans? on\b": "attends to",
    r"\bturned (round|in)\b": "reversed; rotated",
    r"\bopens? at a click\b": "click it to open it",
    r"\b(model’s own|the) signs?\b(?! of)": "special tokens",
    r"\bmask: who may look at whom\b": "which words each word may see",
    r"\bit is said\b|\bsays so, too\b": "name who says it",
    r"\bby so many times\b|\bso many (places|times|an)\b": "name the number",
    r"(?<!there )\b(is|are) no (mask|step|number|name|choice|model|word but)\b": "is not a …",
    r"\bmany a\b": "many",
    r"\bin the place of\b": "in place of",
    r"\bat the (left|right)\b": "above; below; name it",
    r"\bstands? in its place\b|\bstands? there\b|\bdoes not stand\b": "is there; does not occur",
    r"\bmade from these\b": "made from",
    r"\bshared out anew\b": "rescaled to add up to 1",
    r"\b(is|are) held against\b": "is compared with",
    r"\bcut (away|into|by)\b": "dropped; split",
    r"\bhow long a vector\b": "the length of the vector",
    r"\bat another place\b": "at another position",
    r"\bno number any ?more\b|\bis a number any more\b": "NaN",
    r"\bstepped aside\b|\bwaits on\b|\bgoes on where\b": "resume",
    r"\bthe model as it is\b|\bgive (it|him) back\b": "restore the original model",
    r"\bspeak again\b": "restore this head",
    r"\bdrawn by hand\b": "custom mask",
    r"\bnot believed\b|\bwhat it stands on\b": "untrusted; dependencies",
    r"\bcan be looked at as\b": "name what is missing",
    r"\bwhere the order is another\b": "where the order differs",
    r"\bcommon words\b": "share words",
    r"\bof like meaning\b": "with similar meanings",
    r"\bnothing in common\b": "a right angle",
    r"\bwhat is other\b": "what differs",
    r"\bits training\b(?! sentences)": "the trained …",
    r"\bset(s|ting)? (them|these|it) small\b|\bmakes these small\b": "sets them to 0",
    r"\bbest fits\b": "the best match is",
    r"\bit would claim 9\d": "say it only where it differs",
    r"\b1 equally likely words\b": "practically certain",
    r"\bhold 100 ?%": "more than 99.9%",
    r"\bwhere to go next\b": "leave it out",
    r"(^|[.!?:] )Of (a|this|each|every) ": "the subject first",
    r"(^|[.!?] )(Here|There) (is|are) no such\b": "name it",
    r"(^|[.!?] )Out come\b": "the subject first",
    r"\bnone of them, so\b": "is not one of them",
    r"\btook over\b": "collected",
    r"\bcan'?’?t be (read|done|computed|opened|shown) here\b": "Glassformer cannot read …",
    r"\b1 (?!of)(more )?(tokens|heads|layers|words|neurons|rows|terms|pieces|lines|ids)\b": "one",
    r"\b(a|an|the) (a|an|the)\b|[a-z] ?\(\)|: *\.(?=\s|$)| ,": "put together wrongly",
    r"(?<!\[)[,;:][.,;:]": "put together wrongly",  # [:, 1] names a part of an array
}
_ANY = {phrase: re.compile(phrase, re.IGNORECASE) for phrase in STUMBLES}
_CODE = re.compile(r"`[^`]*`|\$[^$]*\$")
# Listings, and what names a part of the API reference
_LISTING = re.compile(r"^```.*?^```|^::: [^\n]*(?:\n +[^\n]*)*", re.DOTALL | re.MULTILINE)


def stumbles(text: str) -> list[str]:
    """What stumbles in a text, with what to write instead."""
    bare = " ".join(_CODE.sub("…", unmarked(text)).split())
    return [
        f"“{found[0]}” ({STUMBLES[phrase]}) in: {bare[:300]}"
        for phrase, compiled in _ANY.items()
        if (found := compiled.search(bare))
    ]


def sentences_in_code() -> Iterator[tuple[str, str]]:
    """Every text in the source that may reach a reader, with where it is: strings of more than one
    word in Python, but for those that explain the code; the glossary; the examples; documents.
    """
    for folder in ("core", "ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = f"{path.relative_to(ROOT)}"
            yield from ((where, text) for text in strings_in(path) if " " in text.strip())
    for path in (ROOT / "assets/components/glossary.json", ROOT / "assets/examples.json"):
        yield from ((path.name, text) for text in texts_in(json.loads(path.read_text("utf-8"))))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = _LISTING.sub("", path.read_text("utf-8"))
        yield from ((path.name, part) for part in text.split("\n\n"))


def strings_in(path: Path) -> Iterator[str]:
    """The strings of a file, without those that stand alone, such as docstrings; a … for what is
    put into them.
    """
    tree = ast.parse(path.read_text("utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if id(node) in alone | inside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            )


def texts_in(value: object) -> Iterator[str]:
    """The texts in what was sent to a component, but for what a model wrote: one that has hardly
    begun to learn writes “the the the”, and the page shows just that.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in ("styles", "values", "id", "lines", "writes"):
                yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
