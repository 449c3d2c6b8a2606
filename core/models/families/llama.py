"""Llama (Touvron et al. 2023), from a folder. Its GGUF files: llama_gguf.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...config import Config
from ...errors import GlassError
from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from . import tasks
from .common import (
    ACTIVATIONS,
    ANY_LENGTH,
    Family,
    Layout,
    headless_class,
    headless_notes,
    layer_count,
    tensor_names,
    with_defaults,
)
from .tasks import Head

DECODER_ONLY = {
    "is_encoder_decoder": (None, False),
    "is_causal": (True,),
    "is_decoder_only_encoder": (None, False),
}
KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
        "head_dim intermediate_size hidden_act max_position_embeddings rms_norm_eps "
        "attention_bias mlp_bias tie_word_embeddings eos_token_id pad_token_id "
        f"{rope_config.KEYS}"
    ),
    null=f"num_key_value_heads head_dim eos_token_id pad_token_id {rope_config.NULL}",
    refused=DECODER_ONLY,
    no_effect="attention_dropout initializer_range is_decoder pretraining_tp",
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
DEFAULTS = {  # of `transformers`, where a config leaves a key out
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "eos_token_id": 2,
}


ATTENTION = ("attn.q", "attn.k", "attn.v", "attn.out")
FEED_FORWARD = ("mlp.pre", "mlp.hidden.up", "mlp.out")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Llama model's config and names."""
    data = with_defaults(data, DEFAULTS)
    return layout_of(data, tensors, "Llama", biases=biases_of(data))


def layout_of(
    data: Fields,
    tensors: Mapping[str, Stored],
    family: str,
    *,
    biases: tuple[str, ...] = (),
    names: Mapping[str, str] = NAMES,
    partial: float | None = None,
    **more: Any,
) -> Layout:
    """The config and names of a model of the Llama kind, whose config has all keys.

    family: as its classes of `transformers` begin, too. biases: the modules of a layer that have
    one. partial: as in rope_config.rope_of. more: fields of Config that differ from Llama's.
    """
    headless = headless_class(data, tensors) or unnamed_headless(data, tensors, family)
    found = tasks.find_head(data, tensors, heads_of(family))
    common = sizes_of(data, family)
    common |= turning(data, common["d_head"], partial=partial) | norm_and_activation(data, more)
    config = rotary(
        data,
        common | more,
        head=None if headless else "linear",
        task=found.task,
        end_id=data.token_id("eos_token_id", common["n_vocab"]),
    )
    table = ("embed_tokens.weight",) if data.flag("tie_word_embeddings", False) else ()
    exact = {"head.logits.weight": ("lm_head.weight", *table)}
    has_bias = bias_rule(biases, bool(found.task and found.biased))
    theirs = tensor_names(config, dict(names) | found.names, exact, has_bias)
    return Layout(config, theirs, notes=() if found.task else headless_notes(headless))


def norm_and_activation(data: Fields, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the config says of them, where the family has not said it. given: what it has said."""
    own = {
        "norm_eps": lambda: data.number("rms_norm_eps", high=1),
        "activation": lambda: data.choice("hidden_act", None, ACTIVATIONS),
    }
    return {key: read() for key, read in own.items() if key not in given}


def heads_of(family: str) -> dict[str, Head]:
    """The classes of a family that were fine-tuned, and their heads."""
    return {
        f"{family}ForSequenceClassification": Head("last", "text", "score", biased=False),
        f"{family}ForTokenClassification": Head("each", "tokens", "score"),
        f"{family}ForQuestionAnswering": Head("each", "span", "qa_outputs"),
    }


def sizes_of(data: Fields, family: str) -> dict[str, Any]:
    """The sizes of such a config. Heads may share keys and values, and have any width."""
    d_model, n_heads = data.whole("hidden_size"), data.whole("num_attention_heads")
    d_head = data.whole("head_dim", max(1, d_model // n_heads))
    return {
        "family": family,
        "encoder_layers": 0,
        "decoder_layers": layer_count(data, "num_hidden_layers"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": data.whole("num_key_value_heads", n_heads),
        "d_head": d_head,
        "d_mlp": data.whole("intermediate_size"),
        "n_vocab": data.whole("vocab_size"),
        "norm": "rms",
        "score_scale": d_head**-0.5,
    }


def biases_of(data: Fields) -> tuple[str, ...]:
    """The modules of a layer that have a bias, by the config."""
    in_attn, in_mlp = data.flag("attention_bias", False), data.flag("mlp_bias", False)
    return (ATTENTION if in_attn else ()) + (FEED_FORWARD if in_mlp else ())


def bias_rule(biases: tuple[str, ...], of_task: bool) -> Callable[[str], bool]:
    """Which weights are there. biases: modules of a layer; of_task: whether the scores of a
    fine-tuned head have a bias.
    """
    ends = tuple(f".{module}.bias" for module in biases)
    return lambda name: name.endswith(ends) or of_task and name.startswith("task.")


def unnamed_headless(data: Fields, tensors: Mapping[str, Stored], family: str) -> str | None:
    """LlamaModel or the like, where the config names no class: no prefix, and a head neither there
    nor tied.
    """
    tied = data.flag("tie_word_embeddings", False)
    headless = not data.get("architectures") and not tied and "lm_head.weight" not in tensors
    prefixed = any(stored.name.startswith("model.") for stored in tensors.values())
    return f"{family}Model" if headless and not prefixed else None


def turning(
    data: Fields,
    d_head: int,
    key: str = "max_position_embeddings",
    longest: int | None = None,
    partial: float | None = None,
) -> dict[str, Any]:
    """How a config turns, and for how many tokens; angles that grow with the text are for more of
    them. key, longest: where the config says that, and the default of `transformers`. partial: as
    in rope_config.rope_of.
    """
    n_positions = data.whole(key, longest, high=ANY_LENGTH)
    rope = rope_config.rope_of(data, d_head, n_positions, partial)
    grown = int(n_positions * max(1.0, rope.factor)) if rope.kind == "dynamic" else n_positions
    return {"n_positions": grown, "ropes": (rope,)}


def rotary(data: Fields, common: dict[str, Any], **more: Any) -> Config:
    """A Llama config, with the two things that its sizes must allow."""
    fixed = {"positions": "rotary", "norm_at": "before", "gated": True, "final_norm": True}
    config = Config(**fixed | common | more)
    for rope in filter(None, config.ropes):
        rope_config.check_rope(rope, config.d_head, data.where)
    if config.n_heads % config.n_kv_heads:
        raise GlassError(
            f"{data.where} asks {config.n_heads} query heads to share {config.n_kv_heads}"
            " key/value heads evenly, which is impossible."
        )
    return config


FAMILY = Family(("model.", "transformer."), KEYS, layout)
