"""The scripts of a report as one: the modules of the components as they are, each within a function
of its own, in the order in which they need each other.

A page that is opened from a disk can't fetch modules, and none can be fetched where nothing may
leave it. What a module imports and exports is written in a few plain ways, and anything else is an
error here.
"""

from __future__ import annotations

import re
from functools import cache

from core.errors import GlassError
from core.places import ASSETS

FOLDERS = ("report", "components")  # where a module is looked for
START = "host.js"
_IMPORT = re.compile(
    r"^import (?:\{(?P<names>[^}]*)\} from |(?P<all>\w+) from )?"
    r'"[./\w]*?(?P<file>\w+\.js)";?(?=\s|$)',
    re.M,
)
_DEFAULT = re.compile(r"^export default (async )?function\b *(\w*)", re.M)
_LEFT = re.compile(r"^(?:import|export)\b|\bimport\.meta\b|\bimport\(", re.M)


@cache
def script() -> str:
    """All modules that a report needs, as one script."""
    order: list[str] = []
    visit(START, order)
    wanted: dict[str, set[str]] = {name: set() for name in order}
    for found in (each for name in order for each in _IMPORT.finditer(source(name))):
        wanted[found["file"]] |= set(names_in(found))
    parts = "\n".join(wrapped(name, sorted(wanted[name])) for name in order)
    text = f'"use strict";\nconst modules = {{}};\n{parts}\n'
    if "</script" in text or "<!--" in text:
        raise ValueError("A script of a report would end the element that it stands in.")
    return text


def names_in(found: re.Match) -> list[str]:
    """What an import takes from a module."""
    if found["all"]:
        return ["default"]
    names = (found["names"] or "").split(",")
    return [name.split(" as ")[0].strip() for name in names if name.strip()]


@cache
def source(name: str) -> str:
    """The text of a module."""
    for folder in FOLDERS:
        if (path := ASSETS / folder / name).exists():
            return path.read_text("utf-8")
    raise GlassError(f"This copy lacks the script {name} of a report.")


def visit(name: str, order: list[str], path: tuple[str, ...] = ()) -> None:
    """Puts a module behind those that it needs."""
    if name in order:
        return
    if name in path:
        raise ValueError(f"{name} needs itself: {' → '.join((*path, name))}")
    for found in _IMPORT.finditer(source(name)):
        visit(found["file"], order, (*path, name))
    order.append(name)


def wrapped(name: str, wanted: list[str]) -> str:
    """A module as a function that is called at once and returns what others take from it."""
    text = _IMPORT.sub(taken, source(name))
    text = _DEFAULT.sub(lambda found: f"const default_ = {found[1] or ''}function {found[2]}", text)
    text = re.sub(r"^export (?=const|let|async|function)", "", text, flags=re.M)
    if left := _LEFT.search(text):
        raise ValueError(f"{name} has a way to import or export that is not known: {left[0]}")
    given = ", ".join("default: default_" if each == "default" else each for each in wanted)
    return f'modules["{name}"] = (() => {{\n{text}\nreturn {{ {given} }}\n}})();'


def taken(found: re.Match) -> str:
    """An import as a constant that is taken from what the module gave."""
    place = f'modules["{found["file"]}"]'
    if found["all"]:
        return f"const {found['all']} = {place}.default;"
    if found["names"] is None:
        return ""
    return f"const {{ {found['names'].replace(' as ', ': ').strip()} }} = {place};"
