"""How the GGUF files of Llama's relations differ from Llama's: one record for each value that
`general.architecture` has there.

In the files of some architectures llama.cpp rotates neighbouring numbers of a head (`permuted`),
in those of others the two halves of it, as `transformers` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..fields import Fields
from .common import ANY_LENGTH

RMS = "attention.layer_norm_rms_epsilon"
HEAD_NORMS = {f"decoder.{{}}.attn.{x}.norm": f"blk.{{}}.attn_{x}_norm" for x in "qk"}
UPDATE_NORMS = {
    "decoder.{}.attn.out.norm": "blk.{}.post_attention_norm",
    "decoder.{}.mlp.out.norm": "blk.{}.post_ffw_norm",
}
FUSED = {f"decoder.{{}}.attn.{x}": "blk.{}.attn_qkv" for x in "qkv"}
PLAIN_NETWORK = {"decoder.{}.mlp.pre": "blk.{}.ffn_up"}
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


def neox(data: Fields, of: str) -> dict[str, Any]:
    """GPT-NeoX's and Phi's layers: without a gate, and parallel unless the header says no."""
    return {
        "norm": "layer",
        "norm_eps": data.number(f"{of}.attention.layer_norm_epsilon", high=1),
        "parallel": of == "phi2" or data.flag(f"{of}.use_parallel_residual", True),
        "gated": False,
    }


def sloping(data: Fields, of: str) -> dict[str, Any]:
    """Bloom's layers, whose scores fall with the distance."""
    if data.number(f"{of}.attention.max_alibi_bias", 8.0) != 8:
        data.refuse(f"{of}.attention.max_alibi_bias", "8")
    return neox(data, of) | {"parallel": False, "positions": "alibi", "embed_norm": True}


def placed(data: Fields, of: str) -> dict[str, Any]:
    """GPT-2's layers, with a table of positions."""
    return neox(data, of) | {"parallel": False, "positions": "learned"}


def scaled_embeddings(data: Fields, of: str) -> dict[str, Any]:
    """Gemma's embeddings."""
    return plain(data, of) | {"embed_scale": data.whole(f"{of}.embedding_length") ** 0.5}


def around(data: Fields, of: str) -> dict[str, Any]:
    """Gemma 2 and 3: every other layer looks through a window, or five of six; scores of the
    largest model of each are scaled otherwise. Gemma 3 without a window has none.
    """
    layers, heads = data.whole(f"{of}.block_count"), data.whole(f"{of}.attention.head_count")
    d_model = data.whole(f"{of}.embedding_length")
    every, largest = {"gemma2": (2, 46), "gemma3": (6, 62)}[of]
    default, least = (4096, 1) if of == "gemma2" else (0, 0)
    width = data.whole(f"{of}.attention.sliding_window", default, least, ANY_LENGTH)
    near = [bool(width and (layer + 1) % every) for layer in range(layers)]
    scale = {"score_scale": (d_model / heads) ** -0.5} if layers == largest else {}
    return (
        scaled_embeddings(data, of)
        | scale
        | {"windows": tuple(width - 1 if each else None for each in near)}
    )


def capped(data: Fields, of: str) -> dict[str, Any]:
    """Gemma 2's caps."""
    caps = {"score_cap": ("attn", 50.0), "logit_cap": ("final", 30.0)}
    return around(data, of) | {
        field: data.number(f"{of}.{key}_logit_softcapping", default, low=1e-6)
        for field, (key, default) in caps.items()
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
    one_norm: bool = False  # parallel sublayers read the same norm
    activation: str = "silu"
    near_theta: float | None = None  # by how much layers with a window turn, where that is another


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
    "gptneox": Architecture(
        "GPT-NeoX",
        FUSED | PLAIN_NETWORK,
        "attention.layer_norm_epsilon use_parallel_residual",
        neox,
        activation="gelu_tanh",
    ),
    "phi2": Architecture(
        "Phi",
        PLAIN_NETWORK,
        "attention.layer_norm_epsilon",
        neox,
        one_norm=True,
        activation="gelu_tanh",
    ),
    "bloom": Architecture(
        "Bloom",
        FUSED | PLAIN_NETWORK | {"decoder.embed.norm": "token_embd_norm"},
        "attention.layer_norm_epsilon attention.max_alibi_bias",
        sloping,
        activation="gelu_tanh",
    ),
    "gpt2": Architecture(
        "GPT-2",
        FUSED | PLAIN_NETWORK | {"decoder.embed.position": "position_embd"},
        "attention.layer_norm_epsilon",
        placed,
        activation="gelu_tanh",
    ),
    "gemma": Architecture("Gemma", {}, RMS, scaled_embeddings, activation="gelu_tanh"),
    "gemma2": Architecture(
        "Gemma 2",
        UPDATE_NORMS,
        f"{RMS} attention.sliding_window attn_logit_softcapping final_logit_softcapping",
        capped,
        fixed={"norm_at": "around"},
        activation="gelu_tanh",
    ),
    "gemma3": Architecture(
        "Gemma 3",
        UPDATE_NORMS | HEAD_NORMS,
        f"{RMS} attention.sliding_window",
        around,
        fixed={"norm_at": "around", "qk_norm": "head"},
        activation="gelu_tanh",
        near_theta=10000.0,
    ),
    "stablelm": Architecture(
        "StableLm",
        {},
        "attention.layer_norm_epsilon use_parallel_residual",
        layer_norms,
        one_norm=True,
    ),
}
