"""StableLM (Bellagente et al. 2024): Llama with layer norms, which turns a part of each head;
attention and feed-forward may read the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, with_defaults
from .llama import DECODER_ONLY, NAMES, layout_of

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
        "intermediate_size hidden_act max_position_embeddings layer_norm_eps use_qkv_bias "
        "use_parallel_residual tie_word_embeddings eos_token_id pad_token_id "
        f"{rope_config.KEYS}"
    ),
    null=f"eos_token_id pad_token_id {rope_config.NULL}",
    refused=DECODER_ONLY | {"head_dim": (None,), "qk_layernorm": (False,)},
    no_effect="attention_dropout hidden_dropout initializer_range is_decoder",
)
DEFAULTS = {
    "vocab_size": 50304,
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 4096,
    "layer_norm_eps": 1e-5,
    "eos_token_id": 0,
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A StableLM model's config and names."""
    data = with_defaults(data, DEFAULTS)
    parallel = data.flag("use_parallel_residual", False)
    shared = {"decoder.{}.mlp.norm": NAMES["decoder.{}.attn.norm"]} if parallel else {}
    projections = ("attn.q", "attn.k", "attn.v") if data.flag("use_qkv_bias", False) else ()
    return layout_of(
        data,
        tensors,
        "StableLm",
        biases=("norm", *projections),
        names=NAMES | shared,
        partial=0.25,
        norm="layer",
        norm_eps=data.number("layer_norm_eps", high=1),
        parallel=parallel,
    )


FAMILY = Family(("model.", "transformer."), KEYS, layout)
