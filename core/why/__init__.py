"""Why this word: what a run is made of, and what becomes of it without a part.

from core import load, why
model = load("study-decoder")
books, book = (f"The {word} that the student recommended" for word in ("books", "book"))
are, is_ = (model.tokenizer.id_of(word) for word in ("are", "is"))
why.effects(model, books, are, is_)            # (layers, heads + 1): each silenced in turn
why.patch(model, books, book, are, is_)        # (layers, positions): put from one into the other
why.saliency(model, books, are, is_)           # (words,): each replaced by padding
why.first_and_most(model.trace(books), model.trace(book))    # what differs
"""

from core.why.differences import Changed, Differences, Moved, first_and_most
from core.why.effects import Effect, Unit, each_effect, effects
from core.why.patch import Patched, each_patch, patch
from core.why.saliency import Replaced, each_saliency, saliency

__all__ = [
    "Changed",
    "Differences",
    "Effect",
    "Moved",
    "Patched",
    "Replaced",
    "Unit",
    "each_effect",
    "each_patch",
    "each_saliency",
    "effects",
    "first_and_most",
    "patch",
    "saliency",
]
