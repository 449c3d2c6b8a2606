"""Tokens: words, pieces, ids, the rows of the embedding table, and which of them are alike."""

from ui.session.navigation import TOKENS
from ui.shell.page_shell import show_page
from ui.stages.tokens.arithmetic import word_arithmetic
from ui.stages.tokens.embedding import embedding_rows, similar_rows
from ui.stages.tokens.pieces import pieces
from ui.stages.tokens.word_map import word_map


def page(view):
    pieces(view)
    embedding_rows(view)
    similar_rows(view)
    word_map(view)
    word_arithmetic(view)


show_page(TOKENS, page, tokens=False)
