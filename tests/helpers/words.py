"""What a page says at first: its question, and the words below its figure while all cards are
closed.
"""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

from tests.helpers.pages import unmarked

MOST = 45  # words below a figure, at the depth Story


def question(app: AppTest) -> str:
    """The question over the figure, without Markdown escapes and links that explain a word."""
    (title,) = app.title
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", unmarked(title.value))


def words_below(app: AppTest) -> list[str]:
    """The words of all text in the column of the figure but the question, without links."""
    figure = next(column for column in app.columns if len(column.title))
    texts = [each.value for each in (*figure.markdown, *figure.caption)]
    return unmarked(" ".join(texts)).split()
