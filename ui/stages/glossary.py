"""The glossary: all terms in groups, found by typing, each with the page where it is seen."""

from __future__ import annotations

from urllib.parse import urlencode

from ui.kit.component_loader import component
from ui.kit.terms import TERMS
from ui.session import sent
from ui.session.address import query_params
from ui.session.navigation import PAGES, go, path_of
from ui.session.selection import OF_ONE_PAGE, chosen, select
from ui.session.versions import SIGN, VERSION

KEY = "glossary"
_draw = component("glossary", 'class="root figure" role="group" aria-label="Glossary"')
CLOSED = OF_ONE_PAGE | {"term": None, "cards": ""}
_PAGES = {page.title: page for page in PAGES}


def glossary() -> None:
    """All terms. The browser has them already: only what differs from reader to reader is sent."""
    _draw(
        key=KEY,
        data={
            "address": urlencode({SIGN: VERSION} | query_params(**CLOSED)),
            "paths": {page.title: path_of(page) for page in PAGES},
            "term": chosen("term"),
        },
        on_go_change=follow_link,
        on_term_change=open_term,
    )


def clicked_term(name: str) -> str | None:
    """The term that the browser sent under a name; None where it is none of ours."""
    term = sent.from_component(KEY, name)
    return term if isinstance(term, str) and term in TERMS else None


def follow_link() -> None:
    """Opens the page where a term is seen."""
    term = TERMS.get(clicked_term("go") or "", {})
    if "page" in term:
        go(_PAGES[term["page"]], **{"term": None} | term.get("choices", {}))


def open_term() -> None:
    """The address leads to the term that was opened last."""
    if term := clicked_term("term"):
        select(term=term)
