"""Tokens: words, pieces, ids, the rows of the embedding table, and which of them are alike."""

from functools import partial

from ui.kit.stage import card
from ui.session.navigation import TOKENS
from ui.shell.page_shell import show_page
from ui.stages.tokens.arithmetic import word_arithmetic
from ui.stages.tokens.embedding import embedding_rows, similar_rows
from ui.stages.tokens.pieces import pieces
from ui.stages.tokens.word_map import word_map


def page(view):
    first = pieces(view)
    card(
        "Which of your words are alike to this model?", "tokens-alike", partial(similar_rows, view)
    )
    card("Where do your words lie among their neighbours?", "tokens-map", partial(word_map, view))
    card("Can you calculate with words?", "tokens-sums", partial(word_arithmetic, view))
    card("What are all the numbers of each token?", "tokens-rows", partial(embedding_rows, view))
    return first


show_page(TOKENS, page, tokens=False)
