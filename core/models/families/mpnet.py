"""MPNet (Song et al. 2020): learned positions, and T5's bias for each distance beside them."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import Config
from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import bert, tasks
from .common import Family, Layout, tensor_names
from .roberta import HEAD_BIASES, heads_of, word_head

_PAD = 1  # `transformers` takes no other, whatever the config says
_BUCKETS = 32  # the same
KEYS = keys.family_keys(
    f"{bert.COMPUTED} relative_attention_num_buckets", bert.REFUSED, bert.NO_EFFECT
)
NAMES = bert.BODY | {
    "encoder.relative": "encoder.relative_attention_bias",
    "encoder.{}.attn.q": "encoder.layer.{}.attention.attn.q",
    "encoder.{}.attn.k": "encoder.layer.{}.attention.attn.k",
    "encoder.{}.attn.v": "encoder.layer.{}.attention.attn.v",
    "encoder.{}.attn.out": "encoder.layer.{}.attention.attn.o",
    "encoder.{}.attn.norm": "encoder.layer.{}.attention.LayerNorm",
    "head.pre": "lm_head.dense",
    "head.norm": "lm_head.layer_norm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An MPNet model's config and names."""
    found, rows = tasks.find_head(data, tensors, HEADS), data.whole("max_position_embeddings", 512)
    if rows <= _PAD + 1:
        raise GlassError(
            f"{data.where} leaves no position for a token (“max_position_embeddings”)."
        )
    if data.whole("relative_attention_num_buckets", _BUCKETS) != _BUCKETS:
        data.refuse(
            "relative_attention_num_buckets", f"{_BUCKETS}, which transformers computes with,"
        )
    config = Config(
        **bert.encoder_fields(data, "MPNet", 30527),
        n_positions=rows - _PAD - 1,
        pad_id=_PAD,
        relative_beside=True,
        pooler=bert.pooler(tensors, found.task),
        task=found.task,
        head="transform" if bert.has_module(tensors, "lm_head") else None,
        head_activation="gelu",
    )
    return Layout(
        config,
        tensor_names(config, NAMES | found.names, word_head(data)),
        skipped_positions=_PAD + 1,
        unread=HEAD_BIASES[1:] if HEAD_BIASES[0] in tensors else (),
    )


HEADS = heads_of("MPNet")
FAMILY = Family(("mpnet.",), KEYS, layout)
