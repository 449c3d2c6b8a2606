"""Where the rest of the program stands: beside this folder in the repository, inside it once it is
installed as the package `glassformer`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from .errors import GlassError

_CORE = Path(__file__).resolve().parent
_INSTALLED = "_app"  # the folder of what stands beside core in the repository
# The folder that holds app.py, and what the app reads: assets/, pages/, ui/.
APP = _CORE / _INSTALLED if (_CORE / _INSTALLED).is_dir() else _CORE.parent
ASSETS = APP / "assets"
# How the command line is called.
PROGRAM = "glassformer" if _CORE == APP.parent else "python -m core"


@contextmanager
def without_warnings() -> Iterator[None]:
    """Streamlit, on which the app stands, warns that there is no page, where none is wanted."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def part_of_app(module: str, what: str):
    """A module of the app, of which core knows the name alone: nothing in core depends on it.
    what: what it is needed for, the beginning of a sentence. Raises GlassError where it is missing.
    """
    try:
        with without_warnings():
            return import_module(beside(module))
    except ModuleNotFoundError as error:
        raise GlassError(
            f"{what} is drawn by the app, and this copy lacks {error.name}: get a complete copy and"
            " what it requires."
        ) from None


def beside(module: str) -> str:
    """The name under which a module that stands beside core in the repository is imported."""
    return f"{__package__}.{_INSTALLED}.{module}" if _CORE == APP.parent else module
