"""Llama (Touvron et al. 2023), from a folder. Its GGUF files: llama_gguf.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.config import Config
from core.errors import GlassError
from core.models import keys
from core.models.families import tasks
from core.models.families.common import (
    ACTIVATIONS,
    ANY_LENGTH,
    Family,
    Layout,
    headless_class,
    headless_notes,
    layer_count,
    sizes,
    tensor_names,
)
from core.models.families.tasks import Head
from core.models.fields import Fields, quote
from core.models.stored import Stored

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
        "head_dim intermediate_size hidden_act max_position_embeddings rms_norm_eps "
        "attention_bias mlp_bias tie_word_embeddings eos_token_id rope_theta rope_parameters "
        "rope_scaling partial_rotary_factor pad_token_id"
    ),
    null=(
        "num_key_value_heads head_dim eos_token_id rope_parameters rope_scaling "
        "partial_rotary_factor pad_token_id"
    ),
    refused={
        "is_encoder_decoder": (None, False),
        "is_causal": (True,),
        "is_decoder_only_encoder": (None, False),
    },
    no_effect=(
        "attention_dropout initializer_range is_decoder pretraining_tp "
        "original_max_position_embeddings"
    ),
)
NAMES = {
    "decoder.embed.token": "embed_tokens",
    "decoder.{}.attn.norm": "layers.{}.input_layernorm",
    "decoder.{}.attn.q": "layers.{}.self_attn.q_proj",
    "decoder.{}.attn.k": "layers.{}.self_attn.k_proj",
    "decoder.{}.attn.v": "layers.{}.self_attn.v_proj",
    "decoder.{}.attn.out": "layers.{}.self_attn.o_proj",
    "decoder.{}.mlp.norm": "layers.{}.post_attention_layernorm",
    "decoder.{}.mlp.pre": "layers.{}.mlp.gate_proj",
    "decoder.{}.mlp.hidden.up": "layers.{}.mlp.up_proj",
    "decoder.{}.mlp.out": "layers.{}.mlp.down_proj",
    "decoder.norm": "norm",
}
HEADS = {
    "LlamaForSequenceClassification": Head("last", "text", "score", biased=False),
    "LlamaForTokenClassification": Head("each", "tokens", "score"),
    "LlamaForQuestionAnswering": Head("each", "span", "qa_outputs"),
}
_ROPE = ("rope_theta", "rope_type", "type", "partial_rotary_factor")  # where nothing is stretched


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Llama model's config and names."""
    tied = data.flag("tie_word_embeddings", False)
    headless = headless_class(data, tensors) or unnamed_headless(data, tensors, tied)
    common, found = sizes_of(data), tasks.find_head(data, tensors, HEADS)
    config = rotary(
        data,
        common,
        n_positions=data.whole("max_position_embeddings", 2048, high=ANY_LENGTH),
        rope_theta=rope_theta(data),
        norm_eps=data.number("rms_norm_eps", 1e-6, high=1),
        activation=data.choice("hidden_act", "silu", ACTIVATIONS),
        head=None if headless else "linear",
        task=found.task,
        end_id=data.token_id("eos_token_id", common["n_vocab"], 2),
    )
    table = ("embed_tokens.weight",) if tied else ()
    exact = {"head.logits.weight": ("lm_head.weight", *table)}
    names = tensor_names(config, NAMES | found.names, exact, bias_rule(data, found.biased))
    return Layout(config, names, notes=() if found.task else headless_notes(headless))


def sizes_of(data: Fields) -> dict[str, Any]:
    """The sizes of a Llama config. Heads may share keys and values, and have any width."""
    D, H = ("hidden_size", 4096), ("num_attention_heads", 32)
    d_model, n_heads = data.whole(*D), data.whole(*H)
    return sizes(
        data,
        "Llama",
        D=D,
        H=H,
        F=("intermediate_size", 11008),
        V=32000,
        norm="rms",
        decoder_layers=layer_count(data, "num_hidden_layers", 32),
        d_head=data.whole("head_dim", max(1, d_model // n_heads)),
        n_kv_heads=data.whole("num_key_value_heads", n_heads),
    )


def bias_rule(data: Fields, of_task: bool) -> Callable[[str], bool]:
    """Which projections have a bias, by the config; no norm has one. of_task: whether the scores of
    a fine-tuned head have.
    """
    in_attn, in_mlp = data.flag("attention_bias", False), data.flag("mlp_bias", False)

    def has_bias(name: str) -> bool:
        if name.endswith("norm.bias"):
            return False
        is_task = of_task and name.startswith("task.")
        return is_task or in_attn and ".attn." in name or in_mlp and ".mlp." in name

    return has_bias


def unnamed_headless(data: Fields, tensors: Mapping[str, Stored], tied: bool) -> str | None:
    """LlamaModel, where the config names no class: no prefix, and a head neither there nor tied."""
    headless = not data.get("architectures") and not tied and "lm_head.weight" not in tensors
    prefixed = any(stored.name.startswith("model.") for stored in tensors.values())
    return "LlamaModel" if headless and not prefixed else None


def rotary(data: Fields, common: dict[str, Any], **more: Any) -> Config:
    """A Llama config, with the two things that its sizes must allow."""
    config = Config(
        **common, **more, positions="rotary", norm_at="before", gated=True, final_norm=True
    )
    if config.d_head % 2:
        raise GlassError(
            f"{data.where} gives each head {config.d_head} numbers, but rotary positions rotate"
            " pairs."
        )
    if config.n_heads % config.n_kv_heads:
        raise GlassError(
            f"{data.where} asks {config.n_heads} query heads to share {config.n_kv_heads}"
            " key/value heads evenly, which is impossible."
        )
    return config


def rope_theta(data: Fields) -> float:
    """The base of the rotary angles, from where `transformers` takes it.

    `rope_scaling` goes before `rope_parameters`, and the base in either before the one beside them.
    Stretched positions are not computed here.
    """
    for key in ("rope_scaling", "rope_parameters"):
        if not isinstance(data.get(key, {}), dict):
            data.refuse(key, "an object")
        check_unstretched(data, key, Fields(data.get(key, {}), f"“{key}” in {data.where}"))
    if data.number("partial_rotary_factor", 1.0) != 1:
        raise GlassError(
            f"{data.where} rotates only part of each head, which Glassformer does not compute."
        )
    chosen = next((key for key in ("rope_scaling", "rope_parameters") if data.get(key)), None)
    rope = Fields(data.values[chosen], f"“{chosen}” in {data.where}") if chosen else data
    return (rope if "rope_theta" in rope.values else data).number("rope_theta", 10000.0, low=1e-3)


def check_unstretched(data: Fields, key: str, rope: Fields) -> None:
    """Raises an error unless every rotary angle is the plain one."""
    for kind in (rope.get("rope_type", "default"), rope.get("type", "default")):
        if kind != "default" or rope.number("partial_rotary_factor", 1.0) != 1:
            raise GlassError(
                f"{data.where} stretches or cuts the rotary positions (“{key}”: {quote(kind)}),"
                " which Glassformer does not compute."
            )
    for name, value in rope.values.items():
        if name not in _ROPE and value is not None:
            raise GlassError(
                f"{rope.where} holds {quote(name)}, which Glassformer does not compute."
            )
    if "rope_theta" in rope.values:
        rope.number("rope_theta", low=1e-3)


FAMILY = Family(("model.", "transformer."), KEYS, layout)
