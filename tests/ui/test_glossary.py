"""The words of the field: one glossary for the app, its texts and the docs."""

import re
from urllib.parse import parse_qsl

import pytest

from core.step_ref import parse
from core.steps import kinds
from tests.helpers.make_glossary import FILE, document
from tests.helpers.pages import HARM, HOSTILE, click, data_of, opened, page_title, parts, unmarked
from ui.kit.terms import GLOSSARY, TERMS, id_of, term, term_of_step, with_terms
from ui.session.navigation import PAGES
from ui.session.selection import CODECS
from ui.text import bold, plain

WORDS = [(name, each) for name, each in TERMS.items()]


@pytest.mark.parametrize("name, each", WORDS, ids=str)
def test_a_term_is_explained_shortly_and_leads_to_what_there_is(name, each):
    assert 3 <= len(each["short"].split()) <= 25 and each["short"].endswith(".")
    assert each["more"].endswith(".") and each["more"] != each["short"]
    assert {id_of(other) for other in each.get("see", ())} <= TERMS.keys() - {name}
    if "page" in each:
        assert each["page"] in {page.title for page in PAGES} - {"Glossary"}
    for key, value in each.get("choices", {}).items():
        assert CODECS[key].fits(value)
    assert ("link" in each) <= ("paper" in each)
    assert each.get("link", "https://").startswith("https://")


def test_each_form_of_a_word_and_each_kind_of_number_has_one_term():
    for name in ("marks", "kinds"):
        found = [form.lower() for each in TERMS.values() for form in each.get(name, ())]
        assert len(found) == len(set(found)) > 50
    assert len(TERMS) == sum(len(group["terms"]) for group in GLOSSARY["groups"])


def test_the_kinds_of_numbers_that_are_terms_exist():
    known = {f"{place.split('.')[-1]}.{kind.leaf}" for kind in kinds() for place in kind.place}
    known |= {f"*.{kind.leaf}" for kind in kinds()}
    assert {kind for each in TERMS.values() for kind in each.get("kinds", ())} <= known


def test_the_docs_are_made_from_the_glossary():
    assert FILE.read_text(encoding="utf-8") == document()


# --- the words of a text --------------------------------------------------------------------------


def test_the_first_place_of_a_term_explains_it():
    assert with_terms("Softmax makes attention weights. An attention weight is a share.") == (
        "[Softmax](#term-softmax) makes [attention weights](#term-attention-weight)."
        " An attention weight is a share."
    )
    assert with_terms("The **query** looks.") == "The **[query](#term-query)** looks."
    assert term("value") == "[value](#term-value)" and term("value", "it") == "[it](#term-value)"
    with pytest.raises(KeyError):
        term("no such word")


@pytest.mark.parametrize(
    "text",
    (
        "“the softmax of it”",
        "**the softmax layer**",
        "`softmax`",
        "$softmax(x)$",
        "[softmax](https://example.org)",
        ":red[softmax]",
        "softmaxes, presoftmax, soft-softmax-",
        plain("`softmax` [softmax](x) $softmax$")[:2],
    ),
)
def test_what_is_no_plain_word_stays_as_it_is(text):
    assert with_terms(text) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_word_in_a_text_stays_harmless(text):
    said = f"{bold(text)} looks at “{plain(text)}” and {plain(text)} with its attention weights."
    marked = with_terms(said)
    assert unmarked(marked) == said and "#term-attention-weight" in marked
    assert not [each for each in HARM if each in marked and each not in said]


def test_the_panel_says_which_term_a_number_is():
    found = {
        "decoder.3.attn.pattern": "attention-weight",
        "decoder.3.cross.q": "query",
        "encoder.0.attn.out": "update",
        "encoder.0.out": "residual-stream",
        "head.logits": "logit",
        "encoder.2.mlp.norm.scale": "norm",
        "head.pre": "",
    }
    assert {name: term_of_step(parse(name)) for name in found} == found
    assert term_of_step(None) == ""
    app = opened("pages/3_Attention.py", cell="encoder.1.attn.pattern:3,2,5")
    assert parts(app)[0]["term"] == "attention-weight"


# --- the page -------------------------------------------------------------------------------------


def test_the_glossary_leads_to_the_stages_with_what_the_reader_chose():
    app = opened("pages/14_Glossary.py", layer="2", term="softmax")
    assert page_title(app) == "Glossary" and not app.exception and not app.warning
    data = data_of(app, "glossary", "glossary")
    sent = dict(parse_qsl(data["address"]))
    assert data["term"] == "softmax" and "term" not in sent
    assert sent.items() >= {"model": "minilm", "layer": "2"}.items()
    assert data["paths"]["Attention"] == "Attention" and data["paths"]["Overview"] == "./"
    click(app, "glossary", term="query")
    assert app.query_params["term"] in ("query", ["query"])
    for forged in ("no-such", 3, ["softmax"], None):
        click(app, "glossary", term=forged, go=forged)
        assert not app.exception and page_title(app) == "Glossary"
        assert app.session_state["term"] == "query"


def test_an_address_that_asks_for_no_term_is_told_so():
    app = opened("pages/14_Glossary.py", term="<script>")
    assert "a term of the glossary" in app.warning[0].value and app.session_state["term"] is None


def test_the_texts_of_the_stages_explain_their_words():
    app = opened("pages/3_Attention.py", stage="3")
    links = re.findall(r"\(#term-([a-z-]+)\)", " ".join(each.value for each in app.markdown))
    assert links and set(links) <= TERMS.keys()
