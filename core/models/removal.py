"""What was fetched or kept of models, removed again."""

from __future__ import annotations

from .download import remove
from .own import drop


def forget(name: str) -> int:
    """Removes what was fetched of a model, and takes it off the list of the app; the bytes."""
    drop(name)
    return remove(name)


def tidy() -> int:
    """Removes all converted weights; the bytes."""
    from . import prepared  # NumPy takes a while, and whoever fetches does without

    return prepared.forget()
