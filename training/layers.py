"""The parts of the study models in PyTorch, each as its paper writes it.

B: the sentences of a batch, all of one length, so that nothing is padded or masked but the future;
the other axes are those of core/. `put` sees every value under its step's name and gives it back.
Where nobody listens (`silent`), a norm is one operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.config import Config

Put = Callable[[str, Tensor], Tensor]


def silent(name: str, value: Tensor) -> Tensor:
    """Nobody listens."""
    return value


def below(put: Put, at: str) -> Put:
    """The same listener, one level down in the names."""
    return silent if put is silent else lambda name, value: put(f"{at}.{name}", value)


class Projection(nn.Module):
    """x · W + b, with W as (in, out)."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_in, n_out)))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return side_by_side(x, self)[0]


def side_by_side(x, *projections: Projection) -> tuple[Tensor, ...]:
    """Several projections of the same vectors, as one product."""
    weight, bias = (
        torch.cat([getattr(each, kind) for each in projections], dim=-1)
        for kind in ("weight", "bias")
    )
    return functional.linear(x, weight.T, bias).chunk(len(projections), dim=-1)


class Norm(nn.Module):
    """Layer norm (Ba et al. 2016)."""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight, self.bias, self.eps = (
            nn.Parameter(torch.ones(width)),
            nn.Parameter(torch.zeros(width)),
            eps,
        )

    def forward(self, x_BLD, put: Put):
        if put is silent:
            return functional.layer_norm(x_BLD, self.weight.shape, self.weight, self.bias, self.eps)
        mean_BL = put("mean", x_BLD.mean(-1))
        centred_BLD = put("centred", x_BLD - mean_BL[..., None])
        scale_BL = put("scale", (centred_BLD.square().mean(-1) + self.eps).sqrt())
        unit_BLD = put("unit", centred_BLD / scale_BL[..., None])
        return put("out", unit_BLD * self.weight + self.bias)


class Attention(nn.Module):
    """softmax(q·kᵀ / √K) · v in every head, and the sum with what came in, normed (Vaswani et al.
    2017, sections 3.1, 3.2).
    """

    def __init__(self, c: Config, dropout: float):
        super().__init__()
        self.q, self.k, self.v, self.out = (Projection(c.d_model, c.d_model) for _ in "qkvo")
        self.norm, self.n_heads, self.dropout = (
            Norm(c.d_model, c.norm_eps),
            c.n_heads,
            nn.Dropout(dropout),
        )

    def forward(self, x_BLD, memory_BMD, causal: bool, put: Put):
        put("in", x_BLD)
        if memory_BMD is None:
            q, k, v = side_by_side(x_BLD, self.q, self.k, self.v)
        else:
            q, (k, v) = self.q(x_BLD), side_by_side(memory_BMD, self.k, self.v)
        heads_BHLK = (each.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for each in (q, k, v))
        z_BHLK = mixed(*heads_BHLK, causal, put)
        out_BLD = put("out", self.out(z_BHLK.transpose(1, 2).flatten(2)))
        return self.norm(put("sum", x_BLD + self.dropout(out_BLD)), below(put, "norm"))


def mixed(q_BHLK, k_BHMK, v_BHMK, causal: bool, put: Put):
    """What each token takes from those it looks at, in every head. On short sentences faster than
    PyTorch's own.
    """
    put("q", q_BHLK), put("k", k_BHMK), put("v", v_BHMK)
    scores_BHLM = put("scores.dot", q_BHLK @ k_BHMK.mT)
    scores_BHLM = put("scores.scaled", scores_BHLM / math.sqrt(q_BHLK.shape[-1]))
    seen_LM = torch.ones(scores_BHLM.shape[-2:], dtype=torch.bool)
    if causal:
        seen_LM = seen_LM.tril()
        scores_BHLM = scores_BHLM + torch.zeros(seen_LM.shape, dtype=scores_BHLM.dtype).masked_fill(
            ~seen_LM, -math.inf
        )
    put("mask", seen_LM[None])
    pattern_BHLM = put("pattern", put("scores", scores_BHLM).softmax(-1))
    return put("z", pattern_BHLM @ v_BHMK)


class FeedForward(nn.Module):
    """W₂ · max(0, W₁x + b₁) + b₂ for each token alone, and the sum with what came in, normed
    (section 3.3).
    """

    def __init__(self, c: Config, dropout: float):
        super().__init__()
        self.pre, self.out = Projection(c.d_model, c.d_mlp), Projection(c.d_mlp, c.d_model)
        self.norm, self.dropout = Norm(c.d_model, c.norm_eps), nn.Dropout(dropout)

    def forward(self, x_BLD, put: Put):
        hidden_BLF = put("hidden", put("pre", self.pre(put("in", x_BLD))).relu())
        out_BLD = put("out", self.out(hidden_BLF))
        return self.norm(put("sum", x_BLD + self.dropout(out_BLD)), below(put, "norm"))


class Layer(nn.Module):
    """Attention, attention across where there is an encoder to look at, feed-forward."""

    def __init__(self, c: Config, side: str, dropout: float):
        super().__init__()
        self.attn, self.causal = Attention(c, dropout), side == "decoder"
        self.cross = Attention(c, dropout) if side == "decoder" and c.crosses else None
        self.mlp = FeedForward(c, dropout)

    def forward(self, x_BLD, memory_BMD, put: Put):
        x_BLD = self.attn(x_BLD, None, self.causal, below(put, "attn"))
        if self.cross is not None:
            x_BLD = self.cross(x_BLD, memory_BMD, False, below(put, "cross"))
        return put("out", self.mlp(x_BLD, below(put, "mlp")))
