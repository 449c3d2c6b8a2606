"""python -m core attend: where a head looks, drawn in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

import numpy as np

from ..interventions import head_place
from ..text import percent
from .run import Ran, add_run, add_sentence, ran, side_of, transformer
from .screen import add_json, as_json, columns_of, cut, left, new_parser, right, say

# Nothing for a weight of exactly 0, a shade for each quarter, and what the mask hides
SHADES, PLAIN = " ░▒▓█·", " .:*#-"
HIDDEN = 5
BLUE, END = "\x1b[94m", "\x1b[0m"
NUMBERED = 4  # columns of a shade and its percent
LONGEST = 12  # columns of a token
SIDES = ("encoder", "decoder", "cross")


@dataclass(frozen=True, eq=False)
class Map:
    """Where one head looks: the weights, what the mask hides, and the tokens."""

    title: str
    name: str
    head: int
    pattern_LM: np.ndarray
    mask_LM: np.ndarray
    rows: list[str]
    columns: list[str]


@dataclass(frozen=True)
class Paper:
    """What can be drawn on: so many columns, with these shades, and in colour or not."""

    size: int
    shades: str
    colour: bool


def parser(prog: str) -> ArgumentParser:
    """The arguments of the command."""
    made = new_parser(
        prog,
        "Draws where one head looks: a row for each token that looks, a column for each token that"
        " is looked at. A map too wide for the terminal is printed without numbers, or in parts.",
        f"""  {prog} "The books that the student recommended" --layer 3 --head 4
  {prog} "The books are old." --model study-translator --side cross --layer 3""",
    )
    add_sentence(made)
    add_run(made)
    made.add_argument("--layer", type=int, default=0, metavar="N", help="counted from 0")
    made.add_argument("--head", type=int, default=0, metavar="N", help="counted from 0")
    made.add_argument(
        "--side", choices=SIDES, help="whose heads, if there are an encoder and a decoder"
    )
    made.add_argument("--no-color", action="store_true", help="no colours; so does NO_COLOR")
    add_json(made)
    return made


def run(given: Namespace) -> int:
    """Draws the map."""
    drawn = map_of(ran(given, given.sentence), given)
    if given.json:
        as_json(
            {
                "name": drawn.name,
                "head": drawn.head,
                "rows": drawn.rows,
                "columns": drawn.columns,
                "weights": drawn.pattern_LM.astype(float).tolist(),
                "hidden": (~drawn.mask_LM).tolist(),
            }
        )
        return 0
    paper = paper_of(given.no_color)
    say(drawn.title, legend(paper.shades))
    for line in picture(drawn, paper):
        print(line)
    return 0


def map_of(found: Ran, given: Namespace) -> Map:
    """The weights of the head that was asked for. Raises GlassError where there is none."""
    config = transformer(found)
    side = given.side or config.sides[-1]
    path, head = head_place(config, f"{side}.{given.layer}.{given.head}")
    name = f"{path}.pattern"
    looks, seen = (found.tokens(side_of(found, name, letter)) for letter in "LM")
    title = f"{found.model.name}: {path}, head {head}; each row adds up to 100%"
    pattern_LM, mask_LM = found.trace[name][head], found.trace[f"{path}.mask"]
    return Map(title, name, head, pattern_LM, mask_LM, looks, seen)


def legend(shades: str) -> str:
    """What the shades mean."""
    meanings = ("up to 25%", "up to 50%", "up to 75%", "more", "hidden by the mask")
    return ", ".join(f"{one} {means}" for one, means in zip(shades[1:], meanings, strict=True))


# --- the paper ------------------------------------------------------------------------------------


def paper_of(no_color: bool) -> Paper:
    """What stdout can show. A pipe has no colours; COLUMNS sets its width, else it is 80."""
    out = sys.stdout
    colour = out.isatty() and not no_color and not os.environ.get("NO_COLOR")
    colour = colour and os.environ.get("TERM") != "dumb"
    try:
        SHADES.encode(out.encoding or "utf-8")
        shades = SHADES
    except UnicodeEncodeError:
        shades = PLAIN
    return Paper(shutil.get_terminal_size().columns, shades, colour)


# --- the picture ----------------------------------------------------------------------------------


def picture(drawn: Map, paper: Paper) -> list[str]:
    """The map in lines, cut into parts where it is too wide."""
    digits = len(str(max(len(drawn.rows), len(drawn.columns)) - 1))
    room = min(LONGEST, paper.size // 4, max(map(columns_of, drawn.rows)))
    labels = [
        f"{right(str(i), digits)} {left(cut(token, room), room)} "
        for i, token in enumerate(drawn.rows)
    ]
    space = max(8, paper.size - digits - room - 2)
    size, count = cell_size(drawn, space)
    lines: list[str] = []
    for first in range(0, len(drawn.columns), count):
        part = range(first, min(first + count, len(drawn.columns)))
        before = " " * (digits + room + 2)
        lines += ["", *(before + line for line in heads_of_columns(drawn, part, size))]
        for l, begin in enumerate(labels):
            lines.append((begin + row_of(drawn, paper, l, part, size)).rstrip())
    return lines


def cell_size(drawn: Map, space: int) -> tuple[int, int]:
    """The columns that a cell takes, and how many cells stand side by side: with the number beside
    its shade, and the token above it, if all have room; else as many shades as have.
    """
    tokens = len(drawn.columns)
    widest = min(LONGEST, max(map(columns_of, drawn.columns)))
    each = min(max(NUMBERED, widest) + 1, space // tokens)
    if each > NUMBERED:
        return each, tokens
    each = 2 if 2 * tokens <= space else 1
    return each, min(tokens, space // each)


def heads_of_columns(drawn: Map, part: range, size: int) -> list[str]:
    """What stands above the columns: positions, and the tokens where these have room."""
    if size > NUMBERED:
        tokens = (left(cut(drawn.columns[m], size - 1), size) for m in part)
        numbers = (left(str(m), size) for m in part)
        return ["".join(numbers).rstrip(), "".join(tokens).rstrip()]
    digits = len(str(len(drawn.columns) - 1))
    written = [str(m).rjust(digits) for m in part]
    return ["".join(left(each[row], size) for each in written).rstrip() for row in range(digits)]


def row_of(drawn: Map, paper: Paper, l: int, part: range, size: int) -> str:
    """The cells of one token that looks."""
    return "".join(
        cell(float(drawn.pattern_LM[l, m]), bool(drawn.mask_LM[l, m]), paper, size) for m in part
    )


def cell(weight: float, seen: bool, paper: Paper, size: int) -> str:
    """A shade, and beside it the weight in percent where that has room."""
    if not seen:
        return left(paper.shades[HIDDEN], size)
    drawn = paper.shades[shade(weight)]
    drawn = f"{BLUE}{drawn}{END}" if paper.colour else drawn
    share = percent(weight, 0).removesuffix("%") if size > NUMBERED else ""
    return drawn + left(right(share, NUMBERED - 1) if share else "", size - 1)


def shade(weight: float) -> int:
    """Which shade a weight has: none for 0, and one for each quarter."""
    return min(4, int(np.ceil(4 * weight))) if weight > 0 else 0
