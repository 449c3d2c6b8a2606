"""Pegasus (Zhang et al. 2019): writes summaries; sine waves, and the norm before each sublayer."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..fields import Fields
from ..stored import Stored
from .bart import ALSO, COMPUTED, NO_EFFECT, REFUSED, Kin, layout_of
from .common import Family, Layout

KEYS = keys.family_keys(
    computed=COMPUTED,
    null="decoder_start_token_id eos_token_id",
    also=ALSO,
    # The last four are of version 3.
    refused={
        **REFUSED,
        "normalize_before": (None, True),
        "normalize_embedding": (None, False),
        "add_final_layer_norm": (None, True),
        "static_position_embeddings": (None, True),
    },
    no_effect=NO_EFFECT,
)
PEGASUS = Kin(
    "Pegasus",
    start_id=0,
    end_id=1,
    shape={"positions": "sinusoid", "norm_at": "before", "final_norm": True},
)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Pegasus model's config and names."""
    return layout_of(PEGASUS, data, tensors)


FAMILY = Family(("model.",), KEYS, layout)
