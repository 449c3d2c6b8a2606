"""The models that whoever started the app has chosen in it: their names, remembered in the cache.

own()               the names, the last chosen first
keep(name)          adds one; beyond MOST the one chosen longest ago is forgotten
drop(name)          takes one off the list; its files stay where they are
meant(text)         the name that a typed text means
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from typing import NoReturn

from ..errors import GlassError
from . import catalogue
from .cache import remembered, update

MOST = 20
LONGEST = 400  # characters of a name
_FILE, _KEY = "own-models.json", "names"
_PAGE = "https://huggingface.co/"


def own() -> tuple[str, ...]:
    """The names that were chosen, the last one first."""
    return names_in(remembered(_FILE))


def names_in(known: dict) -> tuple[str, ...]:
    """The names in what is remembered."""
    names = known.get(_KEY)
    names = names if isinstance(names, list) else []
    return tuple(dict.fromkeys(name for name in names if is_name(name)))[:MOST]


def is_name(name) -> bool:
    """Whether this is the name of a model that was chosen, and not of one in the catalogue."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST or name in catalogue.CATALOGUE:
        return False
    here = os.path.isabs(name) and catalogue.local(name) is not None
    return here or catalogue.hub_name(name) is not None


def keep(name: str) -> None:
    """Puts a name first."""
    change(lambda names: [name, *(each for each in names if each != name)][:MOST])


def drop(name: str) -> None:
    """Forgets a name."""
    change(lambda names: [each for each in names if each != name])


def change(names_after: Callable[[tuple[str, ...]], list[str]]) -> None:
    """Changes the list, from what is remembered then: two programs at once lose nothing."""
    update(_FILE, lambda known: known | {_KEY: names_after(names_in(known))})


def meant(text: str) -> str:
    """The name of the model that a reader typed: of the catalogue, a whole path, or a Hub name. A
    copied address of the Hub is one, too. Raises GlassError for what is none of these.
    """
    text = text.strip()
    text = text.removeprefix(_PAGE).rstrip("/").replace("/tree/", "@", 1) if _PAGE in text else text
    if not text:
        raise GlassError("Type a name on the Hub, or the path of a folder or a .gguf file.")
    if text in catalogue.CATALOGUE:
        return text
    if path := catalogue.local(text):
        text = str(path.resolve())
    elif catalogue.hub_name(text) is None:
        refuse(text)
    if len(text) > LONGEST:
        raise GlassError(f"This name is longer than {LONGEST} characters.")
    return text


def refuse(text: str) -> NoReturn:
    """Raises the error of a text that names no model."""
    if text[0] in "/~.\\" or text.count("/") > 1 or text.endswith((".gguf", ".safetensors")):
        raise GlassError(
            f"There is no folder and no .gguf file “{text[:100]}” on this machine. For safetensors,"
            " give the folder in which they lie beside their config.json."
        )
    similar = difflib.get_close_matches(text.lower(), catalogue.CATALOGUE, 1, 0.5)
    hint = f" Did you mean {similar[0]}?" if similar else ""
    raise GlassError(
        f"“{text[:100]}” is neither a model in the list, nor a path on this machine, nor a name on"
        f" the Hub, which has the form org/name.{hint}"
    )
