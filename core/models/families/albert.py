"""ALBERT (Lan et al. 2019): narrower embeddings, and layers that share their weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...config import Config
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import bert, tasks
from .common import Family, Layout, tensor_names
from .tasks import Head

KEYS = keys.family_keys(
    f"{bert.COMPUTED} type_vocab_size embedding_size num_hidden_groups",
    bert.REFUSED | {"inner_group_num": (1,)},
    "hidden_dropout_prob attention_probs_dropout_prob classifier_dropout_prob initializer_range",
)
_LAYER = "encoder.albert_layer_groups.{}.albert_layers.0"
NAMES = {name: theirs for name, theirs in bert.BODY.items() if ".embed." in name} | {
    "encoder.embed.out": "encoder.embedding_hidden_mapping_in",
    "encoder.{}.attn.q": f"{_LAYER}.attention.query",
    "encoder.{}.attn.k": f"{_LAYER}.attention.key",
    "encoder.{}.attn.v": f"{_LAYER}.attention.value",
    "encoder.{}.attn.out": f"{_LAYER}.attention.dense",
    "encoder.{}.attn.norm": f"{_LAYER}.attention.LayerNorm",
    "encoder.{}.mlp.pre": f"{_LAYER}.ffn",
    "encoder.{}.mlp.out": f"{_LAYER}.ffn_output",
    "encoder.{}.mlp.norm": f"{_LAYER}.full_layer_layer_norm",
    "pooler.pre": "pooler",
    "head.pre": "predictions.dense",
    "head.norm": "predictions.LayerNorm",
}
HEADS = {
    "AlbertForSequenceClassification": Head("pooled", "text", "classifier"),
    "AlbertForTokenClassification": Head("each", "tokens", "classifier"),
    "AlbertForQuestionAnswering": Head("each", "span", "qa_outputs"),
    "AlbertForMultipleChoice": Head("pooled", "choice", "classifier"),
}
# Where both are there, the first is added.
_HEAD_BIASES = ("predictions.decoder.bias", "predictions.bias")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An ALBERT model's config and names."""
    found = tasks.find_head(data, tensors, HEADS)
    fields = bert.encoder_fields(
        data, "ALBERT", 30000, d_model=4096, n_heads=64, d_mlp=16384, activation="gelu_new"
    )
    config = Config(
        **fields,
        n_positions=data.whole("max_position_embeddings", 512),
        n_segments=data.whole("type_vocab_size", 2),
        d_embed=data.whole("embedding_size", 128),
        pooler=bert.pooler(tensors, found.task),
        task=found.task,
        head="transform" if bert.has_module(tensors, "predictions") else None,
    )
    exact = {
        "head.logits.weight": ("predictions.decoder.weight", *bert.tied_table(data)),
        "head.logits.bias": _HEAD_BIASES,
    }
    names = tensor_names(config, NAMES | found.names, exact)
    layers = config.encoder_layers
    groups = data.whole("num_hidden_groups", 1, high=layers)
    shared = {name: in_groups(theirs, layers, groups) for name, theirs in names.items()}
    unread = _HEAD_BIASES[1:] if _HEAD_BIASES[0] in tensors else ()
    return Layout(config, shared, unread=unread)


def in_groups(names: tuple[str, ...], layers: int, groups: int) -> tuple[str, ...]:
    """The names with the number of the group that a layer belongs to, in place of its own."""

    def group(found: re.Match) -> str:
        return f"albert_layer_groups.{int(int(found[1]) / (layers / groups))}."

    return tuple(re.sub(r"albert_layer_groups\.(\d+)\.", group, name) for name in names)


FAMILY = Family(("albert.",), KEYS, layout)
