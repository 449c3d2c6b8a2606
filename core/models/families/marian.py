"""Marian (Junczys-Dowmunt et al. 2018), as the OPUS-MT translators use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import Config
from core.errors import GlassError
from core.models import keys
from core.models.families.common import (
    ACTIVATIONS,
    Family,
    Layout,
    headless_class,
    headless_notes_of_two,
    layer_count,
    sizes,
    tensor_names,
    unread_table,
    weights_of,
)
from core.models.fields import Fields
from core.models.stored import Stored

KEYS = keys.family_keys(
    computed=(
        "vocab_size d_model encoder_layers decoder_layers encoder_attention_heads "
        "decoder_attention_heads encoder_ffn_dim decoder_ffn_dim decoder_vocab_size "
        "max_position_embeddings activation_function scale_embedding "
        "share_encoder_decoder_embeddings tie_word_embeddings decoder_start_token_id "
        "eos_token_id"
    ),
    null="decoder_vocab_size eos_token_id",
    also={
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
        "num_attention_heads": "encoder_attention_heads",
    },
    # The last four are of version 3.
    refused={
        "is_decoder": (False,),
        "is_encoder_decoder": (True,),
        "is_causal": (True,),
        "normalize_before": (None, False),
        "normalize_embedding": (None, False),
        "add_final_layer_norm": (None, False),
        "static_position_embeddings": (None, True),
    },
    no_effect=(
        "dropout attention_dropout activation_dropout encoder_layerdrop decoder_layerdrop "
        "init_std classifier_dropout classif_dropout add_bias_logits"
    ),
)
_SHARED = ("shared", "decoder.embed_tokens", "encoder.embed_tokens")
_MOST_POSITIONS = 1 << 14  # the table of sinusoids is computed


def names_of_side(side: str) -> dict[str, str | tuple[str, ...]]:
    """The names of one side."""
    layer = f"{side}.layers.{{}}"
    table: dict[str, str | tuple[str, ...]] = {
        f"{side}.embed.token": (f"{side}.embed_tokens", "shared"),
        f"{side}.embed.position": f"{side}.embed_positions",
    }
    for ours, theirs in (("attn", "self_attn"), ("cross", "encoder_attn")):
        for name in ("q", "k", "v", "out"):
            table[f"{side}.{{}}.{ours}.{name}"] = f"{layer}.{theirs}.{name}_proj"
        table[f"{side}.{{}}.{ours}.norm"] = f"{layer}.{theirs}_layer_norm"
    for ours, theirs in (("pre", "fc1"), ("out", "fc2"), ("norm", "final_layer_norm")):
        table[f"{side}.{{}}.mlp.{ours}"] = f"{layer}.{theirs}"
    return table


NAMES = names_of_side("encoder") | names_of_side("decoder")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Marian model's config and names."""
    headless = headless_class(data, tensors)
    common = sizes_of(data)
    config = Config(
        **common,
        n_positions=data.whole("max_position_embeddings", 1024, high=_MOST_POSITIONS),
        positions="sinusoid",
        norm_at="after",
        norm_eps=1e-5,
        activation=data.choice("activation_function", "gelu", ACTIVATIONS),
        embed_scale=common["d_model"] ** (data.flag("scale_embedding", False) / 2),
        head=None if headless else "linear",
        start_id=data.token_id("decoder_start_token_id", common["n_vocab"], 58100),
        end_id=data.token_id("eos_token_id", common["n_vocab"], 0),
    )
    shared = data.flag("share_encoder_decoder_embeddings", True)
    names = tensor_names(config, NAMES, tables(data, config, tensors, shared))
    unread = unread_table(config, tensors) if shared else ()
    return Layout(config, names, unread=unread, notes=headless_notes_of_two(headless))


def sizes_of(data: Fields) -> dict[str, Any]:
    """The sizes of a Marian config; those of the decoder must be those of the encoder."""
    common = sizes(
        data,
        "Marian",
        D=("d_model", 1024),
        H=("encoder_attention_heads", 16),
        F=("encoder_ffn_dim", 4096),
        V=58101,
        encoder_layers=layer_count(data, "encoder_layers", 12),
        decoder_layers=layer_count(data, "decoder_layers", 12),
    )
    for key, default, field in (
        ("decoder_attention_heads", 16, "n_heads"),
        ("decoder_ffn_dim", 4096, "d_mlp"),
        ("decoder_vocab_size", common["n_vocab"], "n_vocab"),
    ):
        if data.whole(key, default) != common[field]:
            raise GlassError(
                f"{data.where} gives encoder and decoder different sizes (“{key}”); Glassformer"
                " needs them equal."
            )
    return common


def tables(
    data: Fields, config: Config, tensors: Mapping[str, Stored], shared: bool
) -> dict[str, tuple[str, ...]]:
    """The names of the head, and of the tables of tokens where the two sides do not share one."""
    tied = data.flag("tie_word_embeddings", True)
    order = _SHARED if shared else ("decoder.embed_tokens",)
    exact = {
        "head.logits.weight": weights_of(("lm_head", *(order if tied else ()))),
        "head.logits.bias": ("final_logits_bias",) if "final_logits_bias" in tensors else (),
    }
    own = {f"{side}.embed.token.weight": (f"{side}.embed_tokens.weight",) for side in config.sides}
    return exact if shared else exact | own


FAMILY = Family(("model.",), KEYS, layout)
