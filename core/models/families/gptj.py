"""GPT-J (Wang & Komatsuzaki 2021): attention and feed-forward read one norm of one vector."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import Rope
from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes
from .decoders import SHARED, decoder_layout, unpaired

KEYS = keys.family_keys(
    computed=(
        "vocab_size n_embd n_layer n_head n_inner n_positions rotary_dim activation_function "
        "layer_norm_epsilon tie_word_embeddings eos_token_id"
    ),
    null="n_inner eos_token_id",
    also={
        "hidden_size": "n_embd",
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
        "max_position_embeddings": "n_positions",
    },
    refused=SHARED,
    no_effect=(
        "resid_pdrop embd_pdrop attn_pdrop initializer_range is_decoder n_ctx rotary "
        "scale_attn_weights summary_type summary_use_proj summary_activation "
        "summary_proj_to_labels summary_first_dropout"
    ),
)
NAMES = {
    "decoder.embed.token": "wte",
    "decoder.{}.attn.norm": "h.{}.ln_1",
    "decoder.{}.attn.q": "h.{}.attn.q_proj",
    "decoder.{}.attn.k": "h.{}.attn.k_proj",
    "decoder.{}.attn.v": "h.{}.attn.v_proj",
    "decoder.{}.attn.out": "h.{}.attn.out_proj",
    "decoder.{}.mlp.norm": "h.{}.ln_1",
    "decoder.{}.mlp.pre": "h.{}.mlp.fc_in",
    "decoder.{}.mlp.out": "h.{}.mlp.fc_out",
    "decoder.norm": "ln_f",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A GPT-J model's config and names."""
    common = sizes(
        data,
        "GPT-J",
        D=("n_embd", 4096),
        H=("n_head", 16),
        F=("n_inner", None),
        V=50400,
        decoder_layers=layer_count(data, "n_layer", 28),
    )
    del common["encoder_layers"]
    rope = rope_of(data, common["d_head"])
    fields = common | {
        "n_positions": data.whole("n_positions", 2048),
        "positions": "rotary",
        "ropes": (rope,),
        "norm_at": "before",
        "norm_eps": data.number("layer_norm_epsilon", 1e-5, high=1),
        "parallel": True,
        "activation": data.choice("activation_function", "gelu_new", ACTIVATIONS),
        "final_norm": True,
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 50256),
    }
    return decoder_layout(
        data,
        tensors,
        fields,
        NAMES,
        tied=False,
        head_bias=True,
        biased=lambda name: ".attn." not in name or name.endswith("norm.bias"),
        rows=unpaired(common["n_heads"], common["d_head"], rope.width or common["d_head"]),
    )


def rope_of(data: Fields, d_head: int) -> Rope:
    """How the first numbers of each head turn."""
    width = data.whole("rotary_dim", 64)
    rope = Rope(width=None if width == d_head else width)
    rope_config.check_rope(rope, d_head, data.where)
    return rope


FAMILY = Family(("transformer.",), KEYS, layout)
