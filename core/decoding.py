"""What a model writes: the next token, and the sentence an encoder–decoder model makes of
another.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from core import masks
from core.errors import GlassError
from core.forward_pass import axis_sizes, forward
from core.models.generation_rules import Decoding, barred, chosen, no_rules
from core.recorder import KEEP, Run
from core.transformer import head, stack


def next_tokens(trace, count: int = 10, row: int = -1):
    """The most likely next tokens after one position: their ids and probabilities over the whole
    vocabulary.
    """
    probs_V = trace["head.probs"][row]
    best = np.argpartition(-probs_V, min(count, len(probs_V) - 1))[:count]
    best = best[np.argsort(-probs_V[best], kind="stable")]
    return best, probs_V[best]


def greedy_target(
    config, weights, ids_L, longest: int = 32, rules: Decoding | None = None
) -> list[int]:
    """What the decoder writes for the encoder's ids when it always takes the likeliest token;
    begins with the start id.

    The encoder runs once, the decoder anew for every token. It ends before an end id or after
    `longest` tokens.
    rules: which tokens may be written, from the model's files (None: all may).
    """
    rules = rules or no_rules(config)
    if config.start_id is None:
        raise GlassError(
            "This model’s files do not say which token its decoder begins with; give the target"
            " yourself."
        )
    target = [config.start_id]
    memory_MD = forward(config, weights, ids_L, target_ids_L=target, keep="layers")["encoder.out"]
    longest = min(longest, rules.longest, config.n_positions or longest)
    while len(target) < longest:
        token = chosen(rules, decoded(config, weights, memory_MD, target), target, longest)
        if token in rules.ends:
            break
        target.append(token)
    return target


def decoded(config, weights, memory_MD, target_ids_L):
    """The logits after the last token of a target, (V,): the decoder alone, over what the encoder
    made of the source.

    It is the decoder's part of `forward`: nothing that the encoder made depends on the target.
    """
    L, M = len(target_ids_L), len(memory_MD)
    run = Run(
        config,
        weights,
        axis_sizes(config, {"encoder": memory_MD, "decoder": target_ids_L}, 1),
        {},
        KEEP["output"],
    )
    out_LD = stack(
        run,
        "decoder",
        np.asarray(target_ids_L),
        None,
        masks.causal(L, L),
        memory_MD,
        masks.full(L, M),
    )
    head(run.at("head"), out_LD[-1:])
    return run.values["head.logits"][0]


# --- one token at a time --------------------------------------------------------------------------


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


def longer(model, ids_L, text: str, token_id: int) -> Longer:
    """The text of the tokens ids_L with one more token. Raises GlassError where that token can't be
    written.

    Of an encoder–decoder model the ids are its decoder's; the first of them is the token that it
    begins with, and no text.
    """
    typed_L, cut = (
        [int(i) for i in ids_L][model.config.crosses :],
        model.target_tokenizer or model.tokenizer,
    )
    if ends_text(model, token_id):
        raise GlassError(
            "The text ends here: the chosen token is a special token, not a word. Nothing was"
            " added."
        )
    if cut is None:
        return Longer(" ".join(map(str, [*typed_L, token_id])), True)
    before, after = cut.decode(typed_L), cut.decode([*typed_L, token_id])
    if not after.startswith(before) or not readable(after[len(before) :]):
        raise GlassError(
            "This token alone cannot be written as text: it is part of a letter, or it is"
            " invisible at the end of a text. Nothing was added."
        )
    text += after[len(before) :]
    read = model.target_ids(None, text) if model.config.crosses else model.ids(text)
    return Longer(text, [*map(int, read)][model.config.crosses :] == [*typed_L, token_id])


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
