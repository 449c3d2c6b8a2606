"""What the families of decoders that were made after GPT-2 have in common: how their heads and
tables are named, and how their files lay out what we keep apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...config import Config
from ...errors import GlassError
from ..fields import Fields
from ..stored import Stored
from . import llama
from .common import Layout, Rows, headless_class, headless_notes, tensor_names

SHARED = {  # keys of the config that every one of these families refuses or passes over
    "is_encoder_decoder": (None, False),
    "is_causal": (True,),
}


def decoder_layout(
    data: Fields,
    tensors: Mapping[str, Stored],
    fields: Mapping[str, Any],
    table: Mapping[str, str | tuple[str, ...]],
    *,
    tied: bool,
    head: tuple[str, ...] = ("lm_head",),
    head_bias: bool = False,
    biased: Callable[[str], bool] = lambda name: True,
    **more: Any,
) -> Layout:
    """The config and names of a decoder. fields: of Config; table: our modules and the file's.

    tied: whether the head is the table of tokens where the config is silent. head: the names that
    it may have. biased: which weights have a bias; more: fields of Layout.
    """
    headless = headless_class(data, tensors, head)
    config = Config(encoder_layers=0, **fields, head=None if headless else "linear")
    check_groups(data, config)
    own = tuple(f"{name}.weight" for name in head)
    tables = (f"{table['decoder.embed.token']}.weight",)
    exact = {"head.logits.weight": own + (tables if data.flag("tie_word_embeddings", tied) else ())}
    if head_bias:
        exact["head.logits.bias"] = tuple(f"{name}.bias" for name in head)
    names = tensor_names(config, table, exact, biased)
    return Layout(config, names, notes=headless_notes(headless), **more)


def turning(
    data: Fields, d_head: int, longest: int, partial: float | None = None
) -> dict[str, Any]:
    """How a config turns, and for how many tokens. longest: the default of `transformers`;
    partial: of the share of each head that is turned, where the family's code may turn a part.
    """
    return llama.turning(data, d_head, "max_position_embeddings", longest, partial)


def check_groups(data: Fields, config: Config) -> None:
    """A GlassError, where heads can't share their keys and values evenly."""
    if config.n_heads % config.n_kv_heads:
        raise GlassError(
            f"{data.where} asks {config.n_heads} query heads to share {config.n_kv_heads}"
            " key/value heads evenly, which is impossible."
        )


# --- how files lay them out -----------------------------------------------------------------------


def cut_by_head(n_heads: int, d_head: int) -> dict[str, Rows]:
    """The rows of q, k and v in one tensor that has all three of each head side by side."""
    order_H3K = np.arange(n_heads * 3 * d_head).reshape(n_heads, 3, d_head)
    return {
        f"decoder.{{}}.attn.{name}": Rows(order_H3K[:, i].reshape(-1), order_H3K.size)
        for i, name in enumerate("qkv")
    }


def unpaired(n_heads: int, d_head: int, width: int) -> dict[str, Rows]:
    """The rows of q and k in files that turn neighbouring numbers (2j, 2j + 1) of the first
    `width` of each head: we turn (j, j + width / 2).
    """
    order_K = np.arange(d_head)
    order_K[:width] = np.arange(width).reshape(-1, 2).T.reshape(-1)
    order_HK = np.arange(n_heads)[:, None] * d_head + order_K
    rows = Rows(order_HK.reshape(-1), order_HK.size)
    return dict.fromkeys(("decoder.{}.attn.q", "decoder.{}.attn.k"), rows)
