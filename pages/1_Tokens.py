"""Tokens: words, pieces, ids, the rows of the embedding table, and which of them are alike."""

from ui.kit.explanation_panel import number_over
from ui.kit.section import section
from ui.kit.token_strip import special_tokens_note
from ui.session.navigation import TOKENS
from ui.shell.page_shell import show_page
from ui.stages.tokens.embedding import alike, arithmetic, meaning_map, pieces_story, strips
from ui.stages.tokens.pieces import pieces_strip


def pieces(view):
    section(
        view,
        "1. Words, pieces, numbers",
        pieces_story(view),
        (f"{view.side}.embed.ids", (view.token,)),
    )
    pieces_strip(view)
    special_tokens_note(view)


def page(view):
    strips(view)
    alike(view)
    meaning_map(view)
    arithmetic(view)
    number_over(view)


show_page(TOKENS, page, above=pieces)
