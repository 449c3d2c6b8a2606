"""What all pictures of a page have in common once they are saved: the browser writes it below each
of them, and makes the name of the file from it.
"""

from __future__ import annotations

import re

from ui.kit.token_words import token_label
from ui.kit.what_if_words import change_words
from ui.session.navigation import (
    ADD_AND_NORM,
    ATTENTION,
    CROSS_ATTENTION,
    ENCODER_AND_DECODER,
    FEED_FORWARD,
    HEADS,
    OVERVIEW,
    Page,
)
from ui.session.selection import MASKS
from ui.session.view import View

BOTH = ("layer", "head")
LOOKED_AT = {  # what a page's pictures depend on
    OVERVIEW: BOTH,
    ATTENTION: BOTH,
    HEADS: BOTH,
    ADD_AND_NORM: ("layer",),
    FEED_FORWARD: ("layer",),
    ENCODER_AND_DECODER: BOTH,
    CROSS_ATTENTION: BOTH,
}
LONGEST, WORDS, LETTERS = 400, 3, 40  # letters of a sentence; words and letters of it in a name


def picture_frame(view: View, page: Page, others: bool = False) -> dict:
    """The frame of a page's pictures. others: they may show other runs than
    this one, so that neither model nor sentence is said.
    """
    frame = {"page": in_a_name(page.title)}
    frame |= {name: getattr(view, name) for name in LOOKED_AT.get(page, ()) if not others}
    if not others:
        sentence = " / ".join(filter(None, view.texts[:2]))
        frame |= {
            "model": view.title,
            "change": changed(view, page),
            "token": token_label(view),
            "sentence": sentence[:LONGEST] + ("…" if len(sentence) > LONGEST else ""),
            "words": in_a_name(" ".join(view.sentence.split()[:WORDS])),
        }
    return frame


def changed(view: View, page: Page) -> str:
    """How the run differs from that of the trained model; the mask where a page shows but one."""
    mask = "" if view.mask == "trained" or page == ENCODER_AND_DECODER else MASKS[view.mask]
    chat = "as a chat message" if view.request.chat else ""
    return ", ".join(filter(None, (chat, change_words(view), mask)))


def in_a_name(text: str) -> str:
    """A text as a part of the name of a file: letters and digits of any language, and hyphens."""
    return "-".join(re.findall(r"[^\W_]+", text.lower()))[:LETTERS].strip("-")
