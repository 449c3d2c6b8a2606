"""What a model writes when it always takes the likeliest token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..config import Config
from ..errors import GlassError
from ..models.generation_rules import Decoding, chosen, no_rules
from .key_value_cache import read, read_on


def greedy_target(
    config, weights, ids_L, longest: int = 32, rules: Decoding | None = None
) -> list[int]:
    """What the decoder writes for the encoder's ids when it always takes the likeliest token;
    begins with the start id.

    The encoder runs once, the decoder for one token at a time. It ends before an end id or after
    `longest` tokens.
    rules: which tokens may be written, from the model's files (None: all may).
    """
    rules = rules or no_rules(config)
    target = [start_of(config)]
    longest = min(longest, rules.longest, config.n_positions or longest)
    target += greedy(config, weights, target, longest, rules, source_ids_L=ids_L)
    return target


def start_of(config: Config) -> int:
    """The token that a decoder begins with when it reads an encoder. GlassError where the files
    name none.
    """
    if config.start_id is None:
        raise GlassError(
            "This model’s files do not say which token its decoder begins with; give the target"
            " yourself."
        )
    return config.start_id


def greedy(
    config: Config,
    weights: Mapping,
    ids_L,
    longest: int,
    rules: Decoding,
    source_ids_L=None,
    keep: str = "next",
) -> Iterator[int]:
    """Writes on, token by token, until an end, or until the text has `longest` tokens.

    ids_L: what has been written so far. source_ids_L, keep: as in `read`.
    """
    text = [*map(int, ids_L)]
    reading = None
    while len(text) < longest:
        if reading is None:
            reading = read(config, weights, text, source_ids_L, keep)
        else:
            reading = read_on(config, weights, reading, text[-1:], keep)
        token = chosen(rules, reading.logits, text, longest)
        if token in rules.ends:
            return
        text.append(token)
        yield token
