"""Which command is meant, and how it ends.

Exit codes: 0 fine, 1 refused (with one line on stderr), 2 asked in a wrong way, 130 stopped by
Ctrl-C. Whoever reads the output may stop reading: that is fine as well.
"""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib import import_module

from ..errors import GlassError
from ..places import PROGRAM
from ..text import on_one_line
from .screen import fail, new_parser

COMMANDS = {
    "trace": "compute every number of a sentence, and write them all to a file",
    "explain": "take one number apart: its formula, its operands, its lines of code",
    "attend": "draw where a head looks",
    "why": "split the difference of two next words into its parts",
    "report": "write one HTML file that shows a run without a server",
    "models": "list, fetch, remove and check models",
    "app": "open the app in the browser",
}
EXAMPLE = f"""\
  {PROGRAM} trace "The books are old." --out run.npz
  {PROGRAM} attend "The books are old." --layer 3 --head 4
  {PROGRAM} why --help"""
REFUSED, STOPPED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """python -m core COMMAND …: the exit code. Raises SystemExit after --help, and for a command
    that is none.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in COMMANDS:
        return command(arguments[0], arguments[1:], f"{PROGRAM} {arguments[0]}")
    parsed(top_parser(), arguments[:1])
    return 0


def opened() -> int:
    """The command `glassformer`: alone it opens the app."""
    return main(sys.argv[1:] or ["app"])


def top_parser() -> ArgumentParser:
    """What there is to choose from. A command reads its own arguments, so that only its modules are
    imported.
    """
    listed = "\n".join(f"  {name:<9}{what}" for name, what in COMMANDS.items())
    said = f"Every number of a transformer, on the command line.\n\ncommands:\n{listed}"
    said += f"\n\nexit codes: 0 fine, {REFUSED} refused, 2 wrong arguments, {STOPPED} Ctrl-C"
    made = new_parser(PROGRAM, said, EXAMPLE)
    made.usage = f"{PROGRAM} [-h] COMMAND …"
    made.add_argument(
        "command", metavar="COMMAND", choices=list(COMMANDS), help="add --help for its arguments"
    )
    return made


def command(name: str, arguments: Sequence[str], prog: str) -> int:
    """Runs one command; its exit code. prog: how it was called."""
    return ended(lambda: run(name, arguments, prog))


def run(name: str, arguments: Sequence[str], prog: str) -> int:
    """The same, with all that it may raise."""
    room = import_module(f".{name}", __package__)
    return room.run(parsed(room.parser(prog), arguments))


def parsed(parser: ArgumentParser, arguments: Sequence[str]) -> Namespace:
    """The arguments. What argparse says of wrong ones holds these as they were typed: it is printed
    harmless.
    """
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return parser.parse_args(arguments)
    finally:
        for line in said.getvalue().splitlines():
            print(on_one_line(line), file=sys.stderr)


def ended(work: Callable[[], int]) -> int:
    """The exit code of a command, however it ends."""
    try:
        print_what_can_be_printed()
        code = work()
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # such as `| head`
        read_no_more()
        return 0
    except KeyboardInterrupt:
        return STOPPED
    except GlassError as error:
        return fail(str(error))
    except MemoryError:
        return fail("The memory of this machine is not enough for this run. Shorten the text.")
    except OSError as error:
        read_no_more()
        return fail(f"{error.filename or 'The output'}: {error.strerror or error}.")


def read_no_more() -> None:
    """Sends what is still to be printed nowhere: at its end Python would try once more."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # an output that is no file
        pass


def print_what_can_be_printed() -> None:
    """A letter that the terminal's encoding lacks is printed as its number, and what is printed
    where there is no output at all goes nowhere: neither is an error.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
