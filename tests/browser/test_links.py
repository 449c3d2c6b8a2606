"""No text from outside becomes a link, a picture or an icon, seen in a real browser."""

from __future__ import annotations

from functools import partial
from itertools import cycle

import pytest

from tests.helpers.browser_pages import PATHS
from tests.helpers.sample import one_in
from ui.session.selection import CODECS
from ui.text import JOINER

EVIL = (
    "https://evil.example/login",
    "HTTP://evil.example",
    "www.evil.example/a",
    "me@evil.example",
    "mailto:me@evil.example",
    "xmpp:a@evil.example/b",
    "[a](https://evil.example)",
    "<https://evil.example>",
    "![y](https://evil.example/y.png)",
    ":material/home:",
    ":material_home:",
    ":streamlit:",
    ":smile: :+1:",
    ":red[stop] :red-badge[x]",
    "$x^2$ [^1] ~~a~~",
    "&#x41;&lt;",
    "-> <- -- >= <->",
)
FOREIGN = """() => {
  const root = document.querySelector("[data-testid=stApp]")
  const links = [...root.querySelectorAll("a[href]")].map(a => a.href)
    .filter(href => !href.startsWith(location.origin))
  const text = "[data-testid=stMarkdownContainer]"
  const made = [...root.querySelectorAll(`${text} img, ${text} del, ${text} .katex, ${text} sup`)]
  return [...links, ...made.map(each => each.outerHTML.slice(0, 200))]
}"""


def seen(page) -> str:
    """The warnings as a reader sees them."""
    alerts = page.view.locator("[data-testid=stAlertContainer]").all_inner_texts()
    return " ".join(" ".join(alerts).replace(JOINER, "").split())


KEYS = [each.key for each in CODECS.values() if each.key not in ("sentence", "target", "model")]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("turn", range(2))
def test_no_part_of_an_address_that_is_full_of_them_becomes_more_than_text(visit, turn):
    texts = EVIL[turn::2]
    asked = dict(zip(KEYS, cycle(texts), strict=False))
    page = visit("Every number", **asked, model=texts[0], sentence="Two tokens.")
    page.view.locator("[data-testid=stAlertContainer]").first.wait_for()
    assert page.view.evaluate(FOREIGN) == []
    shown = seen(page)
    assert [text for text in texts if text not in shown] == []  # letter by letter


@pytest.mark.slow
@pytest.mark.parametrize("text", EVIL)
def test_no_part_of_an_address_becomes_more_than_text(visit, text):
    page = visit("Every number", **dict.fromkeys(KEYS, text), model=text, sentence="Two tokens.")
    page.view.locator("[data-testid=stAlertContainer]").first.wait_for()
    assert page.view.evaluate(FOREIGN) == []
    shown = seen(page)
    assert shown.count(text) >= 8, shown  # letter by letter, in nearly every note


@pytest.mark.parametrize("title", one_in(17, PATHS, first=2))
def test_no_part_of_a_sentence_becomes_more_than_text(visit, title):
    page = visit(title, sentence=" ".join(EVIL), cell="encoder.embed.ids:0")
    assert page.view.evaluate(FOREIGN) == []


@pytest.mark.slow  # notes as text: the tests above
def test_the_sentence_that_is_still_shown_is_named_as_text(visit):
    page = visit(sentence=" ".join(EVIL))
    box = page.view.get_by_role("textbox", name="Your sentence")
    box.fill("")
    page.do(lambda: box.press("Enter"))
    assert EVIL[0] in seen(page) and page.view.evaluate(FOREIGN) == []


@pytest.mark.slow
def test_no_line_that_is_typed_becomes_more_than_text(visit):
    page = visit("Output", cards="output-context.output-alike.output-search")
    for name in (
        "First sentence",
        "Word in both",
        "Sentences, one per line",
        "Lines to search in",
        "Search for",
    ):
        box = page.view.get_by_role("textbox", name=name)
        box.fill("\n".join(EVIL[:12] if "ine" in name else EVIL[:1]))
        page.do(partial(box.press, "Control+Enter" if "ine" in name else "Enter"))
    assert page.view.get_by_text("evil.example/login").count() and page.view.evaluate(FOREIGN) == []
    page = visit("Tokens", cards="tokens-sums")
    box = page.view.get_by_role("textbox", name="− b")
    box.fill(EVIL[0])
    page.do(lambda: box.press("Enter"))
    assert EVIL[0] in seen(page) and page.view.evaluate(FOREIGN) == []
