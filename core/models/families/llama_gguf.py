"""Llama and its relations in a GGUF file: the config is its header, under keys of llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...config import Config, Rope
from ...errors import GlassError
from .. import keys, rope_config
from ..fields import Fields, quote
from ..keys import Keys
from ..stored import Stored
from .common import ANY_LENGTH, Layout, Rows, layer_count, tensor_names
from .gguf_architectures import ARCHITECTURES, JOINED, Architecture
from .granite import UPDATES
from .llama import rotary
from .phi3 import joined_rows

_EVERY = (  # computed for every architecture
    "vocab_size context_length embedding_length block_count feed_forward_length "
    "attention.head_count attention.head_count_kv attention.key_length attention.value_length "
    "rope.freq_base rope.dimension_count rope.scaling.type rope.scaling.factor rope.scale_linear "
    "rope.scaling.attn_factor rope.scaling.original_context_length rope.scaling.yarn_beta_fast "
    "rope.scaling.yarn_beta_slow"
)
_NO_EFFECT = "attention.layer_norm_epsilon pooling_type rope.scaling.finetuned"
_REFUSED = (
    {
        "attention.causal": (True,),
        "use_parallel_residual": (False,),
        "tensor_data_layout": ("Meta AI original pth",),
        "rope.scaling.yarn_ext_factor": (-1, 0),
        "rope.scaling.yarn_attn_factor": (1,),
    }
    | dict.fromkeys(
        (
            "attention.scale attention.clamp_kqv attention.max_alibi_bias attention.sliding_window "
            "attn_logit_softcapping final_logit_softcapping expert_count expert_used_count "
            "expert_shared_count nextn_predict_layers rope.scaling.alpha "
            "rope.scaling.yarn_log_multiplier"
        ).split(),
        (0,),
    )
    | dict.fromkeys(("logit_scale", "residual_scale", "embedding_scale"), (0, 1))
)
NAMES = {
    "decoder.embed.token": "token_embd",
    "decoder.{}.attn.norm": "blk.{}.attn_norm",
    "decoder.{}.attn.q": "blk.{}.attn_q",
    "decoder.{}.attn.k": "blk.{}.attn_k",
    "decoder.{}.attn.v": "blk.{}.attn_v",
    "decoder.{}.attn.out": "blk.{}.attn_output",
    "decoder.{}.mlp.norm": "blk.{}.ffn_norm",
    "decoder.{}.mlp.pre": "blk.{}.ffn_gate",
    "decoder.{}.mlp.hidden.up": "blk.{}.ffn_up",
    "decoder.{}.mlp.out": "blk.{}.ffn_down",
    "decoder.norm": "output_norm",
}


def keys_of(of: str) -> Keys:
    """The keys in the header of one architecture."""
    own = ARCHITECTURES[of].computed.split()
    refused = {f"{of}.{key}": values for key, values in _REFUSED.items() if key not in own}
    return Keys(
        computed=(
            "general.architecture",
            "general.alignment",
            "tokenizer.ggml.eos_token_id",
            *(f"{of}.{key}" for key in (*_EVERY.split(), *own)),
        ),
        refused={
            "general.type": ("model",),
            "general.quantization_version": (2,),
            "split.count": (0, 1),
        }
        | refused,
        no_effect=(
            "general.file_type",
            "split.no",
            "split.tensors.count",
            *(f"{of}.{key}" for key in _NO_EFFECT.split() if key not in own),
        ),
        closed=f"{of}.",
    )


KEYS = keys_of("llama")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """The config and names of a model in a GGUF file. A tied head is simply absent there."""
    of = data.choice("general.architecture", None, {each: each for each in ARCHITECTURES})
    own, data = ARCHITECTURES[of], keys.check_keys(data, keys_of(of))
    common = sizes_of(data, tensors, of)
    rope, fields = rope_of(data, tensors, of, common["d_head"]), own.fields(data, of)
    config = rotary(
        data,
        common | dict(own.fixed) | fields,
        n_positions=data.whole(f"{of}.context_length", high=ANY_LENGTH),
        ropes=ropes_of(own, rope, fields.get("windows", ())),
        activation=own.activation,
        head="linear",
        end_id=data.token_id("tokenizer.ggml.eos_token_id", common["n_vocab"]),
    )
    if config.parallel and own.one_norm and "blk.0.ffn_norm.weight" in tensors:
        data.refuse(f"{of}.use_parallel_residual", "false for a file with a second norm")
    update = data.number(f"{of}.residual_scale", 1.0) or 1.0
    return Layout(
        config,
        names_of(own, config, tensors),
        permuted=own.permuted,
        rows=rows_of(own, config),
        scales=dict.fromkeys(UPDATES, update),
        unread=tuple(name for name in own.factors if name in tensors),
    )


def ropes_of(own: Architecture, rope: Rope, windows: tuple) -> tuple[Rope | None, ...]:
    """How each layer turns: some not at all, those with a window by an angle that is not
    stretched.
    """
    if own.near_theta:
        return tuple(rope if each is None else Rope(own.near_theta) for each in windows)
    return (*[rope] * (own.still - 1), None) if own.still else (rope,)


def rows_of(own: Architecture, config: Config) -> dict[str, Rows]:
    """The rows of weights that share a tensor with others."""
    rows = joined_rows(config) if JOINED["decoder.{}.attn.q"] in own.names.values() else {}
    whole = own.names is JOINED  # else the network's two ways lie apart
    return {name: each for name, each in rows.items() if whole or ".attn." in name}


def names_of(own: Architecture, config: Config, tensors: Mapping[str, Stored]) -> dict:
    """The names of our weights in the file."""
    one = config.parallel and own.one_norm
    shared = {"decoder.{}.mlp.norm": NAMES["decoder.{}.attn.norm"]} if one else {}
    exact = {
        "head.logits.weight": ("output.weight", "token_embd.weight"),
        "head.logits.bias": ("output.bias",),
    }
    names = tensor_names(config, NAMES | dict(own.names) | shared, exact)
    normed = config.norm == "layer"
    return {
        name: theirs if is_there(name, theirs, tensors, normed) else ()
        for name, theirs in names.items()
    }


def sizes_of(data: Fields, tensors: Mapping[str, Stored], of: str) -> dict[str, Any]:
    """The sizes in the header; the vocabulary is as long as its table where no key gives it."""
    n_heads = data.whole(f"{of}.attention.head_count")
    d_model = data.whole(f"{of}.embedding_length")
    d_head = data.whole(f"{of}.attention.key_length", max(1, d_model // n_heads))
    if data.whole(f"{of}.attention.value_length", d_head) != d_head:
        raise GlassError(
            f"{data.where} gives keys and values different widths; Glassformer needs them equal."
        )
    table = tensors.get("token_embd.weight")
    rows = table.shape[0] if table and table.shape else None
    return {
        "family": ARCHITECTURES[of].family,
        "encoder_layers": 0,
        "decoder_layers": layer_count(data, f"{of}.block_count"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": data.whole(f"{of}.attention.head_count_kv", n_heads),
        "d_head": d_head,
        "d_mlp": data.whole(f"{of}.feed_forward_length"),
        "n_vocab": data.whole(f"{of}.vocab_size", rows),
        "norm": "rms",
        "score_scale": d_head**-0.5,
    }


def is_there(name: str, theirs: tuple[str, ...], tensors, normed: bool) -> bool:
    """Whether a weight is read: all but the biases that the file lacks, and those of norms where
    norms have none.
    """
    if name.endswith(".weight"):
        return True
    return bool(theirs) and theirs[0] in tensors and (normed or not name.endswith("norm.bias"))


# --- rotary positions -----------------------------------------------------------------------------


def rope_of(data: Fields, tensors: Mapping[str, Stored], of: str, d_head: int) -> Rope:
    """How a header and its tensors of divisors turn queries and keys."""
    own, turned = ARCHITECTURES[of], data.whole(f"{of}.rope.dimension_count", d_head)
    if own.permuted and turned != d_head:
        raise GlassError(
            f"{data.where} rotates {turned} of {d_head} numbers of each head, which Glassformer"
            " does not compute for this architecture."
        )
    rope = Rope(
        theta=data.number(f"{of}.rope.freq_base", 10000.0, low=1e-3),
        width=None if turned == d_head else turned,
        size=data.number(f"{of}.rope.scaling.attn_factor", 1.0, low=1e-9),
    )
    there = [tensors[name] for name in own.factors if name in tensors]
    divisors = [divisors_in(stored, turned // 2) for stored in there]
    stretched = scaled(data, of, rope)
    if not divisors:
        return stretched
    if stretched.kind == "yarn" or len(divisors) != len(own.factors):
        raise GlassError(f"{data.where} does not say clearly how its rotary positions stretch.")
    longer = [tuple(stretched.factor * each for each in some) for some in divisors]
    trained = data.whole(original(of), data.whole(f"{of}.context_length"), high=ANY_LENGTH)
    return replace(rope, kind="longrope", trained=trained, short=longer[0], long=longer[-1])


def original(of: str) -> str:
    """The key of the length that a model was trained with before it was stretched."""
    return f"{of}.rope.scaling.original_context_length"


def scaled(data: Fields, of: str, rope: Rope) -> Rope:
    """The same angles, stretched as the keys under rope.scaling say."""
    kind = data.get(f"{of}.rope.scaling.type", "linear")
    factor = data.number(f"{of}.rope.scaling.factor", 0.0) or data.number(
        f"{of}.rope.scale_linear", 0.0
    )
    if kind not in ("none", "linear", "yarn", "longrope"):
        raise GlassError(
            f"{data.where} says {quote(kind)} for “{of}.rope.scaling.type”, which Glassformer does"
            " not compute."
        )
    if kind == "none" or factor in (0, 1):
        return rope
    if kind != "yarn":
        return replace(rope, kind="linear", factor=factor)
    return replace(
        rope,
        kind="yarn",
        factor=factor,
        trained=data.whole(original(of), data.whole(f"{of}.context_length"), high=ANY_LENGTH),
        slow=data.number(f"{of}.rope.scaling.yarn_beta_slow", 1.0, low=1e-3),
        fast=data.number(f"{of}.rope.scaling.yarn_beta_fast", 32.0, low=1e-3),
        size=rope.size * rope_config.grown(factor),
    )


def divisors_in(stored: Stored, pairs: int) -> tuple[float, ...]:
    """A tensor of divisors, one for each pair; they must be above 0."""
    if stored.count != pairs:  # before any of it is read
        raise GlassError(
            f"{quote(stored.name)} should hold {pairs} divisors, one for each rotary pair; it has"
            f" the shape {stored.shape}."
        )
    numbers = np.asarray(stored.numbers(), np.float64).reshape(-1)
    if not len(numbers) or not (numbers > 0).all() or not np.isfinite(numbers).all():
        raise GlassError(f"{quote(stored.name)} should hold numbers above 0.")
    return tuple(numbers.tolist())
