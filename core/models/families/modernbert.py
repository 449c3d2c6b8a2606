"""ModernBERT (Warner et al. 2024): an encoder with rotary positions, gated neurons, pre-norms, and
windows in two of three layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...config import Config, Rope
from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import (
    ACTIVATIONS,
    ANY_LENGTH,
    Family,
    Layout,
    Rows,
    fine_tuned_head,
    head_width,
    layer_count,
    tensor_names,
    with_defaults,
)
from .windows import FULL, SLIDING, windows_of

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads "
        "hidden_activation max_position_embeddings norm_eps norm_bias attention_bias mlp_bias "
        "decoder_bias classifier_bias classifier_activation local_attention layer_types "
        "global_attn_every_n_layers global_rope_theta local_rope_theta rope_parameters "
        "tie_word_embeddings"
    ),
    null="layer_types rope_parameters",
    refused={
        "is_encoder_decoder": (None, False),
        "is_decoder": (None, False),
        "is_causal": (None, False),
    },
    no_effect=(
        "attention_dropout embedding_dropout mlp_dropout classifier_dropout classifier_pooling "
        "initializer_range initializer_cutoff_factor deterministic_flash_attn sparse_prediction "
        "sparse_pred_ignore_index reference_compile repad_logits_with_grad cls_token_id "
        "position_embedding_type"
    ),
)
DEFAULTS = {
    "vocab_size": 50368,
    "hidden_size": 768,
    "intermediate_size": 1152,
    "num_hidden_layers": 22,
    "num_attention_heads": 12,
    "hidden_activation": "gelu",
    "classifier_activation": "gelu",
    "max_position_embeddings": 8192,
    "norm_eps": 1e-5,
    "norm_bias": False,
    "attention_bias": False,
    "mlp_bias": False,
    "decoder_bias": True,
    "classifier_bias": False,
    "local_attention": 128,
    "global_attn_every_n_layers": 3,
    "global_rope_theta": 160000.0,
    "local_rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
NAMES = {
    "encoder.embed.token": "embeddings.tok_embeddings",
    "encoder.embed.norm": "embeddings.norm",
    "encoder.{}.attn.norm": "layers.{}.attn_norm",
    "encoder.{}.attn.q": "layers.{}.attn.Wqkv",
    "encoder.{}.attn.k": "layers.{}.attn.Wqkv",
    "encoder.{}.attn.v": "layers.{}.attn.Wqkv",
    "encoder.{}.attn.out": "layers.{}.attn.Wo",
    "encoder.{}.mlp.norm": "layers.{}.mlp_norm",
    "encoder.{}.mlp.pre": "layers.{}.mlp.Wi",
    "encoder.{}.mlp.hidden.up": "layers.{}.mlp.Wi",
    "encoder.{}.mlp.out": "layers.{}.mlp.Wo",
    "encoder.norm": "final_norm",
    "head.pre": "head.dense",
    "head.norm": "head.norm",
    "head.logits": "decoder",
}
_THETA = {FULL: "global_rope_theta", SLIDING: "local_rope_theta"}
_HEAD = ("head.dense.weight", "head.norm.weight", "decoder.bias")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A ModernBERT model's config and names."""
    data = with_defaults(data, DEFAULTS)
    fine_tuned = bool(fine_tuned_head(tensors))
    config = Config(**fields_of(data), head="transform" if scores(tensors, fine_tuned) else None)
    for rope in filter(None, config.ropes):
        rope_config.check_rope(rope, config.d_head, data.where)
    table = ("embeddings.tok_embeddings.weight",) if data.flag("tie_word_embeddings", True) else ()
    exact = {"head.logits.weight": ("decoder.weight", *table)}
    names = tensor_names(config, NAMES, exact, lambda name: has_bias(data, name))
    # The first layer of a fine-tuned head, which is not run.
    unread = [name for name in tensors if name.startswith("head.")] if fine_tuned else []
    return Layout(config, names, rows=rows_of(config), unread=tuple(unread))


def scores(tensors: Mapping[str, Stored], fine_tuned: bool) -> bool:
    """Whether the file has a head that scores words."""
    return not fine_tuned and any(name in tensors for name in _HEAD)


def fields_of(data: Fields) -> dict[str, Any]:
    """The fields of Config but for the head."""
    d_model, n_heads = data.whole("hidden_size"), data.whole("num_attention_heads")
    n_layers, d_head = layer_count(data, "num_hidden_layers"), head_width(data, d_model, n_heads)
    n_positions = data.whole("max_position_embeddings", high=ANY_LENGTH)
    return {
        "family": "ModernBERT",
        "encoder_layers": n_layers,
        "decoder_layers": 0,
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": n_heads,
        "d_head": d_head,
        "d_mlp": data.whole("intermediate_size"),
        "n_vocab": data.whole("vocab_size"),
        "n_positions": n_positions,
        "positions": "rotary",
        "norm": "layer",
        "norm_at": "before",
        "norm_eps": data.number("norm_eps", high=1),
        "activation": data.choice("hidden_activation", None, ACTIVATIONS),
        "head_activation": data.choice("classifier_activation", None, ACTIVATIONS),
        "gated": True,
        "score_scale": d_head**-0.5,
        "embed_norm": True,
        "final_norm": True,
        "first_norm": False,
        **near_and_far(data, n_layers, d_head, n_positions),
    }


def near_and_far(data: Fields, n_layers: int, d_head: int, n_positions: int) -> dict[str, Any]:
    """By layer: how far it looks to both sides, and how it turns."""
    every = data.whole("global_attn_every_n_layers")
    width = data.whole("local_attention", low=2, high=ANY_LENGTH) // 2
    windows = windows_of(data, [bool(layer % every) for layer in range(n_layers)], width)
    ropes = {kind: rope_of(data, kind, d_head, n_positions) for kind in _THETA}
    turning = tuple(ropes[FULL if each is None else SLIDING] for each in windows)
    return {"windows": windows, "ropes": turning}


def rope_of(data: Fields, kind: str, d_head: int, n_positions: int) -> Rope:
    """How the layers of one kind turn. Nothing is stretched."""
    given = data.get("rope_parameters", {})
    if not isinstance(given, dict) or set(given) - set(_THETA):
        data.refuse("rope_parameters", f"an object of {FULL} and {SLIDING}")
    own = given.get(kind) or {}
    if not isinstance(own, dict) or rope_config.kind_of(Fields(own, data.where)) != "default":
        data.refuse("rope_parameters", "angles that are not stretched")
    theta = {"rope_theta": data.get(_THETA[kind])}
    return rope_config.rope_from(Fields(theta | own, data.where), d_head, n_positions)


def has_bias(data: Fields, name: str) -> bool:
    """Which modules have a bias, by the config."""
    if name == "head.logits.bias":
        return data.flag("decoder_bias", True)
    if name.endswith("norm.bias"):
        return data.flag("norm_bias", False)
    if name == "head.pre.bias":
        return data.flag("classifier_bias", False)
    return data.flag("attention_bias" if ".attn." in name else "mlp_bias", False)


def rows_of(config: Config) -> dict[str, Rows]:
    """Which rows of the joined tensors are whose."""
    D, F, at = config.d_model, config.d_mlp, "encoder.{}"
    found = {
        f"{at}.attn.{x}": Rows(np.arange(i * D, (i + 1) * D), 3 * D) for i, x in enumerate("qkv")
    }
    return found | {
        f"{at}.mlp.pre": Rows(np.arange(F), 2 * F),
        f"{at}.mlp.hidden.up": Rows(np.arange(F, 2 * F), 2 * F),
    }


FAMILY = Family(("model.",), KEYS, layout)
