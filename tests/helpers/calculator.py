"""Calculates with a formula as it stands on the screen."""

from __future__ import annotations

import math
import re

import numpy as np

from core import ops

FUNCTIONS = {name: getattr(math, name) for name in ("exp", "tanh", "sqrt", "cos", "sin")}
FUNCTIONS |= {"ln": math.log, "abs": abs, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}
FUNCTIONS |= {
    name: lambda x, act=act: float(act(np.array([x]))[0]) for name, act in ops.ACTIVATIONS.items()
}
SPELLED = (
    (r"\[the other [^:]*: ([^\]]*)\]", r"(\1)"),
    (r"√\(", "sqrt("),
    (r"√(\d+)", r"sqrt(\1)"),
    (r"\|([^|]*)\|", r"abs(\1)"),
    (r"ln (\d+)", r"ln(\1)"),
    ("∞", "inf"),
    ("²", "**2"),
    ("·", "*"),
    ("−", "-"),
)


def calculated(formula: str) -> float | None:
    """What the left of “=” gives; None where it is words."""
    text = formula.rpartition(" = ")[0]
    for written, meant in SPELLED:
        text = re.sub(written, meant, text)
    names = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\d[\d.]*e[-+]\d+", "0", text)))
    if not text or names - {"inf", *FUNCTIONS}:
        return None
    return float(eval(text, {"__builtins__": {}, "inf": math.inf}, FUNCTIONS))


def agrees(formula: str) -> bool:
    """Whether what is written gives what is written after “=”, to its five digits, or as closely as
    the last digits of the numbers that are written allow. Words agree.
    """
    value = calculated(formula)
    shown = float(formula.rpartition(" = ")[2].replace("−", "-").replace("∞", "inf"))
    if value is None or value == shown or math.isnan(shown):
        return True
    last_digit = 10.0 ** (math.floor(math.log10(abs(shown))) - 4) if shown else 0.0
    off = abs(value - shown) - 0.51 * last_digit
    return off <= 0 or off <= rounding(formula, value)


def rounding(formula: str, value: float) -> float:
    """How far the value may be from the true one, because each number that is written is rounded
    to its seventh digit.
    """
    written, _, shown = formula.rpartition(" = ")
    off = 0.0
    for found in re.finditer(r"\d[\d.]*(?:e[−+]\d+)?", written):
        exact = float(found[0].replace("−", "-"))
        half = 0.5 * 10.0 ** (math.floor(math.log10(exact)) - 6) if exact else 0.0
        moved = f"{written[: found.start()]}({exact + half!r}){written[found.end() :]} = {shown}"
        off += abs((calculated(moved) or value) - value)
    return 1.01 * off
