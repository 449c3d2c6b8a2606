"""How much memory models and runs may take together."""

from __future__ import annotations

import os

_MEGABYTES = 1536  # unless GLASSFORMER_MEMORY names another number


def room() -> int:
    """How many bytes of models and runs may stay in memory."""
    given = os.environ.get("GLASSFORMER_MEMORY", "")
    return (int(given) if given.isdecimal() else _MEGABYTES) << 20
