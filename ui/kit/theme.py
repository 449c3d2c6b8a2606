"""What looks the same everywhere: one colour per kind of number, and the style sheet.

COLOURS[kind]       q, k, v, weight, residual, mlp, embed, head, norm: seen on the light page and
                    on the dark one; which of them a step has, core/steps says
head_colour(head)   a hue for each head
coloured(latex)     a formula with its letters in these colours
css(option)         the style sheet of the whole app, for st.html within <style>
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

# After Okabe and Ito (2008), at one middle brightness: at least 3:1 against both pages, apart for
# the colour-blind too.
COLOURS = {
    "q": "#2f7fc8",
    "k": "#cf6d12",
    "v": "#0f9b6e",
    "weight": "#8a63d2",
    "residual": "#64809f",
    "mlp": "#cb5a94",
    "embed": "#1f93a8",
    "head": "#a98512",
    "norm": "#7d8590",
}
_LETTERS = {
    "q": "q",
    "k": "k",
    "v": "v",
    "z": "v",
    "a": "weight",
    "s": "weight",
    "u": "weight",
    "x": "residual",
    "n": "mlp",
}
THEME_COLOURS = (
    "primaryColor",
    "backgroundColor",
    "secondaryBackgroundColor",
    "textColor",
    "borderColor",
    "linkColor",
)
_STYLE = Path(__file__).parents[2] / "assets/app.css"


def head_colour(head: int, lightness: int = 52) -> str:
    """The colour of a head where several are drawn together: each a golden angle from the last."""
    return f"hsl({head * 137.5 % 360:g} 55% {lightness}%)"


def coloured(latex: str) -> str:
    """A formula whose q, k, v, weights, stream and neurons have the colours that their pictures
    have.
    """
    bare = re.compile(
        r"(\\[a-zA-Z]+(?:\{[a-zA-Z ]+\})?)|([_^]\{[^{}]*\}|[_^][a-zA-Z0-9])|([a-zA-Z])(?=[_^'])"
    )

    def painted(found: re.Match) -> str:
        letter = found[3]
        return (
            rf"{{\textcolor{{{COLOURS[_LETTERS[letter]]}}}{{{letter}}}}}"
            if letter in _LETTERS
            else found[0]
        )

    return bare.sub(painted, latex)


@lru_cache(maxsize=1)
def css(option: Callable[[str], str | None]) -> str:
    """The style sheet of the whole app, with the colours above as variables: --glass-q, --glass-k,
    …; and those of the theme, which Streamlit gives to components alone: --st-link-color, …
    option: gives a setting such as theme.light.linkColor.
    """
    colours = "".join(f"--glass-{kind}:{colour};" for kind, colour in COLOURS.items())
    colours += "".join(theme_variable(name, option) for name in THEME_COLOURS)
    return f":root{{{colours}}}\n{_STYLE.read_text(encoding='utf-8')}"


def theme_variable(name: str, option: Callable[[str], str | None]) -> str:
    """A colour of the two themes as a variable: linkColor -> --st-link-color."""
    light, dark = (option(f"theme.{theme}.{name}") for theme in ("light", "dark"))
    spelled = re.sub(r"[A-Z]", lambda found: f"-{found[0].lower()}", name)
    return f"--st-{spelled}:light-dark({light},{dark});" if light and dark else ""


SUBLAYERS = {"attn": "Attention", "cross": "Attention to the encoder", "mlp": "Feed-forward"}
