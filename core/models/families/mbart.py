"""mBART (Liu et al. 2020): BART of many languages, with the norm before each sublayer."""

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
        "normalize_embedding": (None, True),
        "add_final_layer_norm": (None, True),
        "static_position_embeddings": (None, False),
    },
    no_effect=NO_EFFECT,
)
MBART = Kin(
    "mBART",
    start_id=None,
    shape={"positions": "learned", "norm_at": "before", "embed_norm": True, "final_norm": True},
    unused_rows=2,
)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An mBART model's config and names."""
    return layout_of(MBART, data, tensors)


FAMILY = Family(("model.",), KEYS, layout)
