"""python -m core trace: every number of a run in one file, or the list of its steps."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import GlassError
from ..recorder import did_you_mean
from ..run_file import WRITERS, described, write_run
from ..text import counted
from .run import add_run, add_sentence, ran
from .screen import add_json, as_json, doing, new_parser, say, table

ENDINGS = " or ".join(WRITERS)


def parser(prog: str) -> ArgumentParser:
    """The arguments of the command."""
    made = new_parser(
        prog,
        "Computes every number of a sentence. With --out, writes them all to one file that NumPy or"
        " safetensors reads; without it, lists the steps with their axes and shapes.",
        f"""  {prog} "The books are old." --out run.npz
  {prog} "The books are old." --only "decoder.3.*" --json
  echo "The books are old." | {prog} - --mask full --out run.safetensors""",
    )
    add_sentence(made)
    add_run(made)
    made.add_argument(
        "--out", type=run_file, metavar="FILE", help=f"a file that ends with {ENDINGS}"
    )
    made.add_argument(
        "--only",
        action="append",
        metavar="PATTERN",
        help="only the steps whose names fit, such as 'decoder.3.*'; may be given several times",
    )
    add_json(made)
    return made


def run_file(text: str) -> Path:
    """A file that a run can be written to."""
    if (path := Path(text)).suffix not in WRITERS:
        raise ArgumentTypeError(f"the file must end with {ENDINGS}")
    return path


def run(given: Namespace) -> int:
    """Writes, or lists."""
    found = ran(given, given.sentence)
    names = chosen(found.trace.names, given.only or ["*"])
    if given.out:
        with doing(f"Writing {given.out}") as progress:
            write_run(given.out, found.trace, found.facts, names, progress)
    if given.json:
        as_json(described(found.trace, found.facts, names))
    elif given.out:
        size = given.out.stat().st_size
        say(f"{given.out}: {counted(len(names), 'array')}, {size / 1e6:.1f} MB.")
    else:
        trace = found.trace
        say(*table([("STEP", "AXES", "SHAPE"), *(row(trace, name) for name in names)], "<<<"))
    return 0


def row(trace, name: str) -> tuple[str, str, str]:
    """A step of the list."""
    return name, trace.axes(name), " × ".join(map(str, trace.shape(name)))


def chosen(names: tuple[str, ...], patterns: list[str]) -> list[str]:
    """The steps that fit one of the patterns, in their order. Raises GlassError where none does."""
    found = [name for name in names if any(fnmatchcase(name, each) for each in patterns)]
    if not found:
        shown = " or ".join(f"“{each[:60]}”" for each in patterns)
        raise GlassError(f"No step fits {shown}.{did_you_mean(patterns[0], names)}")
    return found
