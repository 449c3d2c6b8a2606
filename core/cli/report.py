"""python -m core report: a run as one HTML file, with the app's pictures and the numbers inside.

What is drawn is no matter of core, so the file is made by the app's own room, ui/report, which is
asked for by its name when it is needed: nothing here depends on it, and where it is missing, as in
a copy of core alone, the command says so.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from ..errors import GlassError
from ..models import catalogue
from ..places import part_of_app, without_warnings
from ..run_file import whole_file
from .run import LSTM, MASKS, add_run, add_sentence, sentence_of
from .screen import add_json, as_json, doing, new_parser, say

WRITER = "ui.report.command"  # the room that draws
PLACE = {"layer": "0 is the first", "head": "0 is the first", "token": "0 is the first"}


def parser(prog: str) -> ArgumentParser:
    """The arguments of the command."""
    made = new_parser(
        prog,
        "Writes one HTML file that shows a run as the app does, with its numbers inside. It opens"
        " by a double click, without a server or a network, prints, and takes at most 5 MB: what"
        " does not fit is left out, and the file says what.",
        f"""  {prog} "The books are old." --out report.html
  {prog} "The books are old." --stages river,heads --layer 3 --head 4 --out heads.html""",
    )
    add_sentence(made)
    add_run(made)
    made.add_argument(
        "--out", type=html_file, metavar="FILE", required=True, help="a file that ends with .html"
    )
    made.add_argument(
        "--stages",
        metavar="NAMES",
        help="what it shows, parted by commas: river, heads, attention, add_and_norm,"
        " feed_forward, layers, output, weights (default: all)",
    )
    made.add_argument("--side", choices=("encoder", "decoder"), help="where it is opened")
    for name, which in PLACE.items():
        made.add_argument(
            f"--{name}", type=whole_number, metavar="N", help=f"the {name} it opens at; {which}"
        )
    add_json(made)
    return made


def html_file(text: str) -> Path:
    """A file that a report can be written to."""
    if (path := Path(text)).suffix.lower() not in (".html", ".htm"):
        raise ArgumentTypeError("the file must end with .html")
    return path


def whole_number(text: str) -> int:
    """A number that is 0 or more."""
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII):
        raise ArgumentTypeError("a whole number, such as 3")
    return int(text)


def run(given: Namespace) -> int:
    """Writes the report."""
    asked = request_of(given)
    place = {name: getattr(given, name) for name in ("side", *PLACE)}
    with without_warnings(), doing(f"Writing {given.out}") as progress:
        made = made_by(writer(), asked, given.stages, place, progress)
        with whole_file(given.out) as file:
            file.write(made.text.encode())
    size = given.out.stat().st_size
    if given.json:
        as_json({"file": str(given.out), "bytes": size, "left_out": list(made.left_out)})
    else:
        left = [f"No room for: {each}" for each in made.left_out]
        say(f"{given.out}: {size / 1e6:.1f} MB.", *left)
    return 0


def made_by(drawing, *asked):
    """The report. Raises GlassError where there is none."""
    try:
        return drawing.made(*asked)
    except KeyError as error:  # a name that this run does not have
        raise GlassError(str(error.args[0])) from None


def request_of(given: Namespace) -> dict[str, str | bool]:
    """What is to be run, by the names that the links of the app use. Raises GlassError where there
    is nothing to read, and for an LSTM.
    """
    model = given.model or catalogue.default()
    if model == LSTM:
        raise GlassError("An LSTM has no attention: a report shows transformers.")
    sentence, mask = sentence_of(given.sentence), str(given.mask)
    if not sentence.strip():
        raise GlassError("There is nothing to read: the text is empty or only spaces.")
    return {
        "model": model,
        "sentence": sentence,
        "mask": MASKS.get(mask, mask),
        "target": given.target or "",
        "change": given.change,
        "second": given.second or "",
        "chat": given.chat,
    }


def writer():
    """The room that draws. Raises GlassError where this copy lacks it."""
    return part_of_app(WRITER, "A report")
