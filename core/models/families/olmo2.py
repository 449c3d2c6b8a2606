"""OLMo 2 (OLMo et al. 2024): Llama whose norms stand on the updates of its sublayers, and on the
queries and keys of all heads together.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, with_defaults
from .llama import ATTENTION, DECODER_ONLY, NAMES, layout_of
from .qwen3 import HEAD_NORMS

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim "
        "intermediate_size hidden_act max_position_embeddings rms_norm_eps attention_bias "
        f"tie_word_embeddings eos_token_id pad_token_id {rope_config.KEYS}"
    ),
    null=f"num_key_value_heads eos_token_id pad_token_id {rope_config.NULL}",
    refused=DECODER_ONLY,
    no_effect="attention_dropout initializer_range is_decoder",
)
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "eos_token_id": 50279,
    "pad_token_id": 1,
}
UPDATE_NORMS = {
    "decoder.{}.attn.out.norm": "layers.{}.post_attention_layernorm",
    "decoder.{}.mlp.out.norm": "layers.{}.post_feedforward_layernorm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An OLMo 2 model's config and names."""
    data = with_defaults(data, DEFAULTS)
    biases = ATTENTION if data.flag("attention_bias", False) else ()
    names = NAMES | HEAD_NORMS | UPDATE_NORMS
    return layout_of(
        data, tensors, "Olmo2", biases=biases, names=names, qk_norm="all", norm_at="update"
    )


FAMILY = Family(("model.", "transformer."), KEYS, layout)
