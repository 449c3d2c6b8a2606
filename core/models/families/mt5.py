"""mT5 (Xue et al. 2020): T5 v1.1 of a hundred languages. Its head reads unscaled vectors."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import t5
from .common import Family, Layout

KEYS = keys.family_keys(
    computed=t5.COMPUTED.replace(" scale_decoder_outputs", ""),
    null=t5.NULL.replace(" tie_word_embeddings", ""),
    also=t5.KEYS.also,
    refused=t5.REFUSED,
    no_effect=t5.NO_EFFECT,
)
MT5 = t5.Kin("mT5", scaled=False)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An mT5 model's config and names."""
    return t5.layout_of(MT5, data, tensors)


FAMILY = Family(("transformer.",), KEYS, layout)
