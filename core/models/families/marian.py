"""Marian (Junczys-Dowmunt et al. 2018), as the OPUS-MT translators use it."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..fields import Fields
from ..stored import Stored
from .bart import ALSO, COMPUTED, NO_EFFECT, REFUSED, Kin, check_equal, layout_of
from .common import Family, Layout

KEYS = keys.family_keys(
    computed=f"{COMPUTED} decoder_vocab_size share_encoder_decoder_embeddings",
    null="decoder_vocab_size eos_token_id",
    also=ALSO,
    # The last four are of version 3.
    refused={
        **REFUSED,
        "normalize_before": (None, False),
        "normalize_embedding": (None, False),
        "add_final_layer_norm": (None, False),
        "static_position_embeddings": (None, True),
    },
    no_effect=NO_EFFECT,
)
MARIAN = Kin(
    "Marian",
    n_vocab=58101,
    start_id=58100,
    end_id=0,
    shape={"positions": "sinusoid", "norm_at": "after"},
)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Marian model's config and names."""
    shared = data.flag("share_encoder_decoder_embeddings", True)
    found = layout_of(MARIAN, data, tensors, shared)
    check_equal(data, "decoder_vocab_size", found.config.n_vocab, found.config.n_vocab)
    return found


FAMILY = Family(("model.",), KEYS, layout)
