"""The way to other pages: the rail with all of them, and at the foot the ones before and after.

They are links, so that each opens in a tab of its own as well, at the place that is looked at. They
travel as one message: what changes from click to click is their address.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from ui.kit.component_loader import component
from ui.session import sent
from ui.session.navigation import PAGES, Page, go, path_of

_links = component("page_links", 'class="root" role="navigation"')


def rail(here: Page, address: dict[str, str]) -> None:
    """The way to all pages, each at the same place."""
    draw(
        "rail", "All pages", [(page, page.title, "") for page in PAGES], address, PAGES.index(here)
    )


def foot(here: Page, address: dict[str, str]) -> None:
    """The pages before and after this one."""
    at = PAGES.index(here)
    before = [(page, f"← {page.title}", "prev") for page in PAGES[:at][-1:]]
    after = [(page, f"{page.title} →", "next") for page in PAGES[at + 1 :][:1]]
    draw("foot", "The pages beside this one", before + after, address)


def draw(
    key: str,
    title: str,
    links: list[tuple[Page, str, str]],
    address: dict[str, str],
    here: int | None = None,
) -> None:
    """Links to pages, each with its words and its relation. address: what is looked at; here: which
    one is open.
    """
    data = {
        "kind": key,
        "title": title,
        "links": [link_of(*each) for each in links],
        "address": urlencode(address),
        "here": here,
    }
    _links(key=key, data=data, on_go_change=partial(follow, key, [page for page, *_ in links]))


def link_of(page: Page, words: str, rel: str) -> dict[str, str]:
    """A link as it travels to the browser. What its page is about is said where the words are not
    its title alone."""
    return {
        "page": path_of(page),
        "title": words,
        "rel": rel,
        "about": "" if words == page.title else page.about,
    }


def follow(key: str, pages: list[Page]) -> None:
    """A link was clicked."""
    if place := sent.place([sent.from_component(key, "go")], (len(pages),)):
        go(pages[place[0]])
