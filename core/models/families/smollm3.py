"""SmolLM3 (Hugging Face 2025): Llama of which each fourth layer turns no queries and keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, layer_count, with_defaults
from .llama import DECODER_ONLY, biases_of, layout_of
from .windows import window_of, windows_of

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim "
        "intermediate_size hidden_act max_position_embeddings rms_norm_eps attention_bias mlp_bias "
        "tie_word_embeddings eos_token_id pad_token_id use_sliding_window sliding_window "
        f"layer_types no_rope_layers no_rope_layer_interval {rope_config.KEYS}"
    ),
    null=(
        "num_key_value_heads eos_token_id pad_token_id sliding_window layer_types "
        f"no_rope_layers {rope_config.NULL}"
    ),
    refused=DECODER_ONLY,
    no_effect="attention_dropout initializer_range is_decoder",
)
DEFAULTS = {
    "vocab_size": 128256,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "hidden_act": "silu",
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "eos_token_id": 128001,
    "pad_token_id": 128004,
    "no_rope_layer_interval": 4,
    "rope_theta": 2000000.0,
    "tie_word_embeddings": True,
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A SmolLM3 model's config and names."""
    data = with_defaults(data, DEFAULTS)
    turning = turning_layers(data)
    window, own = window_of(data), data.flag("use_sliding_window", False)
    sliding = [own and window is not None and not each for each in turning]
    windows = windows_of(data, sliding, window)
    found = layout_of(data, tensors, "SmolLM3", biases=biases_of(data), windows=windows)
    (rope,) = found.config.ropes
    ropes = tuple(rope if each else None for each in turning)
    return replace(found, config=replace(found.config, ropes=ropes))


def turning_layers(data: Fields) -> list[bool]:
    """Which layers turn queries and keys: those with a 1 in `no_rope_layers`, or all but each so
    manieth.
    """
    n_layers = layer_count(data, "num_hidden_layers")
    listed = data.get("no_rope_layers")
    if listed is None:
        every = data.whole("no_rope_layer_interval")
        return [(layer + 1) % every != 0 for layer in range(n_layers)]
    flags = isinstance(listed, list) and all(each in (0, 1) for each in listed)
    if not flags or len(listed) < n_layers:
        data.refuse("no_rope_layers", "for each layer a 1 or a 0")
    return [bool(each) for each in listed[:n_layers]]


FAMILY = Family(("model.", "transformer."), KEYS, layout)
