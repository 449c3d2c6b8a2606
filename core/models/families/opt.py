"""OPT (Zhang et al. 2022). Of its position table the first two rows belong to no token."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..fields import Fields
from ..stored import Stored
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes
from .decoders import SHARED, decoder_layout

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads ffn_dim activation_function "
        "max_position_embeddings do_layer_norm_before _remove_final_layer_norm enable_bias "
        "word_embed_proj_dim tie_word_embeddings eos_token_id"
    ),
    null="word_embed_proj_dim eos_token_id",
    refused={**SHARED, "layer_norm_elementwise_affine": (True,)},
    no_effect="dropout attention_dropout activation_dropout layerdrop init_std is_decoder",
)
NAMES = {
    "decoder.embed.token": "embed_tokens",
    "decoder.embed.position": "embed_positions",
    "decoder.{}.attn.norm": "layers.{}.self_attn_layer_norm",
    "decoder.{}.attn.q": "layers.{}.self_attn.q_proj",
    "decoder.{}.attn.k": "layers.{}.self_attn.k_proj",
    "decoder.{}.attn.v": "layers.{}.self_attn.v_proj",
    "decoder.{}.attn.out": "layers.{}.self_attn.out_proj",
    "decoder.{}.mlp.norm": "layers.{}.final_layer_norm",
    "decoder.{}.mlp.pre": "layers.{}.fc1",
    "decoder.{}.mlp.out": "layers.{}.fc2",
    "decoder.norm": "final_layer_norm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An OPT model's config and names."""
    common = sizes(
        data,
        "OPT",
        D=("hidden_size", 768),
        H=("num_attention_heads", 12),
        F=("ffn_dim", 3072),
        V=50272,
        decoder_layers=layer_count(data, "num_hidden_layers", 12),
    )
    del common["encoder_layers"]
    if data.whole("word_embed_proj_dim", common["d_model"]) != common["d_model"]:
        data.refuse("word_embed_proj_dim", f"the width of the model, {common['d_model']},")
    before = data.flag("do_layer_norm_before", True)
    fields = common | {
        "n_positions": data.whole("max_position_embeddings", 2048),
        "positions": "learned",
        "norm_at": "before" if before else "after",
        "norm_eps": 1e-5,
        "activation": data.choice("activation_function", "relu", ACTIVATIONS),
        "final_norm": before and not data.flag("_remove_final_layer_norm", False),
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 2),
    }
    everywhere = data.flag("enable_bias", True)
    return decoder_layout(
        data,
        tensors,
        fields,
        NAMES,
        tied=True,
        biased=lambda name: everywhere or name.endswith("norm.bias"),
        skipped_positions=2,
    )


FAMILY = Family(("model.decoder.", "decoder."), KEYS, layout)
