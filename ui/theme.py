"""What is the same everywhere: one colour per kind of number, and how a text and a token are shown.

COLOURS[kind]       q, k, v, weight, residual, mlp, embed, head, norm: seen on the light page and
                    on the dark one
kind_of_step(name)  which of them a step of the trace has
coloured(latex)     a formula with its letters in these colours
plain(text)         any text as literal Markdown
label(piece)        a piece of the vocabulary as it is shown
css()               the style sheet of the whole app, for `st.html(f"<style>{css()}</style>")`
"""

from __future__ import annotations

import re
import unicodedata
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
# Which of them a step has, by the end of its name: the first that fits.
_STEPS = (
    ("q", r"\.q(\.unrotated)?$"),
    ("k", r"\.k(\.unrotated)?$"),
    ("v", r"\.(v|z)$"),
    ("weight", r"\.(scores|pattern|mask|heads|rollout|relative)(\.|$)"),
    ("norm", r"\.norm\."),
    ("mlp", r"\.mlp\.(pre|hidden|out|writes|promotes|alone)(\.|$)"),
    ("weight", r"\.(attn|cross)\.out(\.|$)"),
    ("embed", r"\.embed\.|^lstm\.in$"),
    ("head", r"^(head|pooler)\."),
    ("weight", r"^lstm\.(input|forget|output)(\.|$)"),
    ("v", r"^lstm\.candidate(\.|$)"),
    ("residual", r""),
)
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
VISIBLE = {" ": "␣", "▁": "␣", "Ġ": "␣", "\n": "⏎", "Ċ": "⏎", "\t": "⇥"}
# What Streamlit turns into links, pictures and signs after it has read the escapes: https://…,
# www.…, a@b.c, :name:, ->. A joiner, which is not seen and breaks no line, keeps the two halves of
# each apart.
_MADE_LATER = re.compile(r":(?=//|[\w+/-]+:)|www(?=\.)|@(?=[\w-])|[-<>~](?=[-=>])", re.IGNORECASE)
JOINER = "\u2060"
_STYLE = Path(__file__).parents[1] / "assets/app.css"


def kind_of_step(name: str) -> str:
    """Which of COLOURS a step has, wherever it is drawn."""
    return next(kind for kind, pattern in _STEPS if re.search(pattern, name))


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


def plain(text: object) -> str:
    """The text with every sign of Markdown escaped, on one line: it is shown letter by letter,
    links nowhere and fetches nothing."""
    apart = _MADE_LATER.sub(f"\\g<0>{JOINER}", re.sub(r"\s+", " ", str(text)))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", apart)


def label(piece: str) -> str:
    """A piece as it is shown: a space as ␣, a new line as ⏎, a letter that can't be seen as its
    number (U+200B).
    """

    def shown(letter: str) -> str:
        hidden = unicodedata.category(letter)[0] in "CZ"  # control, format and space characters
        return VISIBLE.get(letter) or (f"U+{ord(letter):04X}" if hidden else letter)

    return "".join(map(shown, piece)) or "∅"


def short(text: str, size: int = 14) -> str:
    """A label cut to so many letters, where a picture has no room for more."""
    return text if len(text) <= size else text[: size - 1] + "…"


@lru_cache(maxsize=1)
def css() -> str:
    """The style sheet of the whole app, with the colours above as variables: --glass-q, --glass-k,
    …
    """
    colours = "".join(f"--glass-{kind}:{colour};" for kind, colour in COLOURS.items())
    return f":root{{{colours}}}\n{_STYLE.read_text(encoding='utf-8')}"
