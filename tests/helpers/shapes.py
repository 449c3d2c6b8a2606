"""Tiny random models of every shape that a layer can have, families aside: where its norms stand,
whether its sublayers run one after the other, and whether caps and linear biases are on its scores.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from core.config import Config, weight_shapes
from core.forward_pass import forward
from core.models.assembly import fuse

IDS_L = np.array([5, 3, 17, 5, 8, 20])
SHAPES = {
    f"{norm} {norm_at}{' parallel' if parallel else ''}": {
        "norm": norm,
        "norm_at": norm_at,
        "parallel": parallel,
        "gated": norm == "rms",
    }
    for norm, norm_at, parallel in product(
        ("layer", "rms"), ("before", "after", "around", "update"), (False, True)
    )
    if not (parallel and norm_at == "after")
}
CAPPED = {"norm": "rms", "norm_at": "around", "score_cap": 2.0, "logit_cap": 3.0, "gated": True}
SHAPES |= {
    "capped": CAPPED | {"score_scale": 0.4},
    "alibi": {"norm": "layer", "norm_at": "before", "positions": "alibi", "embed_norm": True},
    "capped alibi": CAPPED | {"positions": "alibi", "n_positions": None},
}


@cache
def shaped(shape: str) -> tuple[Config, dict[str, np.ndarray]]:
    """A decoder of that shape, no two of its axes of one size, and its weights in float64."""
    fields = {"positions": "learned", "n_positions": 9, "score_scale": 0.5} | SHAPES[shape]
    config = Config(
        family="Study",
        encoder_layers=0,
        decoder_layers=2,
        d_model=12,
        n_heads=4,
        n_kv_heads=2,
        d_head=3,
        d_mlp=17,
        n_vocab=23,
        norm_eps=1e-3,
        activation="gelu",
        final_norm=True,
        head="linear",
        **fields,
    )
    rng = np.random.default_rng(7)
    weights = {name: rng.normal(0, 0.4, size) for name, size in weight_shapes(config).items()}
    return config, fuse(config, weights, np.float64)


def shape_trace(shape: str, ids_L=IDS_L, **options):
    """The run of that model."""
    return forward(*shaped(shape), ids_L, **options)
