"""What a page says at first: its question, and the words below its figure while all cards are
closed.
"""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

MOST = 45  # words below a figure, at the depth Story


def question(app: AppTest) -> str:
    """The question over the figure, with its Markdown escapes taken away."""
    (title,) = app.title
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", title.value)


def words_below(app: AppTest) -> list[str]:
    """The words of all text in the column of the figure but the question."""
    figure = next(column for column in app.columns if len(column.title))
    texts = [each.value for each in (*figure.markdown, *figure.caption)]
    return " ".join(texts).split()
