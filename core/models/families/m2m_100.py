"""M2M100 (Fan et al. 2020) and NLLB (NLLB Team 2022): translate between a hundred languages and
more.

Their sine waves are those of Tensor2Tensor, and the first token's number is the one after that of
the padding token, which has no position at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..stored import Stored
from .bart import ALSO, COMPUTED, NO_EFFECT, REFUSED, Kin, layout_of
from .common import Family, Layout

KEYS = keys.family_keys(
    computed=f"{COMPUTED} pad_token_id",
    null="decoder_start_token_id eos_token_id",
    also=ALSO,
    refused=REFUSED,
    no_effect=NO_EFFECT,
)
M2M100 = Kin(
    "M2M100",
    n_vocab=128112,
    activation="relu",
    scaled=True,
    shape={
        "positions": "sinusoid",
        "sinusoid_whole": True,
        "norm_at": "before",
        "final_norm": True,
    },
    positions_in_file=False,
    logits_bias=False,
)


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """An M2M100 model's config and names."""
    found = layout_of(M2M100, data, tensors)
    if found.config.d_model < 4:
        raise GlassError(f"{data.where} gives a width (“d_model”) that has no room for two waves.")
    pad_id = data.whole("pad_token_id", 1, low=0)
    config = replace(found.config, pad_id=pad_id, sinusoid_first=pad_id + 1)
    return replace(found, config=config)


FAMILY = Family(("model.",), KEYS, layout)
