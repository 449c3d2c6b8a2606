"""The architecture as plain data for `components.blocks`: which boxes a model has, in order, from its Config alone.

A box is {"kind", "title", "detail", "target"}; its target is the step that it leads to, in the chosen layer. A frame
has "blocks" in it: a stack, the "layers", or a "residual" with the "add" that its line ends in.
"""
from __future__ import annotations

from core.config import Config

ACTIVATIONS = {"gelu": "GELU", "gelu_tanh": "GELU", "silu": "SiLU", "relu": "ReLU"}
MASKED = {"encoder": "every token sees every token", "decoder": "a token sees itself and the past",
          "others": "a token sees all but itself", "own": "as drawn by hand"}


def diagram(config: Config, mask: str, layer: int) -> list[dict]:
    """The stacks in the order they run, and what is made of the last vectors."""
    stacks = [stack(config, side, mask, min(layer, config.layers(side) - 1)) for side in config.sides]
    return [*stacks, *ends(config)]


def box(kind: str, title: str, detail: str, target: str) -> dict:
    return {"kind": kind, "title": title, "detail": detail, "target": target}


def stack(config: Config, side: str, mask: str, layer: int) -> dict:
    """Embedding, the parts of a layer, the last norm."""
    layers = {"kind": "layers", "title": f"Layer {layer}", "times": config.layers(side),
              "blocks": sublayers(config, f"{side}.{layer}", mask)}
    last = [norm(config, f"{side}.norm.out")] if config.final_norm else []
    out = box("stream", "Vectors in context", f"{config.d_model} numbers for each token, which know of the others",
              f"{side}.out")
    return {"kind": side, "title": side.capitalize(), "blocks": [*embedding(config, side), layers, *last, out]}


def embedding(config: Config, side: str) -> list[dict]:
    """From token ids to the first vectors."""
    added = {"learned": ["position"], "sinusoid": ["position (sine waves)"]}.get(config.positions, [])
    added = ["token", *added, *(["segment"] if config.n_segments and side == "encoder" else [])]
    boxes = [box("embed", "Token ids", f"pieces of a vocabulary of {config.n_vocab:,}", f"{side}.embed.ids"),
             box("embed", "Embedding", f"{' + '.join(added)}: {config.d_model} numbers for each token",
                 f"{side}.embed.sum")]
    return [*boxes, norm(config, f"{side}.embed.norm.out")] if config.embed_norm else boxes


def sublayers(config: Config, at: str, mask: str) -> list[dict]:
    """Attention, attention across where there is one, feed-forward: each with its residual line and its norm."""
    parts = [(f"{at}.attn", attention(config, at, mask)), (f"{at}.mlp", feed_forward(config, at))]
    if config.crosses and at.startswith("decoder"):
        parts.insert(1, (f"{at}.cross", cross(config, at)))
    return [entry for name, part in parts for entry in residual(config, name, part)]


def residual(config: Config, name: str, part: dict) -> list[dict]:
    """A part with the line that goes around it, x + part(x); the norm stands before the part, or after the sum."""
    its_norm = norm(config, f"{name}.norm.out")
    around = {"kind": "residual", "title": "", "blocks": [its_norm, part] if config.norm_first else [part],
              "add": box("stream", "+", "what the token was, and the update", f"{name}.sum")}
    return [around] if config.norm_first else [around, its_norm]


def norm(config: Config, step: str) -> dict:
    detail = {"layer": "each vector centred and brought to one size", "rms": "each vector brought to one size"}
    return box("norm", "Norm", detail[config.norm], step)


def attention(config: Config, at: str, mask: str) -> dict:
    """Self-attention: how many heads, who sees whom, and where positions come in."""
    shared = f", {config.n_kv_heads} sets of k and v" if config.n_kv_heads < config.n_heads else ""
    places = {"rotary": "; q and k turned by position", "relative": "; a learned bias for the distance"}
    seen = MASKED[at.split(".")[0] if mask == "trained" else mask]
    return box("attention", "Attention", f"{config.n_heads} heads of {config.d_head}{shared}; {seen}"
               + places.get(config.positions, ""), f"{at}.attn.pattern")


def cross(config: Config, at: str) -> dict:
    return box("attention", "Attention to the encoder",
               f"{config.n_heads} heads; every token sees all that the encoder read", f"{at}.cross.pattern")


def feed_forward(config: Config, at: str) -> dict:
    gated = ", each opened by a gate" if config.gated else ""
    return box("mlp", "Feed-forward",
               f"{config.d_mlp:,} neurons ({ACTIVATIONS[config.activation]}{gated}); each token alone",
               f"{at}.mlp.hidden")


def ends(config: Config) -> list[dict]:
    """What is made of the last vectors."""
    pooled = box("head", "Sentence vector (BERT’s pooler)", "the first token through one more layer", "pooler.out")
    words = box("head", "Next token" if config.decoder_layers else "Hidden word",
                f"a probability for each of {config.n_vocab:,} pieces", "head.probs")
    return [*([pooled] if config.pooler else []), *([words] if config.head else [])]
