"""Llama in a GGUF file: its config stands in the header, under keys of llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import Rope
from core.errors import GlassError
from core.models import keys
from core.models.families.common import ANY_LENGTH, Layout, layer_count, tensor_names
from core.models.families.llama import rotary
from core.models.fields import Fields
from core.models.keys import Keys
from core.models.stored import Stored


def _of_llama(names: str) -> list[str]:
    """The keys of these names, parted by spaces."""
    return [f"llama.{name}" for name in names.split()]


KEYS = Keys(
    computed=(
        "general.architecture",
        "general.alignment",
        "tokenizer.ggml.eos_token_id",
        *_of_llama(
            "vocab_size context_length embedding_length block_count "
            "feed_forward_length attention.head_count attention.head_count_kv "
            "attention.key_length attention.value_length rope.freq_base "
            "attention.layer_norm_rms_epsilon rope.dimension_count"
        ),
    ),
    refused={
        "general.type": ("model",),
        "general.quantization_version": (2,),
        "split.count": (0, 1),
        "llama.attention.causal": (True,),
        "llama.use_parallel_residual": (False,),
        "llama.tensor_data_layout": ("Meta AI original pth",),
        "llama.rope.scaling.type": ("none", "linear"),
        "llama.rope.scaling.yarn_ext_factor": (-1, 0),
    }
    | dict.fromkeys(
        _of_llama(
            "attention.scale attention.clamp_kqv attention.max_alibi_bias attention.sliding_window "
            "attn_logit_softcapping final_logit_softcapping expert_count expert_used_count "
            "expert_shared_count nextn_predict_layers rope.scaling.alpha "
            "rope.scaling.yarn_log_multiplier"
        ),
        (0,),
    )
    | dict.fromkeys(
        _of_llama(
            "logit_scale residual_scale embedding_scale rope.scale_linear rope.scaling.factor"
        ),
        (0, 1),
    )
    | dict.fromkeys(_of_llama("rope.scaling.attn_factor rope.scaling.yarn_attn_factor"), (1,)),
    no_effect=(
        "general.file_type",
        "split.no",
        "split.tensors.count",
        # the last four count only where positions are stretched
        *_of_llama(
            "attention.layer_norm_epsilon pooling_type rope.scaling.finetuned "
            "rope.scaling.original_context_length rope.scaling.yarn_beta_fast "
            "rope.scaling.yarn_beta_slow"
        ),
    ),
    closed="llama.",
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


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """The config and names of a Llama model in a GGUF file. A tied head is simply absent there."""
    data.choice("general.architecture", None, {"llama": "llama"})
    data = keys.check_keys(data, KEYS)
    if "rope_freqs.weight" in tensors:
        raise GlassError(
            f"{data.where} stretches the rotary positions, which Glassformer does not compute."
        )
    common = sizes_of(data, tensors)
    config = rotary(
        data,
        common,
        score_scale=common["d_head"] ** -0.5,
        n_positions=data.whole("llama.context_length", high=ANY_LENGTH),
        ropes=(Rope(theta=data.number("llama.rope.freq_base", 10000.0, low=1e-3)),),
        activation="silu",
        head="linear",
        norm_eps=data.number("llama.attention.layer_norm_rms_epsilon", high=1),
        end_id=data.token_id("tokenizer.ggml.eos_token_id", common["n_vocab"]),
    )
    exact = {"head.logits.weight": ("output.weight", "token_embd.weight")}
    names = tensor_names(config, NAMES, exact)
    names = {
        name: theirs if is_there(name, theirs, tensors) else () for name, theirs in names.items()
    }
    return Layout(config, names, permuted=True)


def sizes_of(data: Fields, tensors: Mapping[str, Stored]) -> dict[str, Any]:
    """The sizes in the header; the vocabulary is as long as its table where no key gives it."""
    n_heads = data.whole("llama.attention.head_count")
    d_model = data.whole("llama.embedding_length")
    table = tensors.get("token_embd.weight")
    return {
        "family": "Llama",
        "encoder_layers": 0,
        "decoder_layers": layer_count(data, "llama.block_count"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": data.whole("llama.attention.head_count_kv", n_heads),
        "d_head": common_head_width(data, max(1, d_model // n_heads)),
        "d_mlp": data.whole("llama.feed_forward_length"),
        "n_vocab": data.whole(
            "llama.vocab_size", table.shape[0] if table and table.shape else None
        ),
        "norm": "rms",
    }


def common_head_width(data: Fields, default: int) -> int:
    """The one width of keys, values and rotary positions."""
    d_head = data.whole("llama.attention.key_length", default)
    for key in ("llama.rope.dimension_count", "llama.attention.value_length"):
        if data.whole(key, d_head) != d_head:
            raise GlassError(
                f"{data.where} gives keys, values and rotary positions different widths;"
                " Glassformer needs them equal."
            )
    return d_head


def is_there(name: str, theirs: tuple[str, ...], tensors: Mapping[str, Stored]) -> bool:
    """Whether a weight is read: all but the biases that the file lacks, and those of norms."""
    if name.endswith(".weight"):
        return True
    return bool(theirs) and theirs[0] in tensors and not name.endswith("norm.bias")
