"""How numbers, counts and pieces of text are written, in formulas and in sentences."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import SupportsFloat


def number(x: SupportsFloat, digits: int = 5) -> str:
    """So many significant digits and true minus signs, as `rounded` in assets/components/numbers.js
    writes it too; a power of ten only where the number is very small or large. With fewer than five
    digits, what is nearly 1 gets as many as it needs to differ from 1."""
    x = float(x)
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    near = Context(prec=digits, rounding=ROUND_HALF_UP).plus(Decimal(x))
    if abs(near) == 1 and near != x and digits < 5:
        return number(x, digits + 1)
    power = near.adjusted() if near else 0
    if -6 <= power < 16:
        text = f"{abs(near) if not near else near.normalize():f}"
    else:
        text = f"{near.scaleb(-power).normalize():f}e{power:+d}"
    return text.replace("-", "−")


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 with so many digits after the point, as `percent` in
    assets/components/numbers.js writes it too. Only 0 reads 0%, and only 1 reads 100%."""
    share, step = float(share), Decimal(1).scaleb(-digits)
    if not math.isfinite(share * 100):
        return number(share * 100)
    near = Decimal(share * 100).quantize(step, ROUND_HALF_UP, Context(prec=400))
    if not near:
        return "0%" if not share else f"<{step}%" if share > 0 else f">−{step}%"
    if near == 100:
        return "100%" if share >= 1 else f">{100 - step}%"
    return f"{near}%".replace("-", "−")


def root(n: int) -> str:
    """The square root of a whole number, said to be exact only where it is: √64 = 8, √48 ≈ 6.93."""
    whole = math.isqrt(n)
    return f"√{n} = {whole}" if whole**2 == n else f"√{n} ≈ {number(n**0.5, 3)}"


def counted(count: int, noun: str, several: str = "") -> str:
    """So many of a thing: 1 token, 1,234 tokens. several: a plural that does not end in s."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def each_of(count: int, noun: str) -> str:
    """All of some things, one by one, as the subject of a sentence in the singular."""
    return f"The one {noun}" if count == 1 else f"Each of the {counted(count, noun)}"


def all_of(count: int, noun: str) -> str:
    """All of some things: all 4 layers, the one layer."""
    return f"the one {noun}" if count == 1 else f"all {counted(count, noun)}"


def moves(before: str, after: str) -> str:
    """From one number to another, as they are written; one that reads the same stays."""
    return f"stays at {before}" if before == after else f"goes from {before} to {after}"


def operand(x: SupportsFloat) -> str:
    """A number inside a formula: with two digits more than its result, so that whoever calculates
    with what is written finds what is written."""
    return number(x, 7)


def factor(x: SupportsFloat) -> str:
    """A number inside a product: in brackets when negative."""
    return f"({operand(x)})" if float(x) < 0 else operand(x)


def terms_left(count: int) -> str:
    """The terms of a sum that are not spelled out, as they stand after “the other”."""
    return "term" if count == 1 else f"{count} terms"


# --- texts of others ------------------------------------------------------------------------------

HIDING = ("[MASK]", "<mask>")  # the tokens that hide a word for a model to guess
VISIBLE = {" ": "␣", "▁": "␣", "Ġ": "␣", "\n": "⏎", "Ċ": "⏎", "\t": "⇥"}


def label(piece: str) -> str:
    """A piece as it is shown: a space as ␣, a new line as ⏎, a letter that can't be seen as its
    number (U+200B).
    """

    def shown(letter: str) -> str:
        hidden = unicodedata.category(letter)[0] in "CZ"  # control, format and space characters
        return VISIBLE.get(letter) or (f"U+{ord(letter):04X}" if hidden else letter)

    return "".join(map(shown, piece)) or "∅"


def on_one_line(text: str) -> str:
    """A text from elsewhere on one line, with nothing in it that could steer a terminal or turn the
    direction of what follows: such a letter is written as its number (U+001B).
    """

    def shown(letter: str) -> str:
        hidden = unicodedata.category(letter)[0] == "C"
        return f"U+{ord(letter):04X}" if hidden else letter

    return "".join(map(shown, re.sub(r"\s", " ", text)))
