"""BART (Lewis et al. 2019), and how its relations are read: Marian, mBART, Pegasus and M2M100 have
its names and its keys, and differ in what `Kin` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...config import Config
from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..stored import Stored
from .common import (
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

COMPUTED = (
    "vocab_size d_model encoder_layers decoder_layers encoder_attention_heads "
    "decoder_attention_heads encoder_ffn_dim decoder_ffn_dim max_position_embeddings "
    "activation_function scale_embedding tie_word_embeddings decoder_start_token_id eos_token_id"
)
ALSO = {
    "hidden_size": "d_model",
    "num_hidden_layers": "encoder_layers",
    "num_attention_heads": "encoder_attention_heads",
}
REFUSED = {"is_decoder": (False,), "is_encoder_decoder": (True,), "is_causal": (True,)}
NO_EFFECT = (
    "dropout attention_dropout activation_dropout encoder_layerdrop decoder_layerdrop "
    "init_std classifier_dropout classif_dropout add_bias_logits"
)
_TABLES = ("shared", "decoder.embed_tokens", "encoder.embed_tokens")
_MOST_POSITIONS = 1 << 14  # a table of sinusoids is computed


@dataclass(frozen=True)
class Kin:
    """In what BART's relations differ: the defaults of `transformers`, and the shape."""

    family: str
    n_vocab: int = 50265
    activation: str = "gelu"
    scaled: bool = False  # scale_embedding, where the config is silent
    start_id: int | None = 2
    end_id: int = 2
    shape: dict[str, Any] = field(default_factory=dict)  # fields of Config
    unused_rows: int = 0  # before the first position's
    positions_in_file: bool = True  # the table of positions may be there
    logits_bias: bool = True  # there may be one


def layout_of(kin: Kin, data: Fields, tensors: Mapping[str, Stored], shared: bool = True) -> Layout:
    """The config and names of one of BART's relations.

    shared: whether all tables of tokens are one, where the config ties them.
    """
    headless = headless_class(data, tensors)
    common = sizes_of(kin, data)
    config = Config(
        **common,
        **kin.shape,
        n_positions=data.whole("max_position_embeddings", 1024, high=_MOST_POSITIONS),
        norm_eps=1e-5,
        activation=data.choice("activation_function", kin.activation, ACTIVATIONS),
        embed_scale=common["d_model"] ** (data.flag("scale_embedding", kin.scaled) / 2),
        head=None if headless else "linear",
        start_id=data.token_id("decoder_start_token_id", common["n_vocab"], kin.start_id),
        end_id=data.token_id("eos_token_id", common["n_vocab"], kin.end_id),
    )
    table = names_of_side("encoder", kin) | names_of_side("decoder", kin)
    exact = table_names(data, config, shared)
    if kin.logits_bias and "final_logits_bias" in tensors:
        exact["head.logits.bias"] = ("final_logits_bias",)
    names = tensor_names(config, table, exact)
    return Layout(
        config,
        names,
        skipped_positions=kin.unused_rows,
        unread=unread_table(config, tensors) if shared else (),
        notes=headless_notes_of_two(headless),
    )


def sizes_of(kin: Kin, data: Fields) -> dict[str, Any]:
    """The sizes of a config; those of the decoder must be those of the encoder."""
    common = sizes(
        data,
        kin.family,
        D=("d_model", 1024),
        H=("encoder_attention_heads", 16),
        F=("encoder_ffn_dim", 4096),
        V=kin.n_vocab,
        encoder_layers=layer_count(data, "encoder_layers", 12),
        decoder_layers=layer_count(data, "decoder_layers", 12),
    )
    check_equal(data, "decoder_attention_heads", 16, common["n_heads"])
    check_equal(data, "decoder_ffn_dim", 4096, common["d_mlp"])
    return common


def check_equal(data: Fields, key: str, default: int, size: int) -> None:
    """Raises an error unless the decoder has the encoder's size under that key."""
    if data.whole(key, default) != size:
        raise GlassError(
            f"{data.where} gives encoder and decoder different sizes (“{key}”); Glassformer needs"
            " them equal."
        )


def names_of_side(side: str, kin: Kin) -> dict[str, str | tuple[str, ...]]:
    """The names of one side."""
    layer = f"{side}.layers.{{}}"
    table: dict[str, str | tuple[str, ...]] = {
        f"{side}.embed.token": (f"{side}.embed_tokens", "shared"),
        f"{side}.embed.position": f"{side}.embed_positions" if kin.positions_in_file else (),
        f"{side}.embed.norm": f"{side}.layernorm_embedding",
        f"{side}.norm": f"{side}.layer_norm",
    }
    for ours, theirs in (("attn", "self_attn"), ("cross", "encoder_attn")):
        for name in ("q", "k", "v", "out"):
            table[f"{side}.{{}}.{ours}.{name}"] = f"{layer}.{theirs}.{name}_proj"
        table[f"{side}.{{}}.{ours}.norm"] = f"{layer}.{theirs}_layer_norm"
    for ours, theirs in (("pre", "fc1"), ("out", "fc2"), ("norm", "final_layer_norm")):
        table[f"{side}.{{}}.mlp.{ours}"] = f"{layer}.{theirs}"
    return table


def table_names(data: Fields, config: Config, shared: bool) -> dict[str, tuple[str, ...]]:
    """The names of the head, and of the tables of tokens where the two sides do not share one."""
    tied = data.flag("tie_word_embeddings", True)
    order = _TABLES if shared else ("decoder.embed_tokens",)
    exact = {
        "head.logits.weight": weights_of(("lm_head", *(order if tied else ()))),
        "head.logits.bias": (),
    }
    own = {f"{side}.embed.token.weight": (f"{side}.embed_tokens.weight",) for side in config.sides}
    return exact if shared else exact | own


# --- BART itself ----------------------------------------------------------------------------------

KEYS = keys.family_keys(
    computed=COMPUTED,
    null="decoder_start_token_id eos_token_id",
    also=ALSO,
    # The last four are of version 3.
    refused={
        **REFUSED,
        "normalize_before": (None, False),
        "normalize_embedding": (None, True),
        "add_final_layer_norm": (None, False),
        "static_position_embeddings": (None, False),
    },
    no_effect=NO_EFFECT,
)
BART = Kin(
    "BART", shape={"positions": "learned", "norm_at": "after", "embed_norm": True}, unused_rows=2
)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A BART model's config and names."""
    return layout_of(BART, data, tensors)


FAMILY = Family(("model.",), KEYS, layout)
