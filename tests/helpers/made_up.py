"""Models that nobody trained, each with axes of Config that no tiny model of a family has together:
random weights, in float64.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from core.config import Config, Rope, weight_shapes
from core.forward_pass import forward
from core.models.assembly import absent_bias, fuse

LENGTH = 9
LONG = Rope(50.0, 4, "longrope", 3.0, 6, short=(1.0, 1.5), long=(1.2, 2.5), size=1.3)
_COMMON = {
    "family": "Made up",
    "d_model": 22,
    "d_head": 6,
    "d_mlp": 25,
    "n_vocab": 31,
    "positions": "rotary",
    "norm": "rms",
    "norm_at": "before",
    "norm_eps": 1e-3,
    "activation": "silu",
    "gated": True,
    "score_scale": 6**-0.5,
    "final_norm": True,
    "head": "linear",
    "n_positions": None,
}
MADE_UP = {
    # windows, a layer that turns nothing, a part of each head that is not turned, normed heads
    "windows": Config(
        **_COMMON,
        encoder_layers=0,
        decoder_layers=3,
        n_heads=4,
        n_kv_heads=2,
        ropes=(LONG, LONG, None),
        windows=(3, None),
        qk_norm="head",
    ),
    # a window to both sides, all heads normed together, and no norm before the first attention
    "both sides": Config(
        **_COMMON,
        encoder_layers=2,
        decoder_layers=0,
        n_heads=3,
        n_kv_heads=3,
        ropes=(Rope(9.0), None),
        windows=(2, None),
        qk_norm="all",
        first_norm=False,
    ),
    # angles that change with every token
    "growing": Config(
        **_COMMON,
        encoder_layers=0,
        decoder_layers=2,
        n_heads=4,
        n_kv_heads=2,
        ropes=(Rope(30.0, None, "dynamic", 2.5, 5),),
    ),
}


def weights_of(config: Config, seed: int = 4) -> dict[str, np.ndarray]:
    """Random weights; those of norms around 1. Norms have no bias."""
    rng, made = np.random.default_rng(seed), {}
    for name, shape in weight_shapes(config).items():
        spread, middle = (0.2, 1.0) if "norm" in name else (0.5, 0.0)
        made[name] = rng.normal(middle, spread, shape)
        if name.endswith("norm.bias"):
            made[name] = absent_bias(shape, np.float64)
    return fuse(config, made, np.float64)


@cache
def model_of(name: str) -> tuple[Config, dict[str, np.ndarray]]:
    """One of MADE_UP, and its weights."""
    return MADE_UP[name], weights_of(MADE_UP[name])


def some_ids(config: Config, count: int = LENGTH) -> list[int]:
    """Token ids at random."""
    return np.random.default_rng(3).integers(0, config.n_vocab, count).tolist()


def made_up(name: str, **options):
    """The trace of one of MADE_UP."""
    config, weights = model_of(name)
    return forward(config, weights, some_ids(config), **options)
