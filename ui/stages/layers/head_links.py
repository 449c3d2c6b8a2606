"""Which heads link which words, measured over many sentences and not on one."""

from __future__ import annotations

import streamlit as st

from core.models.head_links import Link, links
from core.text import counted, percent
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import render_depth
from ui.session.actions import select_head
from ui.session.runs import Texts
from ui.session.selection import EXAMPLES, chosen
from ui.session.settling import settle
from ui.session.view import View
from ui.text import quoted

# relation: how it is said, and where it is found in the example sentence
RELATIONS = {
    "verb of a relative clause to its object": (
        (
            "The verb of a relative clause attends to its object: the **book** that the student"
            " **recommended**"
        ),
        ("recommended", "book"),
    ),
    "predicate to its subject, past a relative clause": (
        (
            "An adjective attends to its noun, past a clause: the **book** that the student"
            " recommended is **expensive**"
        ),
        ("expensive", "book"),
    ),
    "verb to its subject, past a relative clause": (
        (
            "A verb attends to its subject, past a clause: the **book** that the student"
            " recommended **is** expensive"
        ),
        ("is", "book"),
    ),
    "relative pronoun": (
        "“That” and “who” attend to their noun: the **book** **that** …",
        ("that", "book"),
    ),
    "verb to its subject": (
        "A verb attends to its subject, near or far: the **student** **recommended** …",
        ("recommended", "student"),
    ),
    "predicate to its subject": (
        "An adjective attends to its noun: the **book** … is **expensive**",
        (),
    ),
    "verb of a relative clause to its subject": (
        "The verb of a relative clause attends to its subject: the **children** who **saw** …",
        (),
    ),
    "pronoun": ("A pronoun attends to what it stands for: **Anna** … **she**", ()),
    "owner": ("Her, his, its and their attend to the owner: **Anna** … **her** book", ()),
    "named again": ("A noun attends to its earlier mention: a **book** … the **book**", ()),
    "said again": ("In a list said twice, a word attends to its first time", ()),
    "what came next": ("In a list said twice, a word attends to what came next the first time", ()),
}


def known_links(view: View) -> dict[str, Link]:
    """The relations measured for this model; none in a run that was not measured."""
    if view.request.change or view.mask != "trained":
        return {}
    return {name: link for name, link in links(view.model.name).items() if name in RELATIONS}


def link_map(view: View) -> None:
    """A map of layers and heads for a relation, and, for the example sentence, the weights that
    follow from it here.
    """
    known = known_links(view)
    settle("layers_link", next(iter(known)), known)
    link = known[chosen("layers_link")]
    render_depth(view, link_text(link))
    st.selectbox(
        "Which link",
        list(known),
        key="layers_link",
        format_func=lambda name: RELATIONS[name][0].replace("**", ""),
    )
    hits_map(view, link)
    st.caption(
        "Measured by training/evaluate.py on sentences that the model was not trained on. The word"
        " itself and the special tokens do not count. Click a cell to choose that head."
    )
    st.button(
        f"Look at layer {link.best[0]}, head {link.best[1]}",
        key="layers_best",
        on_click=select_head,
        args=link.best,
    )
    if view.texts == Texts(EXAMPLES[0]["text"]):
        in_this_sentence(view, known)


def hits_map(view: View, link: Link) -> None:
    """How often each head of each layer attends to the right word; a click chooses the head."""
    (N, H), first = link.hits_NH.shape, view.side == view.config.sides[0]
    clickable_map(
        "layers_links",
        HeatmapSpec(
            link.hits_NH,
            [str(n) for n in range(N)],
            [str(h) for h in range(H)],
            kind="weight",
            limit=1,
            rows_title="layer",
            columns_title="head",
            chosen=(view.layer, view.head) if first else None,
            title=(
                f"Share of {counted(link.count, 'case')} in which the head’s largest "
                "weight is on the right word"
            ),
        ),
        select_head,
    )


def link_text(link: Link) -> str:
    """What was measured, and which head does it best."""
    layer, head = link.best
    also = " as well" if percent(link.by_distance, 0) == percent(link.hits_NH[link.best], 0) else ""
    return (
        "One sentence may be chance. This model’s test sentences come from a grammar that knows"
        f" which words belong together, so each head can be checked on many."
        f" {RELATIONS[link.name][0]}."
        f" **Layer {layer}, head {head}** attends most to the right word in"
        f" **{percent(link.hits_NH[link.best], 0)}** of {counted(link.count, 'case')}. A head that"
        " always looked back by the usual distance would be right in"
        f" {percent(link.by_distance, 0)}{also}."
    )


def in_this_sentence(view: View, known: dict[str, Link]) -> None:
    """The weight that the best head of each relation gives in the sentence that is shown; every one
    opens.
    """
    labels = [label.lower() for label in view.tokens(view.config.sides[0])]
    rows = [
        (link, labels.index(RELATIONS[name][1][0]), labels.index(RELATIONS[name][1][1]))
        for name, link in known.items()
        if RELATIONS[name][1] and set(RELATIONS[name][1]) <= set(labels)
    ]
    if not rows:
        return
    cells = [
        (f"{view.config.sides[0]}.{link.best[0]}.attn.pattern", (link.best[1], a, b))
        for link, a, b in rows
    ]

    def open_weight(row: int, column: int) -> None:
        if row < len(rows):
            link, a, _ = rows[row]
            select_head(*link.best, token=a)
            open_number(*cells[row])

    table(
        {"its weight here": [float(view.trace[name][index]) for name, index in cells]},
        [weight_label(link, labels[a], labels[b]) for link, a, b in rows],
        key="layers_links_here",
        corner="the head that is right most often",
        bar="its weight here",
        title="The same links in your sentence",
        on_cell=open_weight,
    )


def weight_label(link: Link, looks: str, seen: str) -> str:
    """Two linked words, and the head that links them best."""
    return (
        f"{quoted(looks)} → {quoted(seen)}: layer {link.best[0]}, head {link.best[1]}, right in"
        f" {percent(link.hits_NH[link.best], 0)}"
    )
