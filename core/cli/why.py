"""python -m core why: the difference of two next words as the sum of what each part gave."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass

import numpy as np

from .. import why
from ..decoding import next_tokens
from ..errors import GlassError
from ..text import HIDING, label, number
from .run import Ran, add_run, add_sentence, ran, transformer
from .screen import add_json, as_json, bar, new_parser, say, table

BAR = 20  # columns of the largest part


@dataclass(frozen=True, eq=False)
class Asked:
    """Why this word, and why not that one, after one position."""

    row: int  # of the output
    word: int
    rival: int | None


def parser(prog: str) -> ArgumentParser:
    """The arguments of the command."""
    made = new_parser(
        prog,
        "Splits how far the model puts one next word above another (the difference of their"
        " logits) into what each head, each feed-forward network and each bias gave. The parts add"
        " up to it.",
        f"""  {prog} "The books that the student recommended" --word are --rival is
  {prog} "The books that the student recommended" --top 5 --json""",
    )
    add_sentence(made)
    add_run(made)
    made.add_argument(
        "--word", help="the word that is explained, or #ID (default: the likeliest next word)"
    )
    made.add_argument(
        "--rival", help="the word that it is above, or #ID (default: the likeliest other word)"
    )
    made.add_argument("--alone", action="store_true", help="explain the word’s logit, no rival")
    made.add_argument(
        "--at", type=int, metavar="POSITION", help="the token whose guess it is (default: the last)"
    )
    made.add_argument(
        "--top", type=how_many, default=12, metavar="N", help="so many parts; 0 for all"
    )
    add_json(made)
    return made


def how_many(text: str) -> int:
    """A count, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError("it must be a whole number from 0 on")
    return int(text)


def run(given: Namespace) -> int:
    """Prints the parts."""
    found = ran(given, given.sentence)
    asked = asked_of(found, given)
    parts = why.parts(found.trace, asked.word, asked.rival, asked.row)
    recorded = difference(found, asked)
    if given.json:
        as_json(in_json(found, parts, recorded))
    else:
        say(*in_text(found, parts, recorded, given.top))
    return 0


# --- what is asked --------------------------------------------------------------------------------


def asked_of(found: Ran, given: Namespace) -> Asked:
    """The two words and the row. Raises GlassError where the model guesses no words."""
    if not transformer(found).head:
        raise GlassError(
            f"{found.model.name} guesses no words: it has no output over a vocabulary."
        )
    row = row_of(found, given.at)
    if not np.isfinite(found.trace["head.logits"][row]).all():
        raise GlassError("The numbers of this run overflowed: its logits are not all finite.")
    first, second = (int(i) for i in next_tokens(found.trace, 2, row)[0][:2])
    word = first if given.word is None else word_id(found.model, given.word)
    if given.alone:
        return Asked(row, word, None)
    other = second if word == first else first
    rival = other if given.rival is None else word_id(found.model, given.rival)
    if rival == word:
        raise GlassError(f"The word and its rival are both “{found.word(word)}”: name two words.")
    return Asked(row, word, rival)


def row_of(found: Ran, at: int | None) -> int:
    """The row of the output that is asked about: a hidden word's, or else the last one's."""
    rows = found.trace.rows.tolist()
    pieces = found.pieces[found.trace.config.sides[-1]]
    if at is None:
        hidden = [row for row in range(len(rows)) if pieces[rows[row]] in HIDING]
        return hidden[0] if hidden else len(rows) - 1
    if at not in rows:
        raise GlassError(f"The text has the tokens 0 to {rows[-1]}; there is none at {at}.")
    return rows.index(at)


def word_id(model, typed: str) -> int:
    """The token that a typed word is; #123 is token 123. Raises GlassError where it is not one
    token of the vocabulary.
    """
    if typed[:1] == "#" and typed[1:].isascii() and typed[1:].isdigit() and len(typed) < 10:
        if (found := int(typed[1:])) < model.config.n_vocab:
            return found
        raise GlassError(f"The vocabulary goes from 0 to {model.config.n_vocab - 1}; not {found}.")
    cut = getattr(model, "target_tokenizer", None) or model.tokenizer
    if cut is None:
        raise GlassError(f"{model.name} has no tokenizer: name a word by its number, such as #12.")
    ways = [cut.encode(text, special=False).ids_L.tolist() for text in (f" {typed}", typed)]
    for ids in ways:  # inside a text, a word has a space before it
        if len(ids) == 1 and ids[0] != getattr(cut, "unknown", None):
            return ids[0]
    if (found := cut.id_of(typed)) is not None:
        return found
    pieces = " ".join(label(cut.piece(i)) for i in ways[-1][:20]) or "none"
    raise GlassError(
        f"“{typed[:60]}” is not one token of this vocabulary; it reads {pieces}. Name one token, or"
        " its number, such as #12."
    )


def difference(found: Ran, asked: Asked) -> float:
    """The logit of the word in the run, less the rival's."""
    logits_V = found.trace["head.logits"][asked.row].astype(np.float64)
    return float(logits_V[asked.word] - (0.0 if asked.rival is None else logits_V[asked.rival]))


# --- what is said ---------------------------------------------------------------------------------


def in_json(found: Ran, parts: why.Parts, recorded: float) -> dict:
    """All parts, in the order in which they were written."""
    return {
        "word": named(found, parts.word),
        "rival": None if parts.rival is None else named(found, parts.rival),
        "position": parts.token,
        "sum": parts.total,
        "recorded": recorded,
        "held": parts.held,
        "parts": [
            {"name": name, "words": why.in_words(name), "part": float(part)}
            for name, part in zip(parts.names, parts.parts_S, strict=True)
        ],
    }


def named(found: Ran, token_id: int) -> dict:
    """A word of the vocabulary."""
    cut = found.model.tokenizer
    return {"id": token_id, "piece": cut.piece(token_id) if cut else f"#{token_id}"}


def in_text(found: Ran, parts: why.Parts, recorded: float, top: int) -> list[str]:
    """The largest parts as a table, and the others as one number."""
    side = found.trace.config.sides[-1]
    token, words = found.tokens(side)[parts.token], [f"“{found.word(parts.word)}”"]
    words += [] if parts.rival is None else [f"“{found.word(parts.rival)}”"]
    largest = parts.largest(top or None)
    others = parts.total - sum(part for _, part in largest)
    scale = max(abs(part) for _, part in largest) or 1.0
    rows = [
        (signed(part), bar(abs(part) / scale, BAR), in_words(found, name, token), name)
        for name, part in largest
    ]
    if left_out := len(parts.names) - len(rows):
        rows.append((signed(others), "", f"{left_out} smaller parts together", ""))
    rows.append((signed(parts.total), "", f"sum; the run has {signed(recorded)}", ""))
    where = "after" if side == "decoder" else "at"
    held = [f"Held at their recorded values: {', '.join(parts.held)}."] if parts.held else []
    return [
        f"{' − '.join(words)} {where} “{token}” ({parts.token})",
        "",
        *table([("PART", "", "FROM", "NAME"), *rows], "><<<"),
        *held,
    ]


def in_words(found: Ran, name: str, token: str) -> str:
    """A source as a reader would say it; of two stacks, with the one that it is of."""
    return why.in_words(name, token, side=len(found.trace.config.sides) > 1)


def signed(x: float) -> str:
    """A number with its sign."""
    return number(x) if x < 0 else f"+{number(x)}"
