"""What the letters of formulas and axes stand for."""

from __future__ import annotations

import re

INDICES = {
    "l": "the token",
    "m": "a token that is looked at",
    "k": "dimension of the head",
    "d": "dimension of the vector",
    "h": "head",
    "f": "neuron",
    "v": "word of the vocabulary",
    "r": "the token",
    "u": "unit",
}


LETTERS = {
    "x": "the token's vector",
    "W": "learned weights",
    "b": "learned bias",
    "E": "table of the vocabulary",
    "P": "table of the positions",
    "K": "width of the head",
    "D": "width of the vector",
    r"\gamma": "learned gain",
    r"\beta": "learned shift",
    r"\mu": "mean",
    r"\sigma": "scale",
    r"\theta": "angle",
    r"\omega": "how fast the wave is",
    "T": "temperature",
    r"\varepsilon": "a tiny number, against division by 0",
    "U": "learned weights for the state before",
    "h": "hidden state",
    "c": "cell",
    "s": "what one source wrote",
    "w": "what the word reads in the stream",
}


def letters_in(latex: str) -> dict[str, str]:
    """What the letters of a formula stand for, those below the line last."""
    bare = re.sub(r"\\(mathrm|text)\{[^}]*\}", " ", latex)
    below = re.sub(r"\\[a-z]+", " ", " ".join(re.findall(r"_(\{[^}]*\}|[a-z])", bare)))
    above = re.sub(r"[_^](\{[^}]*\}|[A-Za-z])", " ", bare)
    found = [
        (letter, LETTERS)
        for letter in re.findall(r"\\[a-z]+|[A-Za-z]", above) + re.findall(r"[A-Z]", below)
    ]
    found += [(letter, INDICES) for letter in re.findall(r"[a-z]", below)]
    return {letter: words[letter] for letter, words in found if letter in words}


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
    "P": "turning pair",
    "S": "places apart",
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
