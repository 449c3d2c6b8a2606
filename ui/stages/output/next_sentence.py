"""Whether the second of two texts follows the first: what BERT was trained to tell, besides hidden
words (Devlin et al. 2018).
"""

from __future__ import annotations

import streamlit as st

from core.text import percent
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import render_depth
from ui.session.view import View

CLASSES = ("B follows A", "B does not follow A")
COLUMNS = {"score": "pooler.logits", "probability": "pooler.probs"}


def tells_next(view: View) -> bool:
    """Whether the model's files hold the two scores of a pair."""
    return view.config.pooler == "next"


def next_sentence(view: View) -> None:
    """The scores of the two answers, and their probabilities."""
    best = int(view.trace["pooler.logits"].argmax())
    render_depth(view, next_text(view, best), *((step, (best,)) for step in COLUMNS.values()))
    if not view.request.second:
        st.caption("These scores are of one text alone, for which the model never learned them.")
    table(
        {title: view.trace[step] for title, step in COLUMNS.items()},
        CLASSES,
        key="output:next-sentence",
        title="Is text B the one that stood after text A?",
        bar="probability",
        corner="answer",
        on_cell=lambda row, column: open_number(list(COLUMNS.values())[column], (row,)),
        opened=opened_place(),
    )


def next_text(view: View, best: int) -> str:
    """What the model takes the two texts for; at most 45 words."""
    learned = "BERT was trained on pairs: in half of them, text B stood right after text A."
    if not view.request.second:
        return f"{learned} You gave one text. Add a second with **+ B** beside your sentence."
    share = percent(view.trace["pooler.probs"][best], 0)
    return (
        f"{learned} From the first token’s last vector it computes two scores. Here"
        f" **{CLASSES[best]}** wins ({share})."
    )


def opened_place() -> tuple[int, int] | None:
    """The row and the column of the opened number."""
    for column, step in enumerate(COLUMNS.values()):
        if (found := opened_in(step)) is not None:
            return found[0], column
    return None
