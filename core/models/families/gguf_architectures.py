"""How the GGUF files of Llama's relations differ from Llama's: one record for each value that
`general.architecture` has there.

In the files of some architectures llama.cpp rotates neighbouring numbers of a head (`permuted`),
in those of others the two halves of it, as `transformers` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.models.families.common import ANY_LENGTH
from core.models.fields import Fields

RMS = "attention.layer_norm_rms_epsilon"
HEAD_NORMS = {f"decoder.{{}}.attn.{x}.norm": f"blk.{{}}.attn_{x}_norm" for x in "qk"}
UPDATE_NORMS = {
    "decoder.{}.attn.out.norm": "blk.{}.post_attention_norm",
    "decoder.{}.mlp.out.norm": "blk.{}.post_ffw_norm",
}
JOINED = {f"decoder.{{}}.attn.{x}": "blk.{}.attn_qkv" for x in "qkv"} | {
    "decoder.{}.mlp.pre": "blk.{}.ffn_up"
}


def plain(data: Fields, of: str) -> dict[str, Any]:
    """Norms as Llama's."""
    return {"norm_eps": data.number(f"{of}.{RMS}", high=1)}


def windows(data: Fields, of: str) -> dict[str, Any]:
    """Phi-3's window: it counts the token itself; 0 is none."""
    width = data.whole(f"{of}.attention.sliding_window", 0, low=0, high=ANY_LENGTH)
    return plain(data, of) | {"windows": (width - 1 if width else None,)}


def multipliers(data: Fields, of: str) -> dict[str, Any]:
    """Granite's, but for that of the updates."""
    scale = data.number(f"{of}.attention.scale", 0.0)
    own = {"score_scale": scale} if scale else {}
    return (
        plain(data, of)
        | own
        | {
            "embed_scale": data.number(f"{of}.embedding_scale", 1.0) or 1.0,
            "head_scale": 1 / (data.number(f"{of}.logit_scale", 1.0) or 1.0),
        }
    )


def layer_norms(data: Fields, of: str) -> dict[str, Any]:
    """StableLM's norms, and whether its sublayers read the same."""
    return {
        "norm": "layer",
        "norm_eps": data.number(f"{of}.attention.layer_norm_epsilon", high=1),
        "parallel": data.flag(f"{of}.use_parallel_residual", False),
    }


@dataclass(frozen=True)
class Architecture:
    """What differs from Llama's files."""

    family: str
    names: Mapping[str, str] = field(default_factory=dict)
    computed: str = RMS  # keys beside those that all have
    fields: Callable[[Fields, str], dict[str, Any]] = plain  # of Config, from the header
    fixed: Mapping[str, Any] = field(default_factory=dict)  # and those that no key says
    permuted: bool = False  # the rows of each head's q and k lie in another order
    factors: tuple[str, ...] = ()  # tensors with divisors of the rotary angles
    still: int = 0  # each so manieth layer turns nothing


ARCHITECTURES = {
    "llama": Architecture("Llama", permuted=True, factors=("rope_freqs.weight",)),
    "qwen2": Architecture("Qwen2"),
    "qwen3": Architecture("Qwen3", HEAD_NORMS, fixed={"qk_norm": "head"}),
    "phi3": Architecture(
        "Phi3",
        JOINED,
        f"{RMS} attention.sliding_window",
        windows,
        factors=("rope_factors_short.weight", "rope_factors_long.weight"),
    ),
    "smollm3": Architecture("SmolLM3", permuted=True, still=4),
    "granite": Architecture(
        "Granite",
        {},
        f"{RMS} attention.scale embedding_scale residual_scale logit_scale",
        multipliers,
        permuted=True,
    ),
    "olmo2": Architecture(
        "Olmo2", HEAD_NORMS | UPDATE_NORMS, fixed={"qk_norm": "all", "norm_at": "update"}
    ),
    "stablelm": Architecture(
        "StableLm", {}, "attention.layer_norm_epsilon use_parallel_residual", layer_norms
    ),
}
