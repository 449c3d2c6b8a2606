"""The examples in docs/command-line.md, with what the commands print.

python -m tests.helpers.make_command_line        runs each and writes what it prints below it

A block begins with ```console; its first line is the command after "$ ". What follows is printed by
it, in a terminal of 80 columns. A command may end in " | head -n N".
"""

from __future__ import annotations

import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from core.cli.main import main
from core.places import PROGRAM

FILE = Path(__file__).resolve().parents[2] / "docs/command-line.md"
BLOCK = re.compile(r"```console\n\$ (.+)\n((?:(?!```).*\n)*)```")
HEAD = re.compile(r" \| head -n (\d+)$")


def examples(text: str) -> list[tuple[str, str]]:
    """Each command of a document, and what stands below it."""
    return BLOCK.findall(text)


def printed(command: str) -> str:
    """What a command prints. It may write files: they are gone afterwards."""
    head, words = HEAD.search(command), shlex.split(HEAD.sub("", command))
    assert " ".join(words[:3]) == PROGRAM, command
    out = io.StringIO()
    with elsewhere(), redirect_stdout(out), patch.dict(os.environ, {"COLUMNS": "80"}):
        with suppress(SystemExit):  # after --help
            main(words[3:])
    lines = out.getvalue().splitlines(keepends=True)
    return "".join(lines[: int(head[1])] if head else lines)


@contextmanager
def elsewhere() -> Iterator[None]:
    """In an empty folder, which is gone afterwards."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def renewed(text: str) -> str:
    """The document with what its commands print now."""
    return BLOCK.sub(lambda found: f"```console\n$ {found[1]}\n{printed(found[1])}```", text)


if __name__ == "__main__":
    FILE.write_text(renewed(FILE.read_text(encoding="utf-8")), encoding="utf-8")
