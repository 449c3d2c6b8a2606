"""docs/glossary.md, made from the glossary that the app shows.

python -m tests.helpers.make_glossary
"""

from __future__ import annotations

from pathlib import Path

from ui.kit.terms import GLOSSARY

FILE = Path(__file__).resolve().parents[2] / "docs/glossary.md"
HEAD = """\
# Glossary

One word for one thing: on the screen, in the docs and in the code. Where the code's name differs
from the word on the screen, both are given. Array names end with their axes.

Made from `assets/components/glossary.json`, which the app's page Glossary shows with more to each
word. Change it there, then run `python -m tests.helpers.make_glossary`.
"""
FOOT = """\
Terms without a name in the code (–) stand here for what is planned; the word is settled before the
first line is written.
"""


def document() -> str:
    """The whole file."""
    axes = table(("letter", "axis"), GLOSSARY["axes"])
    parts = [part(group) for group in GLOSSARY["groups"]]
    return "\n".join((HEAD, f"## Axes\n\n{axes}", *parts, FOOT))


def part(group: dict) -> str:
    """One group of terms as a table."""
    rows = [(name_of(term), term.get("code", ""), term["short"]) for term in group["terms"]]
    return f"## {group['title']}\n\n{table(('word', 'in code', 'meaning'), rows)}"


def name_of(term: dict) -> str:
    """A term, and what else it is called."""
    return f"{term['term']} ({term['names']})" if "names" in term else term["term"]


def table(titles, rows) -> str:
    """A table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    text = "\n".join(
        f"| {' | '.join(cell.replace('<', '&lt;') for cell in row)} |" for row in lines
    )
    return text.replace("| --- |", "|---|").replace(" --- ", "---") + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
