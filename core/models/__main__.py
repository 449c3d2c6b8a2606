"""The command line of the models.

python -m core.models list
python -m core.models fetch minilm
python -m core.models remove minilm
python -m core.models tidy
"""

from __future__ import annotations

import argparse
import sys
from typing import TextIO

from core.errors import GlassError
from core.models.catalogue import Entry, Wheel, entry_of, listed, ready
from core.models.download import Progress, fetch, remove
from core.models.own import drop, own


def model_table() -> str:
    """The models as lines of text: name, size, licence, where it is, what it is."""
    entries = {entry.name: entry for entry in (*listed(), *map(entry_of, own()))}.values()
    rows = [("NAME", "SIZE", "LICENCE", "WHERE", "WHAT IT IS"), *map(table_row, entries)]
    name, size, licence, where, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        f"{a:<{name}}  {b:>{size}}  {c:<{licence}}  {d:<{where}}  {e}" for a, b, c, d, e in rows
    )


def table_row(entry: Entry) -> tuple[str, str, str, str, str]:
    """One model's cells."""
    size = f"{entry.size / 1e6:.0f} MB" if entry.size else "-" if entry.embedded else "?"
    about = f"{entry.title}. {entry.about}".strip()
    return entry.name, size, entry.licence, place_of(entry), about


def place_of(entry: Entry) -> str:
    """Where a model is, or where it would come from."""
    for _, place in ready(entry):
        return f"ready ({place})"
    if not entry.sources:
        return "not found"
    return f"fetch from {'PyPI' if isinstance(entry.sources[0], Wheel) else 'the Hub'}"


def progress_bar(stream: TextIO | None = None, width: int = 30) -> Progress:
    """A progress bar of one line; where the line can't be rewritten, a new line for each tenth."""
    out = stream or sys.stderr
    last: tuple = ()  # what the last line was about

    def show(done: int, total: int, message: str) -> None:
        nonlocal last
        share = min(1.0, done / total) if total else 0.0
        megabytes = f"{done / 1e6:6.1f} of {total / 1e6:.1f} MB"
        if out.isatty():
            line = f"\r{message} [{'█' * int(share * width):<{width}}] {megabytes}"
            out.write(line if last in ((), (message,)) else "\n" + line)
            last = (message,)
        elif last != (message, int(share * 10)):
            out.write(f"{message}: {megabytes.strip()}\n")
            last = (message, int(share * 10))
        out.flush()

    return show


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    made = argparse.ArgumentParser(
        prog="python -m core.models", description="The models of Glassformer."
    )
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the models and where they are")
    fetching = commands.add_parser("fetch", help="download a model")
    fetching.add_argument("name", help="a name from the list, or a name on the Hub (org/name)")
    removing = commands.add_parser("remove", help="remove what was downloaded of a model")
    removing.add_argument("name", help="its name; it also leaves the list of the app")
    commands.add_parser("tidy", help="remove the converted weights that are kept for a quick start")
    return made


def main(arguments: list[str] | None = None) -> int:
    """python -m core.models list | fetch NAME | remove NAME | tidy"""
    given = parser().parse_args(arguments)
    if given.command == "list":
        print(model_table())
        return 0
    if given.command in ("remove", "tidy"):
        gone = tidy() if given.command == "tidy" else forget(given.name)
        print(f"{gone / 1e6:.0f} MB removed.")
        return 0
    try:
        path = fetch(given.name, progress_bar())
    except GlassError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    below_bar = "\n" if sys.stderr.isatty() else ""
    print(f"{below_bar}{given.name} is here: {path}")
    return 0


def forget(name: str) -> int:
    """Removes what was fetched of a model, and takes it off the list of the app; the bytes."""
    drop(name)
    return remove(name)


def tidy() -> int:
    """Removes all converted weights; the bytes."""
    from core.models import prepared  # NumPy takes a while, and the other commands do without

    return prepared.forget()


if __name__ == "__main__":
    sys.exit(main())
