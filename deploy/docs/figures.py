"""The figures of the documentation site: reports that the app's own command writes.

A page shows the command that makes its figure, so that whoever reads it elsewhere can run it:

    ```sh figure="Where the five heads of layer 3 look"
    python -m core report "The books are old." --stages heads --out heads.html
    ```

On the site the figure takes the command's place. A report is kept in a folder under the SHA-256 of
the command and of all that it depends on, so that a second build makes only what changed.

    figures_in(markdown)    the figures that a page asks for
    made(figures, kept)     their files, by name; makes those that are not kept yet

Run as a program, it reads a JSON list of argument lists from stdin and runs one after the other:
the engine is loaded once for all.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("core", "ui", "assets", ".streamlit")
PACKAGES = ("numpy", "tokenizers", "streamlit")
PROGRAM = ["python", "-m", "core", "report"]
BLOCK = re.compile(r'^```sh figure="(?P<title>[^"\n]+)"\n(?P<command>[^\n]+)\n```$', re.MULTILINE)


@dataclass(frozen=True)
class Figure:
    """A report: its title, the command that writes it, and the name of its file."""

    title: str
    command: str
    file: str

    @property
    def arguments(self) -> list[str]:
        """What the command is given, but for the file it writes to."""
        return shlex.split(self.command)[len(PROGRAM) - 1 : -2]


def figure_of(title: str, command: str) -> Figure:
    """A figure by its command. Raises ValueError for what is not a report to a file here."""
    words = shlex.split(command)
    if words[: len(PROGRAM)] != PROGRAM or words[-2:-1] != ["--out"]:
        raise ValueError(f"A figure is made by {' '.join(PROGRAM)} … --out FILE: {command}")
    if not re.fullmatch(r"[a-z0-9-]+\.html", words[-1]):
        raise ValueError(f"A figure's file has a name such as heads.html: {words[-1]}")
    return Figure(title, command, words[-1])


def figures_in(markdown: str) -> Iterator[Figure]:
    """The figures that a page asks for, from the first to the last."""
    return (figure_of(found["title"], found["command"]) for found in BLOCK.finditer(markdown))


def made(figures: Iterable[Figure], kept: Path) -> dict[str, Path]:
    """The file of each figure, by its name. kept: the folder of what was made before, from which
    what is no longer asked for is removed.

    Raises ValueError where two figures have one name, CalledProcessError where one can't be made.
    """
    wanted: dict[str, Figure] = {}
    for figure in figures:
        if wanted.setdefault(figure.file, figure).command != figure.command:
            raise ValueError(f"Two figures are called {figure.file}.")
    sources = digest_of_sources()
    files = {name: kept / key_of(figure, sources) for name, figure in wanted.items()}
    kept.mkdir(parents=True, exist_ok=True)
    make([(wanted[name], file) for name, file in files.items() if not file.exists()])
    for old in set(kept.glob(f"{'[0-9a-f]' * 32}.html")) - set(files.values()):
        old.unlink(missing_ok=True)
    return files


def make(missing: list[tuple[Figure, Path]]) -> None:
    """Writes figures to files, all in one process of its own."""
    if missing:
        asked = [[*figure.arguments, "--out", str(file)] for figure, file in missing]
        command = [sys.executable, "-m", "deploy.docs.figures"]
        given = json.dumps(asked)
        subprocess.run(
            command, cwd=ROOT, input=given, text=True, check=True, stdout=subprocess.DEVNULL
        )


def key_of(figure: Figure, sources: str) -> str:
    """The name under which a figure is kept."""
    return f"{sha256(json.dumps([sources, figure.arguments]).encode()).hexdigest()[:32]}.html"


def digest_of_sources() -> str:
    """The SHA-256 of all that a report is made of: code, models, scripts, and the packages that
    compute or lay it out.
    """
    found = sha256(json.dumps({name: version(name) for name in PACKAGES}).encode())
    files = (file for name in SOURCES for file in (ROOT / name).rglob("*"))
    for file in sorted(file for file in files if file.is_file() and file.suffix != ".pyc"):
        found.update(file.relative_to(ROOT).as_posix().encode())
        found.update(sha256(file.read_bytes()).digest())
    return found.hexdigest()


def run() -> int:
    """Runs what stands on stdin; the first exit code that is not 0."""
    from core.cli.main import main  # only here: who asks for a kept figure needs no engine

    codes = (main(arguments) for arguments in json.load(sys.stdin))
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(run())
