"""What temperature, top-k and top-p leave is what the logits processors of transformers leave."""

from __future__ import annotations

import numpy as np
import pytest

from core.ops import softmax
from core.steps.output import shared_out

CASES = [
    (percent, k, permille)
    for percent in (30, 100, 170)
    for k in (0, 1, 5, 40)
    for permille in (1, 300, 900, 1000)
]


def by_transformers(logits_V, percent: int, k: int, permille: int):
    """The probabilities in the draw, (V,), after the processors of `generate` in their order."""
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = TemperatureLogitsWarper(percent / 100)(None, torch.tensor(logits_V)[None])
    if k:
        scores = TopKLogitsWarper(k)(None, scores)
    if permille < 1000:
        scores = TopPLogitsWarper(permille / 1000)(None, scores)
    return scores.softmax(-1)[0].numpy()


@pytest.mark.parametrize("percent, k, permille", CASES)
def test_the_draw_is_that_of_transformers(percent, k, permille):
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    for seed in range(20):
        logits_V = np.random.default_rng(seed).normal(0, 2 + seed / 4, 200)
        ours_V = shared_out(softmax(logits_V * 100 / percent), k, permille)
        theirs_V = by_transformers(logits_V, percent, k, permille)
        np.testing.assert_allclose(ours_V, theirs_V, rtol=1e-9, atol=1e-15)
        assert np.count_nonzero(ours_V) == np.count_nonzero(theirs_V)
