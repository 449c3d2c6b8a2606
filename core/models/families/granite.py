"""Granite (IBM 2024): Llama with multipliers of embeddings, scores, updates and logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, with_defaults
from .llama import DECODER_ONLY, DEFAULTS, biases_of, layout_of

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim "
        "intermediate_size hidden_act max_position_embeddings rms_norm_eps attention_bias mlp_bias "
        "tie_word_embeddings eos_token_id pad_token_id embedding_multiplier attention_multiplier "
        f"residual_multiplier logits_scaling {rope_config.KEYS}"
    ),
    null=f"num_key_value_heads eos_token_id pad_token_id {rope_config.NULL}",
    refused=DECODER_ONLY,
    no_effect="attention_dropout initializer_range is_decoder",
)
UPDATES = ("decoder.{}.attn.out", "decoder.{}.mlp.out")  # the modules that make one


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Granite model's config and names. What an update is multiplied by is multiplied into the
    weights that make it.
    """
    data = with_defaults(data, DEFAULTS)

    def multiplier(key: str) -> float:
        return data.number(key, 1.0, low=1e-9)

    found = layout_of(
        data,
        tensors,
        "Granite",
        biases=biases_of(data),
        embed_scale=multiplier("embedding_multiplier"),
        score_scale=multiplier("attention_multiplier"),
        head_scale=1 / multiplier("logits_scaling"),
    )
    return replace(found, scales=dict.fromkeys(UPDATES, multiplier("residual_multiplier")))


FAMILY = Family(("model.", "transformer."), KEYS, layout)
