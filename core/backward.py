"""The backward pass: the equations of core/transformer.py from the last to the first, each gradient
recorded as it is made.

Read it beside transformer.py: a function here has the name of one there. It is given the gradient
of what that one returned, and returns the gradients of what that one was given. The gradient of a
number says how much what is asked for (a loss, a logit) grows for each unit that the number grows
by, if nothing before it changes (Rumelhart, Hinton & Williams 1986). `at` is the place in the
model: at.of("pattern") is what the run had there, at.w(name) a weight, and at.put("pattern_HLM",
value) records a gradient and returns what of it goes on to the steps before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from .config import Config, Rope, Task
from .gradients.slopes import SLOPES
from .ops import rotate, turns
from .recorder import Run, check_axes, frozen, naming, provenance
from .transformer import per_group, split_heads


class Reads(NamedTuple):
    """The gradients of all that a part of the model reads."""

    x_LD: np.ndarray
    memory_MD: np.ndarray | None = None  # the encoder's vectors
    relative_HLM: np.ndarray | None = None  # the bias for distances


@dataclass(frozen=True)
class Back:
    """A place in the model, on the way back."""

    run: Run  # whose values are gradients; its edits are those of the run that went forward
    values: Mapping[str, np.ndarray]  # what that run had
    path: str = ""

    @property
    def config(self) -> Config:
        return self.run.config

    @property
    def layer(self) -> int:
        """The number of the layer in which this place is."""
        return int(self.path.split(".")[1])

    def below(self, name: str) -> Back:
        """A place further in."""
        return replace(self, path=f"{self.path}.{name}")

    def w(self, name: str) -> Any:
        """The weight of that name here."""
        return self.run.weights[f"{self.path}.{name}"]

    def of(self, leaf: str) -> np.ndarray:
        """What the run had at a step."""
        return self.values[f"{self.path}.{leaf}"]

    def has(self, leaf: str) -> bool:
        """Whether the run had such a step."""
        return f"{self.path}.{leaf}" in self.values

    def put(self, name_and_axes: str, value: np.ndarray) -> np.ndarray:
        """Names the gradient of a step, checks its axes, freezes and records it. Returns it, or
        zeros where an edit had put numbers in the step's place: these came from nothing before.
        """
        run = self.run
        name, ref, leaf, axes, group = naming(self.path, name_and_axes)
        check_axes(name, axes, run.shape_of(group, axes), value)
        if not run.again:
            run.recorded[name] = provenance(leaf, axes, value.shape)
        frozen(value)
        if run.keep(ref):
            run.values[name] = value
        return np.zeros_like(value) if name in run.edits else value


def linear(at: Back, name: str, g_LX):
    """Of y = x·W + b: the gradient of x."""
    return g_LX @ at.w(f"{name}.weight").T


def normalise(at: Back, g_LD):
    """The gradient of what a norm reads: through each number itself, and through the scale and the
    mean, in which each has its share.
    """
    norm, g_LD = at.config.norm_of(at.path), at.put("out_LD", g_LD)
    if norm == "none":
        return g_LD
    unit_LD, scale_L, D = at.of("unit"), at.of("scale"), g_LD.shape[-1]
    g_LD = at.put("unit_LD", g_LD * at.w("weight"))
    g_L = at.put("scale_L", -np.vecdot(g_LD, unit_LD) / scale_L)
    g_LD = g_LD / scale_L[:, None]
    g_LD += unit_LD * (g_L / D)[:, None]
    if norm == "layer":
        g_LD = at.put("centred_LD", g_LD)
        g_L = at.put("mean_L", -g_LD.sum(axis=-1))
        g_LD = g_LD + g_L[:, None] / D
    return g_LD


def join_heads(*heads_XLK):
    """Puts heads side by side again, (n, L, K) -> (L, n·K), one array after the other."""
    return np.concatenate(
        [x_XLK.transpose(1, 0, 2).reshape(x_XLK.shape[1], -1) for x_XLK in heads_XLK], axis=1
    )


def project(at: Back, g_HLK, k_GMK, v_GMK) -> Reads:
    """The gradient of what is projected to queries, keys and values."""
    if not at.path.endswith(".cross"):
        return Reads(linear(at, "qkv", join_heads(g_HLK, k_GMK, v_GMK)))
    memory_MD = linear(at, "kv", join_heads(k_GMK, v_GMK))
    return Reads(linear(at, "q", join_heads(g_HLK)), memory_MD)


def over_group(x_HLM, y_HLK, groups: int):
    """Σ x·y over the tokens that look and the heads that share keys and values, (G, M, K)."""
    x_GXM = x_HLM.reshape(groups, -1, x_HLM.shape[-1])
    return x_GXM.transpose(0, 2, 1) @ y_HLK.reshape(groups, -1, y_HLK.shape[-1])


def attention(at: Back, g_LD) -> Reads:
    """The gradient of what attention reads: back from the weighted sums to the values and to where
    each token looked, and from there to queries and keys.
    """
    c, pattern_HLM = at.config, at.of("pattern")
    g_LX = linear(at, "out", update(at, at.put("out_LD", g_LD)))
    g_HLK = at.put("z_HLK", split_heads(g_LX, c.n_heads))
    v_GMK = at.put("v_GMK", over_group(pattern_HLM, g_HLK, c.n_kv_heads))
    g_HLM = at.put("pattern_HLM", per_group(g_HLK, at.of("v").transpose(0, 2, 1)))
    g_HLM = at.put("scores_HLM", softmax(pattern_HLM, g_HLM))
    g_HLM, relative_HLM = scores(at, g_HLM)
    q_HLK = at.put("q_HLK", per_group(g_HLM, at.of("k")))
    k_GMK = at.put("k_GMK", over_group(g_HLM, at.of("q"), c.n_kv_heads))
    if rope := c.rope(at.layer):
        q_HLK = at.put("q.unrotated_HLK", rotate_by_position(at, q_HLK, rope))
        k_GMK = at.put("k.unrotated_GLK", rotate_by_position(at, k_GMK, rope))
    if c.qk_norm:
        q_HLK = at.put("q.unnormed_HLK", normalise_heads(at, "q", q_HLK, "H"))
        k_GMK = at.put("k.unnormed_GLK", normalise_heads(at, "k", k_GMK, "G"))
    return project(at, q_HLK, k_GMK, v_GMK)._replace(relative_HLM=relative_HLM)


def softmax(p_HLM, g_HLM):
    """p · (g − Σ p·g): what makes one score larger takes from all others of its row. The gradient
    of a hidden score is 0, as its p is.
    """
    g_HLM = g_HLM - np.vecdot(p_HLM, g_HLM)[..., None]
    g_HLM *= p_HLM
    return g_HLM


def scores(at: Back, g_HLM):
    """From the masked scores back to the dot products: the gradient of these, and of the bias for
    distances where there is one.
    """
    c, relative_HLM = at.config, None
    if c.score_cap:
        g_HLM = at.put("scores.capped_HLM", g_HLM)
        g_HLM = soft_cap(at.of("scores.capped"), c.score_cap, g_HLM)
    if at.has("scores.biased"):
        g_HLM = relative_HLM = at.put("scores.biased_HLM", g_HLM)
        if at.has("relative"):
            at.put("relative_HLM", relative_HLM)
    g_HLM = at.put("scores.scaled_HLM", g_HLM)
    return at.put("scores.dot_HLM", g_HLM * c.score_scale), relative_HLM


def soft_cap(y, cap: float, g):
    """Of y = cap · tanh(x / cap): the gradient of x."""
    return g * (1 - (y / cap) ** 2)


def normalise_heads(at: Back, which: str, g_HLK, heads: str):
    """The gradient of queries or keys before the norm of each head's, or of all heads' together."""
    x_HLK, weight = at.of(f"{which}.unnormed"), at.w(f"{which}.norm.weight")
    scale = at.of(f"{which}.scale")
    if at.config.qk_norm == "head":
        g_HLK = g_HLK * weight
        g_HL = -np.vecdot(g_HLK, x_HLK) / scale**2
        g_HL = at.put(f"{which}.scale_{heads}L", g_HL)
        return (g_HLK + x_HLK * (g_HL / x_HLK.shape[-1])[..., None]) / scale[..., None]
    g_HLK = g_HLK * weight.reshape(len(x_HLK), 1, -1)
    g_L = at.put(f"{which}.scale_L", -np.vecdot(g_HLK, x_HLK).sum(axis=0) / scale**2)
    return (g_HLK + x_HLK * (g_L / len(weight))[:, None]) / scale[:, None]


def rotate_by_position(at: Back, g_HLK, rope: Rope):
    """Turned back by the angles of the positions: the transpose of a rotation."""
    cos_LK, sin_LP = turns(rope, at.config.d_head, 0, g_HLK.shape[1], g_HLK.dtype)
    return rotate(g_HLK, cos_LK, -sin_LP)


def feed_forward(at: Back, g_LD) -> Reads:
    """The gradient of what the neurons read."""
    c, pre_LF = at.config, at.of("pre")
    g_LD = update(at, at.put("out_LD", g_LD))
    g_LF = at.put("hidden_LF", linear(at, "out", g_LD))
    if not c.gated:
        g_LF = at.put("pre_LF", g_LF * SLOPES[c.activation](pre_LF))
        return Reads(linear(at, "pre", g_LF))
    up_LF = at.put("hidden.up_LF", g_LF * at.of("hidden.gate"))
    gate_LF = at.put("hidden.gate_LF", g_LF * at.of("hidden.up"))
    pre_LF = at.put("pre_LF", gate_LF * SLOPES[c.activation](pre_LF))
    return Reads(linear(at, "gated", np.concatenate((pre_LF, up_LF), axis=1)))


def update(at: Back, g_LD):
    """The gradient of what a sublayer makes, before the norm of its update."""
    if not at.config.norms_update:
        return g_LD
    return at.put("out.unnormed_LD", normalise(at.below("out.norm"), g_LD))


def residual(at: Back, g_LD, sublayer) -> tuple[np.ndarray, Reads]:
    """The gradient of the stream, which passes a sum unchanged, and of what the sublayer reads."""
    if at.config.norm_at == "after":
        g_LD = normalise(at.below("norm"), g_LD)
    g_LD = at.put("sum_LD", g_LD)
    reads = sublayer(at, g_LD)
    if at.config.norm_first:
        reads = reads._replace(x_LD=normalise(at.below("norm"), reads.x_LD))
    return g_LD, reads


def layer(at: Back, g_LD) -> Reads:
    """The gradients of the stream before a layer, of the encoder's vectors, and of the bias."""
    attn, cross, mlp = at.below("attn"), at.below("cross"), at.below("mlp")
    g_LD, read = residual(mlp, at.put("out_LD", g_LD), feed_forward)
    if at.config.parallel:
        beside_LD = mlp.put("in_LD", read.x_LD)
    else:
        beside_LD, g_LD = None, mlp.put("in_LD", g_LD + read.x_LD)
    memory_MD = None
    if cross.has("in"):
        g_LD, read = residual(cross, g_LD, attention)
        g_LD, memory_MD = cross.put("in_LD", g_LD + read.x_LD), read.memory_MD
    g_LD, read = residual(attn, g_LD, attention)
    g_LD = g_LD + read.x_LD
    if beside_LD is not None:
        g_LD += beside_LD
    return Reads(attn.put("in_LD", g_LD), memory_MD, read.relative_HLM)


def embed(at: Back, g_LD) -> None:
    """Down to the rows of the tables of tokens, positions and segments."""
    g_LD = at.put("out_LD", g_LD)
    if at.config.d_embed:
        g_LD = linear(at, "out", g_LD)
    if at.config.embed_norm:
        g_LD = normalise(at.below("norm"), g_LD)
    g_LD = at.put("sum_LD", g_LD)
    for leaf in ("segment", "position"):
        if at.has(leaf):
            at.put(f"{leaf}_LD", g_LD)
    g_LD = at.put("token_LD", g_LD)
    if at.config.embed_scale != 1:
        at.put("token.unscaled_LD", g_LD * at.config.embed_scale)


def plus(one, other) -> Any:
    """The sum of two gradients, either of which there may not be."""
    return one if other is None else other if one is None else one + other


def stack(at: Back, g_LD, layer_values):
    """The last norm, layer after layer from the last on, and the embedding: the gradient of the
    encoder's vectors, where the layers look across at them.

    layer_values: what the run had in a layer, by its number.
    """
    g_LD, memory_MD, relative_HLM = at.put("out_LD", g_LD), None, None
    if at.config.final_norm:
        g_LD = normalise(at.below("norm"), g_LD)
    for index in reversed(range(at.config.layers(at.path))):
        here = replace(at.below(str(index)), values=layer_values(index))
        g_LD, across_MD, bias_HLM = layer(here, g_LD)
        memory_MD, relative_HLM = plus(memory_MD, across_MD), plus(relative_HLM, bias_HLM)
    if relative_HLM is not None and at.has("relative"):
        at.put("relative_HLM", relative_HLM)
    embed(at.below("embed"), g_LD)
    return memory_MD


def times_table(g_RV, table_VD):
    """g · table, over all words; of a table that stays in its file, some rows at a time."""
    if not hasattr(table_VD, "blocks"):
        return g_RV @ table_VD
    return reduce(plus, (g_RV[:, part] @ rows_RD for part, rows_RD in table_VD.blocks()))


def head(at: Back, g_RV):
    """From the logits back to the vectors that are compared with words."""
    c, g_RV = at.config, at.put("logits_RV", g_RV)
    if c.logit_cap:
        capped_RV = at.of("logits")
        g_RV = at.put("logits.uncapped_RV", soft_cap(capped_RV, c.logit_cap, g_RV))
    g_RD = times_table(g_RV, at.w("logits.weight"))
    if c.head == "transform":
        g_RD = at.put("hidden_RD", normalise(at.below("norm"), g_RD))
        g_RD = g_RD * SLOPES[c.head_bends](at.of("pre"))
    if c.head == "transform" or c.d_embed:
        g_RD = linear(at, "pre", at.put("pre_RD", g_RD))
    g_RD = at.put("in_RD", g_RD)
    return g_RD if c.head_scale == 1 else g_RD * c.head_scale


def pool(at: Back, g_D=None, g_C=None):
    """From BERT's sentence vector back to the first token's. g_C: of the next-sentence scores."""
    if g_C is not None:
        g_D = plus(linear(at, "logits", at.put("logits_C", g_C)), g_D)
    g_D = at.put("out_D", np.asarray(g_D))
    g_D = at.put("pre_D", g_D * (1 - at.of("out") ** 2))
    return linear(at, "pre", g_D)


def classify(at: Back, task: Task, g_XC):
    """From the scores of labels back to the vectors that a fine-tuned head reads."""
    X = "L" if task.of_tokens else ""
    g_XD = linear(at, "logits", at.put(f"logits_{X}C", g_XC))
    if task.hidden:
        g_XD = at.put(f"hidden_{X}D", g_XD)
        g_XD = at.put(f"pre_{X}D", g_XD * SLOPES[task.hidden](at.of("pre")))
        g_XD = linear(at, "pre", g_XD)
    return at.put(f"in_{X}D", g_XD)


def ends(at: Back, start: Mapping[str, np.ndarray], last_LD, rows):
    """What stands on the last vectors: the gradient of these. start: those of the steps that what
    is asked for is made of. last_LD: the vectors; rows: the positions that the output head reads.
    """
    c, g_LD = at.config, np.zeros_like(last_LD)
    if f"{c.sides[-1]}.out" in start:
        g_LD += start[f"{c.sides[-1]}.out"]
    if "head.logits" in start:
        np.add.at(g_LD, rows, head(replace(at, path="head"), start["head.logits"]))
    pooled_D = start.get("pooler.out")
    if (task := c.task) and "task.logits" in start:
        g_XD = classify(replace(at, path="task"), task, start["task.logits"])
        if task.reads == "pooled":
            pooled_D = plus(pooled_D, g_XD)
        else:
            g_LD[{"each": slice(None), "first": 0, "last": -1}[task.reads]] += g_XD
    if pooled_D is not None or "pooler.logits" in start:
        g_LD[0] += pool(replace(at, path="pooler"), pooled_D, start.get("pooler.logits"))
    return g_LD
