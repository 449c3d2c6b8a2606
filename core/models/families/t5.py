"""T5 (Raffel et al. 2019), and T5 v1.1 (also flan-T5) with a gated feed-forward and an untied,
unscaled head. Its relations mT5 and uMT5 differ in what `Kin` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...config import Config
from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import tasks
from .common import (
    ACTIVATIONS,
    Family,
    Layout,
    classes_of,
    headless_class,
    headless_notes_of_two,
    layer_count,
    sizes,
    tensor_names,
    unread_table,
    weights_of,
)
from .tasks import Head

COMPUTED = (
    "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads "
    "relative_attention_num_buckets relative_attention_max_distance layer_norm_epsilon "
    "feed_forward_proj dense_act_fn is_gated_act scale_decoder_outputs "
    "tie_word_embeddings decoder_start_token_id pad_token_id eos_token_id"
)
NULL = "num_decoder_layers tie_word_embeddings decoder_start_token_id pad_token_id eos_token_id"
REFUSED = {"is_decoder": (False,), "is_causal": (True,)}
NO_EFFECT = "dropout_rate classifier_dropout initializer_factor is_encoder_decoder n_positions"
KEYS = keys.family_keys(
    computed=COMPUTED,
    null=NULL,
    also={
        "hidden_size": "d_model",
        "num_hidden_layers": "num_layers",
        "num_attention_heads": "num_heads",
        "head_dim": "d_kv",
    },
    refused=REFUSED,
    no_effect=NO_EFFECT,
)
_SHARED = ("shared", "encoder.embed_tokens", "decoder.embed_tokens")
_ENCODER_ALONE = re.compile("U?M?T5(EncoderModel|ForTokenClassification)")
HEADS = {
    f"{kind}ForTokenClassification": Head("each", "tokens", "classifier")
    for kind in ("T5", "MT5", "UMT5")
}
_NOTE_ALONE = (
    "The files hold T5’s encoder but no tensor of its decoder, so only the encoder runs: you see"
    " it up to its last vectors."
)


@dataclass(frozen=True)
class Kin:
    """In what T5's relations differ: the defaults of `transformers`, and the tables of biases."""

    family: str
    n_vocab: int = 250112
    d_mlp: int = 1024
    n_layers: int = 8
    n_heads: int = 6
    feed_forward: str = "gated-gelu"
    scaled: bool = True  # a tied head reads scaled vectors
    in_layers: bool = False  # each layer has a table of its own


def names_of_side(side: str, gated: bool) -> dict[str, str | tuple[str, ...]]:
    """The names of one side.

    A block's layer 0 is attention, then comes cross-attention in the decoder, then the mlp.
    """
    block, last = f"{side}.block.{{}}.layer", 2 if side == "decoder" else 1
    bias = "layer.0.SelfAttention.relative_attention_bias"
    table: dict[str, str | tuple[str, ...]] = {
        f"{side}.embed.token": (f"{side}.embed_tokens", "shared"),
        f"{side}.norm": f"{side}.final_layer_norm",
        f"{side}.relative": f"{side}.block.0.{bias}",
        f"{side}.{{}}.attn.relative": f"{side}.block.{{}}.{bias}",
    }
    for ours, index, theirs in (("attn", 0, "SelfAttention"), ("cross", 1, "EncDecAttention")):
        for name in ("q", "k", "v", "out"):
            table[f"{side}.{{}}.{ours}.{name}"] = f"{block}.{index}.{theirs}.{name[0]}"
        table[f"{side}.{{}}.{ours}.norm"] = f"{block}.{index}.layer_norm"
    projections = {"pre": "wi_0", "hidden.up": "wi_1"} if gated else {"pre": "wi"}
    for ours, theirs in (projections | {"out": "wo"}).items():
        table[f"{side}.{{}}.mlp.{ours}"] = f"{block}.{last}.DenseReluDense.{theirs}"
    table[f"{side}.{{}}.mlp.norm"] = f"{block}.{last}.layer_norm"
    return table


def layout_of(kin: Kin, data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """The config and names of one of T5's relations."""
    headless, alone = headless_class(data, tensors), encoder_alone(data, tensors)
    found = tasks.find_head(data, tensors, HEADS) if alone else tasks.Found()
    gated, activation = feed_forward_form(kin, data)
    common = sizes_of(kin, data, alone)
    # Since transformers 5 a saved file always says that the head is tied, and the key
    # scale_decoder_outputs tells T5 from T5 v1.1.
    tied = is_tied(data, tensors, headless or alone)
    scaled = kin.scaled and data.flag("scale_decoder_outputs", tied)
    config = Config(
        **common,
        **relative_positions(data),
        relative_in_layers=kin.in_layers,
        norm_at="before",
        activation=activation,
        norm_eps=data.number("layer_norm_epsilon", 1e-6, high=1),
        gated=gated,
        final_norm=True,
        head=None if headless or alone else "linear",
        task=found.task,
        head_scale=common["d_model"] ** -0.5 if scaled else 1.0,
        start_id=data.token_id(
            "decoder_start_token_id", common["n_vocab"], data.get("pad_token_id", 0)
        ),
        end_id=data.token_id("eos_token_id", common["n_vocab"], 1),
    )
    table = names_of_side("encoder", gated) | names_of_side("decoder", gated)
    exact = {"head.logits.weight": weights_of(("lm_head", *(_SHARED if tied else ())))}
    names = tensor_names(config, table | found.names, exact, is_of_task)
    notes = (_NOTE_ALONE,) if alone else headless_notes_of_two(headless)
    notes = () if found.task else notes
    return Layout(config, names, unread=unread_table(config, tensors), notes=notes)


def is_tied(data: Fields, tensors: Mapping[str, Stored], no_head) -> bool:
    """Whether the head may read a table of tokens. An error, where it should have one of its own
    that the file does not hold: version 5 of `transformers` ties it nonetheless.
    """
    tied = data.flag("tie_word_embeddings", True)
    if not (tied or no_head or "lm_head.weight" in tensors):
        raise GlassError(
            f"{data.where} says false for “tie_word_embeddings”, but the tensor “lm_head.weight” is"
            " missing from the file."
        )
    return tied


def is_of_task(name: str) -> bool:
    """Whether a weight belongs to a fine-tuned head: nothing else of T5 has a bias."""
    return name.startswith("task.")


def feed_forward_form(kin: Kin, data: Fields) -> tuple[bool, str]:
    """Whether the feed-forward is gated, and its activation."""
    forms = (*ACTIVATIONS, *(f"gated-{name}" for name in ACTIVATIONS))
    form = data.choice("feed_forward_proj", kin.feed_forward, {form: form for form in forms})
    gated, name = form.startswith("gated-"), form.removeprefix("gated-")
    activation = "gelu_tanh" if gated and name == "gelu" else ACTIVATIONS[name]
    if "dense_act_fn" in data.values:  # what `transformers` spells out once more goes first
        activation = data.choice("dense_act_fn", None, ACTIVATIONS)
    return data.flag("is_gated_act", gated), activation


def sizes_of(kin: Kin, data: Fields, alone: bool) -> dict[str, Any]:
    """The sizes of a config; its scores are not scaled. alone: there is no decoder."""
    n_layers = layer_count(data, "num_layers", kin.n_layers)
    return sizes(
        data,
        kin.family,
        D=("d_model", 512),
        H=("num_heads", kin.n_heads),
        F=("d_ff", kin.d_mlp),
        V=kin.n_vocab,
        d_head=data.whole("d_kv", 64),
        encoder_layers=n_layers,
        decoder_layers=0 if alone else layer_count(data, "num_decoder_layers", n_layers),
        score_scale=1.0,
        norm="rms",
    )


def relative_positions(data: Fields) -> dict[str, Any]:
    """The fields of Config for positions: a learned bias for each bucket of distances."""
    buckets = data.whole("relative_attention_num_buckets", 32, low=4)
    farthest = data.whole("relative_attention_max_distance", 128, low=buckets // 2 + 1)
    return {
        "n_positions": None,
        "positions": "relative",
        "relative_buckets": buckets,
        "relative_distance": farthest,
    }


def encoder_alone(data: Fields, tensors: Mapping[str, Stored]) -> bool:
    """Whether T5's decoder is not there, and the config does not expect it either."""
    classes = classes_of(data)
    expected = classes and not any(map(_ENCODER_ALONE.fullmatch, classes))
    return not expected and not any(name.startswith("decoder.block.") for name in tensors)


# --- T5 itself ------------------------------------------------------------------------------------

T5 = Kin("T5", n_vocab=32128, d_mlp=2048, n_layers=6, n_heads=8, feed_forward="relu")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A T5 model's config and names."""
    return layout_of(T5, data, tensors)


FAMILY = Family(("transformer.",), KEYS, layout)
