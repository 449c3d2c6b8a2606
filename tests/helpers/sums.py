"""What must add up in every trace: the stream at every place, and the score of every head."""

from __future__ import annotations

import numpy as np
import pytest

from core import why
from core.steps.attention import before_mask
from core.why.places import sublayers


def places(config) -> list[str]:
    """Every place of the stream that can be taken apart."""
    found = []
    for side in config.sides:
        layers = [f"{side}.{layer}.out" for layer in range(config.layers(side))]
        found += [f"{side}.embed.out", *sublayers(config, side), *layers, f"{side}.out"]
    return found


def check_sums(trace, tolerance: float) -> None:
    """At every place the sources add up to the recorded value, relative to the largest so far."""
    largest = 1.0
    for place in places(trace.config):
        found = why.sources(trace, place)
        recorded_LD = trace[found.step]
        assert found.vectors_SLD.shape == (len(found), *recorded_LD.shape), place
        assert len(set(found.names)) == len(found.names)
        largest = max(largest, abs(recorded_LD).max())
        error = abs(found.vectors_SLD.sum(axis=0) - recorded_LD).max()
        assert error <= tolerance * largest, place


def scores(trace, path: str) -> np.ndarray:
    """The scores before the mask, (H, L, M)."""
    return trace[before_mask(trace, path)]


def attentions(config) -> list[str]:
    paths = [path for side in config.sides for path in sublayers(config, side)]
    return [path for path in paths if not path.endswith(".mlp")]


def check_looks(trace, tolerance: float) -> None:
    """Of every head of every attention, one pair, and one against another."""
    for path in attentions(trace.config):
        scores_HLM = scores(trace, path)
        most = tolerance * max(1.0, float(abs(scores_HLM).max()))
        for h in range(trace.config.n_heads):
            one, against = why.look(trace, path, h, 3, 2), why.look(trace, path, h, 3, 2, rival=4)
            assert one.total == pytest.approx(scores_HLM[h, 3, 2], abs=most), path
            gap = scores_HLM[h, 3, 2] - scores_HLM[h, 3, 4]
            assert against.total == pytest.approx(gap, abs=most), path
            assert one.parts_ST.shape == (len(one.query_names), len(one.key_names))


def added_up(trace, found: why.Ends, row: int, through) -> tuple[dict[str, np.ndarray], float]:
    """The ends of the trail with every way kept, by token, and the biases at the asked token."""
    side, token = trace.config.sides[-1], int(trace.rows[row])
    sums, biases = {name: np.zeros(len(each)) for name, each in found.parts.items()}, 0.0
    for node in why.trail(trace, 7, 9, row, threshold=0, through=through).nodes[:-1]:
        of = "encoder" if ".cross.v." in node.name else node.name.split(".")[0]
        of = of if of in sums else side
        if node.ends and node.name.endswith(".bias") and (of, node.token) == (side, token):
            biases += node.part
        elif node.ends:
            sums[of][node.token] += node.part
    return sums, biases
