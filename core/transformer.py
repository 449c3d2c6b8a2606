"""The forward pass: every transformer family, one equation after the other, each value recorded as
it is made.

Read it from the bottom up (`forward`) or from the top down (`normalise`). `at` is the place in the
model: at.w(name) is a weight there, at.put("pattern_HLM", value) records a step there and returns
it. What is bound is always what `put` returns: so the trace is the computation, and an edit of a
step takes effect.
"""

from __future__ import annotations

import numpy as np

from . import masks
from .config import Rope, Task
from .ops import (
    ACTIVATIONS,
    HEAD_ACTIVATIONS,
    alibi_slopes,
    linear,
    relative_buckets,
    rotate,
    sigmoid,
    soft_cap,
    softmax,
    turns,
)
from .recorder import Run, Scope


def normalise(at: Scope, x_LD):
    """Layer norm (Ba et al. 2016) or root-mean-square norm (Zhang & Sennrich 2019), each token by
    itself.
    """
    norm = at.config.norm_of(at.path)
    if norm == "none":
        return at.put("out_LD", x_LD)
    if norm == "layer":
        mean_L = at.put("mean_L", x_LD.mean(axis=-1))
        x_LD = at.put("centred_LD", x_LD - mean_L[:, None])
    scale_L = at.put(
        "scale_L", np.sqrt(np.vecdot(x_LD, x_LD) / x_LD.shape[-1] + at.config.norm_eps)
    )
    unit_LD = at.put("unit_LD", x_LD / scale_L[:, None])
    out_LD = unit_LD * at.w("weight")
    if norm == "layer":
        out_LD += at.w("bias")
    return at.put("out_LD", out_LD)


def split_heads(x_LX, n_heads: int):
    """Cuts the last axis into heads and moves them to the front: (L, n·K) -> (n, L, K), a view,
    nothing is copied.
    """
    return x_LX.reshape(len(x_LX), n_heads, x_LX.shape[-1] // n_heads).transpose(1, 0, 2)


def cut(x_LX, first: int):
    """The first so many numbers of each row, and the rest: views, nothing is copied."""
    return x_LX[:, :first], x_LX[:, first:]


def project(at: Scope, x_LD, memory_MD):
    """x·Wq, memory·Wk, memory·Wv for all heads at once: the matrices lie side by side and make one
    product.
    """
    c = at.config
    if memory_MD is x_LD:
        qkv_LX = linear(x_LD, at.w("qkv.weight"), at.w("qkv.bias"))
        q_LX, kv_MX = cut(qkv_LX, c.n_heads * c.d_head)
    else:
        q_LX = linear(x_LD, at.w("q.weight"), at.w("q.bias"))
        kv_MX = linear(memory_MD, at.w("kv.weight"), at.w("kv.bias"))
    k_MX, v_MX = cut(kv_MX, c.n_kv_heads * c.d_head)
    return (
        split_heads(q_LX, c.n_heads),
        split_heads(k_MX, c.n_kv_heads),
        split_heads(v_MX, c.n_kv_heads),
    )


def per_group(x_HLA, y_GAB):
    """x_h · y_g for every head h of every group g: the heads that share keys and values are rows of
    one product.
    """
    H, L, A = x_HLA.shape
    G = len(y_GAB)
    return (x_HLA.reshape(G, H // G * L, A) @ y_GAB).reshape(H, L, -1)


def attention(at: Scope, x_LD, memory_MD, mask_LM, relative_HLM=None):
    """softmax(q·kᵀ / √K) · v in every head, concatenated and projected (Vaswani et al. 2017,
    section 3.2).
    """
    q_HLK, k_GMK, v_GMK = project(at, x_LD, memory_MD)
    if at.config.qk_norm:
        q_HLK = normalise_heads(at, "q", at.put("q.unnormed_HLK", q_HLK), "H")
        k_GMK = normalise_heads(at, "k", at.put("k.unnormed_GLK", k_GMK), "G")
    if rope := at.config.rope(at.layer):
        q_HLK = at.put("q.unrotated_HLK", q_HLK)
        k_GLK = at.put("k.unrotated_GLK", k_GMK)
        q_HLK, k_GMK = rotate_by_position(at, q_HLK, rope), rotate_by_position(at, k_GLK, rope)
    q_HLK = at.put("q_HLK", q_HLK)
    k_GMK = at.put("k_GMK", at.after_earlier("k", k_GMK))
    v_GMK = at.put("v_GMK", at.after_earlier("v", v_GMK))
    scores_HLM = at.put("scores.dot_HLM", per_group(q_HLK, k_GMK.transpose(0, 2, 1)))
    scores_HLM = at.put("scores.scaled_HLM", scores_HLM * at.config.score_scale)
    if relative_HLM is not None:
        scores_HLM = at.put("scores.biased_HLM", scores_HLM + relative_HLM)
    if at.config.score_cap:
        scores_HLM = at.put("scores.capped_HLM", soft_cap(scores_HLM, at.config.score_cap))
    mask_LM = masks.check(at.put("mask_LM", mask_LM))
    scores_HLM = at.put("scores_HLM", masks.masked(scores_HLM, mask_LM))
    pattern_HLM = at.put("pattern_HLM", softmax(scores_HLM))
    z_HLK = at.put("z_HLK", per_group(pattern_HLM, v_GMK))
    z_LX = z_HLK.transpose(1, 0, 2).reshape(len(x_LD), -1)
    return at.put("out_LD", update(at, linear(z_LX, at.w("out.weight"), at.w("out.bias"))))


def normalise_heads(at: Scope, which: str, x_HLK, heads: str):
    """Root-mean-square norm of the queries or the keys: of each head's by itself, with one gain for
    all heads (Henry et al. 2020), or of all heads' together.
    """
    weight, eps = at.w(f"{which}.norm.weight"), at.config.norm_eps
    square_HL = np.vecdot(x_HLK, x_HLK)
    if at.config.qk_norm == "head":
        mean_HL = square_HL / x_HLK.shape[-1]
        scale_HL = at.put(f"{which}.scale_{heads}L", np.sqrt(mean_HL + eps))
        return x_HLK / scale_HL[..., None] * weight
    mean_L = square_HL.sum(axis=0) / len(weight)
    scale_L = at.put(f"{which}.scale_L", np.sqrt(mean_L + eps))
    return x_HLK / scale_L[:, None] * weight.reshape(len(x_HLK), 1, -1)


def self_attention(at: Scope, x_LD, mask_LM, relative_HLM):
    """Tokens looking at each other, at most a window away. Where the stack has no bias for their
    distances, T5's kind of model has one in each layer.
    """
    window = at.config.window(at.layer)
    if window is not None:
        mask_LM = mask_LM & masks.near(*mask_LM.shape, window, at.earlier)
    if at.config.relative and relative_HLM is None:
        relative_HLM = relative_bias(at, len(x_LD))
    return attention(at, x_LD, x_LD, mask_LM, relative_HLM)


def rotate_by_position(at: Scope, x_HLK, rope: Rope):
    """Rotary positions: every vector rotated by its position's angles (Su et al. 2021)."""
    until = at.earlier + x_HLK.shape[1]
    return rotate(x_HLK, *turns(rope, at.config.d_head, at.earlier, until, x_HLK.dtype))


def feed_forward(at: Scope, x_LD):
    """W₂ · activation(W₁x + b₁) + b₂ for each token alone; gated: (activation(W₁x) ∘ W₃x) (Shazeer
    2020).
    """
    activation = ACTIVATIONS[at.config.activation]
    if at.config.gated:
        pre_LF, up_LF = cut(linear(x_LD, at.w("gated.weight"), at.w("gated.bias")), at.config.d_mlp)
        pre_LF = at.put("pre_LF", pre_LF)
        gate_LF = at.put("hidden.gate_LF", activation(pre_LF))
        up_LF = at.put("hidden.up_LF", up_LF)
        hidden_LF = at.put("hidden_LF", gate_LF * up_LF)
    else:
        pre_LF = at.put("pre_LF", linear(x_LD, at.w("pre.weight"), at.w("pre.bias")))
        hidden_LF = at.put("hidden_LF", activation(pre_LF))
    return at.put("out_LD", update(at, linear(hidden_LF, at.w("out.weight"), at.w("out.bias"))))


def update(at: Scope, out_LD):
    """What a sublayer adds to the stream: what it made, or the norm of it."""
    if not at.config.norms_update:
        return out_LD
    return normalise(at.below("out.norm"), at.put("out.unnormed_LD", out_LD))


def residual(at: Scope, x_LD, sublayer, stream_LD=None):
    """x + sublayer(x), with a norm before the sublayer (pre-norm) or after the sum (post-norm, as
    in the paper). stream_LD: what the update is added to, where that is not x.
    """
    reads_LD = normalise(at.below("norm"), x_LD) if at.config.norm_first else x_LD
    stream_LD = x_LD if stream_LD is None else stream_LD
    sum_LD = at.put("sum_LD", stream_LD + sublayer(at, reads_LD))
    return normalise(at.below("norm"), sum_LD) if at.config.norm_at == "after" else sum_LD


def layer(at: Scope, x_LD, mask_LM, relative_HLM=None, memory_MD=None, cross_mask_LM=None):
    """Self-attention, attention across to the encoder where there is one, feed-forward. Parallel:
    the feed-forward reads what attention has read (Wang & Komatsuzaki 2021, GPT-J).
    """
    attn, cross, mlp = at.below("attn"), at.below("cross"), at.below("mlp")
    x_LD = attn.put("in_LD", x_LD)
    sum_LD = residual(attn, x_LD, lambda at, x_LD: self_attention(at, x_LD, mask_LM, relative_HLM))
    if memory_MD is not None:
        sum_LD = cross.put("in_LD", sum_LD)
        sum_LD = residual(
            cross, sum_LD, lambda at, x_LD: attention(at, x_LD, memory_MD, cross_mask_LM)
        )
    if at.config.parallel:
        sum_LD = residual(mlp, mlp.put("in_LD", x_LD), feed_forward, sum_LD)
    else:
        sum_LD = residual(mlp, mlp.put("in_LD", sum_LD), feed_forward)
    return at.put("out_LD", sum_LD)


def embed(at: Scope, ids_L, segments_L):
    """The vector of each token, and of its position and segment where the family adds them."""
    ids_L = at.put("ids_L", ids_L)
    token_LD = at.w("token.weight")[ids_L]
    if at.config.embed_scale != 1:
        token_LD = at.put("token.unscaled_LD", token_LD) * at.config.embed_scale
    sum_LD = at.put("token_LD", token_LD)
    if at.config.positions in ("learned", "sinusoid"):
        until = at.earlier + len(ids_L)
        position_LD = at.w("position.weight")[at.earlier : until]
        sum_LD = sum_LD + at.put("position_LD", position_LD)
    if segments_L is not None:
        segments_L = at.put("segment.ids_L", segments_L)
        sum_LD = sum_LD + at.put("segment_LD", at.w("segment.weight")[segments_L])
    sum_LD = at.put("sum_LD", sum_LD)
    x_LD = normalise(at.below("norm"), sum_LD) if at.config.embed_norm else sum_LD
    if at.config.d_embed:  # the tables are narrower than the layers, or wider
        x_LD = linear(x_LD, at.w("out.weight"), at.w("out.bias"))
    return at.put("out_LD", x_LD)


def relative_bias(at: Scope, n_tokens: int):
    """T5's learned bias for each head and distance (Raffel et al. 2019, section 2.1)."""
    c, both_ways, M = at.config, at.path.startswith("encoder"), at.earlier + n_tokens
    bucket_MM = relative_buckets(M, M, c.relative_buckets, c.relative_distance, both_ways)
    return at.put("relative_HLM", at.w("relative.weight").T[:, bucket_MM[at.earlier :]])


def linear_bias(at: Scope, n_tokens: int, dtype):
    """ALiBi: each head's scores fall with the distance, by a slope of its own (Press et al.
    2022).
    """
    M = at.earlier + n_tokens
    away_LM = np.arange(M) - np.arange(at.earlier, M)[:, None]
    slope_H = alibi_slopes(at.config.n_heads)
    return at.put("relative_HLM", (slope_H[:, None, None] * away_LM).astype(dtype))


def stack(run: Run, side: str, ids_L, segments_L, mask_LM, memory_MD=None, cross_mask_LM=None):
    """Embedding, then layer after layer, then the last norm where the family has one."""
    at = run.at(side)
    x_LD = embed(at.below("embed"), ids_L, segments_L)
    relative_HLM = None
    if run.config.relative and not run.config.relative_in_layers:
        relative_HLM = relative_bias(at, len(ids_L))
    elif run.config.positions == "alibi":
        relative_HLM = linear_bias(at, len(ids_L), x_LD.dtype)
    return layers_from(at, 0, x_LD, mask_LM, relative_HLM, memory_MD, cross_mask_LM)


def layers_from(at: Scope, first: int, x_LD, *around):
    """The layers of a stack from one on, and the last norm. around: what each layer needs besides
    its input.
    """
    for index in range(first, at.config.layers(at.path)):
        x_LD = layer(at.below(str(index)), x_LD, *around)
    return at.put("out_LD", normalise(at.below("norm"), x_LD) if at.config.final_norm else x_LD)


def head(at: Scope, x_RD):
    """From vectors to a score for every word of the vocabulary, and to probabilities."""
    c = at.config
    x_RD = at.put("in_RD", x_RD if c.head_scale == 1 else x_RD * c.head_scale)
    if c.head == "transform" or c.d_embed:
        x_RD = at.put("pre_RD", linear(x_RD, at.w("pre.weight"), at.w("pre.bias")))
    if c.head == "transform":
        hidden_RD = at.put("hidden_RD", ACTIVATIONS[c.head_bends](x_RD))
        x_RD = normalise(at.below("norm"), hidden_RD)
    logits_RV = linear(x_RD, at.w("logits.weight").T, at.w("logits.bias"))
    if c.logit_cap:
        logits_RV = soft_cap(at.put("logits.uncapped_RV", logits_RV), c.logit_cap)
    logits_RV = at.put("logits_RV", logits_RV)
    return at.put("probs_RV", softmax(logits_RV))


def pool(at: Scope, x_LD):
    """BERT's sentence vector: tanh of a dense layer on the first token; and, where trained, the
    next-sentence scores.
    """
    pre_D = at.put("pre_D", linear(x_LD[0], at.w("pre.weight"), at.w("pre.bias")))
    out_D = at.put("out_D", np.tanh(pre_D))
    if at.config.pooler == "next":
        at.put("logits_C", linear(out_D, at.w("logits.weight"), at.w("logits.bias")))
    return out_D


def classify(at: Scope, task: Task, x_XD):
    """A fine-tuned head: from the vector of a text (X: no axis) or of each token (X: L) to a score
    for each label, and to its probability.
    """
    X = "L" if task.of_tokens else ""
    x_XD = at.put(f"in_{X}D", x_XD)
    if task.hidden:
        pre_XD = at.put(f"pre_{X}D", linear(x_XD, at.w("pre.weight"), at.w("pre.bias")))
        x_XD = at.put(f"hidden_{X}D", HEAD_ACTIVATIONS[task.hidden](pre_XD))
    logits_XC = at.put(f"logits_{X}C", linear(x_XD, at.w("logits.weight"), at.w("logits.bias")))
    if task.gives == "span":
        at.put("probs_LC", softmax(logits_XC.T).T)
    elif task.gives != "number":
        probability = softmax if task.gives == "one" else sigmoid
        at.put(f"probs_{X}C", probability(logits_XC))
