"""Tokens: words, pieces, ids, and the rows of the embedding table."""
from ui.frame import foot, open_page

view = open_page("Tokens")
foot("Tokens")
