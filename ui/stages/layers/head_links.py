"""Which heads link which words, measured over many sentences and not on one."""

from __future__ import annotations

import streamlit as st

from core.models.head_links import Link, links
from core.text import counted, percent
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import section
from ui.session.actions import select_head
from ui.session.selection import EXAMPLES, chosen
from ui.session.settling import settle
from ui.session.view import View
from ui.text import quoted

# relation: how it is said, and where it is found in the example sentence
RELATIONS = {
    "verb of a relative clause to its object": (
        (
            "The verb of a clause looks to what it was done to: the **book** that the student"
            " **recommended**"
        ),
        ("recommended", "book"),
    ),
    "predicate to its subject, past a relative clause": (
        (
            "An adjective looks past a clause to what it is said of: the **book** that the student"
            " recommended is **expensive**"
        ),
        ("expensive", "book"),
    ),
    "verb to its subject, past a relative clause": (
        (
            "A verb looks past a clause to its subject: the **book** that the student recommended"
            " **is** expensive"
        ),
        ("is", "book"),
    ),
    "relative pronoun": (
        "“That” and “who” look to their noun: the **book** **that** …",
        ("that", "book"),
    ),
    "verb to its subject": (
        "A verb looks to its subject, near or far: the **student** **recommended** …",
        ("recommended", "student"),
    ),
    "predicate to its subject": (
        "An adjective looks to what it is said of: the **book** … is **expensive**",
        (),
    ),
    "verb of a relative clause to its subject": (
        "The verb of a clause looks to who does it: the **children** who **saw** …",
        (),
    ),
    "pronoun": ("A pronoun looks to what it stands for: **Anna** … **she**", ()),
    "owner": ("Her, his, its, their look to the owner: **Anna** … **her** book", ()),
    "named again": ("A noun looks to where it was named before: a **book** … the **book**", ()),
}


def link_map(view: View) -> None:
    """A map of layers and heads for a relation, and, for the example sentence, the weights that
    follow from it here.
    """
    known = {name: link for name, link in links(view.model.name).items() if name in RELATIONS}
    # What was measured says nothing of another run.
    if view.request.change or view.mask != "trained" or not known:
        return
    settle("layers_link", next(iter(known)), known)
    link = known[chosen("layers_link")]
    section(view, "6. Which heads link which words, over many sentences", link_text(link))
    st.selectbox(
        "Which link",
        list(known),
        key="layers_link",
        format_func=lambda name: RELATIONS[name][0].replace("**", ""),
    )
    hits_map(view, link)
    st.caption(
        "Measured by training/evaluate.py on sentences that the model was not trained on; a click"
        " chooses that head. The word itself and the signs at both ends do not count as other"
        " words."
    )
    st.button(
        f"Look at layer {link.best[0]}, head {link.best[1]}",
        key="layers_best",
        on_click=select_head,
        args=link.best,
    )
    if view.sentence == EXAMPLES[0]["text"]:
        in_this_sentence(view, known)


def hits_map(view: View, link: Link) -> None:
    """How often each head of each layer looks to the right word; a click chooses the head."""
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
                "weight lies on the right word"
            ),
        ),
        select_head,
    )


def link_text(link: Link) -> str:
    """What was measured, and which head does it best."""
    layer, head = link.best
    also = " as well" if percent(link.by_distance, 0) == percent(link.hits_NH[link.best], 0) else ""
    return (
        "That a head links two words in one sentence may be chance. The sentences on which this"
        " model is tested come from a grammar that knows which words belong together, so every"
        f" head can be asked about many of them. {RELATIONS[link.name][0]}. Here **layer {layer},"
        f" head {head}** looks to the right word in **{percent(link.hits_NH[link.best], 0)}** of"
        f" {counted(link.count, 'case')}. One that always looks the most usual number of words back"
        f" would be right in {percent(link.by_distance, 0)}{also}."
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
        title="The same links in the sentence above",
        on_cell=open_weight,
    )


def weight_label(link: Link, looks: str, seen: str) -> str:
    """Two linked words, and the head that links them best."""
    return (
        f"{quoted(looks)} → {quoted(seen)}: layer {link.best[0]}, head {link.best[1]}, right in"
        f" {percent(link.hits_NH[link.best], 0)}"
    )
