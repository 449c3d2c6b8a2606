"""The gradient of every learned number, made of what the run had and of the gradients of its steps
when it is asked for: a matrix times a vector has the outer product of the two.

Each name has a gradient of its own, also where two names are one array (a table that reads words
and writes them): `Gradients.learned` adds those up, as training does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..config import Config
from ..ops import relative_buckets
from ..step_ref import StepRef

TABLES = ("token.weight", "position.weight", "segment.weight", "relative.weight")


def sublayer_reads(config: Config, path: str) -> str:
    """What a sublayer is applied to: its input, or the norm of it."""
    return f"{path}.norm.out" if config.norm_first else f"{path}.in"


def projected(config: Config, ref: StepRef, which: str) -> str:
    """The step that is a query or a key as it is projected."""
    if config.qk_norm:
        return f"{ref.path}.{which}.unnormed"
    return normed_heads(config, ref, which)


def normed_heads(config: Config, ref: StepRef, which: str) -> str:
    """The step that is a query or a key before any rotation."""
    turns = config.rope(ref.layer or 0) is not None
    return f"{ref.path}.{which}.unrotated" if turns else f"{ref.path}.{which}"


def update_of(config: Config, path: str) -> str:
    """The step that is what a sublayer makes, before a norm of it."""
    return f"{path}.out.unnormed" if config.norms_update else f"{path}.out"


def last_out(config: Config) -> str:
    """The step that what stands on the last vectors reads."""
    return f"{config.sides[-1]}.out"


def projection(config: Config, ref: StepRef) -> tuple[str, str]:
    """What a projection reads, and what it makes: the names of two steps."""
    c, path, which = config, ref.path, ref.leaf.rpartition(".")[0]
    if ref.place in ("attn", "cross") and which in ("q", "k", "v"):
        across = ref.place == "cross" and which != "q"
        made = f"{path}.v" if which == "v" else projected(c, ref, which)
        return "encoder.out" if across else sublayer_reads(c, path), made
    if ref.place in ("attn", "cross"):
        return f"{path}.z", update_of(c, path)
    if ref.place == "mlp":
        if which == "out":
            return f"{path}.hidden", update_of(c, path)
        return sublayer_reads(c, path), f"{path}.{which}"
    if ref.place == "embed":
        return f"{path}.norm.out" if c.embed_norm else f"{path}.sum", f"{path}.out"
    return end_projection(config, f"{path}.{which}")


def end_projection(config: Config, module: str) -> tuple[str, str]:
    """The same of what stands on the last vectors."""
    c = config
    if module == "head.logits":
        made = "head.logits.uncapped" if c.logit_cap else module
        reads = "head.pre" if c.d_embed else "head.in"
        return "head.norm.out" if c.head == "transform" else reads, made
    hidden = "task.hidden" if c.task and c.task.hidden else "task.in"
    reads = {
        "head.pre": "head.in",
        "pooler.pre": last_out(c),
        "pooler.logits": "pooler.out",
        "task.pre": "task.in",
        "task.logits": hidden,
    }
    return reads[module], module


def rows(value: np.ndarray) -> np.ndarray:
    """A step as a row for each token: heads side by side, a lone vector one row."""
    if value.ndim == 3:
        return value.transpose(1, 0, 2).reshape(value.shape[1], -1)
    return np.atleast_2d(value)


# --- the gradients --------------------------------------------------------------------------------


def of_projection(grads, ref: StepRef):
    """Σ over the tokens: what the projection read, times the gradient of what it made, (in, out);
    of a table of words, (V, D).
    """
    reads, made = projection(grads.trace.config, ref)
    x_LD, g_LX = rows(grads.trace[reads]), rows(grads.passed(made))
    x_LD = x_LD[: len(g_LX)]  # BERT's pooler reads the first token alone
    return g_LX.T @ x_LD if str(ref).endswith("head.logits.weight") else x_LD.T @ g_LX


def of_bias(grads, ref: StepRef):
    """Σ over the tokens of the gradient of what it is added to."""
    return rows(grads.passed(projection(grads.trace.config, ref)[1])).sum(axis=0)


def of_gain(grads, ref: StepRef):
    """Σ over the tokens: the normalised number, times the gradient of what it became, (D,)."""
    norm = f"{ref.path}.{ref.leaf.rpartition('.')[0]}"
    return (grads.trace[f"{norm}.unit"] * grads.passed(f"{norm}.out")).sum(axis=0)


def of_shift(grads, ref: StepRef):
    """Σ over the tokens of the gradient of what leaves the norm, (D,)."""
    return grads.passed(f"{ref.path}.{ref.leaf.rpartition('.')[0]}.out").sum(axis=0)


def of_head_gain(grads, ref: StepRef):
    """Σ over the tokens (and over the heads that share the gain): the normalised number of a query
    or a key, times the gradient of what it became.
    """
    config, which = grads.trace.config, ref.leaf[0]
    x_HLK, scale = (grads.trace[f"{ref.path}.{which}.{leaf}"] for leaf in ("unnormed", "scale"))
    g_HLK = grads.passed(normed_heads(config, ref, which)) * x_HLK / scale[..., None]
    return g_HLK.sum(axis=(0, 1)) if config.qk_norm == "head" else g_HLK.sum(axis=1).ravel()


def of_table(grads, ref: StepRef):
    """To each row of a table the gradients of the tokens that took it."""
    trace, which = grads.trace, ref.leaf.partition(".")[0]
    made = "token.unscaled" if which == "token" and trace.config.embed_scale != 1 else which
    g_LD = grads.passed(f"{ref.path}.{made}")
    table = np.zeros(trace.weights[f"{ref.path}.{ref.leaf}"].shape, g_LD.dtype)
    ids = {"token": "ids", "segment": "segment.ids"}
    taken = trace[f"{ref.path}.{ids[which]}"] if which in ids else np.arange(len(g_LD))
    np.add.at(table, taken, g_LD)
    return table


def of_distances(grads, ref: StepRef):
    """To each bucket of distances the gradients of the pairs that took its biases, (buckets, H)."""
    g_HLM, c = grads.passed(f"{ref.path}.relative"), grads.trace.config
    table = np.zeros((c.relative_buckets, c.n_heads), g_HLM.dtype)
    np.add.at(table, buckets_of(grads.trace, ref), g_HLM.transpose(1, 2, 0))
    return table


def buckets_of(trace, ref: StepRef):
    """The bucket of each pair of tokens, (L, M)."""
    c, n = trace.config, trace.shape(f"{ref.path}.relative")[1]
    return relative_buckets(n, n, c.relative_buckets, c.relative_distance, ref.side == "encoder")


@lru_cache(maxsize=4096)
def side_by_side(ref: StepRef) -> tuple[StepRef, ...]:
    """The weights that lie in one matrix, if it is one that holds several."""
    module, _, kind = ref.leaf.rpartition(".")
    inside = {"qkv": "q k v", "kv": "k v", "gated": "pre hidden.up"}.get(module, "")
    return tuple(ref.with_leaf(f"{each}.{kind}") for each in inside.split())


def of_several(grads, ref: StepRef):
    """The gradients of the weights that lie side by side in one matrix."""
    return np.concatenate([gradient(grads, each) for each in side_by_side(ref)], axis=-1)


def rule(ref: StepRef) -> Callable[..., np.ndarray]:
    """Which of the functions above gives the gradient of a weight."""
    if side_by_side(ref):
        return of_several
    if ref.leaf in TABLES:
        return of_distances if ref.leaf == "relative.weight" else of_table
    bias = ref.leaf.endswith("bias")
    if ref.leaf in ("q.norm.weight", "k.norm.weight"):
        return of_head_gain
    if "norm." in ref.leaf:
        return of_shift if bias else of_gain
    return of_bias if bias else of_projection


def gradient(grads, ref: StepRef) -> np.ndarray:
    """The gradient of a weight."""
    return rule(ref)(grads, ref)


def makes(config: Config, ref: StepRef) -> str:
    """A step that a weight has a part in."""
    if several := side_by_side(ref):
        return makes(config, several[0])
    if ref.leaf in TABLES:
        return f"{ref.path}.{ref.leaf.partition('.')[0]}"
    if ref.leaf in ("q.norm.weight", "k.norm.weight"):
        return f"{ref.path}.{ref.leaf[0]}"
    if "norm." in ref.leaf:
        norm, _, kind = ref.leaf.rpartition(".")
        return f"{ref.path}.{norm}.{'centred' if kind == 'bias' else 'unit'}"
    return projection(config, ref)[1]
