"""python -m core models: which models there are, how they get here, and whether one can be read.
`python -m core.models` is the same.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module

from ..models.catalogue import Entry, Wheel, entry_of, listed, ready
from ..models.download import fetch
from ..models.own import own
from ..models.removal import forget, tidy
from .screen import add_json, as_json, new_parser, progress_bar, say, table

NAMED = "a name from the list, or a name on the Hub (org/name)"
SORTS = {  # of the commands: what each does, and what NAME is
    "list": ("list the models and where they are", ""),
    "fetch": ("download a model", NAMED),
    "remove": ("remove what was downloaded of a model", f"{NAMED}; it also leaves the app’s list"),
    "tidy": ("remove the converted weights that are kept for a quick start", ""),
    "check": (
        "load a model and say what it is, or why it is refused",
        "a name from the list, a folder, or a .gguf file",
    ),
}


def parser(prog: str) -> ArgumentParser:
    """The commands and their arguments."""
    example = f"  {prog} list\n  {prog} fetch minilm\n  {prog} check ./my-model"
    made = new_parser(prog, "The models of Glassformer.", example)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (what, named) in SORTS.items():
        example = f"  {prog} {name}{' minilm' if named else ''}"
        each = new_parser("", what, example)
        one = commands.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=each.epilog,
            formatter_class=each.formatter_class,
        )
        if named:
            one.add_argument("name", help=named)
        add_json(one)
    return made


def run(given: Namespace) -> int:
    """One of the commands."""
    if given.command == "check":  # which needs the whole engine
        return import_module(".check", __package__).run(given)
    return {"list": show, "fetch": bring, "remove": take_away, "tidy": take_away}[given.command](
        given
    )


# --- the list -------------------------------------------------------------------------------------


def show(given: Namespace) -> int:
    """Prints all models."""
    if given.json:
        as_json([in_json(entry) for entry in entries()])
    else:
        say(*model_table().splitlines())
    return 0


def entries() -> list[Entry]:
    """The catalogue, and after it what was chosen in the app."""
    return list({entry.name: entry for entry in (*listed(), *map(entry_of, own()))}.values())


def model_table() -> str:
    """The models as lines of text: name, size, licence, where it is, what it is."""
    rows = [("NAME", "SIZE", "LICENCE", "WHERE", "WHAT IT IS"), *map(table_row, entries())]
    return "\n".join(line.rstrip() for line in table(rows, "<><<<"))


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


def in_json(entry: Entry) -> dict:
    """One model; path: where it is, null: it is not on this machine."""
    path = next((str(path) for path, _ in ready(entry)), None)
    about = {"title": entry.title, "about": entry.about, "licence": entry.licence}
    return {"name": entry.name, "path": path, "download_bytes": entry.size or None, **about}


# --- bringing and removing ------------------------------------------------------------------------


def bring(given: Namespace) -> int:
    """Downloads a model, unless it is here."""
    try:
        path = fetch(given.name, progress_bar())
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the bar's line ends
    if given.json:
        as_json({"name": given.name, "path": str(path)})
    else:
        say(f"{given.name} is here: {path}")
    return 0


def take_away(given: Namespace) -> int:
    """Removes a model, or what was converted of all."""
    gone = tidy() if given.command == "tidy" else forget(given.name)
    if given.json:
        as_json({"removed_bytes": gone})
    else:
        say(f"{gone / 1e6:.0f} MB removed.")
    return 0
