"""BERT and its like in GGUF files (`general.architecture` is "bert"): encoders without a head."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import Config
from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..keys import Keys
from ..stored import Stored
from .common import Layout, head_width, layer_count, tensor_names

ARCHITECTURE = "bert"
_COMPUTED = (
    "vocab_size context_length embedding_length block_count feed_forward_length "
    "attention.head_count attention.layer_norm_epsilon"
)
KEYS = Keys(
    computed=(
        "general.architecture",
        "general.alignment",
        *(f"bert.{key}" for key in _COMPUTED.split()),
    ),
    refused={
        "general.type": ("model",),
        "general.quantization_version": (2,),
        "split.count": (0, 1),
        "bert.attention.causal": (False,),
    },
    no_effect=("general.file_type", "split.no", "split.tensors.count", "bert.pooling_type"),
    closed="bert.",
)
NAMES = {
    "encoder.embed.token": "token_embd",
    "encoder.embed.position": "position_embd",
    "encoder.embed.segment": "token_types",
    "encoder.embed.norm": "token_embd_norm",
    "encoder.{}.attn.q": "blk.{}.attn_q",
    "encoder.{}.attn.k": "blk.{}.attn_k",
    "encoder.{}.attn.v": "blk.{}.attn_v",
    "encoder.{}.attn.out": "blk.{}.attn_output",
    "encoder.{}.attn.norm": "blk.{}.attn_output_norm",
    "encoder.{}.mlp.pre": "blk.{}.ffn_up",
    "encoder.{}.mlp.out": "blk.{}.ffn_down",
    "encoder.{}.mlp.norm": "blk.{}.layer_output_norm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """The config and names of such a file."""
    data = keys.check_keys(data, KEYS)
    if data.get("bert.attention.causal") is None:
        raise GlassError(
            f"{data.where} does not say “bert.attention.causal”: false; without it llama.cpp lets"
            " a token see only those before it, which no model of this kind was trained for."
        )
    d_model, n_heads = data.whole("bert.embedding_length"), data.whole("bert.attention.head_count")
    d_head = head_width(data, d_model, n_heads)
    config = Config(
        family="BERT",
        encoder_layers=layer_count(data, "bert.block_count"),
        decoder_layers=0,
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        d_head=d_head,
        d_mlp=data.whole("bert.feed_forward_length"),
        n_vocab=data.whole("bert.vocab_size", rows_of(tensors, "token_embd.weight")),
        n_positions=data.whole("bert.context_length"),
        n_segments=rows_of(tensors, "token_types.weight") or 0,
        positions="learned",
        norm="layer",
        norm_at="after",
        norm_eps=data.number("bert.attention.layer_norm_epsilon", high=1),
        embed_norm=True,
        activation="gelu_tanh",  # what llama.cpp computes; the file does not say
        score_scale=d_head**-0.5,
    )
    return Layout(config, tensor_names(config, NAMES, {}))


def rows_of(tensors: Mapping[str, Stored], name: str) -> int | None:
    """How many rows a table has; None where there is none."""
    table = tensors.get(name)
    return table.shape[0] if table and table.shape else None
