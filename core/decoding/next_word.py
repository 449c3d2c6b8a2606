"""What comes next, and the text with one more token at its end."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from ..errors import GlassError
from ..models.generation_rules import Decoding, barred, chosen, no_rules


def next_tokens(trace, count: int = 10, row: int = -1):
    """The most likely next tokens after one position: their ids and probabilities over the whole
    vocabulary.
    """
    probs_V = trace["head.probs"][row]
    best = np.argpartition(-probs_V, min(count, len(probs_V) - 1))[:count]
    best = best[np.argsort(-probs_V[best], kind="stable")]
    return best, probs_V[best]


@dataclass(frozen=True)
class Longer:
    """A text with one more token at its end. exact: read anew, it is cut into the same tokens and
    the new one.
    """

    text: str
    exact: bool


def ends_text(model, token_id: int) -> bool:
    """Whether a token is a special token, such as the end of the text, and nothing that
    can be written.
    """
    cut = model.target_tokenizer or model.tokenizer
    return token_id in rules_of(model).ends or bool(cut and cut.is_special(token_id))


def rules_of(model) -> Decoding:
    """What the model's files say of the tokens that it may write."""
    return model.decoding or no_rules(model.config)


def forbidden(model, ids_L) -> set[int]:
    """The tokens that the model's files forbid after these."""
    return barred(rules_of(model), ids_L)


def written_next(model, probs_V, ids_L) -> int:
    """The token that the model writes after these: the likeliest that its files allow."""
    return chosen(rules_of(model), probs_V, ids_L)


def longer(model, ids_L, text: str, *token_ids: int) -> Longer:
    """The text of the tokens ids_L with one more token, or several. Raises GlassError where they
    can't be written.

    Of an encoder–decoder model the ids are its decoder's; the first of them is the token that it
    begins with, and no text.
    """
    typed_L, cut = (
        [int(i) for i in ids_L][model.config.crosses :],
        model.target_tokenizer or model.tokenizer,
    )
    if any(ends_text(model, token_id) for token_id in token_ids):
        raise GlassError(
            "The text ends here: the chosen token is a special token, not a word. Nothing was"
            " added."
        )
    if cut is None:
        return Longer(" ".join(map(str, [*typed_L, *token_ids])), True)
    before, after = cut.decode(typed_L), cut.decode([*typed_L, *token_ids])
    if not after.startswith(before) or not readable(after[len(before) :]):
        which = "This token alone" if len(token_ids) == 1 else "The last of these tokens"
        raise GlassError(
            f"{which} cannot be written as text: it is part of a letter, or it is invisible at"
            " the end of a text. Nothing was added."
        )
    text += after[len(before) :]
    read = model.target_ids(None, text) if model.config.crosses else model.ids(text)
    return Longer(text, [*map(int, read)][model.config.crosses :] == [*typed_L, *token_ids])


def readable(text: str) -> bool:
    """Whether a piece is whole letters that a text box can hold."""
    return (
        bool(text)
        and "\ufffd" not in text
        and all(
            letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn")
            for letter in text
        )
    )
