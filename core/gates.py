"""The steps of the LSTM (core/lstm.py): which numbers make each of its cells, and what it is
in words and symbols.

The formulas number the words l; h and c behind the word before are h with l − 1, before the first
word 0.
"""

from __future__ import annotations

import math

from core.operands import ALL, Cell, Made, constant, given, same, sum_of_products, total
from core.text import factor, number

NAMES = {
    "input": ("Input gate", "how much of the new it takes in", "i"),
    "forget": ("Forget gate", "how much of what it held it keeps", "f"),
    "candidate": ("Candidate", "what it would take in", "g"),
    "output": ("Output gate", "how much of its cell it shows", "o"),
}


def row_of_table(cell: Cell) -> Made:
    l, d = cell.index
    return same(cell.weight("table", "embed.weight", cell.trace[f"{cell.path}.embed.ids"][l], d))


def gate_of(cell: Cell) -> str:
    """Which gate a step belongs to: "forget" for lstm.forget.past."""
    return cell.name[len(cell.path) + 1 :].split(".")[0]


def word_part(cell: Cell) -> Made:
    l, u = cell.index
    return sum_of_products(
        cell.get("x", f"{cell.path}.in", l, ALL),
        cell.weight("W", f"{gate_of(cell)}.weight", ALL, u),
    )


def past_part(cell: Cell) -> Made:
    l, u = cell.index
    if not l:
        return Made(
            0.0,
            "nothing was read before: 0",
            (constant("hidden state before the first word", 0.0),),
        )
    return sum_of_products(
        cell.get("h", f"{cell.path}.hidden", l - 1, ALL),
        cell.weight("U", f"{gate_of(cell)}.recurrent", ALL, u),
    )


def pre(cell: Cell) -> Made:
    at = f"{cell.path}.{gate_of(cell)}"
    return total(
        cell.get("from the word", f"{at}.word", *cell.index),
        cell.get("from the state before", f"{at}.past", *cell.index),
        cell.weight("bias", f"{gate_of(cell)}.bias", cell.index[1]),
    )


def opened(cell: Cell) -> Made:
    """The sigmoid of a gate, the tanh of the candidate."""
    x = cell.get("x", f"{cell.name}.pre", *cell.index)
    value, name = float(x.values_N[0]), "tanh" if gate_of(cell) == "candidate" else "sigmoid"
    made = (
        math.tanh(value) if name == "tanh" else 1 / (1 + math.exp(-value)) if value > -700 else 0.0
    )
    return Made(made, f"{name}({number(value)})", (x,))


def held(cell: Cell) -> Made:
    """f · c before + i · g; before the first word c is 0."""
    l, u = cell.index
    f, i, g = (
        cell.get(letter, f"{cell.path}.{name}", *cell.index)
        for letter, name in (("f", "forget"), ("i", "input"), ("g", "candidate"))
    )
    c = cell.get("c before", cell.name, l - 1, u) if l else constant("c before the first word", 0.0)
    a, b, x, y = (float(group.values_N[0]) for group in (f, c, i, g))
    return Made(a * b + x * y, f"{factor(a)}·{factor(b)} + {factor(x)}·{factor(y)}", (f, c, i, g))


def shown(cell: Cell) -> Made:
    o, c = (
        cell.get(letter, f"{cell.path}.{name}", *cell.index)
        for letter, name in (("o", "output"), ("c", "cell"))
    )
    a, b = float(o.values_N[0]), float(c.values_N[0])
    return Made(a * math.tanh(b), f"{factor(a)} · tanh({number(b)})", (o, c))


RECIPES = {
    "lstm.embed.ids": given,
    "lstm.in": row_of_table,
    "lstm.cell": held,
    "lstm.hidden": shown,
} | {
    f"lstm.{gate}{leaf}": recipe
    for gate in NAMES
    for leaf, recipe in ((".word", word_part), (".past", past_part), (".pre", pre), ("", opened))
}


def words_of(gate: str) -> dict[str, tuple[str, str, str]]:
    """Title, story and formula of a gate's four steps."""
    title, does, letter = NAMES[gate]
    bend, low = ("tanh", "−1") if gate == "candidate" else ("sigmoid", "0")
    parts = (
        rf"\begin{{gathered}} p^{letter}_{{l,u}} = \sum_d x_{{l,d}}\, W^{letter}_{{d,u}} \\ "
        rf"+ \sum_{{u'}} h_{{l-1,u'}}\, U^{letter}_{{u',u}} + b^{letter}_u \end{{gathered}}"
    )
    return {
        f"lstm.{gate}.word": (
            f"{title}: from the word",
            "What this word's own vector says.",
            rf"\sum_d x_{{l,d}}\, W^{letter}_{{d,u}}",
        ),
        f"lstm.{gate}.past": (
            f"{title}: from the state before",
            "What the words before say, as far as the state still holds them.",
            rf"\sum_{{u'}} h_{{l-1,u'}}\, U^{letter}_{{u',u}}",
        ),
        f"lstm.{gate}.pre": (
            f"{title} before {bend}",
            "From the word, from the state before, and a bias, added up.",
            parts,
        ),
        f"lstm.{gate}": (
            title,
            f"Of each unit: {does}, from {low} to 1.",
            rf"{letter}_{{l,u}} = \mathrm{{{bend}}}\bigl(p^{letter}_{{l,u}}\bigr)",
        ),
    }


WORDS = {
    "lstm.embed.ids": (
        "Token id",
        "The number of the piece in the vocabulary; the tokenizer gives it.",
        r"\mathrm{id}_l",
    ),
    "lstm.in": (
        "Word vector",
        "The row of this word in the table, the same wherever it stands.",
        r"x_{l,d} = E_{\mathrm{id}_l,\,d}",
    ),
    **{name: words for gate in NAMES for name, words in words_of(gate).items()},
    "lstm.cell": (
        "Cell",
        (
            "What the unit holds: of what it held before, the part that the forget gate keeps, and"
            " of the candidate the part that the input gate lets in."
        ),
        r"c_{l,u} = f_{l,u}\, c_{l-1,u} + i_{l,u}\, g_{l,u}",
    ),
    "lstm.hidden": (
        "Hidden state",
        "What the unit shows: to the guess of the next word, and to all gates at the word after.",
        r"h_{l,u} = o_{l,u} \tanh(c_{l,u})",
    ),
    "head.logits/lstm": (
        "Logit",
        "How well the hidden state fits this word of the vocabulary.",
        r"\ell_{r,v} = \sum_u h_{r,u}\, E_{v,u} + b_v",
    ),
}
