"""What a model writes: the next token, and the sentence an encoder–decoder model makes of another."""
from __future__ import annotations

import numpy as np

from core.errors import GlassError
from core.model import forward


def next_tokens(trace, count: int = 10, row: int = -1):
    """The most likely next tokens after one position: their ids and probabilities over the whole vocabulary."""
    probs_V = trace["head.probs"][row]
    best = np.argpartition(-probs_V, min(count, len(probs_V) - 1))[:count]
    best = best[np.argsort(-probs_V[best], kind="stable")]
    return best, probs_V[best]


def greedy_target(config, weights, ids_L, longest: int = 32) -> list[int]:
    """What the decoder writes for the encoder's ids when it always takes the likeliest token; begins with the start id.

    Plain: every step runs the model anew. It ends before the end id or after `longest` tokens.
    """
    if config.start_id is None:
        raise GlassError("This model's files do not say with which token its decoder begins; give the target yourself.")
    target = [config.start_id]
    while len(target) < min(longest, config.n_positions or longest):
        trace = forward(config, weights, ids_L, target_ids_L=target, keep="output", rows=-1)
        likeliest = int(trace["head.logits"][0].argmax())
        if likeliest == config.end_id:
            break
        target.append(likeliest)
    return target
