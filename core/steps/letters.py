"""What the letters of formulas and axes stand for.

A formula is LaTeX. A letter may have a hat, a dash or a raised name, and is then a symbol of its
own: W^Q is not W^K, and x̂ not x. Letters below the line count something: l the positions, d the
dimensions. A kind of number that uses a letter in a way of its own says so in its `letters`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kind import StepKind

INDICES = {
    "l": "the token’s position",
    "m": "position that is looked at",
    "j": "dimension of the head",
    "d": "dimension of the vector",
    "h": "head",
    "f": "neuron",
    "v": "word of the vocabulary",
    "r": "the token’s position",
    "u": "unit",
    "c": "class",
    "s": "how many positions apart",
}


LETTERS = {
    r"\nabla": "gradient: by how much the result grows for each unit of the number that follows",
    "x": "the token’s vector",
    r"\hat x": "the vector, normalised",
    "x^0": "the vector that entered the first layer",
    r"x^{\mathrm{before}}": "the vector before this layer",
    r"x^{\mathrm{token}}": "token embedding",
    r"x^{\mathrm{pos}}": "position embedding",
    r"x^{\mathrm{seg}}": "segment embedding",
    "q": "query",
    "q'": "query, rotated",
    "k": "key",
    "k'": "key, rotated",
    "v": "value",
    "s": "score",
    r"\tilde s": "score, masked",
    "a": "attention weight",
    r"\bar a": "attention weight, mean of the heads",
    "z": "weighted sum of values",
    "u": "update",
    "p": "neuron before activation",
    "g": "gate",
    "w": "gated projection",
    "n": "activation of a neuron",
    r"\ell": "logit",
    "y": "sentence vector",
    "W": "learned weights",
    "W^Q": "learned weights that make queries",
    "W^K": "learned weights that make keys",
    "W^V": "learned weights that make values",
    "W^O": "learned weights that make the update",
    "W^1": "learned weights into the neurons",
    "W^2": "learned weights out of the neurons",
    "W^3": "learned weights of the second projection",
    "b": "learned bias",
    "b^Q": "learned bias of the queries",
    "b^K": "learned bias of the keys",
    "b^V": "learned bias of the values",
    "b^O": "learned bias of the update",
    "b^1": "learned bias of the neurons",
    "b^2": "learned bias of the update",
    "b^3": "learned bias of the second projection",
    "E": "table of embeddings, a row for each word",
    "P": "table of positions, a row for each",
    "S": "table of segments, a row for each",
    "B": "table of position biases",
    "R": "rollout",
    r"R^{\mathrm{before}}": "rollout before this layer",
    "D": "width of the vector",
    "H": "number of heads",
    "K": "width of the head",
    "L": "number of tokens",
    "T": "temperature",
    "e": "Euler’s number, 2.718…",
    r"\gamma": "learned gain",
    r"\beta": "learned shift",
    r"\mu": "mean",
    r"\sigma": "scale",
    r"\theta": "angle from one position to the next",
    r"\omega": "how fast the wave is",
    r"\varepsilon": "a tiny number that prevents division by 0",
    r"\mathrm{id}": "the token’s number in the vocabulary",
    r"\mathrm{seg}": "which of the two sentences",
    r"\mathrm{mask}": "1 where the token may look, 0 elsewhere",
    r"\mathrm{bucket}": "the group of distances that share a number",
    r"\mathrm{act}": "activation function",
    r"\mathrm{norm}": "the last norm, its scale held",
    r"\mathrm{sigmoid}": "bends any number to between 0 and 1",
}
OUTPUT_TABLE = {"E": "output table, a row for each word"}
PROBABILITY = {"p": "probability"}

_GREEK = "nabla|ell|gamma|beta|mu|sigma|theta|omega|varepsilon"
_SYMBOL = re.compile(
    r"\\(?:text|begin|end)\{[^}]*\}"  # no letters: these two lines are skipped
    r"|\\mathrm\{(?:tanh|kept)\}"
    r"|(?P<below>_)"
    r"|(?P<symbol>\\mathrm\{\w+\}"
    rf"|(?:\\(?:hat|tilde|bar) )?(?:\\(?:{_GREEK})(?![a-z])|(?<!\\)[A-Za-z])"
    r"(?:(?<!e)\^(?:[A-Za-z0-9]|\{\\mathrm\{\w+\}\}))?'?)"
    r"|\\[A-Za-z]+"  # any other command
)


def letters_in(kind: StepKind) -> dict[str, str]:
    """What the symbols of a kind's formula stand for, those below the line last. Raises KeyError
    for one that no table explains.
    """
    above, below = symbols(kind.latex)
    found = [(symbol, LETTERS if symbol in LETTERS else INDICES) for symbol in above]
    found += [(symbol, INDICES) for symbol in below]
    return {
        symbol: kind.letters[symbol] if symbol in kind.letters else meaning(symbol, table)
        for symbol, table in found
    }


def meaning(symbol: str, table: dict[str, str]) -> str:
    """A symbol in words. A dash at a letter below the line says that it runs through all."""
    if symbol in table or not symbol.endswith("'"):
        return table.get(symbol) or LETTERS[symbol]
    return f"each {symbol[:-1]} in turn"


def symbols(latex: str) -> tuple[list[str], list[str]]:
    """The symbols of a formula on the line, and those below it, each in order."""
    above, below, at = [], [], 0
    while found := _SYMBOL.search(latex, at):
        at = found.end()
        if found["below"]:
            end = end_of_group(latex, at)
            inner = symbols(latex[at:end])
            below += inner[0] + inner[1]
            at = end
        elif found["symbol"]:
            above.append(found["symbol"])
    return above, below


def end_of_group(latex: str, at: int) -> int:
    """Where the group that begins there ends: a letter, or braces with all they hold."""
    if latex[at] != "{":
        return at + 1
    depth, end = 0, at
    while end == at or depth:
        depth += (latex[end] == "{") - (latex[end] == "}")
        end += 1
    return end


AXES = {
    "L": "token that looks",
    "M": "token that is looked at",
    "D": "dimension",
    "H": "head",
    "G": "key/value head",
    "K": "dimension of the head",
    "F": "neuron",
    "V": "word of the vocabulary",
    "R": "token",
    "C": "class",
    "P": "rotary pair",
    "S": "positions apart",
    "O": "what it looks at",
    "I": "word that looks",
    "J": "word that is looked at",
    "U": "unit",
    "X": "source",
    "Y": "source of the key",
}


def axis_words(letter: str) -> str:
    """An axis letter in words."""
    return AXES[letter]
