"""What a page says at first: its question, and the words below its figure while all cards are
closed.
"""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

MOST = 45  # words below a figure, at the depth Story


def question(app: AppTest) -> str:
    """The heading over the figure, with its Markdown escapes taken away."""
    (heading,) = (each.value for each in app.markdown if each.value.startswith("# "))
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", heading.removeprefix("# "))


def words_below(app: AppTest) -> list[str]:
    """The words of all text in the column of the figure but the heading."""
    figure = next(
        column
        for column in app.columns
        if any(each.value.startswith("# ") for each in column.markdown)
    )
    texts = [each.value for each in (*figure.markdown, *figure.caption)]
    return " ".join(text for text in texts if not text.startswith("# ")).split()
