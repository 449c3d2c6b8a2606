"""How many bytes a run will take, before it runs; and how long a text may be for the bytes there
are.
"""

from __future__ import annotations

from collections.abc import Callable

from .config import Config
from .trace import DERIVED, LAYERS, LOOKS, WRITTEN

_MOST = 1 << 24  # tokens; no model reads more


def nbytes_of_run(config: Config, tokens: int, itemsize: int = 4) -> int:
    """The most bytes that a run takes which keeps the layers' inputs, while one layer is looked at
    and after all have been: without weights, with the output of one token. It errs upwards, at
    most threefold. tokens: of each stack. itemsize: bytes of a number.
    """
    c, L = config, tokens
    layers = c.encoder_layers + c.decoder_layers
    stream, attentions = L * c.d_model, 2 if c.crosses else 1
    kept = (layers + 8) * stream + 4 * c.n_vocab
    looks = c.n_heads * L**2 + L * c.n_kv_heads * c.d_head
    written = L * (c.n_heads * c.d_head + 3 * c.d_model)
    remembered = (
        min(WRITTEN, itemsize * layers * written)
        + min(LOOKS, itemsize * layers * attentions * looks)
        + min(DERIVED, itemsize * layers * stream)
    )
    layer = itemsize * attentions * layer_values(c, L)
    return itemsize * kept + max(layer, min(LAYERS, layers * layer)) + layer + remembered


def layer_values(config: Config, tokens: int) -> int:
    """How many numbers a layer records and works with, for so many tokens."""
    c, L = config, tokens
    relative = 2 * (c.positions == "relative")
    scores = (5 + relative) * c.n_heads * L**2 + L**2
    heads = L * c.d_head * (6 * c.n_heads + 6 * c.n_kv_heads)
    return scores + heads + 12 * L * c.d_model + 5 * L * c.d_mlp


def longest(nbytes_of: Callable[[int], int], room: int) -> int:
    """The most tokens of which a run takes no more than that many bytes. nbytes_of: grows."""
    low, high = 0, _MOST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if nbytes_of(middle) <= room else (low, middle - 1)
    return low
