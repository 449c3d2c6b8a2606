"""What is printed: lines, tables, JSON, and progress on stderr where that is a terminal.

Every text goes through `say`, `fail` or `as_json`, so that no control character of a sentence, a
token or a file's name reaches the terminal.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from ..text import on_one_line

WIDE = "WF"  # of the East Asian widths those that take two columns
HALF = " ▏▎▍▌▋▊▉"  # eighths of a cell


def say(*lines: str) -> None:
    """Prints lines, each of them on one line whatever it holds."""
    for line in lines:
        print(on_one_line(line).rstrip())


def fail(message: str) -> int:
    """Says in one line on stderr why a command was refused; the exit code."""
    print(on_one_line(message), file=sys.stderr)
    return 1


def new_parser(prog: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser whose help ends in an example."""
    return argparse.ArgumentParser(
        prog=prog,
        description="\n".join(textwrap.fill(line, 79) for line in description.splitlines()),
        epilog=f"example:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The argument that every command has."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


# --- JSON -----------------------------------------------------------------------------------------


def as_json(found: Any) -> None:
    """Prints JSON, in ASCII. Numbers that JSON does not have are the texts "NaN", "Infinity" and
    "-Infinity".
    """
    print(json.dumps(plain(found), indent=1, allow_nan=False))


def plain(found: Any) -> Any:
    """The same of what JSON has."""
    if isinstance(found, dict):
        return {str(key): plain(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [plain(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return "NaN" if math.isnan(found) else "Infinity" if found > 0 else "-Infinity"
    return found


# --- tables ---------------------------------------------------------------------------------------


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(map(width, text))


def width(letter: str) -> int:
    """The columns of one letter: 0 for an accent, 2 for a Chinese character."""
    if unicodedata.category(letter) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in WIDE else 1


def cut(text: str, room: int) -> str:
    """A text that takes at most so many columns; where something is left out, it ends in “…”."""
    if columns_of(text) <= room:
        return text
    kept, taken = "", 1
    for letter in text:
        taken += width(letter)
        if taken > room:
            break
        kept += letter
    return f"{kept}…"


def left(text: str, room: int) -> str:
    """A text with spaces after it, in so many columns."""
    return text + " " * (room - columns_of(text))


def right(text: str, room: int) -> str:
    """A text with spaces before it, in so many columns."""
    return " " * (room - columns_of(text)) + text


def table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Rows as lines. align: for each column “<” or “>”."""
    cells = [[on_one_line(cell) for cell in row] for row in rows]
    rooms = [max(map(columns_of, column)) for column in zip(*cells, strict=True)]
    put = {"<": left, ">": right}
    return [
        "  ".join(put[a](cell, room) for a, cell, room in zip(align, row, rooms, strict=True))
        for row in cells
    ]


def bar(share: float, room: int) -> str:
    """A bar of so many columns at most, to an eighth of a column. share: 0 to 1."""
    eighths = round(8 * room * share)
    return ("█" * (eighths // 8) + HALF[eighths % 8]).rstrip()


# --- progress -------------------------------------------------------------------------------------


def progress_bar(stream: TextIO | None = None, size: int = 30) -> Callable[[int, int, str], None]:
    """A progress bar of one line; where the line can't be rewritten, a new line for each tenth."""
    out = stream or sys.stderr
    last: tuple = ()  # what the last line was about

    def show(done: int, total: int, message: str) -> None:
        nonlocal last
        message = on_one_line(message)
        share = min(1.0, done / total) if total else 0.0
        megabytes = f"{done / 1e6:6.1f} of {total / 1e6:.1f} MB"
        if out.isatty():
            line = f"\r{message} [{'█' * int(share * size):<{size}}] {megabytes}"
            out.write(line if last in ((), (message,)) else "\n" + line)
            last = (message,)
        elif last != (message, int(share * 10)):
            out.write(f"{message}: {megabytes.strip()}\n")
            last = (message, int(share * 10))
        out.flush()

    return show


@contextmanager
def doing(what: str) -> Iterator[Callable[[int, int], None]]:
    """Says on stderr what is being done while it is, if that is a terminal; what is given takes
    how much of it is done, and of how much.
    """
    out, longest = sys.stderr, 0

    def show(line: str) -> None:
        nonlocal longest
        line = on_one_line(line)
        longest = max(longest, columns_of(line))
        if out.isatty():
            out.write(f"\r{left(line, longest)}")
            out.flush()

    show(f"{what} …")
    try:
        yield lambda done, total: show(f"{what} … {done} of {total}")
    finally:
        if out.isatty():
            out.write(f"\r{' ' * longest}\r")
            out.flush()
