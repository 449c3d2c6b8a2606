"""GPT-Neo (Black et al. 2021): GPT-2 with windows in every other layer, and scores not scaled."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import GlassError
from .. import keys
from ..fields import Fields
from ..stored import Stored
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes
from .decoders import SHARED, decoder_layout

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_layers num_heads intermediate_size attention_types "
        "attention_layers window_size "
        "max_position_embeddings activation_function layer_norm_epsilon tie_word_embeddings "
        "eos_token_id"
    ),
    null="intermediate_size attention_types eos_token_id",
    also={"num_hidden_layers": "num_layers", "num_attention_heads": "num_heads"},
    refused=SHARED,
    no_effect=(
        "resid_dropout embed_dropout attention_dropout classifier_dropout initializer_range "
        "is_decoder summary_type summary_use_proj summary_activation "
        "summary_proj_to_labels summary_first_dropout"
    ),
)
NAMES = {
    "decoder.embed.token": "wte",
    "decoder.embed.position": "wpe",
    "decoder.{}.attn.norm": "h.{}.ln_1",
    "decoder.{}.attn.q": "h.{}.attn.attention.q_proj",
    "decoder.{}.attn.k": "h.{}.attn.attention.k_proj",
    "decoder.{}.attn.v": "h.{}.attn.attention.v_proj",
    "decoder.{}.attn.out": "h.{}.attn.attention.out_proj",
    "decoder.{}.mlp.norm": "h.{}.ln_2",
    "decoder.{}.mlp.pre": "h.{}.mlp.c_fc",
    "decoder.{}.mlp.out": "h.{}.mlp.c_proj",
    "decoder.norm": "ln_f",
}
_UNBIASED = (".attn.q.bias", ".attn.k.bias", ".attn.v.bias")
_TYPES = [[["global", "local"], 12]]


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A GPT-Neo model's config and names."""
    layers = layer_count(data, "num_layers", 24)
    common = sizes(
        data,
        "GPT-Neo",
        D=("hidden_size", 2048),
        H=("num_heads", 16),
        F=("intermediate_size", None),
        V=50257,
        decoder_layers=layers,
        score_scale=1.0,
    )
    del common["encoder_layers"]
    window = data.whole("window_size", 256) - 1
    local = [kind == "local" for kind in kinds_of(data, layers)]
    fields = common | {
        "n_positions": data.whole("max_position_embeddings", 2048),
        "positions": "learned",
        "windows": tuple(window if each else None for each in local),
        "norm_at": "before",
        "norm_eps": data.number("layer_norm_epsilon", 1e-5, high=1),
        "activation": data.choice("activation_function", "gelu_new", ACTIVATIONS),
        "final_norm": True,
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 50256),
    }
    return decoder_layout(
        data, tensors, fields, NAMES, tied=True, biased=lambda name: not name.endswith(_UNBIASED)
    )


def kinds_of(data: Fields, layers: int) -> list[str]:
    """Of each layer whether it looks at all tokens (“global”) or at the nearest (“local”): a list
    of them goes before the shorter “attention_types”.
    """
    key = "attention_layers" if "attention_layers" in data.values else "attention_types"
    found = data.values[key] if key == "attention_layers" else repeated(data, layers)
    if not isinstance(found, list) or any(kind not in ("global", "local") for kind in found):
        data.refuse(key, "“global” or “local” for each layer")
    if len(found) != layers:
        raise GlassError(
            f"{data.where} gives {len(found)} kinds of attention (“{key}”) for {layers} layers."
        )
    return found


def repeated(data: Fields, layers: int) -> list[str]:
    """The kinds of the layers, from a list of lists and how often each comes."""
    found: list[str] = []
    given = data.get("attention_types", _TYPES)
    for entry in given if isinstance(given, list) else [None]:
        names, times = entry if isinstance(entry, list) and len(entry) == 2 else (None, 0)
        if not isinstance(names, list) or type(times) is not int or not 0 <= times <= layers:
            data.refuse("attention_types", "a list of kinds, each with how often it comes")
        found += names * times
    return found


FAMILY = Family(("transformer.",), KEYS, layout)
