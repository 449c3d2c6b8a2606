"""The words of the field: one glossary, from which the page Glossary, the tips over words in the
texts, and docs/glossary.md are made.

    GLOSSARY          its groups, as in assets/components/glossary.json
    TERMS             each term by its id
    with_terms(text)  Markdown in which the first place of each term is a link that explains it
    term(name, shown) such a link for one term whose word is too common to be found by itself
    term_of_step(ref) the id of the term that a kind of number is; "" where it is none
    explained()       once a page: shows the explanation of a term that is pointed at, and leads on

A link to a term is “#term-…”. It works wherever there is one, also in the pictures: the browser
shows its tip on hover, on focus and on a tap, and fetches the glossary once.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from core.places import ASSETS
from core.step_ref import StepRef
from ui.kit.component_loader import component
from ui.session import sent
from ui.session.navigation import GLOSSARY as PAGE
from ui.session.navigation import go

GLOSSARY = json.loads((ASSETS / "components/glossary.json").read_text(encoding="utf-8"))
# What stays as it is: escapes, code, formulas, links, coloured text, and what is within quotes or
# bold, where it is more than a term: these are the sentence's own words.
_LEFT = r"\\.|`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)|:[a-z-]+\[[^\]]*\]|\*\*.+?\*\*|“[^”]*”"
_KEY = "terms"
_tip = component("terms", 'class="root" role="group" aria-label="Explanation of a word"')


def id_of(name: str) -> str:
    """A term as it stands in a link: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


TERMS = {id_of(term["term"]): term for group in GLOSSARY["groups"] for term in group["terms"]}


def term(name: str, shown: str = "") -> str:
    """A link in Markdown that explains a term. Raises KeyError for one that the glossary lacks."""
    TERMS[id_of(name)]
    return f"[{shown or name}](#term-{id_of(name)})"


@lru_cache(maxsize=256)
def with_terms(text: str) -> str:
    """Markdown in which the first place of each known term explains it."""
    pattern, ids = _known()
    seen = {""}

    def link(found: re.Match) -> str:
        word, stars = found[0].strip("*"), "**" if found[0].startswith("**") else ""
        if (name := ids.get(word.lower(), "")) in seen:
            return found[0]
        seen.add(name)
        return f"{stars}[{word}](#term-{name}){stars}"

    return pattern.sub(link, text)


def term_of_step(ref: StepRef | None) -> str:
    """The id of the term that a kind of number is; empty where it is none of the glossary."""
    kinds = _kinds()
    if ref and ref.before:
        return "gradient"
    return (kinds.get(f"{ref.place}.{ref.leaf}") or kinds.get(f"*.{ref.leaf}", "")) if ref else ""


def explained() -> None:
    """Shows what a term means when it is pointed at, on this page."""
    _tip(key=_KEY, data={}, on_more_change=_open_glossary)


def _open_glossary() -> None:
    """Opens the page Glossary at the term that was clicked."""
    name = sent.from_component(_KEY, "more")
    if isinstance(name, str) and name in TERMS:
        go(PAGE, term=name)


@lru_cache(maxsize=1)
def _known() -> tuple[re.Pattern, dict[str, str]]:
    """Finds the terms in a text, the longest first; and the id of each form of a term."""
    ids = {form.lower(): name for name, each in TERMS.items() for form in each.get("marks", ())}
    forms = "|".join(map(re.escape, sorted(ids, key=len, reverse=True)))
    return re.compile(rf"{_LEFT}|(?<![\w-])(?:{forms})(?![\w-])", re.IGNORECASE), ids


@lru_cache(maxsize=1)
def _kinds() -> dict[str, str]:
    """The id of the term for each kind of number: place.leaf, or *.leaf for every place."""
    return {kind: name for name, each in TERMS.items() for kind in each.get("kinds", ())}
