"""What the neurons of a feed-forward network write, and which words that makes likelier (Geva et
al. 2021, 2022).
"""

from __future__ import annotations

import numpy as np


def reach(trace, at: str):
    """How long a vector each neuron writes into the stream: |n| · ‖its row of W₂‖, (L, F)."""
    rows_FD = trace.weights[f"{at}.out.weight"]
    return np.abs(trace[f"{at}.hidden"]) * np.sqrt(np.vecdot(rows_FD, rows_FD))


def writes(trace, at: str, looks: int, neuron: int):
    """What one neuron writes into one token's vector: n · its row of W₂, (D,)."""
    return trace[f"{at}.hidden"][looks, neuron] * trace.weights[f"{at}.out.weight"][neuron]


def terms(trace, at: str, looks: int, neuron: int):
    """What each number of a token's vector gives to one neuron: x · its column of W₁, (D,)."""
    reads = f"{at}.norm.out" if trace.config.norm_first else f"{at}.in"
    return trace[reads][looks] * trace.weights[f"{at}.pre.weight"][:, neuron]


def reaches_words(config) -> bool:
    """Whether what a neuron writes stays in the stream until it is compared with the words."""
    return (
        config.head == "linear"
        and config.decoder_layers > 0
        and (config.norm_first or config.norm == "none")
    )


def promotes(trace, at: str, looks: int, neuron: int):
    """What one neuron adds to the logit of every word at one token, straight through the stream,
    the last norm's scale held as it was in this run, (V,) (Geva et al. 2022, section 3).
    """
    return trace.weights["head.logits.weight"] @ through_last_norm(
        trace, writes(trace, at, looks, neuron), looks
    )


def through_last_norm(trace, update_D, looks: int):
    """What is left of an update behind the decoder's last norm, whose scale is held."""
    config = trace.config
    if config.final_norm and config.norm != "none":
        update_D = update_D - update_D.mean() if config.norm == "layer" else update_D
        update_D = (
            update_D / trace["decoder.norm.scale"][looks] * trace.weights["decoder.norm.weight"]
        )
    return update_D * update_D.dtype.type(config.head_scale)


def alone(trace, at: str):
    """The feed-forward network of each token run once more with no other token there, (L, D): it
    has to be `out`.
    """
    from core.trace import KEEP, Run
    from core.transformer import feed_forward, normalise

    x_LD, side = trace[f"{at}.in"], at.split(".")[0]
    rows = []
    for x_D in x_LD:
        run = Run(
            trace.config,
            trace.weights,
            {side: trace.sizes(side) | {"L": 1, "M": 1}},
            {},
            KEEP["output"],
        )
        here = run.at(at)
        rows.append(
            feed_forward(
                here,
                normalise(here.below("norm"), x_D[None]) if trace.config.norm_first else x_D[None],
            )[0]
        )
    return np.stack(rows)
