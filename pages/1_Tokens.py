"""Tokens: words, pieces, ids, the rows of the embedding table, and which of them are alike."""

from ui.embedding import alike, arithmetic, meaning_map, pieces_story, strips
from ui.frame import show_page
from ui.numbers import number_over
from ui.pieces import pieces_strip
from ui.section import section
from ui.tokens import signs_in


def pieces(view):
    section(
        view,
        "1. Words, pieces, numbers",
        pieces_story(view),
        (f"{view.side}.embed.ids", (view.token,)),
    )
    pieces_strip(view)
    signs_in(view)


def page(view):
    strips(view)
    alike(view)
    meaning_map(view)
    arithmetic(view)
    number_over(view)


show_page("Tokens", page, above=pieces)
