"""The LSTM (core/lstm.py): what each gate does at a word, what a unit holds and what it shows.

The formulas number the words l: h and c of the word before have l − 1; before the first word both
are 0.
"""

from __future__ import annotations

import math

from ..operands import ALL, Cell, Result, constant, given, same, sum_of_products, total
from ..text import factor, operand
from .kind import HEAD, LSTM, StepKind
from .letters import OUTPUT_TABLE, symbols
from .output import logit_of


def explain_word_row(cell: Cell) -> Result:
    l, d = cell.index
    return same(cell.weight("table", "embed.weight", cell.trace[f"{cell.path}.embed.ids"][l], d))


def gate_of(cell: Cell) -> str:
    """Which gate a step belongs to: "forget" for lstm.forget.past."""
    return cell.ref.leaf.partition(".")[0]


def explain_from_word(cell: Cell) -> Result:
    l, u = cell.index
    return sum_of_products(
        cell.get("x", f"{cell.path}.in", l, ALL),
        cell.weight("W", f"{gate_of(cell)}.weight", ALL, u),
    )


def explain_from_state(cell: Cell) -> Result:
    l, u = cell.index
    if not l:
        return Result(
            0.0, "no word came before: 0", (constant("hidden state before the first word", 0.0),)
        )
    return sum_of_products(
        cell.get("h", f"{cell.path}.hidden", l - 1, ALL),
        cell.weight("U", f"{gate_of(cell)}.recurrent", ALL, u),
    )


def explain_gate_input(cell: Cell) -> Result:
    path = f"{cell.path}.{gate_of(cell)}"
    return total(
        cell.get("from the word", f"{path}.word", *cell.index),
        cell.get("from the state before", f"{path}.past", *cell.index),
        cell.weight("bias", f"{gate_of(cell)}.bias", cell.index[1]),
    )


def explain_gate(cell: Cell) -> Result:
    """sigmoid(x)."""
    x = cell.get("x", f"{cell.path}.{cell.ref.leaf}.pre", *cell.index)
    value = float(x.values_N[0])
    opened = 1 / (1 + math.exp(-value)) if value > -700 else 0.0
    return Result(opened, f"sigmoid({operand(value)})", (x,))


def explain_candidate(cell: Cell) -> Result:
    x = cell.get("x", f"{cell.path}.candidate.pre", *cell.index)
    value = float(x.values_N[0])
    return Result(math.tanh(value), f"tanh({operand(value)})", (x,))


def explain_cell(cell: Cell) -> Result:
    """f · c before + i · g; before the first word c is 0."""
    l, u = cell.index
    f, i, g = (
        cell.get(letter, f"{cell.path}.{name}", *cell.index)
        for letter, name in (("f", "forget"), ("i", "input"), ("g", "candidate"))
    )
    before = f"{cell.path}.cell"
    c = cell.get("c before", before, l - 1, u) if l else constant("c before the first word", 0.0)
    a, b, x, y = (float(group.values_N[0]) for group in (f, c, i, g))
    return Result(a * b + x * y, f"{factor(a)}·{factor(b)} + {factor(x)}·{factor(y)}", (f, c, i, g))


def explain_hidden(cell: Cell) -> Result:
    o, c = (
        cell.get(letter, f"{cell.path}.{name}", *cell.index)
        for letter, name in (("o", "output"), ("c", "cell"))
    )
    a, b = float(o.values_N[0]), float(c.values_N[0])
    return Result(a * math.tanh(b), f"{factor(a)} · tanh({operand(b)})", (o, c))


def explain_lstm_logit(cell: Cell) -> Result:
    return logit_of(cell, "lstm.hidden")


def gate_letters(title: str, letter: str, bend: str, latex: str) -> dict[str, str]:
    """What the letters of a gate's formula stand for there."""
    said = {
        letter: title.lower(),
        f"p^{letter}": f"{title.lower()} before {bend}",
        f"W^{letter}": "learned weights for the word",
        f"U^{letter}": "learned weights for the state before",
        f"b^{letter}": "learned bias",
        "h": "hidden state",
    }
    above, _ = symbols(latex)
    return {symbol: said[symbol] for symbol in above if symbol in said}


def gate_step(
    gate: str, part: str, recipe, title: str, story: str, latex: str, colour: str, letters
):
    """One of the three steps before a gate opens."""
    return StepKind(
        leaf=f"{gate}.{part}",
        axes="LU",
        place=LSTM,
        recipe=recipe,
        title=title,
        story=story,
        latex=latex,
        letters=letters,
        colour=colour,
    )


def gate_parts(gate: str, title: str, letter: str, bend: str, colour: str) -> list[StepKind]:
    """The three steps before a gate opens: from the word, from the state, and both with a bias."""
    word = rf"\sum_d x_{{l,d}}\, W^{letter}_{{d,u}}"
    past = rf"\sum_{{u'}} h_{{l-1,u'}}\, U^{letter}_{{u',u}}"
    both = rf"p^{letter}_{{l,u}} = {word} \\ + {past} + b^{letter}_u"
    said = {
        "word": "What this word’s vector contributes.",
        "past": "What the earlier words contribute, as far as the state still holds them.",
        "pre": "The parts from the word and from the state before, plus a bias.",
    }
    parts = (
        ("word", explain_from_word, f"{title}: from the word", word),
        ("past", explain_from_state, f"{title}: from the state before", past),
        (
            "pre",
            explain_gate_input,
            f"{title} before {bend}",
            rf"\begin{{gathered}} {both} \end{{gathered}}",
        ),
    )
    return [
        gate_step(
            gate,
            part,
            recipe,
            name,
            said[part],
            latex,
            colour,
            gate_letters(title, letter, bend, latex),
        )
        for part, recipe, name, latex in parts
    ]


def gate_kinds(gate: str, title: str, does: str, letter: str) -> tuple[StepKind, ...]:
    """The four steps of a gate, which opens from 0 to 1; of the candidate, from −1 to 1."""
    recipe, bend, low, colour, scale = (
        (explain_candidate, "tanh", "−1", "v", "signed")
        if gate == "candidate"
        else (explain_gate, "sigmoid", "0", "weight", "weight")
    )
    latex = rf"{letter}_{{l,u}} = \mathrm{{{bend}}}\bigl(p^{letter}_{{l,u}}\bigr)"
    return (
        *gate_parts(gate, title, letter, bend, colour),
        StepKind(
            leaf=gate,
            axes="LU",
            place=LSTM,
            recipe=recipe,
            title=title,
            story=f"{does}, from {low} to 1.",
            latex=latex,
            letters=gate_letters(title, letter, bend, latex),
            colour=colour,
            scale=scale,
        ),
    )


KINDS = (
    StepKind(
        leaf="embed.ids",
        axes="L",
        place=LSTM,
        recipe=given,
        title="Token id",
        story="The piece’s number in the vocabulary, from the tokenizer.",
        latex=r"\mathrm{id}_l",
        colour="embed",
    ),
    StepKind(
        leaf="in",
        axes="LD",
        place=LSTM,
        recipe=explain_word_row,
        title="Word vector",
        story="This word’s row of the table, the same at every position.",
        latex=r"x_{l,d} = E_{\mathrm{id}_l,\,d}",
        colour="embed",
    ),
    *gate_kinds("input", "Input gate", "How much of the candidate each unit takes in", "i"),
    *gate_kinds("forget", "Forget gate", "How much of its cell each unit keeps", "f"),
    *gate_kinds("candidate", "Candidate", "What each unit could take in", "g"),
    *gate_kinds("output", "Output gate", "How much of its cell each unit shows", "o"),
    StepKind(
        leaf="cell",
        axes="LU",
        place=LSTM,
        recipe=explain_cell,
        title="Cell",
        story=(
            "What the unit holds: the part of its old content that the forget gate keeps, plus"
            " the part of the candidate that the input gate lets in."
        ),
        latex=r"c_{l,u} = f_{l,u}\, c_{l-1,u} + i_{l,u}\, g_{l,u}",
        letters={"c": "cell", "f": "forget gate", "i": "input gate", "g": "candidate"},
        colour="residual",
    ),
    StepKind(
        leaf="hidden",
        axes="LU",
        place=LSTM,
        recipe=explain_hidden,
        title="Hidden state",
        story=(
            "What the unit shows: to the guess of the next word, and to all gates at the"
            " following word."
        ),
        latex=r"h_{l,u} = o_{l,u} \tanh(c_{l,u})",
        letters={"h": "hidden state", "o": "output gate", "c": "cell"},
        colour="residual",
    ),
    StepKind(
        leaf="logits",
        axes="RV",
        place=HEAD,
        recipe=explain_lstm_logit,
        title="Logit",
        story="How well the hidden state matches this word of the vocabulary.",
        latex=r"\ell_{r,v} = \sum_u h_{r,u}\, E_{v,u} + b_v",
        letters={**OUTPUT_TABLE, "h": "hidden state"},
        colour="head",
        when=lambda config: "lstm" in config.sides,
    ),
)
