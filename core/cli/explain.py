"""python -m core explain: one number with its formula, its operands and its lines of code."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace

import numpy as np

from ..errors import GlassError
from ..explanation import Explanation, explain
from ..operands import Group
from ..source import Snippet, lines_that_made
from ..text import number
from .run import Ran, add_run, place_words, ran, tokens_at
from .screen import add_json, as_json, new_parser, say, table

SHOWN = 12  # operands of each kind, the largest first
SENTENCE = "The books that the student recommended"


def parser(prog: str) -> ArgumentParser:
    """The arguments of the command."""
    made = new_parser(
        prog,
        "Takes one number of a run apart: what it is, the formula with the values in it, the"
        " operands, the result computed again from them alone, and the lines of code that made it.",
        f"""  {prog} decoder.3.attn.pattern 4 6 2 --sentence "{SENTENCE}"
  {prog} decoder.0.attn.q 0,5,3 --sentence "{SENTENCE}" --json""",
    )
    made.add_argument("name", metavar="NAME", help="a step that `trace` lists, or weights/…")
    made.add_argument(
        "index", metavar="INDEX", nargs="+", type=whole_numbers, help="one number for each axis"
    )
    made.add_argument(
        "--sentence", required=True, help="the text that the model reads; - reads it from stdin"
    )
    add_run(made)
    add_json(made)
    return made


def whole_numbers(text: str) -> list[int]:
    """Whole numbers, parted by commas: 4 or 4,5,1."""
    if not re.fullmatch(r"-?\d{1,9}(,-?\d{1,9})*", text, re.ASCII):
        raise ArgumentTypeError("an index is a whole number, or several: 4,5,1")
    return [int(each) for each in text.split(",")]


def run(given: Namespace) -> int:
    """Explains the number."""
    found, index = ran(given, given.sentence), [i for each in given.index for i in each]
    try:
        made = explain(found.trace, given.name, index)
    except KeyError as error:  # a name that this run does not have
        raise GlassError(str(error.args[0])) from None
    code = lines_that_made(found.trace, given.name)
    if given.json:
        as_json(in_json(made, code))
    else:
        say(*in_text(found, made, code))
    return 0


def in_json(made: Explanation, code: tuple[Snippet, ...]) -> dict:
    """All of it, as it is."""
    plain = "name index value recomputed error edited title story latex formula".split()
    return {
        **{field: getattr(made, field) for field in plain},
        "operands": [
            {"role": o.role, "name": o.name, "index": o.index, "value": o.value}
            for o in made.operands
        ],
        "code": [
            {
                "file": each.path,
                "function": each.function,
                "first": each.first,
                "lines": each.lines,
                "marked": sorted(each.highlighted),
            }
            for each in code
        ],
    }


def in_text(found: Ran, made: Explanation, code: tuple[Snippet, ...]) -> list[str]:
    """The number as a reader would have it told."""
    told = [
        f"{cell(made.name, made.index)} = {number(made.value)}",
        f"{made.title}. {made.story}",
        ", ".join(place_words(found, made.name, made.index)),
        "",
        f"formula     {made.formula}",
        f"recomputed  {checked(made)}",
    ]
    for group in made.groups:
        told += ["", *operands(found, group)]
    for each in code:
        told += ["", *lines(each)]
    return told


def cell(name: str | None, index) -> str:
    """A cell by its name and place."""
    return f"{name or ''}[{', '.join(map(str, index))}]"


def checked(made: Explanation) -> str:
    """The result from the operands, beside what the run holds."""
    again = number(made.recomputed, 9)
    if made.edited:
        return f"{again}, but a change put another number here: {number(made.value, 9)}"
    return f"{again}, the run has {number(made.value, 9)}: off by {number(made.error, 2)}"


def operands(found: Ran, group: Group) -> list[str]:
    """The operands of one kind, the largest first, with the tokens in which they differ."""
    counts_N = np.abs(group.values_N if group.parts_N is None else group.parts_N)
    order = np.argsort(-np.where(np.isfinite(counts_N), counts_N, 0), kind="stable")
    count, differ = len(order), axes_that_differ(group.indices_NI)
    rows = []
    for n in order[:SHOWN]:
        index = group.indices_NI[n].tolist()
        tokens = tokens_at(found, group.name, index)
        told = ", ".join(tokens[axis] for axis in differ if tokens[axis])
        rows.append((f"  {cell('', index) if index else ''}", number(group.values_N[n]), told))
    head = f"{group.role}: {group.name or 'of the equation itself'}"
    return [
        head + (f", {count:,} numbers" if count > 1 else ""),
        *table(rows, "<><"),
        *([f"  and {count - len(rows):,} smaller ones"] if count > len(rows) else []),
    ]


def axes_that_differ(indices_NI: np.ndarray) -> list[int]:
    """The axes along which operands lie; all of a single one's."""
    axes = range(indices_NI.shape[1])
    return [i for i in axes if len(indices_NI) == 1 or len(np.unique(indices_NI[:, i])) > 1]


def lines(snippet: Snippet) -> list[str]:
    """A function, with a mark at the lines that made the number."""
    head = f"{snippet.path}:{snippet.first}  {snippet.function}"
    numbered = enumerate(snippet.lines, snippet.first)
    return [
        head,
        *(f"{'>' if n in snippet.highlighted else ' '} {n:>4}  {line}" for n, line in numbered),
    ]
