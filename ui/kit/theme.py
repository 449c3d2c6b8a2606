"""What looks the same everywhere: one colour per kind of number, and the style sheet.

COLOURS[kind]       the colour of each role that a number has: one hue, one meaning, on every page,
                    light or dark; which of them a step has, core/steps says
MEANINGS[kind]      what each of them stands for
ink(colour, grounds)    the same hue as letters, dark or light enough to be read
head_colour(head)   a hue for each head
coloured(latex)     a formula with its letters in these colours
css(option)         the style sheet of the whole app, for st.html within <style>
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from core.places import ASSETS

MEANINGS = {
    "q": "query: what a token looks for",
    "k": "key: what it is found by",
    "v": "value, and what attention collects of values",
    "weight": "attention: scores, weights, and the update they make",
    "residual": "the stream: the vectors between the layers",
    "mlp": "feed-forward: its neurons and their update",
    "embed": "what is looked up in a table: vectors of tokens and segments",
    "position": "position: its vector, wave or bias",
    "head": "what comes out: logits, probabilities, the next word",
    "norm": "norm, and what is not looked at",
    "other": "the other of two that are compared: a model, a run",
}
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
    "position": "#6f8c2a",
    "head": "#a98512",
    "norm": "#7d8590",
    "other": "#9a6b4f",
}
READABLE = 4.5  # the contrast of letters with the page
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
_GROUNDS = ("backgroundColor", "secondaryBackgroundColor")
_STYLE = ASSETS / "app.css"


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
    …, as letters --glass-q-ink, …; and those of the theme, which Streamlit gives to components
    alone: --st-link-color, …
    option: gives a setting such as theme.light.linkColor.
    """
    colours = "".join(f"--glass-{kind}:{colour};" for kind, colour in COLOURS.items())
    colours += "".join(ink_variable(kind, option) for kind in COLOURS)
    colours += "".join(theme_variable(name, option) for name in THEME_COLOURS)
    letters = "\n".join(map(letters_rule, COLOURS))
    return f":root{{{colours}}}\n{letters}\n{_STYLE.read_text(encoding='utf-8')}"


def letters_rule(kind: str) -> str:
    """A formula's letters of a colour, as they are read; the browser may write it as rgb()."""
    red, green, blue = _channels(COLOURS[kind])
    where = (COLOURS[kind], f" rgb({red}, {green}, {blue})", f" {COLOURS[kind]}")
    places = ",".join(f'.katex [style*="color:{each}"]' for each in where)
    return f"{places}{{color:var(--glass-{kind}-ink)!important}}"


def ink_variable(kind: str, option: Callable[[str], str | None]) -> str:
    """A role's colour as letters, for both themes."""
    grounds = [
        [option(f"theme.{theme}.{name}") for name in _GROUNDS] for theme in ("light", "dark")
    ]
    if not all(map(all, grounds)):
        return ""
    light, dark = (ink(COLOURS[kind], [str(each) for each in page]) for page in grounds)
    return f"--glass-{kind}-ink:light-dark({light},{dark});"


def ink(colour: str, grounds: list[str]) -> str:
    """The colour, or as little of black or white mixed into it as it takes to be read on each of
    the grounds: a contrast of 4.5 at least.
    """
    towards = 0 if min(map(luminance, grounds)) > 0.4 else 255
    for share in range(0, 101, 2):
        mixed = [round(c + (towards - c) * share / 100) for c in _channels(colour)]
        found = "#" + "".join(f"{c:02x}" for c in mixed)
        if min(contrast(found, ground) for ground in grounds) >= READABLE:
            return found
    raise ValueError(f"no ink of {colour} is read on all of {grounds}")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """How bright a colour is, from 0 to 1 (WCAG 2.2)."""
    parts = [c / 255 for c in _channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def theme_variable(name: str, option: Callable[[str], str | None]) -> str:
    """A colour of the two themes as a variable: linkColor -> --st-link-color."""
    light, dark = (option(f"theme.{theme}.{name}") for theme in ("light", "dark"))
    spelled = re.sub(r"[A-Z]", lambda found: f"-{found[0].lower()}", name)
    return f"--st-{spelled}:light-dark({light},{dark});" if light and dark else ""


SUBLAYERS = {"attn": "Attention", "cross": "Attention to the encoder", "mlp": "Feed-forward"}
